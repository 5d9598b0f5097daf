#ifndef UDPECHO_INHERITED_H
#define UDPECHO_INHERITED_H

/* Listeners of the sockets that this process was handed at its start. */

#include "server/listen/listeners.h"

/*
 * Makes listeners of them all. Those of the sockets that the service manager opened come into
 * `activated`. Those of the process before this one come into `kept`, which lives in `pool`: from
 * the service manager, if it has a store for them, and, if there are none of the former, from the
 * process that serves still, where the settings ask to take over from it.
 * On error one line in the log says what is wrong, and the exit code is returned; then `kept` has
 * what is open still. Main thread, once.
 */
exit_code_t inherited_open(listener_set_t *activated, listener_set_t *kept,
                           const opening_t *opening, apr_pool_t *pool);

#endif
