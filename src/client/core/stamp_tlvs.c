#include "client/core/stamp_tlvs.h"

#include <assert.h>
#include <string.h>

#define FLAGS  0
#define TYPE   1
#define LENGTH 2
#define VALUE  STAMP_TLV_HEADER

/* Location: two ports, and two sub-TLVs of an address each. */
#define PORTS         4
#define ADDRESS       16
#define LOCATION_TLVS (2 * (STAMP_TLV_HEADER + ADDRESS))

typedef struct kind {
    unsigned type;
    apr_size_t length; /* of the value as it is asked for */
} kind_t;

/* In the order in which they are sent. */
static const kind_t kinds[] = {
    {STAMP_TLV_LOCATION, PORTS + LOCATION_TLVS},
    {STAMP_TLV_TIMESTAMP_INFORMATION, 4},
    {STAMP_TLV_CLASS_OF_SERVICE, 4},
    {STAMP_TLV_DIRECT_MEASUREMENT, 12},
    {STAMP_TLV_FOLLOW_UP_TELEMETRY, 16},
    {STAMP_TLV_HMAC, 16},
};

#define KINDS (sizeof kinds / sizeof kinds[0])

/* ---- Writing ---- */

apr_size_t stamp_tlvs_length(unsigned tlvs)
{
    apr_size_t length = 0;

    for (unsigned i = 0; i < KINDS; i++) {
        if (tlvs & 1U << kinds[i].type) {
            length += VALUE + kinds[i].length;
        }
    }
    return length;
}

/* A sender sets U, which a reflector that understands the TLV clears. Returns the value. */
static unsigned char *write_header(unsigned char *tlv, unsigned type, apr_size_t length)
{
    tlv[FLAGS] = STAMP_TLV_UNRECOGNIZED;
    tlv[TYPE] = (unsigned char)type;
    big_endian_put_16(tlv + LENGTH, (apr_uint16_t)length);
    return tlv + VALUE;
}

static void write_location(unsigned char *value)
{
    unsigned char *first = value + PORTS;

    write_header(first, STAMP_LOCATION_DESTINATION_IP, ADDRESS);
    write_header(first + VALUE + ADDRESS, STAMP_LOCATION_SOURCE_IP, ADDRESS);
}

unsigned char *stamp_tlvs_write(unsigned char *data, apr_size_t length, unsigned tlvs, int dscp)
{
    unsigned char *direct = NULL;
    unsigned char *end = data + length;

    for (unsigned i = 0; i < KINDS; i++) {
        if ((tlvs & 1U << kinds[i].type) == 0) {
            continue;
        }
        unsigned char *value = write_header(data, kinds[i].type, kinds[i].length);

        if (kinds[i].type == STAMP_TLV_LOCATION) {
            write_location(value);
        } else if (kinds[i].type == STAMP_TLV_CLASS_OF_SERVICE) {
            value[0] = (unsigned char)(dscp << 2);
        } else if (kinds[i].type == STAMP_TLV_DIRECT_MEASUREMENT) {
            direct = value;
        }
        data = value + kinds[i].length;
    }
    if (data < end) {
        write_header(data, STAMP_TLV_EXTRA_PADDING, (apr_size_t)(end - data) - VALUE);
    }
    return direct;
}

/* ---- Reading ---- */

/* The address of a sub-TLV, with the port that the TLV has. */
static endpoint_t read_ipv4(const unsigned char *value, apr_port_t port)
{
    endpoint_t endpoint = {.length = sizeof endpoint.sa.v4};

    endpoint.sa.v4.sin_family = AF_INET;
    endpoint.sa.v4.sin_port = htons(port);
    memcpy(&endpoint.sa.v4.sin_addr, value, 4);
    return endpoint;
}

static endpoint_t read_ipv6(const unsigned char *value, apr_port_t port)
{
    endpoint_t endpoint = {.length = sizeof endpoint.sa.v6};

    endpoint.sa.v6.sin6_family = AF_INET6;
    endpoint.sa.v6.sin6_port = htons(port);
    memcpy(&endpoint.sa.v6.sin6_addr, value, ADDRESS);
    return endpoint;
}

/* The flags of a sub-TLV that the reflector did not fill in are still set. */
static void read_location(stamp_tlvs_t *tlvs, const unsigned char *value, apr_size_t length)
{
    const unsigned char *end = value + length;
    const unsigned char *tlv = value + PORTS;

    tlvs->destination_port = big_endian_16(value);
    tlvs->source_port = big_endian_16(value + 2);
    while (end - tlv >= VALUE + ADDRESS) {
        apr_size_t part = big_endian_16(tlv + LENGTH);

        if (tlv[FLAGS] == 0 && tlv[TYPE] == STAMP_LOCATION_SOURCE_IPV4) {
            tlvs->source = read_ipv4(tlv + VALUE, tlvs->source_port);
        } else if (tlv[FLAGS] == 0 && tlv[TYPE] == STAMP_LOCATION_SOURCE_IPV6) {
            tlvs->source = read_ipv6(tlv + VALUE, tlvs->source_port);
        }
        if (part > (apr_size_t)(end - tlv) - VALUE) {
            return;
        }
        tlv += VALUE + part;
    }
}

/* DSCP1 (6 bits), DSCP2 (6), ECN (2), RP (2). */
static void read_class(stamp_tlvs_t *tlvs, const unsigned char *value)
{
    unsigned bits = big_endian_16(value);

    tlvs->traffic_class = (int)(bits >> 2 & 0xff);
    tlvs->is_dscp_refused = (bits & 3) != 0;
}

static void read_value(stamp_tlvs_t *tlvs, unsigned type, const unsigned char *value,
                       apr_size_t length, stamp_clock_t clock, apr_int64_t near_ns)
{
    switch (type) {
    case STAMP_TLV_LOCATION:
        read_location(tlvs, value, length);
        break;
    case STAMP_TLV_TIMESTAMP_INFORMATION:
        tlvs->source_in = value[0];
        tlvs->method_in = value[1];
        tlvs->source_out = value[2];
        tlvs->method_out = value[3];
        break;
    case STAMP_TLV_CLASS_OF_SERVICE:
        read_class(tlvs, value);
        break;
    case STAMP_TLV_DIRECT_MEASUREMENT:
        tlvs->has_counts = 1;
        tlvs->requests_there = big_endian_32(value + 4);
        tlvs->replies_there = big_endian_32(value + 8);
        break;
    case STAMP_TLV_HMAC:
        break;
    default: /* Follow-Up Telemetry; all zero where the reflector has nothing to tell */
        tlvs->has_follow_up = big_endian_64(value + 4) != 0;
        tlvs->follow_up_number = big_endian_32(value);
        tlvs->follow_up = stamp_unix_ns(big_endian_64(value + 4), clock, near_ns);
        break;
    }
}

/* Types above 31 are none that are asked for. */
static unsigned bit_of(unsigned type)
{
    return type < 32 ? 1U << type : 0;
}

static void read_tlv(stamp_tlvs_t *tlvs, const unsigned char *tlv, apr_size_t length,
                     stamp_clock_t clock, apr_int64_t near_ns)
{
    unsigned flags = tlv[FLAGS], type = tlv[TYPE];

    tlvs->returned |= bit_of(type);
    tlvs->unrecognised |= flags & STAMP_TLV_UNRECOGNIZED ? bit_of(type) : 0;
    tlvs->malformed |= flags & STAMP_TLV_MALFORMED ? bit_of(type) : 0;
    tlvs->is_untrusted |= (flags & STAMP_TLV_INTEGRITY) != 0;
    for (unsigned i = 0; i < KINDS && flags == 0; i++) {
        if (kinds[i].type == type && kinds[i].length == length) {
            read_value(tlvs, type, tlv + VALUE, length, clock, near_ns);
        }
    }
}

void stamp_tlvs_read(stamp_tlvs_t *tlvs, const unsigned char *data, apr_size_t length,
                     stamp_clock_t clock, apr_int64_t near_ns)
{
    const unsigned char *first = data, *end = data + length;

    *tlvs = (stamp_tlvs_t){.traffic_class = -1};
    while (end - data >= VALUE) {
        apr_size_t part = big_endian_16(data + LENGTH);

        if (part > (apr_size_t)(end - data) - VALUE) {
            return;
        }
        if (data[TYPE] == STAMP_TLV_HMAC && part == STAMP_HMAC_LENGTH) {
            tlvs->has_hmac = 1;
            tlvs->hmac_at = (apr_size_t)(data - first);
        } else if (data[TYPE] != STAMP_TLV_EXTRA_PADDING) {
            tlvs->has_hmac = 0; /* one before this does not cover it */
        }
        read_tlv(tlvs, data, part, clock, near_ns);
        data += VALUE + part;
    }
}
