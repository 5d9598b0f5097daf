#ifndef UDPECHO_UNITS_H
#define UDPECHO_UNITS_H

/* Numbers as people write them. Plain functions of text; any thread. */

#include <apr.h>
#include <apr_errno.h>
#include <apr_pools.h>

/*
 * Each sets `value` and returns APR_SUCCESS, or returns APR_EINVAL if the text is something else
 * or its value does not fit 63 bits.
 *
 * number    digits only
 * size      bytes: 4096, 64KiB, 1.5MiB, 2GiB, also K, M, G for the same; kB, MB, GB are powers of
 *           1,000 (IEC 80000-13)
 * duration  microseconds from 250us, 10ms, 1.5s, 30m, 1h, 7d or sums such as 1h30m; no unit means
 *           seconds. As in size, no digit is needed before the point: .2
 * rate      a number per second: 10000/s, 10k/s, 1.5M/s (powers of 1,000)
 * bandwidth a size per second: 125MB/s, 64KiB/s
 * bitrate   bits per second: 10Mbit/s, 10Mbps or 10M; bit, kbit, Mbit and Gbit (powers of 1,000)
 */
apr_status_t parse_number(const char *text, apr_int64_t *value);
apr_status_t parse_size(const char *text, apr_int64_t *value);
apr_status_t parse_duration(const char *text, apr_int64_t *value);
apr_status_t parse_rate(const char *text, apr_int64_t *value);
apr_status_t parse_bandwidth(const char *text, apr_int64_t *value);
apr_status_t parse_bitrate(const char *text, apr_int64_t *value);

/* The same values as text that the parsers take, exact: 64KiB, 1h30m. From `pool`. */
const char *format_size(apr_int64_t bytes, apr_pool_t *pool);
const char *format_duration(apr_int64_t microseconds, apr_pool_t *pool);
const char *format_rate(apr_int64_t per_second, apr_pool_t *pool);
const char *format_bandwidth(apr_int64_t bytes_per_second, apr_pool_t *pool);
const char *format_bitrate(apr_int64_t bits_per_second, apr_pool_t *pool);

#endif
