#include "client/output/record_fields.h"

static void add_percent(record_t *record, const char *name, const probe_summary_t *summary)
{
    add(record, name, loss_percent(summary, record->fields->pool), 0);
}

record_t load_record(const event_t *event, apr_pool_t *pool)
{
    record_t record = record_begin(event, "load", pool);
    const load_result_t *load = event->load;
    const probe_summary_t *idle = &load->idle, *loaded = &load->loaded;
    const event_t flood = {.kind = EVENT_SUMMARY, .run = load->run, .summary = &load->load};
    int has_load = load->has_load, has_idle = idle->timed > 0, has_loaded = loaded->timed > 0;
    int has_both = has_idle && has_loaded;

    add_number(&record, "asked_ip_bits_per_second", load->run->bitrate);
    add_optional(&record, "sent_ip_bits_per_second", bitrate_sent(&flood), has_load);
    add_optional(&record, "received_ip_bits_per_second", bitrate_received(&flood), has_load);
    add_number(&record, "load_payload", load->run->size);
    add_number(&record, "load_sent", load->load.sent);
    add_number(&record, "load_received", load->load.received);
    add_number(&record, "load_lost", load->load.lost);
    add_number(&record, "load_not_sent", load->load.not_sent);
    add_percent(&record, "load_loss_percent", &load->load);
    add_optional(&record, "load_missed", load->load.missed, has_load);
    add_number(&record, "idle_sent", idle->sent);
    add_number(&record, "idle_received", idle->received);
    add_percent(&record, "idle_loss_percent", idle);
    add_signed(&record, "idle_min_us", idle->minimum, has_idle);
    add_signed(&record, "idle_mean_us", idle->mean, has_idle);
    add_signed(&record, "idle_max_us", idle->maximum, has_idle);
    add_signed(&record, "idle_p50_us", idle->p50, has_idle);
    add_signed(&record, "idle_p90_us", idle->p90, has_idle);
    add_signed(&record, "idle_p99_us", idle->p99, has_idle);
    add_signed(&record, "idle_p999_us", idle->p999, has_idle);
    add_signed(&record, "idle_jitter_us", idle->jitter, has_idle);
    add_number(&record, "loaded_sent", loaded->sent);
    add_number(&record, "loaded_received", loaded->received);
    add_percent(&record, "loaded_loss_percent", loaded);
    add_signed(&record, "loaded_min_us", loaded->minimum, has_loaded);
    add_signed(&record, "loaded_mean_us", loaded->mean, has_loaded);
    add_signed(&record, "loaded_max_us", loaded->maximum, has_loaded);
    add_signed(&record, "loaded_p50_us", loaded->p50, has_loaded);
    add_signed(&record, "loaded_p90_us", loaded->p90, has_loaded);
    add_signed(&record, "loaded_p99_us", loaded->p99, has_loaded);
    add_signed(&record, "loaded_p999_us", loaded->p999, has_loaded);
    add_signed(&record, "loaded_jitter_us", loaded->jitter, has_loaded);
    add_signed(&record, "increase_mean_us", loaded->mean - idle->mean, has_both);
    add_signed(&record, "increase_p50_us", loaded->p50 - idle->p50, has_both);
    add_signed(&record, "increase_p90_us", loaded->p90 - idle->p90, has_both);
    add_signed(&record, "increase_p99_us", loaded->p99 - idle->p99, has_both);
    return record;
}
