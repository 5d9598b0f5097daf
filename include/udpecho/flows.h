#ifndef UDPECHO_FLOWS_H
#define UDPECHO_FLOWS_H

/*
 * The client's access to the network: UDP sockets, called flows, each with its own source port
 * and peer. They are not connected, because a kernel hides from a connected socket what arrives
 * from another address (connect(2)), and the user must see that. One wait covers all flows, and
 * all receive into the same buffers. One thread, except for flows_wake().
 */

#include <apr_network_io.h>
#include <apr_pools.h>
#include <apr_time.h>

#include "udpecho/datagram.h"
#include "udpecho/platform.h"

typedef struct flows_options {
    const platform_t *platform;   /* the features of this system; must outlive the flows */
    unsigned count;               /* of flows that flows_open() opens, 0 to FLOWS_MAX */
    const apr_sockaddr_t *source; /* the source address; NULL: the system chooses. With a port, flow
                                     n uses that port plus n; without one, the system chooses */
    apr_size_t payload_max;       /* longer replies are truncated */
    int dscp;                     /* 0 to 63; -1: the system's default (RFC 2474) */
    int hop_limit;                /* TTL or hop limit, 1 to 255; 0: the system's default */
    int dont_fragment;            /* neither here nor, in IPv4, by routers: DF (RFC 791); and what
                                   * this host believes of the path's MTU is not asked. 0: here and
                                   * by routers */
    int broadcast;                /* a peer may be a broadcast or multicast address */
    int gathers; /* several datagrams may pass the network stack as one message where the system
                    can: less work, but datagrams that arrive together have the same time of arrival
                  */
    apr_int32_t buffer; /* bytes to ask for, each way; 0: the system's default */
    const char *device; /* that flows_open() has its flows send and receive by; NULL: by any */
    int traffic_class;  /* arrivals tell theirs, where the system can */
} flows_options_t;

typedef struct flows_error {
    const char *step; /* what failed: "bind", "set the DSCP"; static */
    unsigned flow;    /* on which */
    int is_excluded;  /* bind failed because the system reserves the port without a socket:
                         LISTENER_EXCLUDED */
} flows_error_t;

/*
 * What arrived: a reply, or an error from the network that a datagram was refused. Linux reports
 * such errors in full (ip(7), IP_RECVERR), Windows only that one occurred, and macOS and the
 * BSDs not at all to sockets that are not connected.
 */
typedef struct arrival {
    unsigned flow;
    endpoint_t from;     /* the sender; of a refusal, who refused: a router, or the peer */
    unsigned char *data; /* of a refusal: the beginning of the datagram refused, as far as known */
    apr_size_t length;
    unsigned truncated : 1; /* the kernel held more than payload_max bytes */
    apr_time_t at; /* when the kernel received it, in the time of clock_now(); if the system does
                      not tell, when it was received here */
    apr_int64_t stamp; /* the same by the kernel's clock, nanoseconds since 1970 UTC; 0: unknown */
    int hop_limit;     /* TTL or hop limit at arrival, -1: unknown */
    int traffic_class; /* the byte of DSCP and ECN at arrival (RFC 2474, RFC 3168); -1: unknown */
    apr_size_t fragment; /* of a reply that arrived in fragments: the size of the largest, IP header
                            included, bytes; 0: not fragmented, or unknown */
    apr_status_t refused; /* APR_SUCCESS: a reply. Otherwise the error: ECONNREFUSED, EHOSTUNREACH,
                             EMSGSIZE, ETIMEDOUT for a hop limit that expired (RFC 792, RFC 4443
                             section 3.3), EACCES for administratively prohibited (RFC 1812
                             section 5.2.7.1, RFC 4443 section 3.1), or another of <errno.h> */
    apr_size_t mtu; /* of a refusal as too big: the MTU that the network reports; otherwise 0 */
} arrival_t;

/* The maximum number of arrivals that one call returns. More can be received at once, because a
 * message may hold several datagrams (udp(7), UDP_GRO): the next calls of flows_receive() return
 * the others. */
#define ARRIVALS_MAX BATCH_MAX

typedef struct arrivals {
    unsigned count;
    arrival_t *at[ARRIVALS_MAX];
} arrivals_t;

typedef struct flows flows_t;

/*
 * Opens flows number 0 to `options->count` - 1 to `peer`, which may be NULL if there are none, and
 * raises the limit on descriptors for them as far as it may (host_raise_descriptors()). The flows
 * live as long as `pool`. `error` says what failed, and then nothing stays open. Main thread.
 * Errors: those of flows_add().
 */
apr_status_t flows_open(flows_t **flows, const apr_sockaddr_t *peer, const flows_options_t *options,
                        flows_error_t *error, apr_pool_t *pool);

/*
 * Opens one more flow, to `peer`, with the options that all have. It sends from `source`, whose
 * port 0 is the system's choice; NULL: the address is the system's choice too. It sends and
 * receives by the interface `device` only; NULL: by any. IPv4 and IPv6 peers may be mixed. `flow`
 * becomes its number, the lowest that is free. `error` says what failed, and then all is as before.
 *
 * Errors: those of socket(2), such as EMFILE, of bind(2) and of setsockopt(2); APR_ENOSPC if there
 * are FLOWS_MAX flows; APR_ENOTIMPL for an option that this system does not have: nothing that was
 * asked for is silently left out.
 */
apr_status_t flows_add(flows_t *flows, const apr_sockaddr_t *peer, const apr_sockaddr_t *source,
                       const char *device, unsigned *flow, flows_error_t *error);

/* Closes a flow and frees its number. Datagrams that it received and that were not returned yet
 * are discarded; returned ones stay valid until the next flows_receive(). No datagram is
 * returned under its number afterwards, and a flow that gets the number again does not receive
 * what was sent to this one. */
void flows_remove(flows_t *flows, unsigned flow);

/* The source port of flow `flow`, in host byte order. */
apr_port_t flows_port(const flows_t *flows, unsigned flow);

/* The largest payload that the buffers of all flows opened so far can send and receive, bytes.
 * macOS and the BSDs neither send nor keep a datagram that is larger than a buffer, so it is
 * less than PAYLOAD_MAX_IPV6 if they granted less than was requested; other systems take at
 * least one datagram of any size. */
apr_size_t flows_payload_max(const flows_t *flows);

/* Changes what the option dont_fragment said, for what is sent from now on, also by flows that are
 * added later. Errors: those of setsockopt(2), APR_ENOTIMPL as in flows_add(). */
apr_status_t flows_keep_whole(flows_t *flows, int dont_fragment);

/* Non-zero if the arrivals tell whether replies came in fragments (ip(7), IP_RECVFRAGSIZE). */
int flows_tell_fragments(const flows_t *flows);

/*
 * Sends the first of `count` requests as one message, together with the following ones that can
 * be part of it, and returns how many left. 0: none, and `failure` says why: APR_EAGAIN if the
 * send buffer is full, otherwise the error of send(2); EMSGSIZE of <errno.h> is the same on all
 * systems. An error from the network for an earlier datagram is not reported as such a failure,
 * except that a datagram is too long, which cannot be distinguished. Never waits.
 */
unsigned flows_send(flows_t *flows, const request_t *requests, unsigned count,
                    apr_status_t *failure);

/*
 * Waits up to `timeout` microseconds (-1: without limit, 0: not at all), then lends what arrived,
 * until the next call. APR_SUCCESS: one arrival or more. APR_TIMEUP: none; it may come early, and
 * does by up to a millisecond where the system waits in whole ones, rather than send late what is
 * due. APR_EINTR: flows_wake() was called. Otherwise: it failed, and calling again may work.
 */
apr_status_t flows_receive(flows_t *flows, arrivals_t *arrivals, apr_interval_time_t timeout);

/* Non-zero if a call may fail so, whatever it was to do, because the network refused a datagram of
 * the same socket: all that is left of it where the system has no memory to tell more. */
int flows_is_refusal(apr_status_t failure);

/* Ends the current wait, or the next. Any thread. */
void flows_wake(flows_t *flows);

#endif
