#ifndef UDPECHO_PROMETHEUS_H
#define UDPECHO_PROMETHEUS_H

/*
 * Writes what a scrape is answered with: Prometheus' text format, version 0.0.4
 * (prometheus.io/docs/instrumenting/exposition_formats). A sample is named by its metric and, in
 * braces, its labels: name{label="value"}. All samples of a metric follow its prometheus_begin().
 * One thread at a time.
 */

#include <apr_tables.h>
#include <apr_time.h>

/* The media type of the text. */
#define PROMETHEUS_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* The text so far. */
typedef struct prometheus {
    apr_array_header_t *parts; /* of const char * */
    apr_pool_t *pool;          /* of the text, and of what is made for it */
} prometheus_t;

/* An empty text. From `pool`. */
prometheus_t prometheus_create(apr_pool_t *pool);

/* Begins a metric. `type` is "counter", "gauge" or "histogram"; `help` is a sentence. All are
 * copied. */
void prometheus_begin(const prometheus_t *text, const char *name, const char *type,
                      const char *help);

/* A sample: a whole number; or microseconds, told in seconds without rounding. */
void prometheus_number(const prometheus_t *text, const char *sample, apr_uint64_t value);
void prometheus_seconds(const prometheus_t *text, const char *sample, apr_uint64_t us);

/* What a histogram counted. */
typedef struct prometheus_histogram {
    unsigned bounds;                      /* how many there are ... */
    const apr_interval_time_t *bounds_us; /* ... in ascending order, microseconds */
    const apr_uint64_t *counts; /* how many values were up to each bound and above the one before;
                                 * one more number for those above all */
    apr_uint64_t sum_us;        /* of all values */
} prometheus_histogram_t;

/* The samples of a histogram: its buckets, its sum and its count. `labels` go before that of the
 * bound, as label="value",label="value"; empty: none. */
void prometheus_histogram(const prometheus_t *text, const char *name, const char *labels,
                          const prometheus_histogram_t *histogram);

/* The value of a label, as it stands between the quotation marks. From `pool`. */
const char *prometheus_escape(const char *value, apr_pool_t *pool);

/* The whole text. From its pool. */
const char *prometheus_text(const prometheus_t *text);

#endif
