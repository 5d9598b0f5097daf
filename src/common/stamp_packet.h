#ifndef UDPECHO_STAMP_PACKET_H
#define UDPECHO_STAMP_PACKET_H

/*
 * What a STAMP packet consists of (RFC 8762 section 4, RFC 8972 section 4), for the reflector and
 * the sender: where its fields are, and how time stamps and error estimates are written. Everything
 * is in network byte order, common/big_endian.h. Any thread.
 */

#include <apr.h>

#include "common/big_endian.h"

#define STAMP_PORT 862

/* The shortest request, one of TWAMP Light without padding (RFC 5357 section 4.1.2). */
#define STAMP_REQUEST_MIN 14

/* ---- The base packet ---- */

/* Byte offsets of the fields. All octets of the base packet that are none of these are zero. */
typedef struct stamp_layout {
    unsigned sequence;              /* 32 bits */
    unsigned timestamp;             /* 64 bits: T1 in a request, T3 in a reply */
    unsigned error_estimate;        /* 16 bits, of the side that sends the packet */
    unsigned ssid;                  /* 16 bits, the session's identifier (RFC 8972 section 3) */
    unsigned receive_timestamp;     /* 64 bits: T2, in replies, like all that follow */
    unsigned sender_sequence;       /* 32 bits, of the request */
    unsigned sender_timestamp;      /* 64 bits */
    unsigned sender_error_estimate; /* 16 bits */
    unsigned sender_ttl;            /* 8 bits, as the request arrived with it */
    unsigned hmac;                  /* STAMP_HMAC_LENGTH octets over all before it; 0: none */
    unsigned length;                /* of the base packet; TLVs or padding follow */
} stamp_layout_t;

#define STAMP_LENGTH               44
#define STAMP_AUTHENTICATED_LENGTH 112
#define STAMP_HMAC_LENGTH          16 /* HMAC-SHA-256, the first half of it */
#define STAMP_TTL_UNKNOWN          255

/* The lengths of unauthenticated and authenticated packets (RFC 8762 sections 4.2.1 and 4.2.2). */
extern const stamp_layout_t stamp_unauthenticated;
extern const stamp_layout_t stamp_authenticated;

/* ---- Time stamps ---- */

typedef enum stamp_clock {
    STAMP_CLOCK_NTP, /* seconds since 1900, then 2^-32 seconds (RFC 5905 section 6) */
    STAMP_CLOCK_PTP  /* seconds since 1970, then nanoseconds (IEEE 1588; RFC 8186) */
} stamp_clock_t;

/* A time of the wall clock, nanoseconds since 1970, as the 64 bits of a time stamp; fractions are
 * rounded down. The seconds are those of an NTP era, which ends in 2036, or those of PTP, which end
 * in 2106. Leap seconds and TAI are the caller's. */
apr_uint64_t stamp_timestamp(apr_int64_t unix_ns, stamp_clock_t clock);

/* The time of a time stamp, nanoseconds since 1970: of all times 2^32 seconds apart, the closest to
 * `near_ns`. */
apr_int64_t stamp_unix_ns(apr_uint64_t timestamp, stamp_clock_t clock, apr_int64_t near_ns);

/* How much later one time stamp is than another of the same clock, nanoseconds, up to 68 years
 * either way. */
apr_int64_t stamp_elapsed_ns(apr_uint64_t later, apr_uint64_t earlier, stamp_clock_t clock);

/* ---- Error estimates (RFC 4656 section 4.1.2, RFC 8186 section 2.1) ---- */

typedef struct stamp_error {
    int is_synchronised;  /* S: to UTC by some source */
    stamp_clock_t clock;  /* Z: of the time stamps in the same packet */
    int is_valid;         /* 0: the multiplier is 0, which no sender may write */
    apr_int64_t error_ns; /* at most; APR_INT64_MAX also stands for more */
} stamp_error_t;

/* The estimate as it is sent, rounded up; an error below 2^-32 seconds, or none, is that. */
apr_uint16_t stamp_error_encode(int is_synchronised, stamp_clock_t clock, apr_int64_t error_ns);

/* The same estimate, of time stamps of this clock. */
apr_uint16_t stamp_error_with_clock(apr_uint16_t estimate, stamp_clock_t clock);

stamp_error_t stamp_error_decode(apr_uint16_t estimate);

/* ---- TLVs (RFC 8972 section 4, RFC 9503, RFC 9534) ---- */

/* A TLV is flags, a type, the length of the value in 16 bits, and the value. */
#define STAMP_TLV_HEADER 4

enum {
    STAMP_TLV_UNRECOGNIZED =
        0x80,                   /* U: senders set it, a reflector that knows the type clears it */
    STAMP_TLV_MALFORMED = 0x40, /* M */
    STAMP_TLV_INTEGRITY = 0x20  /* I: the HMAC TLV is wrong or missing */
};

enum {
    STAMP_TLV_EXTRA_PADDING = 1,
    STAMP_TLV_LOCATION = 2,
    STAMP_TLV_TIMESTAMP_INFORMATION = 3,
    STAMP_TLV_CLASS_OF_SERVICE = 4,
    STAMP_TLV_DIRECT_MEASUREMENT = 5,
    STAMP_TLV_ACCESS_REPORT = 6,
    STAMP_TLV_FOLLOW_UP_TELEMETRY = 7,
    STAMP_TLV_HMAC = 8,
    STAMP_TLV_DESTINATION_NODE_ADDRESS = 9,
    STAMP_TLV_RETURN_PATH = 10,
    STAMP_TLV_MICRO_SESSION_ID = 11
};

/* The value of a Location TLV: two ports, then sub-TLVs with the same header. A sender asks with
 * the first of each group, and the reflector writes one of the others at the same length. */
enum {
    STAMP_LOCATION_SOURCE_MAC = 1, /* 8 octets */
    STAMP_LOCATION_SOURCE_EUI48 = 2,
    STAMP_LOCATION_SOURCE_EUI64 = 3,
    STAMP_LOCATION_DESTINATION_IP = 4, /* 16 octets */
    STAMP_LOCATION_DESTINATION_IPV4 = 5,
    STAMP_LOCATION_DESTINATION_IPV6 = 6,
    STAMP_LOCATION_SOURCE_IP = 7, /* 16 octets */
    STAMP_LOCATION_SOURCE_IPV4 = 8,
    STAMP_LOCATION_SOURCE_IPV6 = 9
};

/* The values of Timestamp Information: what synchronises a clock, and how a time stamp was
 * taken. */
enum {
    STAMP_SYNC_NTP = 1,
    STAMP_SYNC_PTP = 2,
    STAMP_SYNC_SSU_BITS = 3,
    STAMP_SYNC_GNSS = 4,
    STAMP_SYNC_FREE_RUNNING = 5
};

enum { STAMP_METHOD_HARDWARE = 1, STAMP_METHOD_SOFTWARE = 2, STAMP_METHOD_CONTROL_PLANE = 3 };

#endif
