#ifndef UDPECHO_LISTENER_OPENING_H
#define UDPECHO_LISTENER_OPENING_H

/* One listener at a time: finding it, opening it, opening it anew. Main thread. */

#include "server/listen/listeners.h"

/* What is open already at this location: in `set`, before a reload, or inherited; what is spoken
 * there now may be another protocol. An option without a port of its own inherits whichever the
 * process before this one had for its protocol, but for those that another place of `asked` names.
 * NULL if there is none. */
listener_t *listener_find_open(const listener_set_t *set, const opening_t *opening,
                               const listener_set_t *asked, const location_t *location,
                               protocol_t protocol);

/* Does listener_open(), and waits until the patience ends for an IPv6 address that was just
 * configured: it cannot be bound before nobody else on its link turned out to have it. Notes in
 * `set` what is open; listener_set_add() takes it. Errors: those of listener_open(). */
apr_status_t listener_open_new(listener_t **listener, const opening_t *opening, listener_set_t *set,
                               const location_t *location, protocol_t protocol,
                               listener_error_t *error);

/* Opens, at a reload, a listener of `place` instead of one that has lost its network interface, and
 * logs it. Where that fails, returns the old one, so that the rest of the
 * reload can come into force, and the log says why. `pool` is for what it needs meanwhile. */
listener_t *listener_open_anew(listener_t *old, const place_t *place, const opening_t *opening,
                               listener_set_t *set, apr_pool_t *pool);

/* Logs that the listener has lost its network interface and stays as it is, and why, in words, and
 * what to do. */
void listener_log_lost(const opening_t *opening, const listener_t *listener, const char *error,
                       const char *hint);

#endif
