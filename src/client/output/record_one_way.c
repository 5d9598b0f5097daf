#include "client/output/record_fields.h"

static void add_error(record_t *record, const char *name, apr_int64_t error)
{
    add_optional(record, name, (apr_uint64_t)microseconds_of(error), error >= 0);
}

/* How the request arrived there, and the reply here. */
static void add_arrival(record_t *record, const event_t *event)
{
    const reflection_t *reflection = event->one_way->reflection;
    const stamp_tlvs_t *tlvs = &reflection->tlvs;
    int there = tlvs->traffic_class, here = event->arrival->traffic_class;

    add_signed(record, "peer_hop_limit", reflection->hop_limit, reflection->hop_limit >= 0);
    add_signed(record, "peer_dscp", there >> 2, there >= 0);
    add_signed(record, "peer_ecn", there & 3, there >= 0);
    add_signed(record, "dscp", here >> 2, here >= 0);
    add_signed(record, "ecn", here & 3, here >= 0);
    add_text(record, "seen_from",
             tlvs->source.length > 0 ? endpoint_text(&tlvs->source, record->fields->pool) : NULL);
    add_optional(record, "peer_requests", tlvs->requests_there, tlvs->has_counts);
    add_optional(record, "peer_replies", tlvs->replies_there, tlvs->has_counts);
    add_optional(record, "previous_number", tlvs->follow_up_number, tlvs->has_follow_up);
    add_signed(record, "previous_left_ns", tlvs->follow_up, tlvs->has_follow_up);
}

record_t one_way_record(const event_t *event, apr_pool_t *pool)
{
    record_t record = record_begin(event, "one_way", pool);
    const one_way_t *one_way = event->one_way;
    const reflection_t *reflection = one_way->reflection;

    add_number(&record, "sequence", event->reply->sequence);
    add_port(&record, event, event->reply->flow);
    add_number(&record, "number", reflection->number);
    add_number(&record, "peer_number", reflection->peer_number);
    add_signed(&record, "t1_ns", reflection->t1, 1);
    add_signed(&record, "t2_ns", reflection->t2, 1);
    add_signed(&record, "t3_ns", reflection->t3, 1);
    add_signed(&record, "t4_ns", one_way->t4, 1);
    add_number(&record, "peer_us", (apr_uint64_t)one_way->kept);
    add_signed(&record, "forward_us", one_way->forward, one_way->is_true);
    add_signed(&record, "backward_us", one_way->backward, one_way->is_true);
    add_truth(&record, "own_synchronised", one_way->own.is_synchronised);
    add_error(&record, "own_error_us", one_way->own.error);
    add_truth(&record, "peer_synchronised", reflection->is_synchronised);
    add_error(&record, "peer_error_us", reflection->error);
    add_arrival(&record, event);
    return record;
}

/* ---- All of them ---- */

static void add_losses(record_t *record, const event_t *event)
{
    const directions_summary_t *directions = event->directions;
    const loss_counts_t *losses = &directions->losses;
    int is_counted = directions->is_counted;

    add_truth(record, "peer_counts", is_counted);
    add_optional(record, "lost_forward", losses->forward, is_counted);
    add_optional(record, "lost_backward", losses->backward, is_counted);
    add_optional(record, "lost_at_peer", losses->peer, is_counted);
    add_optional(record, "lost_either_way", lost_either_way(event), is_counted);
    add_number(record, "peer_restarts", directions->restarts);
}

static void add_delays(record_t *record, const char *way, const delay_summary_t *delays,
                       int is_known)
{
    const struct {
        const char *name;
        apr_int64_t time;
        int is_difference; /* which does not depend on the clocks */
    } times[] = {
        {"min_us", delays->minimum, 0},
        {"mean_us", delays->mean, 0},
        {"max_us", delays->maximum, 0},
        {"stddev_us", delays->deviation, 1},
        {"p50_us", delays->p50, 0},
        {"p90_us", delays->p90, 0},
        {"p99_us", delays->p99, 0},
        {"p999_us", delays->p999, 0},
        {"jitter_us", delays->jitter, 1},
        {"variation_p50_us", delays->p50 - delays->minimum, 1},
        {"variation_p90_us", delays->p90 - delays->minimum, 1},
        {"variation_p99_us", delays->p99 - delays->minimum, 1},
        {"variation_p999_us", delays->p999 - delays->minimum, 1},
        {"variation_max_us", delays->maximum - delays->minimum, 1},
    };

    for (unsigned i = 0; i < sizeof times / sizeof times[0]; i++) {
        add_signed(record, apr_pstrcat(record->fields->pool, way, "_", times[i].name, NULL),
                   times[i].time, delays->count > 0 && (is_known || times[i].is_difference));
    }
}

/* How requests arrived there, and replies here. */
static void add_arrivals(record_t *record, const path_facts_t *facts)
{
    const arrived_with_t *there = &facts->there, *here = &facts->here;

    add_signed(record, "peer_hop_limit_min", there->hop_limit.minimum, there->hop_limit.is_known);
    add_signed(record, "peer_hop_limit_max", there->hop_limit.maximum, there->hop_limit.is_known);
    add_signed(record, "peer_dscp_min", there->dscp.minimum, there->dscp.is_known);
    add_signed(record, "peer_dscp_max", there->dscp.maximum, there->dscp.is_known);
    add_signed(record, "peer_ecn_min", there->ecn.minimum, there->ecn.is_known);
    add_signed(record, "peer_ecn_max", there->ecn.maximum, there->ecn.is_known);
    add_signed(record, "hop_limit_min", here->hop_limit.minimum, here->hop_limit.is_known);
    add_signed(record, "hop_limit_max", here->hop_limit.maximum, here->hop_limit.is_known);
    add_signed(record, "dscp_min", here->dscp.minimum, here->dscp.is_known);
    add_signed(record, "dscp_max", here->dscp.maximum, here->dscp.is_known);
    add_signed(record, "ecn_min", here->ecn.minimum, here->ecn.is_known);
    add_signed(record, "ecn_max", here->ecn.maximum, here->ecn.is_known);
}

static void add_path(record_t *record, const event_t *event)
{
    const path_facts_t *facts = &event->directions->facts;
    apr_pool_t *pool = record->fields->pool;

    add_arrivals(record, facts);
    add_text(record, "seen_from",
             facts->source.length > 0 ? endpoint_text(&facts->source, pool) : NULL);
    add(record, "address_translated",
        facts->source_port == 0            ? NULL
        : is_translated(event->run, facts) ? "true"
                                           : "false",
        0);
    add_optional(record, "unrecognised_tlvs", facts->unrecognised, facts->replies > 0);
    add_optional(record, "malformed_tlvs", facts->malformed, facts->replies > 0);
    add_number(record, "dscp_refused", facts->refused_dscp);
    add_number(record, "time_stamps_changed", facts->changed);
}

record_t directions_record(const event_t *event, apr_pool_t *pool)
{
    record_t record = record_begin(event, "one_way_summary", pool);
    const directions_summary_t *directions = event->directions;
    int is_known = directions->is_true || directions->is_estimated;
    int is_kept = directions->kept_count > 0;

    add_truth(&record, "interim", event->is_interim);
    add_losses(&record, event);
    add_text(&record, "clocks", clocks_word(directions->clocks));
    add_error(&record, "own_error_us", directions->own_error);
    add_error(&record, "peer_error_us", directions->peer_error);
    add_signed(&record, "assumed_offset_us", directions->offset, directions->is_estimated);
    add_number(&record, "delays", directions->forward.count);
    add_delays(&record, "forward", &directions->forward, is_known);
    add_delays(&record, "backward", &directions->backward, is_known);
    add_optional(&record, "peer_min_us", (apr_uint64_t)directions->kept_minimum, is_kept);
    add_optional(&record, "peer_mean_us", (apr_uint64_t)directions->kept_mean, is_kept);
    add_optional(&record, "peer_max_us", (apr_uint64_t)directions->kept_maximum, is_kept);
    add_path(&record, event);
    return record;
}
