#include "client/core/stamp_sender.h"

#include <assert.h>

#include "client/core/stamp_tlvs.h"

typedef struct stamp {
    stamp_options_t options;
    const stamp_layout_t *layout;
    unsigned char *packet;
    unsigned char *direct; /* the value of Direct Measurement; NULL: there is none */
    apr_int64_t begun;     /* when the first request left; of no meaning before */
    int has_begun;
} stamp_t;

/* ---- Requests ---- */

static const stamp_layout_t *layout_of(int is_authenticated)
{
    return is_authenticated ? &stamp_authenticated : &stamp_unauthenticated;
}

/* The HMAC TLV is required with other TLVs in authenticated mode (RFC 8972 section 4.8). */
static unsigned with_hmac(unsigned tlvs, int is_authenticated)
{
    return is_authenticated && tlvs != 0 ? tlvs | STAMP_TLV_BIT(STAMP_TLV_HMAC) : tlvs;
}

apr_size_t stamp_request_length(unsigned tlvs, int is_authenticated)
{
    return layout_of(is_authenticated)->length +
           stamp_tlvs_length(with_hmac(tlvs, is_authenticated));
}

int stamp_request_fits(unsigned tlvs, int is_authenticated, apr_size_t length)
{
    apr_size_t plain = stamp_request_length(tlvs, is_authenticated);

    if (length < plain) {
        return tlvs == 0 && !is_authenticated && length >= STAMP_REQUEST_MIN;
    }
    return length == plain || length >= plain + STAMP_TLV_HEADER;
}

/* Over the base packet; and over the sequence number and all TLVs in front of the HMAC TLV. */
static void authenticate(const stamp_t *stamp)
{
    const stamp_layout_t *layout = stamp->layout;
    unsigned char *tlvs = stamp->packet + layout->length;
    const authentication_part_t base = {stamp->packet, layout->hmac};
    const authentication_part_t parts[] = {
        {stamp->packet + layout->sequence, 4},
        {tlvs, stamp_tlvs_length(stamp->options.tlvs)},
    };

    authentication_code(stamp->options.key, &base, 1, stamp->packet + layout->hmac);
    if (stamp->options.tlvs != 0) {
        authentication_code(stamp->options.key, parts, 2,
                            tlvs + parts[1].length + STAMP_TLV_HEADER);
    }
}

/* How far time stamps of this format are ahead of UTC. */
static apr_int64_t ahead_of_utc(const stamp_t *stamp, stamp_clock_t clock)
{
    return clock == STAMP_CLOCK_PTP ? stamp->options.ptp_offset_ns : 0;
}

static apr_uint64_t own_timestamp(const stamp_t *stamp, apr_int64_t time)
{
    stamp_clock_t clock = stamp->options.clock;

    return stamp_timestamp(time + ahead_of_utc(stamp, clock), clock);
}

static void write_request(void *context, apr_uint32_t number, apr_int64_t time,
                          const own_clock_t *own)
{
    stamp_t *stamp = context;
    const stamp_layout_t *layout = stamp->layout;

    if (!stamp->has_begun) {
        stamp->has_begun = 1;
        stamp->begun = time;
    }
    big_endian_put_32(stamp->packet + layout->sequence, number);
    big_endian_put_64(stamp->packet + layout->timestamp, own_timestamp(stamp, time));
    big_endian_put_16(stamp->packet + layout->error_estimate,
                      stamp_error_encode(own->is_synchronised, stamp->options.clock,
                                         own->error >= 0 ? own->error : APR_INT64_MAX));
    if (stamp->direct != NULL) {
        big_endian_put_32(stamp->direct, number + 1); /* with this one */
    }
    if (stamp->options.key != NULL) {
        authenticate(stamp);
    }
}

/* ---- Replies ---- */

static int read_request_number(const unsigned char *data, apr_size_t length, apr_uint32_t *number)
{
    if (length < 4) {
        return 0;
    }
    *number = big_endian_32(data + stamp_unauthenticated.sequence);
    return 1;
}

/* A plain echo server sends the request back, in which these are empty. */
static int read_reply_number(void *context, const unsigned char *data, apr_size_t length,
                             apr_uint32_t *number)
{
    const stamp_t *stamp = context;

    if (length < (stamp->options.key != NULL ? stamp->layout->length : STAMP_REPLY_MIN) ||
        big_endian_64(data + stamp->layout->receive_timestamp) == 0) {
        return 0;
    }
    *number = big_endian_32(data + stamp->layout->sender_sequence);
    return 1;
}

/* The time stamp of the request comes back as it was sent. Some reflectors change it; one that is
 * older than this run is that of an earlier one, from the same port. */
static int is_of_this_run(const stamp_t *stamp, const reflection_t *reflection,
                          const unsigned char *data)
{
    apr_uint64_t returned = big_endian_64(data + stamp->layout->sender_timestamp);

    return !reflection->is_changed || stamp_elapsed_ns(returned, own_timestamp(stamp, stamp->begun),
                                                       stamp->options.clock) >= 0;
}

static int is_authentic(const stamp_t *stamp, const unsigned char *data)
{
    const authentication_part_t base = {data, stamp->layout->hmac};

    return stamp->options.key == NULL ||
           authentication_verifies(stamp->options.key, &base, 1, data + stamp->layout->hmac);
}

/* What TLVs tell counts only if the HMAC TLV behind them is right. */
static int are_tlvs_authentic(const stamp_t *stamp, const unsigned char *data,
                              const stamp_tlvs_t *tlvs)
{
    const unsigned char *first = data + stamp->layout->length;
    const authentication_part_t parts[] = {
        {data + stamp->layout->sequence, 4},
        {first, tlvs->hmac_at},
    };

    return stamp->options.key == NULL ||
           (tlvs->has_hmac && authentication_verifies(stamp->options.key, parts, 2,
                                                      first + tlvs->hmac_at + STAMP_TLV_HEADER));
}

/* Reflectors without sessions of this kind return 0. */
static int is_of_session(const stamp_t *stamp, const unsigned char *data)
{
    apr_uint16_t ssid = big_endian_16(data + stamp->layout->ssid);

    return stamp->options.ssid == 0 || ssid == 0 || ssid == stamp->options.ssid;
}

static apr_int64_t unix_ns(const stamp_t *stamp, const unsigned char *field, stamp_clock_t clock,
                           apr_int64_t near_ns)
{
    return stamp_unix_ns(big_endian_64(field), clock, near_ns) - ahead_of_utc(stamp, clock);
}

/* The format of the peer's time stamps is what its own error estimate says. */
static stamp_clock_t read_times(const stamp_t *stamp, const unsigned char *data,
                                reflection_t *reflection)
{
    const stamp_layout_t *layout = stamp->layout;
    stamp_error_t error = stamp_error_decode(big_endian_16(data + layout->error_estimate));

    reflection->is_synchronised = error.is_synchronised && error.is_valid;
    reflection->error = error.is_valid ? error.error_ns : -1;
    reflection->t2 = unix_ns(stamp, data + layout->receive_timestamp, error.clock, reflection->t1);
    reflection->t3 = unix_ns(stamp, data + layout->timestamp, error.clock, reflection->t1);
    return error.clock;
}

static int read_hop_limit(const stamp_layout_t *layout, const unsigned char *data,
                          apr_size_t length)
{
    int hop_limit = length > layout->sender_ttl ? data[layout->sender_ttl] : 0;

    return hop_limit != 0 && hop_limit != STAMP_TTL_UNKNOWN ? hop_limit : -1;
}

static int read_reply(void *context, const unsigned char *data, apr_size_t length,
                      reflection_t *reflection)
{
    const stamp_t *stamp = context;
    const stamp_layout_t *layout = stamp->layout;

    reflection->is_changed =
        big_endian_64(data + layout->sender_timestamp) != own_timestamp(stamp, reflection->t1);
    if (!is_of_session(stamp, data) || !is_of_this_run(stamp, reflection, data)) {
        return 0;
    }
    if (!is_authentic(stamp, data)) {
        return 1;
    }
    reflection->is_intact = 1;
    reflection->peer_number = big_endian_32(data + layout->sequence);
    stamp_clock_t clock = read_times(stamp, data, reflection);

    reflection->hop_limit = read_hop_limit(layout, data, length);
    if (length > layout->length) {
        stamp_tlvs_read(&reflection->tlvs, data + layout->length, length - layout->length, clock,
                        reflection->t1);
        if (reflection->tlvs.has_follow_up) {
            reflection->tlvs.follow_up -= ahead_of_utc(stamp, clock);
        }
    }
    /* Padding alone needs no HMAC TLV, and tells nothing. */
    if ((reflection->tlvs.returned & ~STAMP_TLV_BIT(STAMP_TLV_EXTRA_PADDING)) != 0 &&
        !are_tlvs_authentic(stamp, data, &reflection->tlvs)) {
        reflection->tlvs = (stamp_tlvs_t){.traffic_class = -1, .is_untrusted = 1};
    }
    return 1;
}

session_format_t stamp_format(const stamp_options_t *options, apr_pool_t *pool)
{
    stamp_t *stamp = apr_pcalloc(pool, sizeof *stamp);

    int is_authenticated = options->key != NULL;

    assert(stamp_request_fits(options->tlvs, is_authenticated, options->length));
    stamp->options = *options;
    stamp->layout = layout_of(is_authenticated);
    stamp->packet = apr_pcalloc(
        pool, options->length > stamp->layout->length ? options->length : stamp->layout->length);
    big_endian_put_16(stamp->packet + stamp->layout->ssid, options->ssid);
    if (options->length > stamp->layout->length) {
        stamp->direct = stamp_tlvs_write(stamp->packet + stamp->layout->length,
                                         options->length - stamp->layout->length,
                                         with_hmac(options->tlvs, is_authenticated), options->dscp);
    }
    return (session_format_t){.context = stamp,
                              .packet = stamp->packet,
                              .length = options->length,
                              .write = write_request,
                              .read_request = read_request_number,
                              .read_number = read_reply_number,
                              .read_reply = read_reply};
}
