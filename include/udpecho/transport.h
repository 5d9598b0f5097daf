#ifndef UDPECHO_TRANSPORT_H
#define UDPECHO_TRANSPORT_H

/*
 * The platform contract. A listener is one bound UDP address; a transport is one worker's way
 * through all of them. A transport lends a batch of datagrams and takes it back: completion is the
 * shape, and systems that report readiness fill the batch when it is asked for.
 *
 * Every function that can fail returns an APR status. What UDP may lose is counted instead.
 */

#include <apr_network_io.h>
#include <apr_pools.h>
#include <apr_portable.h>
#include <apr_tables.h>
#include <apr_time.h>

#include "udpecho/datagram.h"
#include "udpecho/platform.h"

/* Who may share a listener's port. */
typedef enum port_reuse {
    PORT_REUSE_WORKERS,   /* the workers of this process, each by its own socket */
    PORT_REUSE_PROCESSES, /* those, and other processes that ask for the same */
    PORT_REUSE_OFF        /* nobody: all workers use one socket */
} port_reuse_t;

/* How the workers actually share it. */
typedef enum port_sharing {
    SHARING_SOCKET_PER_WORKER, /* the kernel spreads flows over the workers' sockets */
    SHARING_ONE_SOCKET,        /* all workers receive from the same socket */
    SHARING_COMPLETION_PORT    /* all workers take what one socket received from one port */
} port_sharing_t;

/* Why they share it so. */
typedef enum sharing_reason {
    SHARING_BY_SYSTEM,    /* the system has what it takes, and the listener uses it */
    SHARING_ONE_WORKER,   /* there is one worker, so nothing is shared */
    SHARING_OFF,          /* PORT_REUSE_OFF was asked for */
    SHARING_ADOPTED,      /* another process opened the socket */
    SHARING_NOT_BY_SYSTEM /* FEATURE_PORT_SHARING is missing */
} sharing_reason_t;

/* The maximum batch of a listener with DETAIL_TIMES, so that its replies leave soon after one
 * another. */
#define TIMED_BATCH_MAX 16

/* Further data of a listener's datagrams, and with what its replies leave. A system may lack
 * some of it: see FEATURE_ARRIVAL_TIME and the features after it. */
typedef enum listener_detail {
    /* `traffic_class` of each datagram is set, and its `reply_traffic_class` is used. */
    DETAIL_TRAFFIC_CLASS = 1,
    /* The same, and `hop_limit`, `drops` and `arrived`, which is read from the clock at the
     * receive if the kernel does not tell. Replies leave with a TTL or hop limit of 255. A batch
     * has at most TIMED_BATCH_MAX datagrams, and none passes the network stack together with
     * another, whatever `offload` says: each has its own time, and room for a longer reply.
     * transport_departures() tells when replies with a `departure_id` left. */
    DETAIL_TIMES = 2
} listener_detail_t;

typedef struct listener_options {
    const platform_t *platform; /* the features of this system; must outlive the listener */
    port_reuse_t reuse;
    unsigned workers;           /* how many transports will be opened on it, 1 or more */
    apr_int32_t receive_buffer; /* bytes to ask the kernel for; 0: the system's default */
    apr_int32_t send_buffer;    /* bytes, as for receive_buffer */
    int offload; /* several datagrams may go through the network stack as one: UDP_SEGMENT and
                  * UDP_GRO of udp(7), UDP_SEND_MSG_SIZE and UDP_RECV_MAX_COALESCED_SIZE of Windows
                  * (IPPROTO_UDP socket options), where the platform has them */
    struct service *service; /* that its datagrams are for; NULL: plain echo */
    const char *device; /* also bind to this network interface: only datagrams that arrive on it are
                           received, and replies leave by it. NULL: any */
    unsigned details;   /* of listener_detail_t; 0: none, at no cost */
} listener_options_t;

/* The properties of an open listener. */
typedef struct listener_info {
    endpoint_t local;    /* the address as the kernel reports it, with the real port */
    int is_only_address; /* the kernel binds this one instead of the wildcard: this process may use
                            no other, as in a FreeBSD jail with one address */
    char device[INTERFACE_NAME_MAX]; /* the interface that it is also bound to; empty: none */
    port_sharing_t sharing;
    sharing_reason_t reason;    /* for `sharing` */
    apr_int32_t receive_buffer; /* as the kernel reports them, bytes */
    apr_int32_t send_buffer;
} listener_info_t;

/* Why a listener could not be opened, for the operator. */
typedef enum listener_failure {
    LISTENER_IN_USE,    /* another socket has this address and port */
    LISTENER_EXCLUDED,  /* no socket has the port, and the system reserves it */
    LISTENER_NOT_LOCAL, /* the address is none of this host's */
    LISTENER_OVERLAPS, /* it conflicts with a listener of this process: IN_USE to listener_open() */
    LISTENER_PROTOCOL, /* a listener of this process uses another protocol there */
    LISTENER_NOT_READY, /* the host has the address but cannot use it: NOT_LOCAL to listener_open()
                         */
    LISTENER_INTERFACE, /* this host has no such network interface, or binds no socket to one */
    LISTENER_NOT_UNICAST,   /* it is a broadcast or multicast address, which cannot answer */
    LISTENER_NOT_PERMITTED, /* the port needs a privilege that this process has not */
    LISTENER_INTERFACE_NOT_PERMITTED, /* binding to a network interface does */
    LISTENER_INTERFACE_GONE,          /* its network interface no longer exists */
    LISTENER_NO_FAMILY,               /* this host has no IPv6, or no IPv4 */
    LISTENER_NO_WILDCARD,   /* this system cannot serve a wildcard; each single address works */
    LISTENER_NOT_UDP,       /* the socket that was passed is not a bound UDP socket */
    LISTENER_BOTH_FAMILIES, /* it receives IPv4 datagrams as IPv6 */
    LISTENER_SYSTEM         /* anything else */
} listener_failure_t;

/* The meaning of an error of a call about an address: bind(2), connect(2). Any thread. */
listener_failure_t listener_failure_of(apr_status_t status);

typedef struct listener_error {
    listener_failure_t failure;
    const char *step; /* what failed: "bind", "set IPV6_V6ONLY"; static */
} listener_error_t;

typedef struct listener listener_t;

/* The maximum number of listeners of one process. */
#define LISTENERS_MAX 256

/*
 * Binds a UDP address. Sets IPV6_V6ONLY, never SO_REUSEADDR: for UDP it would let a second socket
 * take over the port in silence (socket(7), ip(7)). Where a socket per worker is asked for and the
 * platform has no FEATURE_PORT_SHARING, one socket serves all; listener_describe() tells.
 *
 * address  where to bind; port 0 lets the kernel choose. Not kept.
 * error    filled only on error
 *
 * `pool` is for this listener alone, and its parent outlives all transports. The listener and its
 * sockets live as long as `pool`, which listener_close() may destroy; on error the caller destroys
 * it, which closes what had been opened. Main thread. Errors: those of
 * socket(2), bind(2) and setsockopt(2); APR_EMISMATCH if the kernel bound another address than the
 * one asked for, except one of its own for a wildcard; APR_EINVAL for a broadcast or multicast
 * address; for LISTENER_INTERFACE ENODEV or, on systems that bind no socket to an interface,
 * APR_ENOTIMPL; APR_ENOTIMPL for a wildcard where the platform does not tell the arrival address of
 * datagrams, or lets an IPv6 wildcard take IPv4 datagrams too.
 */
apr_status_t listener_open(listener_t **listener, const apr_sockaddr_t *address,
                           const listener_options_t *options, listener_error_t *error,
                           apr_pool_t *pool);

/*
 * Makes a listener of UDP sockets, an array of apr_os_sock_t, that another process bound to one
 * address and may keep: datagrams that arrived before this process started are received, and
 * those that arrive after its end wait for its successor. They are not bound again; `options`
 * say which buffers to request and how further listeners are opened. Socket options that report
 * more of each datagram than requested here are turned off. Each worker has its share of the
 * sockets or, if there are too few, one that it shares.
 *
 * An IPv6 wildcard must not receive IPv4 datagrams: their senders would look like IPv6 addresses
 * to all code that compares addresses.
 *
 * The sockets belong to the listener from here on. `pool` is as for listener_open(). Main
 * thread. Errors: those of getsockopt(2), getsockname(2) and setsockopt(2); for LISTENER_NOT_UDP
 * and LISTENER_BOTH_FAMILIES, where `error->step` says what it is instead, a matching errno;
 * ENODEV for LISTENER_INTERFACE_GONE; as for listener_open() if such an address cannot be
 * served; APR_ENOTIMPL on Windows.
 */
apr_status_t listener_adopt(listener_t **listener, const apr_array_header_t *sockets,
                            const listener_options_t *options, listener_error_t *error,
                            apr_pool_t *pool);

/* The properties of the listener. Valid as long as the listener. Any thread. */
const listener_info_t *listener_describe(const listener_t *listener);

/* The service that its datagrams are for; NULL: plain echo. Any thread. */
struct service *listener_service(const listener_t *listener);

/* Sets the service of its datagrams, or none, from the next receive on. The pointer is kept.
 * Main thread. */
void listener_set_service(listener_t *listener, struct service *service);

/* The pool that the listener lives in. */
apr_pool_t *listener_pool(const listener_t *listener);

/* 0 if the network interface that the listener is bound to, or on Linux that of its link-local
 * address, no longer exists or has another name: no datagram arrives any more, even if an
 * interface of the same name is added again, and only a new listener helps. Otherwise non-zero.
 * Any thread, also after sandbox_enter(). */
int listener_has_interface(const listener_t *listener);

/* Its sockets, an array of apr_os_sock_t from `pool`; they stay the listener's. Main thread. */
apr_array_header_t *listener_sockets(const listener_t *listener, apr_pool_t *pool);

/* Has the first `workers` workers share all its sockets, so that no datagram waits where nobody
 * receives. Returns non-zero if some have other sockets now: each transport then has to listen to
 * nothing, and after that to its listeners again. Main thread, while no transport is in use. */
int listener_share(listener_t *listener, unsigned workers);

/* Changes what the option `offload` said, for the replies from now on. Sockets that were opened
 * with it go on to receive datagrams that the kernel put together: those that wait would be taken
 * for single ones. Main thread. */
void listener_set_offload(listener_t *listener, int offload);

/* Changes what the option `details` said, for the datagrams and replies from now on. What the
 * kernel has put together and waits when DETAIL_TIMES comes is taken for one datagram; the TTL of
 * replies stays when it goes. For a service that needs them it comes before
 * listener_set_service(), and goes after it, when no transport has a batch from before that. In the
 * sandbox it takes what listener_open() does.
 * Main thread. */
void listener_set_details(listener_t *listener, unsigned details);

/* Sets `listener` of the datagrams that are received from now on, or no longer, so that their
 * replies can leave later by transport_send(). Initially it is not set and costs nothing. Main
 * thread. */
void listener_tell_itself(listener_t *listener, int tells);

/* The number of datagrams that the kernel dropped before they could be received since the
 * listener was opened, because a buffer was full or a checksum was wrong; 0 without
 * FEATURE_DROP_COUNTER. One thread at a time; at least once in 2^32 drops. */
apr_uint64_t listener_drops(listener_t *listener);

/* Closes its sockets; what waits in them is lost. No transport may have it any more. Main thread.
 */
void listener_close(listener_t *listener);

typedef struct transport transport_t;

/*
 * Opens the way of worker number `worker` (from 0) through `count` listeners, 1 to LISTENERS_MAX,
 * which must outlive it or be taken from it by transport_listen(). Datagrams of up to `payload_max`
 * bytes are received whole, longer ones truncated. All memory is taken here, from `pool`; nothing
 * is allocated later. A transport belongs to the thread that receives from it. Errors: those of
 * apr_pollset_create_ex() or of the system's equivalent.
 */
apr_status_t transport_open(transport_t **transport, listener_t *const *listeners, unsigned count,
                            unsigned worker, apr_size_t payload_max, apr_pool_t *pool);

/* A reply that failed, as it was given; for the call only. */
typedef void reply_failed_t(void *context, const datagram_t *reply);

/* Calls `failed` with `context` for each reply that fails, in addition to the outcome, during
 * the transport_receive(), transport_reply() or transport_finish() of this transport that learns
 * of it; another transport may have sent the reply. It is not called for replies that count as
 * failed before the system has reported, nor for those of a listener that was closed in the
 * meantime, whose service may be gone. Main thread, before the first receive. */
void transport_on_failure(transport_t *transport, reply_failed_t *failed, void *context);

/*
 * Receives only from these `count` listeners from now on, 0 to LISTENERS_MAX. Others keep their
 * sockets and the datagrams that wait there. The thread that receives, before the first receive
 * or after one that returned no datagram, such as APR_EINTR. Errors: those of apr_pollset_add()
 * or of CreateIoCompletionPort(); some of the listeners are then not received from.
 */
apr_status_t transport_listen(transport_t *transport, listener_t *const *listeners, unsigned count);

/* How it waits, for the log: "epoll". Static. Any thread. */
const char *transport_backend(const transport_t *transport);

/*
 * Waits up to `timeout` microseconds (-1: without limit, 0: not at all, except for replies under
 * way that keep it from receiving, and for a second at most), then lends one datagram or more. They
 * stay valid until the batch goes to transport_reply(), which must be called before the next
 * receive. `batch` is empty unless APR_SUCCESS is returned.
 *
 * APR_SUCCESS  datagrams are in the batch
 * APR_TIMEUP   none came. With a timeout of 0, none is waiting on any listener. With another it may
 *              come early, for one because of replies that have left meanwhile: have
 *              transport_reply() tell of them, and ask again.
 * APR_EINTR    transport_wake() was called, and for no other reason
 * APR_EAGAIN   a socket is said to be readable again and again and nothing can be received from it
 * else         the receive call failed (recvmsg(2)); calling again may work
 */
apr_status_t transport_receive(transport_t *transport, batch_t *batch, apr_interval_time_t timeout);

/*
 * Sends each datagram whose verdict is VERDICT_ECHO back to its sender, from its destination
 * address (RFC 1123 section 4.1.3.5), takes the whole batch back and returns the outcome of
 * replies since the last call. If the system reports at once whether it sends a reply, these are
 * the replies of this batch. If it reports later, they are earlier ones, possibly of other
 * transports on the same listeners; one transport reports each reply once. The batch may be
 * empty. A failed reply does not affect others. Never waits.
 */
void transport_reply(transport_t *transport, batch_t *batch, send_outcome_t *outcome);

/*
 * Sends copies of datagrams like transport_reply(), all by this listener, which the transport
 * must listen to. They remain the caller's. Returns the outcome of each. The thread that
 * receives, while it has no batch. Never waits: a reply that does not fit into the send buffer
 * has failed.
 */
void transport_send(transport_t *transport, const listener_t *listener, const batch_t *batch,
                    send_outcome_t *outcome);

/* The most departures that are told at once. */
#define DEPARTURES_MAX TIMED_BATCH_MAX

/*
 * Tells when replies with a `departure_id` left, as far as the last receive learnt it, each only
 * once: when the kernel passed them to the driver of the network interface, by its wall clock
 * (Linux, Documentation/networking/timestamping.rst, SOF_TIMESTAMPING_TX_SOFTWARE). Not every
 * reply has one: none without FEATURE_DEPARTURE_TIME, nor if the driver does not report it. A
 * receive may end early for it. Returns the number of entries at `*departures`, which stay valid
 * until the next receive. The thread that receives.
 */
unsigned transport_departures(const transport_t *transport, const departure_t **departures);

/*
 * Waits up to `timeout` microseconds, 0 or more, until the system has reported the outcome of
 * each reply of this transport, and returns it like transport_reply(). A reply without a report
 * counts as failed, SEND_EAGAIN. The thread that receives, while it has no batch: before it
 * ends, because some systems cancel what a thread has not sent when it ends.
 */
void transport_finish(transport_t *transport, apr_interval_time_t timeout, send_outcome_t *outcome);

/* Ends the current wait of this transport, or its next. Any thread. */
void transport_wake(transport_t *transport);

#endif
