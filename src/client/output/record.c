#include "client/output/record.h"

#include "client/output/record_fields.h"
#include "common/time_stamp.h"

record_t record_begin(const event_t *event, const char *type, apr_pool_t *pool)
{
    record_t record = {.fields = apr_array_make(pool, 40, sizeof(field_t))};
    const run_t *run = event->kind != EVENT_TOTAL ? event->run : NULL;
    char *stamp = apr_palloc(pool, TIME_STAMP_LENGTH + 1);

    time_stamp(stamp, event->wall_clock);
    add_text(&record, "record", type);
    add_text(&record, "time", stamp);
    add_text(&record, "target", run != NULL ? run->host : NULL);
    add_text(&record, "address",
             run != NULL && run->peer.length > 0 ? address_text(&run->peer, pool) : NULL);
    return record;
}

/* ---- Single datagrams ---- */

static record_t reply_record(const event_t *event, apr_pool_t *pool)
{
    record_t record = record_begin(event, "reply", pool);
    const reply_t *reply = event->reply;
    const arrival_t *arrival = event->arrival;

    add_text(&record, "verdict", verdict_word(reply->verdict));
    add_optional(&record, "sequence", reply->sequence, reply->has_sequence);
    add_port(&record, event, reply->flow);
    add_text(&record, "from", endpoint_text(&arrival->from, pool));
    add_number(&record, "length", arrival->length);
    add_truth(&record, "truncated", arrival->truncated);
    add_optional(&record, "expected_length", reply->expected, reply->has_sequence);
    add_optional(&record, "round_trip_us", (apr_uint64_t)reply->round_trip, reply->has_sequence);
    add_truth(&record, "reordered", reply->is_reordered);
    add_optional(&record, "hop_limit", (apr_uint64_t)arrival->hop_limit, arrival->hop_limit >= 0);
    add_optional(&record, "fragment", arrival->fragment, arrival->fragment > 0);
    return record;
}

static record_t request_record(const event_t *event, const char *type, apr_pool_t *pool)
{
    record_t record = record_begin(event, type, pool);

    add_number(&record, "sequence", event->request->sequence);
    add_port(&record, event, event->request->flow);
    add_number(&record, "length", event->request->length);
    return record;
}

static record_t not_sent_record(const event_t *event, apr_pool_t *pool)
{
    record_t record = request_record(event, "not_sent", pool);

    add_text(&record, "error", not_sent_words(event->status, pool));
    return record;
}

static record_t refused_record(const event_t *event, apr_pool_t *pool)
{
    record_t record = record_begin(event, "refused", pool);
    const arrival_t *arrival = event->arrival;

    add_optional(&record, "sequence", event->has_sequence ? event->request->sequence : 0,
                 event->has_sequence);
    add_port(&record, event, arrival->flow);
    add_text(&record, "from", address_text(&arrival->from, pool));
    add_text(&record, "error", refusal_words(arrival->refused, pool));
    add_optional(&record, "mtu", arrival->mtu, arrival->mtu > 0);
    return record;
}

/* ---- The run, and what it came to ---- */

static record_t start_record(const event_t *event, apr_pool_t *pool)
{
    record_t record = record_begin(event, "start", pool);
    const run_t *run = event->run;

    add_text(&record, "measurement", measurement_word(run->measurement));
    add_text(&record, "host", run->host);
    add_text(&record, "peer", endpoint_text(&run->peer, pool));
    add_optional(&record, "payload", run->size, run->measurement != MEASURE_MTU);
    add_number(&record, "source_ports", run->flows);
    add_number(&record, "timeout_us", (apr_uint64_t)run->timeout);
    add_text(&record, "protocol", protocol_word(run->protocol));
    return record;
}

static void add_round_trips(record_t *record, const probe_summary_t *summary)
{
    const struct {
        const char *name;
        apr_interval_time_t time;
    } times[] = {
        {"round_trip_min_us", summary->minimum},   {"round_trip_mean_us", summary->mean},
        {"round_trip_max_us", summary->maximum},   {"round_trip_stddev_us", summary->deviation},
        {"round_trip_p50_us", summary->p50},       {"round_trip_p90_us", summary->p90},
        {"round_trip_p99_us", summary->p99},       {"round_trip_p999_us", summary->p999},
        {"round_trip_jitter_us", summary->jitter},
    };

    for (unsigned i = 0; i < sizeof times / sizeof times[0]; i++) {
        add_optional(record, times[i].name, (apr_uint64_t)times[i].time, summary->timed > 0);
    }
}

void add_summary(record_t *record, const probe_summary_t *summary, int has_rate, apr_pool_t *pool)
{
    const apr_uint64_t *replies = summary->replies;

    add_number(record, "sent", summary->sent);
    add_number(record, "received", summary->received);
    add_number(record, "corrupted", summary->corrupted);
    add_number(record, "lost", summary->lost);
    add(record, "loss_percent", loss_percent(summary, pool), 0);
    add_number(record, "outstanding", summary->outstanding);
    add_number(record, "not_sent", summary->not_sent);
    add_number(record, "refused", summary->refused);
    add_number(record, "late", summary->late);
    add_number(record, "reordered", summary->reordered);
    add_number(record, "duplicate_replies", replies[REPLY_DUPLICATE]);
    add_number(record, "corrupt_replies", replies[REPLY_CORRUPT]);
    add_number(record, "misdelivered_replies", replies[REPLY_MISDELIVERED]);
    add_number(record, "elsewhere_replies", replies[REPLY_ELSEWHERE]);
    add_number(record, "unknown_replies", replies[REPLY_UNKNOWN]);
    add_number(record, "bytes", summary->bytes);
    add_number(record, "elapsed_us", (apr_uint64_t)summary->elapsed);
    add_optional(record, "received_per_second", per_second(summary->received, summary->elapsed),
                 has_rate);
    add_optional(record, "bits_per_second", per_second(summary->bytes * 8, summary->elapsed),
                 has_rate);
    add_number(record, "round_trips", summary->timed);
    add_round_trips(record, summary);
}

void add_due(record_t *record, const probe_summary_t *summary)
{
    int is_scheduled = summary->is_scheduled;

    add_optional(record, "asked", is_scheduled ? asked(summary) : 0, is_scheduled);
    add_optional(record, "missed", summary->missed, is_scheduled);
}

static record_t summary_record(const event_t *event, apr_pool_t *pool)
{
    record_t record = record_begin(event, "summary", pool);

    add_truth(&record, "interim", event->is_interim);
    add_summary(&record, event->summary, summary_has_rate(event->summary), pool);
    add_due(&record, event->summary);
    add_optional(&record, "sent_ip_bits_per_second", bitrate_sent(event),
                 event->summary->sent != 1 && event->run->measurement != MEASURE_MTU);
    add_optional(&record, "received_ip_bits_per_second", bitrate_received(event),
                 event->summary->received != 1);
    return record;
}

static record_t row_record(const event_t *event, const sweep_row_t *row, apr_pool_t *pool)
{
    record_t record = record_begin(event, "sweep_port", pool);

    add_number(&record, "source_port", row->port);
    add_truth(&record, "suspect", row->is_suspect);
    add_summary(&record, &row->summary, summary_has_rate(&row->summary), pool);
    add_optional(&record, "lost_forward", row->losses.forward, row->is_counted);
    add_optional(&record, "lost_backward", row->losses.backward, row->is_counted);
    return record;
}

static record_t sweep_record(const event_t *event, apr_pool_t *pool)
{
    record_t record = record_begin(event, "sweep", pool);

    add_number(&record, "source_ports", event->sweep->count);
    add_number(&record, "suspects", event->sweep->suspects);
    add_text(&record, "conclusion", event->sweep->verdict);
    return record;
}

static record_t mtu_record(const event_t *event, apr_pool_t *pool)
{
    record_t record = record_begin(event, "mtu", pool);
    const mtu_result_t *mtu = event->mtu;
    int is_known = mtu->limit != MTU_NO_ANSWER && mtu->limit != MTU_NOT_FOUND;

    add_optional(&record, "payload", mtu->payload, is_known);
    add_optional(&record, "mtu", mtu->mtu, is_known);
    add_text(&record, "limit", limit_word(mtu->limit));
    add_optional(&record, "hint_mtu", mtu->hint, mtu->hint > 0);
    add_text(&record, "hint_from",
             mtu->hint_from.length > 0 ? address_text(&mtu->hint_from, pool) : NULL);
    add_truth(&record, "tells_fragments", mtu->tells_fragments);
    add_optional(&record, "largest_returned", mtu->payload, mtu->mtu > 0);
    add_optional(&record, "smallest_failed", mtu->too_large, mtu->too_large > 0);
    return record;
}

/* ---- Events ---- */

static void push(apr_array_header_t *records, record_t record)
{
    *(record_t *)apr_array_push(records) = record;
}

static void push_datagram(apr_array_header_t *records, const event_t *event)
{
    record_t record;

    switch (event->kind) {
    case EVENT_REPLY:
        record = reply_record(event, records->pool);
        break;
    case EVENT_MISSING:
        record = request_record(event, "missing", records->pool);
        break;
    case EVENT_REFUSED:
        record = refused_record(event, records->pool);
        break;
    case EVENT_NOT_SENT:
        record = not_sent_record(event, records->pool);
        break;
    default:
        return;
    }
    record.is_datagram = 1;
    push(records, record);
    if (event->one_way != NULL) {
        record = one_way_record(event, records->pool);
        record.is_datagram = 1;
        push(records, record);
    }
}

static void push_sweep(apr_array_header_t *records, const event_t *event)
{
    for (unsigned i = 0; i < event->sweep->count; i++) {
        push(records, row_record(event, &event->sweep->rows[i], records->pool));
    }
    push(records, sweep_record(event, records->pool));
}

apr_array_header_t *records_of(const event_t *event, int lines, apr_pool_t *pool)
{
    apr_array_header_t *records = apr_array_make(pool, 1, sizeof(record_t));

    switch (event->kind) {
    case EVENT_START:
        push(records, start_record(event, pool));
        break;
    case EVENT_SWEEP:
        push_sweep(records, event);
        break;
    case EVENT_MTU:
        push(records, mtu_record(event, pool));
        break;
    case EVENT_LOAD:
        push(records, load_record(event, pool));
        break;
    case EVENT_SUMMARY:
        if (event->directions != NULL) {
            push(records, directions_record(event, pool));
        }
        push(records, summary_record(event, pool));
        break;
    case EVENT_ADDRESS:
        push(records, address_record(event, pool));
        break;
    case EVENT_LOOKUP:
        push(records, lookup_record(event, pool));
        break;
    case EVENT_NOT_ASKED:
        push(records, not_asked_record(event, pool));
        break;
    case EVENT_INTERVAL:
        push(records, interval_record(event, pool));
        break;
    case EVENT_TOTAL:
        push(records, total_record(event, pool));
        break;
    default:
        if (lines) {
            push_datagram(records, event);
        }
        break;
    }
    return records;
}
