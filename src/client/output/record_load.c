#include "client/output/record_fields.h"

static void add_percent(record_t *record, const char *name, const probe_summary_t *summary)
{
    add(record, name, loss_percent(summary, record->fields->pool), 0);
}

/* The name of a field of one half of the run. */
static const char *of_half(const record_t *record, const char *half, const char *name)
{
    return apr_pstrcat(record->fields->pool, half, "_", name, NULL);
}

static void add_pings(record_t *record, const char *half, const probe_summary_t *pings)
{
    int is_timed = pings->timed > 0;

    add_number(record, of_half(record, half, "sent"), pings->sent);
    add_number(record, of_half(record, half, "received"), pings->received);
    add_percent(record, of_half(record, half, "loss_percent"), pings);
    add_signed(record, of_half(record, half, "min_us"), pings->minimum, is_timed);
    add_signed(record, of_half(record, half, "mean_us"), pings->mean, is_timed);
    add_signed(record, of_half(record, half, "max_us"), pings->maximum, is_timed);
    add_signed(record, of_half(record, half, "p50_us"), pings->p50, is_timed);
    add_signed(record, of_half(record, half, "p90_us"), pings->p90, is_timed);
    add_signed(record, of_half(record, half, "p99_us"), pings->p99, is_timed);
    add_signed(record, of_half(record, half, "p999_us"), pings->p999, is_timed);
    add_signed(record, of_half(record, half, "jitter_us"), pings->jitter, is_timed);
}

record_t load_record(const event_t *event, apr_pool_t *pool)
{
    record_t record = record_begin(event, "load", pool);
    const load_result_t *load = event->load;
    const probe_summary_t *idle = &load->idle, *loaded = &load->loaded;
    const event_t flood = {.kind = EVENT_SUMMARY, .run = load->run, .summary = &load->load};
    int has_load = load->has_load, has_both = idle->timed > 0 && loaded->timed > 0;

    add_number(&record, "asked_ip_bits_per_second", load->run->bitrate);
    add_optional(&record, "sent_ip_bits_per_second", bitrate_sent(&flood),
                 has_load && load->load.sent != 1);
    add_optional(&record, "received_ip_bits_per_second", bitrate_received(&flood),
                 has_load && load->load.received != 1);
    add_number(&record, "load_payload", load->run->size);
    add_number(&record, "load_sent", load->load.sent);
    add_number(&record, "load_received", load->load.received);
    add_number(&record, "load_lost", load->load.lost);
    add_number(&record, "load_not_sent", load->load.not_sent);
    add_percent(&record, "load_loss_percent", &load->load);
    add_optional(&record, "load_missed", load->load.missed, has_load);
    add_pings(&record, "idle", idle);
    add_pings(&record, "loaded", loaded);
    add_signed(&record, "increase_mean_us", loaded->mean - idle->mean, has_both);
    add_signed(&record, "increase_p50_us", loaded->p50 - idle->p50, has_both);
    add_signed(&record, "increase_p90_us", loaded->p90 - idle->p90, has_both);
    add_signed(&record, "increase_p99_us", loaded->p99 - idle->p99, has_both);
    return record;
}
