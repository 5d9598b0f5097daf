#ifndef UDPECHO_DATAGRAM_H
#define UDPECHO_DATAGRAM_H

/*
 * The nouns that the cores and the platform share: a datagram, what the server's core
 * decided about it, a batch of them and what became of the replies; a request of the client's; an
 * address of this host. Plain data; any thread may read what it holds.
 */

#include <apr_network_io.h>

#include "udpecho/endpoint.h"

/* The largest UDP payloads: 65,535 less the UDP header and, in IPv4 only, the IP header, which
 * counts towards its total length (RFC 768; RFC 791 section 3.1; RFC 8200 section 3). */
#define PAYLOAD_MAX_IPV4 65507
#define PAYLOAD_MAX_IPV6 65527

/* The most datagrams that a transport lends at once. */
#define BATCH_MAX 128

/* The least room that each datagram's data has, bytes: a reply may be longer than its request
 * (RFC 8762 section 4.6). */
#define REPLY_ROOM_MIN 128

/* The bits of a traffic class that are the DSCP (RFC 2474 section 3); the others are ECN. */
#define TRAFFIC_CLASS_DSCP 0xfc

/* What a listener speaks. */
typedef enum protocol {
    PROTOCOL_ECHO,      /* RFC 862 */
    PROTOCOL_STAMP,     /* RFC 8762, and TWAMP Light of RFC 5357 appendix I */
    PROTOCOL_ECHO_PLUS, /* UDPEchoPlus of the Broadband Forum's TR-143 */
    PROTOCOLS
} protocol_t;

/* Room for the longest name of a protocol, the terminating zero included. */
#define PROTOCOL_NAME_MAX sizeof "echo-plus"

/* What a protocol is called in options, in the log, in metrics and by service managers. Static. */
static inline const char *protocol_name(protocol_t protocol)
{
    static const char *const protocol_names[PROTOCOLS] = {
        [PROTOCOL_ECHO] = "echo",
        [PROTOCOL_STAMP] = "stamp",
        [PROTOCOL_ECHO_PLUS] = "echo-plus",
    };

    return protocol_names[protocol];
}

/* What the core decided about a datagram. Every reason to drop one has its own verdict and, with
 * it, its own counter. */
typedef enum verdict {
    VERDICT_TRUNCATED,         /* part of it is lost: it was longer than --payload-max */
    VERDICT_CONTROL_TRUNCATED, /* part of what the system had to tell of it is lost */
    VERDICT_NOT_UNICAST,       /* it was sent to a broadcast or multicast address */
    VERDICT_SOURCE_INVALID,    /* its source is no single host's address */
    VERDICT_SOURCE_SELF,       /* its source is a listener of this server */
    VERDICT_SOURCE_PORT,       /* its source port is on the list of --deny-source-ports */
    VERDICT_ACCESS,            /* --allow and --deny do not let its source in */
    VERDICT_THROTTLED_PORT,    /* its source port had its few answers of this second */
    VERDICT_STAMP_LENGTH,      /* too short for a packet of STAMP */
    VERDICT_STAMP_SHORT,       /* shorter than its reply, and --stamp-short-requests refuses that */
    VERDICT_STAMP_ERROR_ESTIMATE, /* its error estimate has a multiplier of 0 */
    VERDICT_LOOP,                 /* it goes round between echo servers */
    VERDICT_REPLY_LOOP,    /* it looks like a reply, and its source had its few answers to such */
    VERDICT_RATE_LIMITED,  /* its source is above --rate-limit */
    VERDICT_MAX_RATE,      /* --max-rate is reached */
    VERDICT_MAX_BANDWIDTH, /* --max-bandwidth is reached */
    VERDICT_STAMP_KEY,     /* there is no key for its session */
    VERDICT_STAMP_HMAC,    /* its HMAC is wrong */
    VERDICT_PAST_COUNT,    /* the last echo of --count has been given already */
    VERDICT_ECHO,          /* send the same bytes back */
    VERDICT_WITHHELD,      /* its reply does not leave with its batch: --impair has dropped it, or a
                            * copy of it leaves later */
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
    int control_truncated;      /* the kernel had more to tell of it, perhaps `to` */
    int broadcast;              /* `to` is a broadcast address of one of this host's networks */
    struct service *service;    /* of the listener that it came by, which keeps it; NULL: echo */
    struct listener *listener;  /* that it came by, where listener_tell_itself() asked for it; NULL:
                                 * not told */
    apr_int64_t arrived;        /* when the kernel took it in, nanoseconds since 1970 UTC; 0: not
                                 * told */
    apr_uint32_t drops;         /* how many the kernel had dropped by then of those for the same
                                 * socket since that was opened, modulo 2^32; 0: not told */
    int hop_limit;              /* TTL or hop limit that it came with; -1: not known */
    int traffic_class;          /* DSCP and ECN (RFC 2474, RFC 3168) in one byte that it came with;
                                 * -1: not known */
    int reply_traffic_class;    /* what its reply leaves with; -1: the socket's default. Set by
                                 * echo_step() where a listener's datagrams tell theirs */
    apr_int64_t departure_id;   /* the number, of 32 bits, by which transport_departures() tells
                                 * when its reply left; -1: nobody asks. Set by echo_step() */
    verdict_t verdict;          /* set by echo_step() */
} datagram_t;

typedef struct batch {
    unsigned count;
    datagram_t *at[BATCH_MAX];
} batch_t;

/* Why the kernel did not take a reply. Named after the POSIX error that says it; on systems with
 * other names, the one that means the same. */
typedef enum send_error {
    SEND_EAGAIN,       /* the send buffer is full */
    SEND_ENOBUFS,      /* the kernel or the interface has no room (also ENOMEM) */
    SEND_EPERM,        /* a packet filter refused it (also EACCES) */
    SEND_EHOSTUNREACH, /* no way to that host */
    SEND_ENETUNREACH,  /* no way to that network (also ENETDOWN) */
    SEND_EMSGSIZE,     /* longer than the path or the send buffer takes */
    SEND_EINVAL,       /* an address that cannot be answered, port 0 for one */
    SEND_ECONNREFUSED, /* an ICMP error for an earlier datagram */
    SEND_OTHER,
    SEND_ERROR_KINDS
} send_error_t;

/* What became of replies: filled by transport_reply() and transport_finish(). */
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

/* The most sockets, each with a source port of its own, that a client sends by. */
#define FLOWS_MAX 4096

/* What identifies a datagram: its sequence number, low byte first so that short payloads still
 * carry the bits that differ, and the key of the run. */
#define REQUEST_HEAD_MAX 8

/* A datagram to send: the head and, behind it, the body. */
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
