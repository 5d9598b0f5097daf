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

/* How the workers really share it. */
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

/* The most datagrams that are lent at once where a listener has DETAIL_TIMES, so that their replies
 * leave soon after one another. */
#define TIMED_BATCH_MAX 16

/* What a listener's datagrams tell besides, and its replies leave with. A system may lack some of
 * it: see FEATURE_ARRIVAL_TIME and those behind it. */
typedef enum listener_detail {
    /* `traffic_class` of each datagram is told, and its `reply_traffic_class` done. */
    DETAIL_TRAFFIC_CLASS = 1,
    /* The same, with `hop_limit`, `drops`, and `arrived`, which is read from the clock when
     * datagrams are received if the kernel does not tell. Replies leave with a TTL or hop limit of
     * 255. At most TIMED_BATCH_MAX datagrams are lent at once, and none goes through the network
     * stack together with another, whatever `offload` says: each has its own time, and room for a
     * longer reply. When replies with a `departure_id` left is told by transport_departures(). */
    DETAIL_TIMES = 2
} listener_detail_t;

typedef struct listener_options {
    const platform_t *platform; /* what there is to use; must outlive the listener */
    port_reuse_t reuse;
    unsigned workers;           /* how many transports will be opened on it, 1 or more */
    apr_int32_t receive_buffer; /* bytes to ask the kernel for; 0: the system's default */
    apr_int32_t send_buffer;    /* bytes, as for receive_buffer */
    int offload; /* several datagrams may go through the network stack as one: UDP_SEGMENT and
                  * UDP_GRO of udp(7), UDP_SEND_MSG_SIZE and UDP_RECV_MAX_COALESCED_SIZE of Windows
                  * (IPPROTO_UDP socket options), where the platform has them */
    struct service *service; /* that its datagrams are for; NULL: plain echo */
    const char *device;      /* to be bound to as well: only what comes by this network interface
                              * is received, and replies leave by it. NULL: by any */
    unsigned details;        /* of listener_detail_t; 0: none, and nothing is paid for them */
} listener_options_t;

/* What a listener turned out to be. */
typedef struct listener_info {
    endpoint_t local;    /* the address as the kernel has it, the real port included */
    int is_only_address; /* it is what the kernel binds where every address is asked for: this
                          * process may have no other, as in a jail of FreeBSD that has one */
    char device[INTERFACE_NAME_MAX]; /* that it is bound to as well; empty: to none */
    port_sharing_t sharing;
    sharing_reason_t reason;    /* for `sharing` */
    apr_int32_t receive_buffer; /* as the kernel reports them, bytes */
    apr_int32_t send_buffer;
} listener_info_t;

/* Why a listener could not be opened, as far as it matters to the operator. */
typedef enum listener_failure {
    LISTENER_IN_USE,      /* another socket has this address and port */
    LISTENER_EXCLUDED,    /* no socket has the port, and the system keeps it from programs */
    LISTENER_NOT_LOCAL,   /* the address is none of this host's */
    LISTENER_OVERLAPS,    /* a listener of this process is in the way: IN_USE to listener_open() */
    LISTENER_PROTOCOL,    /* a listener of this process speaks another protocol there */
    LISTENER_NOT_READY,   /* it is, and not usable: for what listener_open() calls NOT_LOCAL */
    LISTENER_INTERFACE,   /* this host has no such network interface, or binds no socket to one */
    LISTENER_NOT_UNICAST, /* it is a broadcast or multicast address, which cannot answer */
    LISTENER_NOT_PERMITTED,           /* the port needs a privilege that this process has not */
    LISTENER_INTERFACE_NOT_PERMITTED, /* binding to a network interface does */
    LISTENER_INTERFACE_GONE,          /* it was bound to one that is no more */
    LISTENER_NO_FAMILY,               /* this host has no IPv6, or no IPv4 */
    LISTENER_NO_WILDCARD,   /* this system cannot serve a wildcard; each address of its own works */
    LISTENER_NOT_UDP,       /* what was handed over is no bound UDP socket */
    LISTENER_BOTH_FAMILIES, /* it takes IPv4 datagrams as IPv6 ones */
    LISTENER_SYSTEM         /* anything else */
} listener_failure_t;

/* What an error of a call about an address means: bind(2), connect(2). Any thread. */
listener_failure_t listener_failure_of(apr_status_t status);

typedef struct listener_error {
    listener_failure_t failure;
    const char *step; /* what failed: "bind", "set IPV6_V6ONLY"; static */
} listener_error_t;

typedef struct listener listener_t;

/* The most listeners of one process. */
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
 * Makes a listener of UDP sockets, an array of apr_os_sock_t, that somebody else bound to one
 * address, and perhaps keeps: datagrams that came before this process did are received, and those
 * that come after it wait for its successor. They are never bound again; `options` say what buffers
 * to ask for, and how listeners are opened beside it. Options by which they report more of each
 * datagram than is asked for here are switched off. Each worker has its share of them, or, of too
 * few, one that others have too.
 *
 * An IPv6 wildcard must not take IPv4 datagrams too: their senders would look like IPv6 addresses
 * to everything that tells one address from another.
 *
 * They belong to the listener from here on. `pool` is as for listener_open(). Main thread.
 * Errors: those of getsockopt(2), getsockname(2) and setsockopt(2); for LISTENER_NOT_UDP and
 * LISTENER_BOTH_FAMILIES, where `error->step` says what it is instead, an errno that does too;
 * ENODEV for LISTENER_INTERFACE_GONE; as for listener_open() where such an address cannot be
 * served; APR_ENOTIMPL on Windows.
 */
apr_status_t listener_adopt(listener_t **listener, const apr_array_header_t *sockets,
                            const listener_options_t *options, listener_error_t *error,
                            apr_pool_t *pool);

/* What the listener turned out to be. Lives as long as the listener. Any thread. */
const listener_info_t *listener_describe(const listener_t *listener);

/* The service that its datagrams are for; NULL: plain echo. Any thread. */
struct service *listener_service(const listener_t *listener);

/* Has datagrams be for another service, or for none, from the next receive on. What it points to is
 * kept. Main thread. */
void listener_set_service(listener_t *listener, struct service *service);

/* The pool that the listener lives in. */
apr_pool_t *listener_pool(const listener_t *listener);

/* 0 if the network interface that the listener is bound to, or on Linux that of its link-local
 * address, is gone or has another name now: no datagram comes by it any more, also when there is an
 * interface of the same name again, and only a new listener helps. Else non-zero. Any thread, also
 * after sandbox_enter(). */
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

/* Has the datagrams that are received from now on tell their listener, or no longer, so that their
 * replies can leave later by transport_send(). It is not told at first, and costs nothing then.
 * Main thread. */
void listener_tell_itself(listener_t *listener, int tells);

/* How many datagrams the kernel dropped before they could be received since the listener was
 * opened, for want of room or because of a wrong checksum; 0 where it does not tell, without
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

/* Has `failed` be called with `context` for each reply that fails, beside its kind in the outcome:
 * while transport_receive(), transport_reply() or transport_finish() of this transport runs that
 * learns of it, which may be another one than was given the reply. Not of those that are told of as
 * failed before the system has said so, nor of those by a listener that was closed meanwhile, whose
 * service may be gone. Main thread, before the first receive. */
void transport_on_failure(transport_t *transport, reply_failed_t *failed, void *context);

/*
 * Receives from these `count` listeners from now on, 0 to LISTENERS_MAX, and from no others. Those
 * that it had before keep their sockets and all that waits there. The thread that receives, before
 * the first receive or when the last one has lent nothing: APR_EINTR is the occasion.
 * Errors: those of apr_pollset_add() or of CreateIoCompletionPort(), and then some of them are not
 * received from.
 */
apr_status_t transport_listen(transport_t *transport, listener_t *const *listeners, unsigned count);

/* How it waits, for the log: "epoll". Static. Any thread. */
const char *transport_backend(const transport_t *transport);

/*
 * Waits up to `timeout` microseconds (-1: without limit, 0: not at all, save for replies under way
 * that keep it from receiving, and for a second at most), then lends one datagram or more. They
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
 * Sends every datagram whose verdict is VERDICT_ECHO back to its sender, from the address that it
 * came to (RFC 1123 section 4.1.3.5), takes the whole batch back and tells what became of replies
 * since it last told. Where the system says at once whether it sends them, these are the replies to
 * this batch. Where it says so later, they are earlier ones, of other transports on the same
 * listeners too; of each reply one transport tells once. The batch may be empty. A reply that fails
 * never costs another its own. Never waits.
 */
void transport_reply(transport_t *transport, batch_t *batch, send_outcome_t *outcome);

/*
 * Sends datagrams that are not lent, copies of such, as transport_reply() does, all by this
 * listener, which the transport must listen to. They stay the caller's. Tells what became of each
 * of them. The thread that receives, while nothing is lent. Never waits: what the send buffer has
 * no room for has failed.
 */
void transport_send(transport_t *transport, const listener_t *listener, const batch_t *batch,
                    send_outcome_t *outcome);

/* The most departures that are told at once. */
#define DEPARTURES_MAX TIMED_BATCH_MAX

/*
 * Tells when replies with a `departure_id` left, as far as the last receive learnt it, and each
 * only once: when the kernel gave them to the network interface's driver, by its wall clock (Linux,
 * Documentation/networking/timestamping.rst, SOF_TIMESTAMPING_TX_SOFTWARE). It is not told of every
 * reply: of none without FEATURE_DEPARTURE_TIME, nor where the driver does not say. A receive may
 * end early for it. Returns how many there are at `*departures`, which stay valid until the next
 * receive. The thread that receives.
 */
unsigned transport_departures(const transport_t *transport, const departure_t **departures);

/*
 * Waits up to `timeout` microseconds, 0 or more, until the system has said of each reply that this
 * transport was given what became of it, and tells like transport_reply(). One that it has not said
 * so of by then is told of as failed, SEND_EAGAIN. The thread that receives, while nothing is lent:
 * before it ends, since some systems take back what a thread that ends has not sent yet.
 */
void transport_finish(transport_t *transport, apr_interval_time_t timeout, send_outcome_t *outcome);

/* Ends the current wait of this transport, or its next. Any thread. */
void transport_wake(transport_t *transport);

#endif
