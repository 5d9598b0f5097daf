#ifndef UDPECHO_KEYS_H
#define UDPECHO_KEYS_H

/* What the user's keys do while several peers are asked: 'q' asks for the end, the others are for
 * the reports that take keys. Main thread. */

#include "client/output/report.h"
#include "udpecho/host.h"

typedef struct keys keys_t;

/* Begins to listen, if a report takes keys and standard input is a terminal; a program goes on
 * without if that fails. `reports` is an array of report_t *. After host_start(). Lives as long as
 * `pool`. */
keys_t *keys_start(const apr_array_header_t *reports, host_t *host, apr_pool_t *pool);

/* Gives the terminal back: before the process can end. May be called again. NULL: does nothing. */
void keys_stop(keys_t *keys);

#endif
