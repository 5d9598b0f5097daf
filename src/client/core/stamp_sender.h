#ifndef UDPECHO_STAMP_SENDER_H
#define UDPECHO_STAMP_SENDER_H

/*
 * The requests of a STAMP Session-Sender and what their replies tell (RFC 8762, RFC 8972), which a
 * TWAMP Light reflector answers as well (RFC 5357 appendix I). Reflectors are taken as they are:
 * replies may be shorter or longer than requests, without the fields at the end, or without TLVs.
 */

#include "client/core/session_sender.h"
#include "common/authentication.h"
#include "common/stamp_packet.h"

/* The shortest reply that tells which request it is to, and when that came and it left. */
#define STAMP_REPLY_MIN 36

/* The bit of a type of TLV in a set of them. */
#define STAMP_TLV_BIT(type) (1U << (type))

typedef struct stamp_options {
    apr_uint16_t ssid;         /* the session's identifier; 0: none */
    stamp_clock_t clock;       /* the format of this host's time stamps */
    apr_int64_t ptp_offset_ns; /* how far those of PTP, of either host, are ahead of UTC */
    unsigned tlvs; /* which to ask by, a set of them: Location, Timestamp Information, Class of
                    * Service, Direct Measurement, Follow-Up Telemetry */
    const authentication_key_t *key; /* of authenticated mode; NULL: the other one */
    int dscp;                        /* that the reply is to have, with Class of Service */
    apr_size_t length;               /* of a request, bytes: see stamp_request_fits() */
} stamp_options_t;

/* How long a request without padding is, bytes. Authenticated TLVs have one more, the HMAC TLV. */
apr_size_t stamp_request_length(unsigned tlvs, int is_authenticated);

/* Non-zero if such a request can be of this length: in unauthenticated mode without TLVs, from
 * STAMP_REQUEST_MIN on, as TWAMP Light's are; otherwise no shorter than stamp_request_length().
 * What is longer has an Extra Padding TLV, which itself takes 4 bytes. */
int stamp_request_fits(unsigned tlvs, int is_authenticated, apr_size_t length);

/* The protocol with such requests. From `pool`. */
session_format_t stamp_format(const stamp_options_t *options, apr_pool_t *pool);

#endif
