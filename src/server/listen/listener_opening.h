#ifndef UDPECHO_LISTENER_OPENING_H
#define UDPECHO_LISTENER_OPENING_H

/* One listener at a time: finding it, opening it, opening it anew. Main thread. */

#include "server/listen/listeners.h"

/* The listener that is already open at this location: in `set`, before a reload, or inherited;
 * its protocol may have been another one. An option without a port inherits the port that the
 * previous process had for its protocol, unless another place of `asked` names that port. NULL:
 * none. */
listener_t *listener_find_open(const listener_set_t *set, const opening_t *opening,
                               const listener_set_t *asked, const location_t *location,
                               protocol_t protocol);

/* Does listener_open(), and waits until the patience ends for an IPv6 address that was just
 * configured: it cannot be bound before nobody else on its link turned out to have it. Notes in
 * `set` what is open; listener_set_add() takes it. Errors: those of listener_open(). */
apr_status_t listener_open_new(listener_t **listener, const opening_t *opening, listener_set_t *set,
                               const location_t *location, protocol_t protocol,
                               listener_error_t *error);

/* At a reload, opens a listener of `place` instead of one that has lost its network interface,
 * and logs it. If that fails, returns the old one, so that the rest of the reload can take
 * effect, and logs why. `pool` is for temporary memory. Main thread. */
listener_t *listener_reopen(listener_t *old, const place_t *place, const opening_t *opening,
                            listener_set_t *set, apr_pool_t *pool);

/* Logs that the listener has lost its network interface and stays as it is, and why, in words, and
 * what to do. */
void listener_log_lost(const opening_t *opening, const listener_t *listener, const char *error,
                       const char *hint);

#endif
