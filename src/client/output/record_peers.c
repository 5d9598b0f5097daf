#include "client/output/record_fields.h"

record_t address_record(const event_t *event, apr_pool_t *pool)
{
    record_t record = record_begin(event, "address", pool);

    add_text(&record, "former", address_text(event->former, pool));
    return record;
}

record_t lookup_record(const event_t *event, apr_pool_t *pool)
{
    record_t record = record_begin(event, "lookup", pool);

    add_text(&record, "error", lookup_words(event->status, pool));
    add_truth(&record, "found", event->is_found);
    return record;
}

record_t not_asked_record(const event_t *event, apr_pool_t *pool)
{
    record_t record = record_begin(event, "not_asked", pool);

    add_text(&record, "error",
             event->status != APR_SUCCESS ? lookup_words(event->status, pool) : NULL);
    add_truth(&record, "found", event->is_found);
    return record;
}

record_t interval_record(const event_t *event, apr_pool_t *pool)
{
    record_t record = record_begin(event, "interval", pool);

    add_summary(&record, event->summary, 1, pool);
    return record;
}

static void add_quantile(record_t *record, const char *name, const histogram_t *histogram,
                         double fraction)
{
    add_optional(record, name, (apr_uint64_t)histogram_quantile(histogram, fraction),
                 histogram_total(histogram) > 0);
}

record_t total_record(const event_t *event, apr_pool_t *pool)
{
    record_t record = record_begin(event, "total", pool);
    const total_t *total = event->total;

    add_truth(&record, "interim", event->is_interim);
    add_number(&record, "peers", total->peers);
    add_number(&record, "answered", total->answered);
    add_number(&record, "failed_lookups", total->failures);
    add_summary(&record, &total->summary, summary_has_rate(&total->summary), pool);
    add_due(&record, &total->summary);
    add_quantile(&record, "lateness_p50_us", total->lateness, 0.5);
    add_quantile(&record, "lateness_p99_us", total->lateness, 0.99);
    add_quantile(&record, "lateness_max_us", total->lateness, 1);
    return record;
}
