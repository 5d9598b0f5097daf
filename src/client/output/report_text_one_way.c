#include <apr_strings.h>

#include "client/output/format.h"
#include "client/output/report_text_parts.h"

/* ---- One reply ---- */

const char *report_text_one_way(const event_t *event, apr_pool_t *pool)
{
    const one_way_t *one_way = event->one_way;

    if (one_way == NULL || !one_way->has_delays) {
        return "";
    }
    if (!one_way->is_true) {
        return one_way->reflection->is_repeated
                   ? ""
                   : apr_psprintf(pool, " forward+%s backward+%s",
                                  thousandths(one_way->forward_above, pool),
                                  thousandths(one_way->backward_above, pool));
    }
    return apr_psprintf(pool, " forward=%s backward=%s", thousandths(one_way->forward, pool),
                        thousandths(one_way->backward, pool));
}

/* ---- Loss ---- */

static const char *losses_text(const event_t *event, apr_pool_t *pool)
{
    const directions_summary_t *directions = event->directions;
    const loss_counts_t *losses = &directions->losses;

    if (directions->is_counted) {
        return apr_psprintf(
            pool, "lost forward %" APR_UINT64_T_FMT ", backward %" APR_UINT64_T_FMT "%s%s\n",
            losses->forward, losses->backward,
            if_any(losses->peer, "not answered by the peer", pool),
            if_any(lost_either_way(event), "either way", pool));
    }
    if (event->summary->lost == 0 || event->summary->received == 0) {
        return "";
    }
    return losses->is_disturbed
               ? "which way they were lost is not known: others ask the same peer\n"
               : "which way they were lost is not known: the peer seems to be stateless\n";
}

static const char *restarts_text(const directions_summary_t *directions, apr_pool_t *pool)
{
    return directions->restarts == 0
               ? ""
               : apr_psprintf(pool, "the peer restarted its count %u time%s\n",
                              directions->restarts, directions->restarts == 1 ? "" : "s");
}

/* ---- Delay ---- */

/* A line of times, as the round trips have them. */
static const char *row_text(const char *way, const char *names, const apr_int64_t *times,
                            unsigned count, apr_pool_t *pool)
{
    const char *text = apr_psprintf(pool, "%-11s %-20s ", way, names);

    for (unsigned i = 0; i < count; i++) {
        text = apr_pstrcat(pool, text, i == 0 ? "" : "/", thousandths(times[i], pool), NULL);
    }
    return apr_pstrcat(pool, text, " ms\n", NULL);
}

static const char *delays_text(const char *way, const delay_summary_t *delays, apr_pool_t *pool)
{
    const apr_int64_t range[] = {delays->minimum, delays->mean, delays->maximum, delays->deviation};
    const apr_int64_t quantiles[] = {delays->p50, delays->p90, delays->p99, delays->p999};

    return apr_pstrcat(pool, row_text(way, "min/mean/max/stddev", range, 4, pool),
                       row_text("", "p50/p90/p99/p99.9", quantiles, 4, pool),
                       row_text("", "jitter", &delays->jitter, 1, pool), NULL);
}

/* What is known without synchronised clocks: the packet delay variation of RFC 5481 section 4.2. */
static const char *variation_text(const char *way, const delay_summary_t *delays, apr_pool_t *pool)
{
    const apr_int64_t above[] = {delays->p50 - delays->minimum, delays->p90 - delays->minimum,
                                 delays->p99 - delays->minimum, delays->maximum - delays->minimum};
    const apr_int64_t spread[] = {delays->deviation, delays->jitter};

    return apr_pstrcat(pool, row_text(way, "PDV p50/p90/p99/max", above, 4, pool),
                       row_text("", "stddev/jitter", spread, 2, pool), NULL);
}

static const char *both_delays_text(const directions_summary_t *directions, apr_pool_t *pool)
{
    const char *(*text)(const char *way, const delay_summary_t *delays, apr_pool_t *pool) =
        directions->is_true || directions->is_estimated ? delays_text : variation_text;

    return directions->forward.count == 0
               ? ""
               : apr_pstrcat(pool, text("forward", &directions->forward, pool),
                             text("backward", &directions->backward, pool), NULL);
}

static const char *kept_text(const directions_summary_t *directions, apr_pool_t *pool)
{
    const apr_int64_t times[] = {directions->kept_minimum, directions->kept_mean,
                                 directions->kept_maximum};

    return directions->kept_count == 0 ? "" : row_text("peer", "min/mean/max", times, 3, pool);
}

/* ---- Clocks ---- */

static const char *error_text_of(apr_int64_t nanoseconds, apr_pool_t *pool)
{
    return nanoseconds < 0
               ? "an unknown error"
               : apr_pstrcat(pool, thousandths(microseconds_of(nanoseconds), pool), " ms", NULL);
}

static const char *clocks_text(const directions_summary_t *directions, apr_pool_t *pool)
{
    static const char *const words[] = {
        [CLOCKS_OWN_UNKNOWN] = "this host's is not synchronised",
        [CLOCKS_PEER_UNKNOWN] = "the peer's is not synchronised",
        [CLOCKS_BOTH_UNKNOWN] = "neither is synchronised",
        [CLOCKS_CONTRADICTORY] = "both are said to be synchronised, but they differ",
    };

    switch (directions->clocks) {
    case CLOCKS_UNTOLD:
        return directions->kept_count == 0 || directions->is_estimated
                   ? ""
                   : "clocks      not compared: one-way delays are not known, only PDV\n";
    case CLOCKS_SYNCHRONISED:
        return apr_psprintf(pool, "clocks      synchronised, to %s here and %s there\n",
                            error_text_of(directions->own_error, pool),
                            error_text_of(directions->peer_error, pool));
    default:
        return apr_psprintf(pool, "clocks      %s%s\n", words[directions->clocks],
                            directions->is_estimated ? ""
                                                     : ": one-way delays are not known, only PDV");
    }
}

/* What the reflector counts of the session, where it is asked. */
static const char *counts_text(const directions_summary_t *directions, apr_pool_t *pool)
{
    const telemetry_t *telemetry = &directions->telemetry;

    return telemetry->has_counts ? apr_psprintf(pool, "peer counts %u requests, %u replies\n",
                                                telemetry->requests, telemetry->replies)
                                 : "";
}

/* How much later replies left than their time stamps say. */
static const char *later_text(const directions_summary_t *directions, apr_pool_t *pool)
{
    const telemetry_t *telemetry = &directions->telemetry;
    const apr_int64_t times[] = {telemetry->minimum / 1000, telemetry_mean(telemetry) / 1000,
                                 telemetry->maximum / 1000};

    return telemetry->count == 0 ? "" : row_text("left later", "min/mean/max", times, 3, pool);
}

static const char *offset_text(const directions_summary_t *directions, apr_pool_t *pool)
{
    apr_int64_t ahead = directions->offset;

    if (!directions->is_estimated) {
        return "";
    }
    return apr_psprintf(pool,
                        "offset      the peer's clock is assumed to be %s ms %s, as if the\n"
                        "            shortest delay were the same each way\n",
                        thousandths(ahead < 0 ? -ahead : ahead, pool),
                        ahead < 0 ? "behind" : "ahead");
}

const char *report_text_directions(const event_t *event, apr_pool_t *pool)
{
    const directions_summary_t *directions = event->directions;

    return apr_pstrcat(pool, both_delays_text(directions, pool), kept_text(directions, pool),
                       later_text(directions, pool), counts_text(directions, pool),
                       clocks_text(directions, pool), offset_text(directions, pool),
                       report_text_path(event, pool), NULL);
}

const char *report_text_losses(const event_t *event, apr_pool_t *pool)
{
    return apr_pstrcat(pool, losses_text(event, pool), restarts_text(event->directions, pool),
                       NULL);
}
