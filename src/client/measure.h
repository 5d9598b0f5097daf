#ifndef UDPECHO_MEASURE_H
#define UDPECHO_MEASURE_H

/* One run of the client: everything that the settings ask for, from the first socket to the last
 * line. */

#include "client/verdict.h"

/*
 * Measures until it is done or the user stops it, and passes events to the reports, an array of
 * report_t *. `destination` is the only target, NULL if there may be several. Errors during the
 * run are written to `errors`, which was started. Returns the exit code; `error` is set to the
 * error, or to the reason why an answered run ends with CLIENT_UNANSWERED, as a sentence;
 * otherwise to NULL. If `is_held_up` is set, a thread is still busy, and the process must end
 * without apr_terminate(). Main thread; once.
 */
client_exit_t measure(const client_settings_t *settings, const destination_t *destination,
                      apr_array_header_t *reports, output_t *errors, int *is_held_up,
                      const char **error, apr_pool_t *pool);

#endif
