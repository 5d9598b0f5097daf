#ifndef UDPECHO_LISTENER_SET_H
#define UDPECHO_LISTENER_SET_H

/* The listeners of a server, and which --listen, --stamp or --echo-plus each belongs to, so that a
 * reload finds again what is asked for again. Main thread, except where a function says otherwise.
 */

#include <apr_pools.h>
#include <apr_tables.h>

#include "server/log/log.h"
#include "udpecho/transport.h"

/* Where a listener is, or is to be. */
typedef struct location {
    const apr_sockaddr_t *address;
    const char *device; /* that it is bound to as well; NULL: to none */
} location_t;

/* What one --listen, --stamp or --echo-plus stands for. */
typedef struct place {
    protocol_t protocol;
    const char *text;              /* as given */
    const char *device;            /* NULL: none */
    apr_sockaddr_t *addresses;     /* to be opened; of a place that is kept, those it lacks */
    apr_array_header_t *listeners; /* of listener_t *; another place may have the same */
    apr_array_header_t *left_out;  /* of apr_sockaddr_t *, which could not be opened */
} place_t;

typedef struct listener_set {
    apr_array_header_t *places; /* of place_t; empty if the sockets were handed over */
    apr_array_header_t *all;    /* of listener_t *, each once */
    apr_pool_t *opening; /* of a listener that is open and not in the set yet; otherwise NULL */
} listener_set_t;

/* Makes it an empty set, which lives as long as `pool`. */
void listener_set_create(listener_set_t *set, apr_pool_t *pool);

/* Adds a listener to the set and to a place of it, unless it is there. It is no longer one that is
 * being opened. */
void listener_set_add(listener_set_t *set, place_t *place, listener_t *listener);

/* Non-zero if the listener is in the set. Any thread. */
int listener_set_has(const listener_set_t *set, const listener_t *listener);

/* The listener that is bound there and has its interface still; NULL if there is none, or no set.
 */
listener_t *listener_set_find(const listener_set_t *set, const location_t *location);

/* The first listener of this protocol bound there, whatever its port, that `used` does not have and
 * no place of `asked` names; NULL if there is none, or no set. */
listener_t *listener_set_find_any_port(const listener_set_t *set, const location_t *location,
                                       protocol_t protocol, const listener_set_t *used,
                                       const listener_set_t *asked);

/* The place of this protocol and text that comes after `before` others of the same; NULL if there
 * is none, or no set. */
const place_t *listener_set_place(const listener_set_t *set, protocol_t protocol, const char *text,
                                  int before);

/* How many places have this protocol and text. */
int listener_set_count(const listener_set_t *set, protocol_t protocol, const char *text);

/* What the set wants a listener of it to speak: what its places say or, for one without a place,
 * what it speaks. */
protocol_t listener_set_protocol(const listener_set_t *set, const listener_t *listener);

/* Non-zero if the set wants any listener to speak this protocol. */
int listener_set_speaks(const listener_set_t *set, protocol_t protocol);

/* Has every listener speak what the set wants, `mirrors_dscp` as --mirror-dscp says. */
void listener_set_speak(const listener_set_t *set, int mirrors_dscp);

/* Turns off the details that the protocol of each listener no longer needs, when no worker has a
 * batch from before. */
void listener_set_tell_less(const listener_set_t *set, int mirrors_dscp);

/* Non-zero if a reload can neither add to this set nor take from it. Any thread. */
int listener_set_is_fixed(const listener_set_t *set);

/* Non-zero if `other`, which may be NULL, has the listener too, and wants it to speak the same as
 * `set` does. */
int listener_set_agrees(const listener_set_t *set, const listener_set_t *other,
                        const listener_t *listener);

/* Has the service manager keep, for the next process, the sockets of the listeners of `set` that
 * are not in `known`, which may be NULL, or spoke another protocol there. It has those of a set
 * without places already. What cannot be kept is logged. */
void listener_set_store(const listener_set_t *set, const listener_set_t *known, log_t *log);

/* Has it close its copies of the sockets of the listeners of `set` that are not in `kept`, which
 * may be NULL, or speak another protocol there. */
void listener_set_forget(const listener_set_t *set, const listener_set_t *kept);

/* Closes the listeners of `set` that are not in `kept`, which may be NULL, and tells `log`, unless
 * it is NULL, of each. Closes too what was opened and not added. */
void listener_set_close(const listener_set_t *set, const listener_set_t *kept, log_t *log);

#endif
