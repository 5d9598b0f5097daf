#ifndef UDPECHO_DATAGRAM_H
#define UDPECHO_DATAGRAM_H

/*
 * The types that the cores and the platform share: a datagram, the verdict of the server's core,
 * a batch of datagrams and the outcome of its replies; a request of the client; an address of
 * this host. Plain data; any thread may read it.
 */

#include <apr_network_io.h>

#include "udpecho/endpoint.h"

/* The largest UDP payloads: 65,535 minus the UDP header and, in IPv4 only, the IP header, which
 * counts towards the total length (RFC 768; RFC 791 section 3.1; RFC 8200 section 3). */
#define PAYLOAD_MAX_IPV4 65507
#define PAYLOAD_MAX_IPV6 65527

/* The maximum number of datagrams in a batch. */
#define BATCH_MAX 128

/* The minimum size of each datagram's buffer, bytes: a reply may be longer than its request (RFC
 * 8762 section 4.6). */
#define REPLY_ROOM_MIN 128

/* The bits of a traffic class that are the DSCP (RFC 2474 section 3); the others are ECN. */
#define TRAFFIC_CLASS_DSCP 0xfc

/* The protocol of a listener. */
typedef enum protocol {
    PROTOCOL_ECHO,      /* RFC 862 */
    PROTOCOL_STAMP,     /* RFC 8762, and TWAMP Light of RFC 5357 appendix I */
    PROTOCOL_ECHO_PLUS, /* UDPEchoPlus of the Broadband Forum's TR-143 */
    PROTOCOLS
} protocol_t;

/* Room for the longest name of a protocol, the terminating zero included. */
#define PROTOCOL_NAME_MAX sizeof "echo-plus"

/* The name of a protocol in options, in the log, in metrics and for service managers. Static. */
static inline const char *protocol_name(protocol_t protocol)
{
    static const char *const protocol_names[PROTOCOLS] = {
        [PROTOCOL_ECHO] = "echo",
        [PROTOCOL_STAMP] = "stamp",
        [PROTOCOL_ECHO_PLUS] = "echo-plus",
    };

    return protocol_names[protocol];
}

/* What the core decided about a datagram. Each reason to drop one has its own verdict and its
 * own counter. */
typedef enum verdict {
    VERDICT_TRUNCATED,            /* truncated: longer than --payload-max */
    VERDICT_CONTROL_TRUNCATED,    /* its control data was truncated */
    VERDICT_NOT_UNICAST,          /* it was sent to a broadcast or multicast address */
    VERDICT_SOURCE_INVALID,       /* its source is not the address of a single host */
    VERDICT_SOURCE_SELF,          /* its source is a listener of this server */
    VERDICT_SOURCE_PORT,          /* its source port is on the list of --deny-source-ports */
    VERDICT_ACCESS,               /* --allow and --deny do not permit its source */
    VERDICT_THROTTLED_PORT,       /* its source port had its few replies of this second */
    VERDICT_STAMP_LENGTH,         /* too short for a STAMP packet */
    VERDICT_STAMP_SHORT,          /* shorter than its reply, with --stamp-short-requests=refuse */
    VERDICT_STAMP_ERROR_ESTIMATE, /* its error estimate has a multiplier of 0 */
    VERDICT_LOOP,                 /* part of a loop between echo servers */
    VERDICT_REPLY_LOOP,    /* it looks like a reply, and its source had its few replies to such
                              datagrams */
    VERDICT_RATE_LIMITED,  /* its source is above --rate-limit */
    VERDICT_MAX_RATE,      /* --max-rate is reached */
    VERDICT_MAX_BANDWIDTH, /* --max-bandwidth is reached */
    VERDICT_STAMP_KEY,     /* there is no key for its session */
    VERDICT_STAMP_HMAC,    /* its HMAC is wrong */
    VERDICT_PAST_COUNT,    /* received after the last echo of --count */
    VERDICT_ECHO,          /* send the same bytes back */
    VERDICT_WITHHELD, /* its reply does not leave with its batch: --impair dropped it, or a copy
                         leaves later */
    DROP_KINDS = VERDICT_ECHO
} verdict_t;

typedef struct datagram {
    endpoint_t from; /* the sender: a reply goes here */
    endpoint_t to;   /* where it arrived: a reply leaves from here */
    unsigned char *data;
    apr_size_t length;          /* of data, bytes; zero is a valid datagram (RFC 768). echo_step()
                                 * makes it that of the reply */
    unsigned arrival_interface; /* index of the network interface; 0: not known */
    int truncated;              /* the kernel held more than there was room for */
    int control_truncated;      /* the kernel had more control data, perhaps `to` */
    int broadcast;              /* `to` is a broadcast address of one of this host's networks */
    struct service *service;    /* the service of the listener that received it; NULL: plain echo */
    struct listener *listener;  /* that it came by, where listener_tell_itself() asked for it; NULL:
                                 * not told */
    apr_int64_t arrived; /* when the kernel received it, nanoseconds since 1970 UTC; 0: unknown */
    apr_uint32_t drops;  /* number of datagrams that the kernel had dropped for this socket when it
                            received this one, modulo 2^32; 0: unknown */
    int hop_limit;       /* TTL or hop limit at arrival; -1: unknown */
    int traffic_class;   /* DSCP and ECN (RFC 2474, RFC 3168) in one byte at arrival; -1: unknown */
    int reply_traffic_class;  /* what its reply leaves with; -1: the socket's default. Set by
                               * echo_step() where a listener's datagrams tell theirs */
    apr_int64_t departure_id; /* the number, of 32 bits, by which transport_departures() tells
                               * when its reply left; -1: nobody asks. Set by echo_step() */
    verdict_t verdict;        /* set by echo_step() */
} datagram_t;

typedef struct batch {
    unsigned count;
    datagram_t *at[BATCH_MAX];
} batch_t;

/* Why the kernel refused a reply, by the name of the POSIX error. Systems with other names use
 * the equivalent. */
typedef enum send_error {
    SEND_EAGAIN,       /* the send buffer is full */
    SEND_ENOBUFS,      /* the kernel or the interface has no room (also ENOMEM) */
    SEND_EPERM,        /* a packet filter refused it (also EACCES) */
    SEND_EHOSTUNREACH, /* no route to the host */
    SEND_ENETUNREACH,  /* no route to the network (also ENETDOWN) */
    SEND_EMSGSIZE,     /* longer than the path or the send buffer takes */
    SEND_EINVAL,       /* an address that cannot be answered, for example port 0 */
    SEND_ECONNREFUSED, /* an ICMP error for an earlier datagram */
    SEND_OTHER,
    SEND_ERROR_KINDS
} send_error_t;

/* The outcome of replies: set by transport_reply() and transport_finish(). */
typedef struct send_outcome {
    unsigned sent;
    apr_size_t sent_bytes;
    unsigned failed[SEND_ERROR_KINDS];
} send_outcome_t;

/* When a reply left. */
typedef struct departure {
    apr_uint32_t id;  /* its departure_id */
    apr_int64_t left; /* nanoseconds since 1970 UTC */
} departure_t;

/* ---- What the client sends ---- */

/* The maximum number of sockets of a client, each with its own source port. */
#define FLOWS_MAX 4096

/* Identifies a datagram: its sequence number, low byte first so that short payloads still carry
 * the bits that differ, and the key of the run. */
#define REQUEST_HEAD_MAX 8

/* A datagram to send: the head, followed by the body. */
typedef struct request {
    apr_uint64_t sequence; /* from 0 */
    unsigned flow;
    apr_size_t length; /* of head and body together, bytes */
    apr_size_t head_length;
    unsigned char head[REQUEST_HEAD_MAX];
    const unsigned char *body; /* lives as long as the probe */
} request_t;

/* ---- The host ---- */

/* An address of this host. */
typedef struct host_address {
    endpoint_t address;         /* port 0; with its scope if it is link-local (RFC 4007) */
    struct in_addr broadcast;   /* that of its network; INADDR_ANY: it has none, as in IPv6 */
    unsigned network_interface; /* the index of its network interface */
} host_address_t;

#endif
