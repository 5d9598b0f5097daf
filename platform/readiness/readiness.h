#ifndef UDPECHO_READINESS_H
#define UDPECHO_READINESS_H

/*
 * What the parts of the readiness transport know of each other. Internal to platform/; tests use it
 * to open a transport over any method and body.
 */

#include <apr_poll.h>

#include "readiness/turn.h"
#include "udpecho/transport.h"

/* transport_open() with the poll method chosen by the caller. APR_ENOTIMPL if this APR has no such
 * method. */
apr_status_t readiness_open(transport_t **transport, listener_t *const *listeners, unsigned count,
                            unsigned worker, apr_size_t payload_max, apr_pollset_method_e method,
                            apr_pool_t *pool);

/* What the listener was opened with. */
const platform_t *listener_platform(const listener_t *listener);

/* The sockets that a listener has for a worker, one by one from number 0 on, then NULL; the
 * listener owns them. */
apr_socket_t *listener_socket(const listener_t *listener, unsigned worker, unsigned number);

/* Non-zero if its replies may be sent as one message. Any thread. */
int listener_gathers(const listener_t *listener);

/* What its datagrams tell and replies do besides, of listener_detail_t. Any thread. */
unsigned listener_details(const listener_t *listener);

/* Among its details: its datagrams tell it. */
#define TELLS_LISTENER (DETAIL_TIMES << 1)

/* Non-zero if several workers receive from the same socket of it. */
int listener_is_shared(const listener_t *listener);

/* The kind under which a reply that failed with this errno is counted. */
send_error_t send_error_kind(int error);

/* Sets `turn` to that of the transports that wait for the same socket, NULL where there is one for
 * each. It is made when it is first asked for, and outlives the listener: transports keep it. See
 * turn.h. Errors: those of turn_create(). */
apr_status_t listener_turn(turn_t **turn, listener_t *listener);

#endif
