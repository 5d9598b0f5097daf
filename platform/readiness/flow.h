#ifndef UDPECHO_FLOW_H
#define UDPECHO_FLOW_H

/* What flows are made of: the socket of each, and what all of them share. Internal to
 * platform/; flows.c is the same on all systems, these are not. */

#include <apr_poll.h>
#include <apr_portable.h>

#include "udpecho/flows.h"

/*
 * A non-blocking UDP socket with all of `options`, not bound yet. It also requests the further
 * data of arrivals, as far as the system can; `tells_fragments` is cleared if the socket does
 * not report fragments. Lives as long as `pool`. Errors: see flows_open(); `step` then says what
 * failed.
 */
apr_status_t flow_socket_create(apr_socket_t **socket, int family, const flows_options_t *options,
                                int *tells_fragments, const char **step, apr_pool_t *pool);

/* Binds it; the socket keeps a pointer to the address. Errors: those of bind(2). */
apr_status_t flow_socket_bind(apr_socket_t *socket, apr_sockaddr_t *address);

/* Non-zero if that failed because the system keeps the port from all programs. Any thread. */
int flow_port_is_excluded(apr_status_t status, apr_port_t port, apr_pool_t *pool);

/* flows_keep_whole() for one socket. */
apr_status_t flow_socket_keep_whole(apr_os_sock_t socket, int family, int dont_fragment);

/* flows_payload_max() for one socket. */
apr_size_t flow_socket_payload_max(apr_os_sock_t socket);

/* How to wait for such sockets. */
apr_pollset_method_e flow_poll_method(const platform_t *platform);

/* What is sent: room for a message, of any flow. */
typedef struct flow_requests flow_requests_t;

/* From `pool`. */
flow_requests_t *flow_requests_create(const flows_options_t *options, apr_pool_t *pool);

/* Has all that the socket of a flow, which is bound, sends to `peer` carry the code point asked
 * for, where that is no option of the socket. It holds until `pool` is destroyed, which must be
 * before the socket is closed. Errors: see flows_open(); `step` then says what failed. */
apr_status_t flow_requests_mark(flow_requests_t *requests, apr_os_sock_t socket,
                                const endpoint_t *peer, const char **step, apr_pool_t *pool);

/* Sends the first of `count` datagrams to `peer` by the socket of its flow, with as many of the
 * others of that flow as leave together with it. Returns how many left, or 0 and `failure`: see
 * flows_send(). */
unsigned flow_requests_send(flow_requests_t *requests, apr_os_sock_t socket, const endpoint_t *peer,
                            const request_t *datagrams, unsigned count, apr_status_t *failure);

/* What arrives: room for a batch of messages, of any flows. */
typedef struct flow_messages flow_messages_t;

/* From `pool`. */
flow_messages_t *flow_messages_create(const flows_options_t *options, apr_pool_t *pool);

/* Takes back the room of all that was received. */
void flow_messages_take_back(flow_messages_t *messages);

/* Non-zero if no room is left. */
int flow_messages_are_full(const flow_messages_t *messages);

/* Receives what the socket of flow `flow` has, as far as there is room, by one call if the system
 * can. Nothing is a success too. Errors: those of recvmsg(2). Not while they are full. */
apr_status_t flow_messages_receive(flow_messages_t *messages, apr_os_sock_t socket, unsigned flow);

/* The same for what the network refused, where that is apart from the replies. */
void flow_messages_receive_refusals(flow_messages_t *messages, apr_os_sock_t socket, unsigned flow);

/* Discards what was received of flow `flow` and was not returned yet. What was returned stays
 * valid. */
void flow_messages_forget(flow_messages_t *messages, unsigned flow);

/* Non-zero if everything received was returned or discarded. */
int flow_messages_are_lent(const flow_messages_t *messages);

/* Returns datagrams that were received and not returned yet, as many as `arrivals` has room for:
 * a message may hold more than that. They are valid until the next call or until they are taken
 * back. */
void flow_messages_lend(flow_messages_t *messages, arrivals_t *arrivals);

#endif
