#include "common/prometheus.h"

#include <apr_strings.h>
#include <string.h>

static void add(const prometheus_t *text, const char *part)
{
    APR_ARRAY_PUSH(text->parts, const char *) = part;
}

prometheus_t prometheus_create(apr_pool_t *pool)
{
    return (prometheus_t){apr_array_make(pool, 128, sizeof(const char *)), pool};
}

void prometheus_begin(const prometheus_t *text, const char *name, const char *type,
                      const char *help)
{
    add(text, apr_psprintf(text->pool, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type));
}

void prometheus_number(const prometheus_t *text, const char *sample, apr_uint64_t value)
{
    add(text, apr_psprintf(text->pool, "%s %" APR_UINT64_T_FMT "\n", sample, value));
}

static unsigned fraction_of(apr_uint64_t us)
{
    return (unsigned)(us % APR_USEC_PER_SEC);
}

void prometheus_seconds(const prometheus_t *text, const char *sample, apr_uint64_t us)
{
    add(text, apr_psprintf(text->pool, "%s %" APR_UINT64_T_FMT ".%06u\n", sample,
                           us / APR_USEC_PER_SEC, fraction_of(us)));
}

/* ---- Histograms ---- */

static void add_bucket(const prometheus_t *text, const char *name, const char *labels,
                       const char *bound, apr_uint64_t count)
{
    add(text, apr_psprintf(text->pool, "%s_bucket{%s%sle=\"%s\"} %" APR_UINT64_T_FMT "\n", name,
                           labels, *labels == '\0' ? "" : ",", bound, count));
}

static const char *bound_text(apr_interval_time_t bound, apr_pool_t *pool)
{
    apr_uint64_t us = (apr_uint64_t)bound;

    return apr_psprintf(pool, "%" APR_UINT64_T_FMT ".%06u", us / APR_USEC_PER_SEC, fraction_of(us));
}

/* The sample of a histogram that `suffix` tells from its buckets. */
static const char *sample_of(const char *name, const char *suffix, const char *labels,
                             apr_pool_t *pool)
{
    int has_labels = *labels != '\0';

    return apr_pstrcat(pool, name, suffix, has_labels ? "{" : "", labels, has_labels ? "}" : "",
                       NULL);
}

void prometheus_histogram(const prometheus_t *text, const char *name, const char *labels,
                          const prometheus_histogram_t *histogram)
{
    apr_uint64_t count = 0;

    for (unsigned i = 0; i < histogram->bounds; i++) {
        count += histogram->counts[i];
        add_bucket(text, name, labels, bound_text(histogram->bounds_us[i], text->pool), count);
    }
    count += histogram->counts[histogram->bounds];
    add_bucket(text, name, labels, "+Inf", count);
    prometheus_seconds(text, sample_of(name, "_sum", labels, text->pool), histogram->sum_us);
    prometheus_number(text, sample_of(name, "_count", labels, text->pool), count);
}

/* ---- ---- */

const char *prometheus_escape(const char *value, apr_pool_t *pool)
{
    char *escaped = apr_palloc(pool, 2 * strlen(value) + 1);
    char *end = escaped;

    for (; *value != '\0'; value++) {
        if (*value == '"' || *value == '\\' || *value == '\n') {
            *end++ = '\\';
        }
        *end++ = (char)(*value == '\n' ? 'n' : *value);
    }
    *end = '\0';
    return escaped;
}

const char *prometheus_text(const prometheus_t *text)
{
    return apr_array_pstrcat(text->pool, text->parts, 0);
}
