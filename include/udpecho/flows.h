#ifndef UDPECHO_FLOWS_H
#define UDPECHO_FLOWS_H

/*
 * The client's way to the network: a number of UDP sockets, the flows, each with a source port and
 * a peer of its own. They are not connected, because a kernel keeps from a connected socket what
 * comes from another address than the one that was asked (connect(2)), and that is what a user must
 * see. All flows are waited for together and receive into the same buffers. One thread, but for
 * flows_wake().
 */

#include <apr_network_io.h>
#include <apr_pools.h>
#include <apr_time.h>

#include "udpecho/datagram.h"
#include "udpecho/platform.h"

typedef struct flows_options {
    const platform_t *platform;   /* what there is to use; must outlive the flows */
    unsigned count;               /* of flows that flows_open() opens, 0 to FLOWS_MAX */
    const apr_sockaddr_t *source; /* that these send from; NULL: the system's choice. With a port,
                                   * flow n has the port n above it; without one, the system's
                                   * choice */
    apr_size_t payload_max;       /* longer replies are truncated */
    int dscp;                     /* 0 to 63; -1: the system's default (RFC 2474) */
    int hop_limit;                /* TTL or hop limit, 1 to 255; 0: the system's default */
    int dont_fragment;            /* neither here nor, in IPv4, by routers: DF (RFC 791); and what
                                   * this host believes of the path's MTU is not asked. 0: here and
                                   * by routers */
    int broadcast;                /* a peer may be a broadcast or multicast address */
    int gathers;        /* what is sent together may leave, and what arrives together come, as one
                         * message where the system can: less work, and of all the same time of arrival */
    apr_int32_t buffer; /* bytes to ask for, each way; 0: the system's default */
    const char *device; /* that flows_open() has its flows send and receive by; NULL: by any */
    int traffic_class;  /* arrivals tell theirs, where the system can */
} flows_options_t;

typedef struct flows_error {
    const char *step; /* what failed: "bind", "set the DSCP"; static */
    unsigned flow;    /* on which */
    int is_excluded;  /* to bind failed since the system keeps a port from programs that no socket
                       * has: LISTENER_EXCLUDED */
} flows_error_t;

/*
 * Something that arrived: a reply, or word from the network that a datagram was refused. Of that,
 * Linux tells all (ip(7), IP_RECVERR), Windows only that it happened, and macOS and the BSDs tell
 * sockets that are not connected nothing.
 */
typedef struct arrival {
    unsigned flow;
    endpoint_t from;     /* the sender; of a refusal, who refused: a router, or the peer */
    unsigned char *data; /* of a refusal: the beginning of the datagram refused, as far as known */
    apr_size_t length;
    unsigned truncated : 1; /* the kernel held more than payload_max bytes */
    apr_time_t at;          /* when the kernel took it in, in the time of clock_now(); where the
                             * system does not tell, when it was received here */
    apr_int64_t stamp;      /* the same as the kernel's clock had it, nanoseconds since 1970 UTC;
                             * 0: the system does not tell */
    int hop_limit;          /* that it arrived with, -1: not known */
    int traffic_class;      /* the octet of DSCP and ECN that it arrived with (RFC 2474, RFC 3168);
                             * -1: not asked for, or not known */
    apr_size_t fragment;    /* of a reply that came in fragments: the largest of these, IP header
                             * included, bytes; 0: it came whole, or that is not known */
    apr_status_t refused;   /* APR_SUCCESS: a reply. Else why: ECONNREFUSED, EHOSTUNREACH, EMSGSIZE,
                             * ETIMEDOUT for a hop limit that ran out (RFC 792, RFC 4443 section
                             * 3.3), EACCES for what is administratively prohibited (RFC 1812
                             * section 5.2.7.1, RFC 4443 section 3.1), or another of <errno.h> */
    apr_size_t mtu;         /* of a refusal as too big: the MTU that the network says; else 0 */
} arrival_t;

/* How many arrivals are lent at once. More than that can be received at once, since a message may
 * be several datagrams (udp(7), UDP_GRO): the next calls of flows_receive() lend them. */
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

/* Closes a flow and frees its number. What it received and is not lent yet is discarded; what is
 * lent stays until the next flows_receive(). Nothing of it is lent under its number afterwards, nor
 * does a flow that gets the number again receive what was sent to the one before. */
void flows_remove(flows_t *flows, unsigned flow);

/* The source port of flow `flow`, in host byte order. */
apr_port_t flows_port(const flows_t *flows, unsigned flow);

/* The largest payload that the buffers of all flows opened so far let out and in, bytes. macOS and
 * the BSDs send and keep no datagram that is larger than a buffer, so that it is less than
 * PAYLOAD_MAX_IPV6 where they granted less than was asked for; others take at least one datagram of
 * any size. */
apr_size_t flows_payload_max(const flows_t *flows);

/* Changes what the option dont_fragment said, for what is sent from now on, also by flows that are
 * added later. Errors: those of setsockopt(2), APR_ENOTIMPL as in flows_add(). */
apr_status_t flows_keep_whole(flows_t *flows, int dont_fragment);

/* Non-zero if the arrivals tell whether replies came in fragments (ip(7), IP_RECVFRAGSIZE). */
int flows_tell_fragments(const flows_t *flows);

/*
 * Sends the first of `count` requests as one message, with those behind it that can leave in the
 * same one, and returns how many left. 0: none, and `failure` says why: APR_EAGAIN if there is no
 * room for it now, else what send(2) said of it; EMSGSIZE of <errno.h> is the same everywhere. What
 * the network refused is never taken for such a failure, but one that is too long may be: of what
 * the network says of other datagrams it cannot be told apart. Never waits.
 */
unsigned flows_send(flows_t *flows, const request_t *requests, unsigned count,
                    apr_status_t *failure);

/*
 * Waits up to `timeout` microseconds (-1: without limit, 0: not at all), then lends what arrived,
 * until the next call. APR_SUCCESS: one arrival or more. APR_TIMEUP: none; it may come early, and
 * does by up to a millisecond where the system waits in whole ones, rather than send late what is
 * due. APR_EINTR: flows_wake() was called. Else: it failed, and calling again may work.
 */
apr_status_t flows_receive(flows_t *flows, arrivals_t *arrivals, apr_interval_time_t timeout);

/* Non-zero if a call may fail so, whatever it was to do, because the network refused a datagram of
 * the same socket: all that is left of it where the system has no memory to tell more. */
int flows_is_refusal(apr_status_t failure);

/* Ends the current wait, or the next. Any thread. */
void flows_wake(flows_t *flows);

#endif
