#ifndef UDPECHO_CLIENT_SETTING_KINDS_H
#define UDPECHO_CLIENT_SETTING_KINDS_H

/* Kinds of options that udpecho alone has: a share, "1%" or "0.5%", stored as millionths; and a
 * differentiated services code point, a number or its name (RFC 2474, 2597, 3246, 5865, 8622). */

#include "common/options.h"

extern const option_kind_t option_percent, option_dscp;

/* Datagrams per second, 10000/s or 10k/s, stored as an apr_int64_t. */
extern const option_kind_t option_datagrams;

/* The limits of a check, "100ms,20%" or one of both, stored as a check_threshold_t. */
extern const option_kind_t option_threshold;

/* A list of TLVs of STAMP, as bits of their types in an apr_int64_t. */
extern const option_kind_t option_stamp_tlvs;

#endif
