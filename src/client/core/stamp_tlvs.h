#ifndef UDPECHO_STAMP_TLVS_H
#define UDPECHO_STAMP_TLVS_H

/* The TLVs of STAMP (RFC 8972 section 4) as a Session-Sender writes and reads them. Plain data. */

#include "common/stamp_packet.h"
#include "udpecho/endpoint.h"

/* The contents of the TLVs of a reply, except those that the reflector did not understand. */
typedef struct stamp_tlvs {
    unsigned returned;     /* which types came back, as bits */
    unsigned unrecognised; /* of these, which the reflector does not know, or nobody looked at */
    unsigned malformed;    /* which it calls malformed */
    int is_untrusted;      /* their HMAC was wrong, the reflector says */
    apr_port_t source_port, destination_port; /* Location: as the request had them there; 0: not
                                               * told */
    endpoint_t source;   /* where it came from, seen from there; length 0: not told */
    int traffic_class;   /* Class of Service: the octet that the request came with; -1: not told */
    int is_dscp_refused; /* the reply has another DSCP than was asked for */
    unsigned source_in, method_in, source_out, method_out; /* Timestamp Information: of t2 and t3;
                                                            * 0: not told */
    int has_hmac;       /* there is an HMAC TLV behind all except padding ... */
    apr_size_t hmac_at; /* ... so many bytes behind the beginning of all TLVs */
    int has_counts;     /* Direct Measurement: */
    apr_uint32_t requests_there, replies_there; /* with this one */
    int has_follow_up;                          /* Follow-Up Telemetry: */
    apr_uint32_t follow_up_number;              /* the reply before this one ... */
    apr_int64_t follow_up;                      /* ... left at this time, nanoseconds since 1970 */
} stamp_tlvs_t;

/* How long all that are in the set `tlvs` of types are, bytes. */
apr_size_t stamp_tlvs_length(unsigned tlvs);

/* Writes them, and into the rest of `length` bytes at `data`, which are zero, Extra Padding.
 * Returns where the value of Direct Measurement is; NULL: it is none of them. */
unsigned char *stamp_tlvs_write(unsigned char *data, apr_size_t length, unsigned tlvs, int dscp);

/* Reads `length` bytes at `data`, whose time stamps are near `near_ns` and of the peer's format. */
void stamp_tlvs_read(stamp_tlvs_t *tlvs, const unsigned char *data, apr_size_t length,
                     stamp_clock_t clock, apr_int64_t near_ns);

#endif
