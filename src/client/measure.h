#ifndef UDPECHO_MEASURE_H
#define UDPECHO_MEASURE_H

/* One run of the client: everything that the settings ask for, from the first socket to the last
 * line. */

#include "client/verdict.h"

/*
 * Measures, until it is done or the user stops it, and tells the reports, an array of
 * report_t *. `destination` is where the only target is, NULL if there may be several. What goes
 * wrong meanwhile is written to `errors`, which was started. Returns how to end; `error` is set to
 * what went wrong, or why an answered run ends with CLIENT_UNANSWERED, as a sentence; else to NULL.
 * If `is_held_up` is set, a thread is busy still, and the process must end without apr_terminate().
 * Main thread; once.
 */
client_exit_t measure(const client_settings_t *settings, const destination_t *destination,
                      apr_array_header_t *reports, output_t *errors, int *is_held_up,
                      const char **error, apr_pool_t *pool);

#endif
