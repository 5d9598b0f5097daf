#ifndef UDPECHO_STAMP_TLV_FILL_H
#define UDPECHO_STAMP_TLV_FILL_H

/* What the reflector writes into a TLV of each type (RFC 8972 section 4, RFC 9503 section 4). */

#include "core/stamp_tlv.h"

/* A TLV or sub-TLV where it lies. */
typedef struct tlv {
    unsigned char *flags;
    unsigned type;
    unsigned char *value;
    apr_size_t length; /* of the value */
} tlv_t;

/* What is left to be read: the rest of a packet, or of the value of a TLV. */
typedef struct rest {
    unsigned char *at;
    apr_size_t length;
} rest_t;

typedef enum walk { WALK_TLV, WALK_OVERRUN, WALK_END } walk_t;

/* Takes the next one. WALK_OVERRUN: it says that it is longer than what is left, and only its
 * header can be used. */
walk_t stamp_tlv_next(rest_t *rest, tlv_t *tlv);

/* A request that is being answered. */
typedef struct stamp_tlv_answer {
    const stamp_tlv_context_t *context;
    datagram_t *datagram;
    stamp_reply_t *reply;
} stamp_tlv_answer_t;

/* Fills in a TLV, whose flags are 0. Returns 0 if it is malformed. */
typedef int stamp_tlv_fill_t(const stamp_tlv_answer_t *answer, const tlv_t *tlv);

/* The function of a type, or NULL: it is unknown. */
stamp_tlv_fill_t *stamp_tlv_fill_of(const stamp_tlv_context_t *context, unsigned type);

#endif
