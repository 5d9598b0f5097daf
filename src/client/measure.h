#ifndef UDPECHO_MEASURE_H
#define UDPECHO_MEASURE_H

/* One run of the client: everything that the settings ask for, from the first socket to the last
 * line. */

#include "client/client_settings.h"
#include "client/destination.h"

/* How udpecho ends: as ping(8) does. */
typedef enum client_exit {
    CLIENT_ANSWERED = 0,
    CLIENT_UNANSWERED = 1, /* or worse than --max-loss or --max-rtt */
    CLIENT_ERROR = 2
} client_exit_t;

/*
 * Measures, until it is done or the user stops it, and tells the reports, an array of
 * report_t *. Returns how to end; `error` is set to what went wrong, or why an answered run ends
 * with CLIENT_UNANSWERED, as a sentence; else to NULL. Main thread; once.
 */
client_exit_t measure(const client_settings_t *settings, const destination_t *destination,
                      apr_array_header_t *reports, const char **error, apr_pool_t *pool);

#endif
