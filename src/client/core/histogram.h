#ifndef UDPECHO_HISTOGRAM_H
#define UDPECHO_HISTOGRAM_H

/*
 * How often which value occurred, in buckets whose width grows with the value: log-linear, like
 * HdrHistogram's. Values below HISTOGRAM_EXACT have a bucket each; above, each power of two is cut
 * into HISTOGRAM_EXACT / 2 buckets of equal width, so no value is off by more than 1 part in
 * HISTOGRAM_EXACT from the middle of its bucket, under 0.8 %. Plain data; nothing allocates.
 */

#include <apr.h>

#define HISTOGRAM_EXACT   128
#define HISTOGRAM_BITS    36 /* values up to 2^36 - 1; larger ones count as that: 19 hours in us */
#define HISTOGRAM_BUCKETS (HISTOGRAM_EXACT + (HISTOGRAM_BITS - 7) * (HISTOGRAM_EXACT / 2))

/* Values from here on share the last bucket. */
#define HISTOGRAM_LAST ((apr_int64_t)(HISTOGRAM_EXACT - 1) << (HISTOGRAM_BITS - 7))

/* 64 bits, since 32 can overflow in one night of flooding a fast peer. */
typedef struct histogram {
    apr_uint64_t bucket[HISTOGRAM_BUCKETS];
} histogram_t;

/* Counts a value; negative ones count as 0. */
void histogram_add(histogram_t *histogram, apr_int64_t value);

/* Adds all of `other`. */
void histogram_merge(histogram_t *histogram, const histogram_t *other);

/* Adds `by` to every value in it. Each is taken for the middle of its bucket; what becomes negative
 * counts as 0. */
void histogram_shift(histogram_t *histogram, apr_int64_t by);

/* How many values are in it. */
apr_uint64_t histogram_total(const histogram_t *histogram);

/* The value that `fraction` (0 to 1) of all values do not exceed, by the nearest-rank method; 0 if
 * there are none. What is returned is the middle of the bucket. */
apr_int64_t histogram_quantile(const histogram_t *histogram, double fraction);

/* How many values are from `low` to below `high`. A bucket counts where its middle is, so that the
 * number is exact where no bucket has values on both sides of `low` or of `high`: powers of two and
 * 1.5 times these are so. */
apr_uint64_t histogram_between(const histogram_t *histogram, apr_int64_t low, apr_int64_t high);

#endif
