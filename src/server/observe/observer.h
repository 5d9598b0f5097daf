#ifndef UDPECHO_OBSERVER_H
#define UDPECHO_OBSERVER_H

/* The thread that tells the service's status, apart from the workers, who never wait
 * for it. Main thread. */

#include <apr_pools.h>

#include "common/exit_codes.h"
#include "server/gate.h"
#include "server/log/log.h"
#include "server/observe/status.h"
#include "server/settings.h"

typedef struct observer observer_t;

/* Opens the control socket and the HTTP addresses of `settings`, if any, which requires the
 * privileges that the process has at its start. Uses those of `inherited`, an array of
 * apr_os_sock_t, that have a configured address, and closes the others. If it cannot, one log
 * line says why, and the exit code is returned. */
exit_code_t observer_open(observer_t **observer, const settings_t *settings,
                          apr_array_header_t *inherited, status_source_t *source, log_t *log,
                          apr_pool_t *pool);

/* The sockets that it takes connections by, as apr_os_sock_t, from `pool`. */
apr_array_header_t *observer_sockets(const observer_t *observer, apr_pool_t *pool);

/* How many threads observer_start() starts: none where there is nothing to ask by. */
unsigned observer_threads(const observer_t *observer);

/* Starts the thread, which begins once it has passed the gate. Errors: those of
 * apr_thread_create(). */
apr_status_t observer_start(observer_t *observer, gate_t *gate);

/* Ends the thread, if it is there, and waits until it has ended, which is after the gate was opened
 * or abandoned. Its sockets stay open until the end of its pool. */
void observer_stop(observer_t *observer);

#endif
