#include "common/stamp_packet.h"

#include <assert.h>

#define NANOSECONDS APR_INT64_C(1000000000)

/* From 1900 to 1970 (RFC 868). */
#define NTP_TO_UNIX APR_INT64_C(2208988800)

const stamp_layout_t stamp_unauthenticated = {
    .sequence = 0,
    .timestamp = 4,
    .error_estimate = 12,
    .ssid = 14,
    .receive_timestamp = 16,
    .sender_sequence = 24,
    .sender_timestamp = 28,
    .sender_error_estimate = 36,
    .sender_ttl = 40,
    .length = STAMP_LENGTH,
};

const stamp_layout_t stamp_authenticated = {
    .sequence = 0,
    .timestamp = 16,
    .error_estimate = 24,
    .ssid = 26,
    .receive_timestamp = 32,
    .sender_sequence = 48,
    .sender_timestamp = 64,
    .sender_error_estimate = 72,
    .sender_ttl = 80,
    .hmac = 96,
    .length = STAMP_AUTHENTICATED_LENGTH,
};

/* ---- Time stamps ---- */

apr_uint64_t stamp_timestamp(apr_int64_t unix_ns, stamp_clock_t clock)
{
    apr_int64_t seconds = unix_ns / NANOSECONDS;
    apr_int64_t rest = unix_ns % NANOSECONDS;

    if (rest < 0) { /* before 1970 */
        rest += NANOSECONDS;
        seconds--;
    }
    apr_uint64_t fraction = (apr_uint64_t)rest;

    if (clock == STAMP_CLOCK_NTP) {
        seconds += NTP_TO_UNIX;
        fraction = (fraction << 32) / (apr_uint64_t)NANOSECONDS;
    }
    return (apr_uint64_t)seconds << 32 | fraction;
}

/* The lower 32 bits of a time stamp, nanoseconds. Nothing keeps a sender from writing more than a
 * second of them. */
static apr_int64_t fraction_ns(apr_uint64_t timestamp, stamp_clock_t clock)
{
    apr_uint64_t fraction = timestamp & 0xffffffff;

    /* Rounded up, so that what stamp_timestamp() rounded down comes back the same: 2^-32 seconds
     * are less than a nanosecond. */
    return clock == STAMP_CLOCK_NTP
               ? (apr_int64_t)((fraction * (apr_uint64_t)NANOSECONDS + 0xffffffff) >> 32)
               : (apr_int64_t)fraction;
}

/* From one time stamp to another: the seconds modulo 2^32, taken for the shorter way round. */
static apr_int64_t elapsed_seconds(apr_uint64_t later, apr_uint64_t earlier)
{
    apr_int64_t seconds = (apr_int64_t)(((later >> 32) - (earlier >> 32)) & 0xffffffff);

    return seconds < APR_INT64_C(0x80000000) ? seconds : seconds - (APR_INT64_C(1) << 32);
}

apr_int64_t stamp_elapsed_ns(apr_uint64_t later, apr_uint64_t earlier, stamp_clock_t clock)
{
    return elapsed_seconds(later, earlier) * NANOSECONDS + fraction_ns(later, clock) -
           fraction_ns(earlier, clock);
}

apr_int64_t stamp_unix_ns(apr_uint64_t timestamp, stamp_clock_t clock, apr_int64_t near_ns)
{
    apr_uint64_t reference = stamp_timestamp(near_ns, clock);

    return near_ns + stamp_elapsed_ns(timestamp, reference, clock);
}

/* ---- Error estimates ---- */

#define SYNCHRONISED   0x8000
#define PTP            0x4000
#define SCALE_SHIFT    8
#define SCALE_MAX      63
#define MULTIPLIER_MAX 255

apr_uint16_t stamp_error_encode(int is_synchronised, stamp_clock_t clock, apr_int64_t error_ns)
{
    assert(error_ns >= 0);
    apr_uint64_t seconds = (apr_uint64_t)(error_ns / NANOSECONDS);
    apr_uint64_t rest = (apr_uint64_t)(error_ns % NANOSECONDS);
    unsigned scale = 0;

    if (seconds > 0x7fffffff) { /* so that it fits 64 bits; nobody's clock is 68 years wrong */
        seconds = 0x7fffffff;
    }
    apr_uint64_t multiplier = (seconds << 32) + ((rest << 32) + (apr_uint64_t)NANOSECONDS - 1) /
                                                    (apr_uint64_t)NANOSECONDS;

    for (; multiplier > MULTIPLIER_MAX; scale++) {
        multiplier = (multiplier + 1) / 2;
    }
    if (multiplier == 0) {
        multiplier = 1;
    }
    return (apr_uint16_t)((is_synchronised ? SYNCHRONISED : 0) |
                          (clock == STAMP_CLOCK_PTP ? PTP : 0) | scale << SCALE_SHIFT | multiplier);
}

apr_uint16_t stamp_error_with_clock(apr_uint16_t estimate, stamp_clock_t clock)
{
    return (apr_uint16_t)((estimate & ~PTP) | (clock == STAMP_CLOCK_PTP ? PTP : 0));
}

/* multiplier * 2^(scale - 32) seconds, rounded up. */
static apr_int64_t error_ns(unsigned scale, apr_uint64_t multiplier)
{
    apr_uint64_t nanoseconds = multiplier * (apr_uint64_t)NANOSECONDS;

    if (scale <= 32) {
        apr_uint64_t unit = APR_UINT64_C(1) << (32 - scale);

        return (apr_int64_t)((nanoseconds + unit - 1) / unit);
    }
    return nanoseconds <= (apr_uint64_t)APR_INT64_MAX >> (scale - 32)
               ? (apr_int64_t)(nanoseconds << (scale - 32))
               : APR_INT64_MAX;
}

stamp_error_t stamp_error_decode(apr_uint16_t estimate)
{
    unsigned multiplier = estimate & MULTIPLIER_MAX;

    return (stamp_error_t){
        .is_synchronised = (estimate & SYNCHRONISED) != 0,
        .clock = (estimate & PTP) != 0 ? STAMP_CLOCK_PTP : STAMP_CLOCK_NTP,
        .is_valid = multiplier != 0,
        .error_ns = error_ns(estimate >> SCALE_SHIFT & SCALE_MAX, multiplier),
    };
}
