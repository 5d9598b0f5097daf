#include <apr_strings.h>

#include "client/output/format.h"
#include "client/output/report_text_parts.h"

/* A long table shows only suspects, up to this many, and some others for comparison. */
#define SUSPECTS_SHOWN 30
#define OTHERS_SHOWN   10

const char *if_any(apr_uint64_t count, const char *what, apr_pool_t *pool)
{
    return count == 0 ? "" : apr_psprintf(pool, ", %" APR_UINT64_T_FMT " %s", count, what);
}

/* ---- Summary ---- */

const char *report_text_counts(const probe_summary_t *summary, apr_pool_t *pool)
{
    const char *loss = loss_percent(summary, pool);

    return apr_psprintf(
        pool,
        "%" APR_UINT64_T_FMT " sent, %" APR_UINT64_T_FMT " received%s, %" APR_UINT64_T_FMT
        " lost%s%s%s%s\n",
        summary->sent, summary->received, if_any(summary->corrupted, "corrupted", pool),
        summary->lost, loss != NULL ? apr_pstrcat(pool, " (", loss, " %)", NULL) : "",
        if_any(summary->outstanding, "outstanding", pool),
        if_any(summary->not_sent, "not sent", pool), if_any(summary->refused, "refused", pool));
}

const char *report_text_missed(const probe_summary_t *summary, apr_pool_t *pool)
{
    return summary->missed == 0
               ? ""
               : apr_psprintf(pool,
                              "%" APR_UINT64_T_FMT " were due, %" APR_UINT64_T_FMT
                              " missed: this host did not keep the requested rate\n",
                              asked(summary), summary->missed);
}

static const char *replies_text(const probe_summary_t *summary, apr_pool_t *pool)
{
    const apr_uint64_t *replies = summary->replies;

    return apr_psprintf(
        pool,
        "%" APR_UINT64_T_FMT " late, %" APR_UINT64_T_FMT " duplicate, %" APR_UINT64_T_FMT
        " reordered, %" APR_UINT64_T_FMT " corrupt%s%s%s\n",
        summary->late, replies[REPLY_DUPLICATE], summary->reordered, replies[REPLY_CORRUPT],
        if_any(replies[REPLY_MISDELIVERED], "misdelivered", pool),
        if_any(replies[REPLY_ELSEWHERE], "from elsewhere", pool),
        if_any(replies[REPLY_UNKNOWN], "unknown", pool));
}

static const char *rate_text(const probe_summary_t *summary, apr_pool_t *pool)
{
    apr_uint64_t bits = per_second(summary->bytes * 8, summary->elapsed);

    return apr_psprintf(pool,
                        "%" APR_UINT64_T_FMT " datagrams/s came back, %s Mbit/s of payload, "
                        "for %s s\n",
                        per_second(summary->received, summary->elapsed),
                        thousandths((apr_int64_t)(bits / 1000), pool),
                        thousandths(summary->elapsed / 1000, pool));
}

/* Both in the same unit, of which the larger one has a whole. */
const char *report_text_bitrate(const event_t *event, apr_pool_t *pool)
{
    apr_uint64_t sent = bitrate_sent(event), received = bitrate_received(event);
    int is_large = sent >= 1000000 || received >= 1000000;
    apr_uint64_t unit = is_large ? 1000 : 1;

    if (event->summary->sent == 1) {
        return ""; /* it has no rate */
    }
    return apr_psprintf(
        pool, "bitrate     sent/received        %s/%s %s, with UDP and IP headers\n",
        thousandths((apr_int64_t)(sent / unit), pool),
        thousandths((apr_int64_t)(received / unit), pool), is_large ? "Mbit/s" : "kbit/s");
}

/* How many answers the payload does not tell apart, if any. */
static const char *untimed_text(const probe_summary_t *summary, apr_pool_t *pool)
{
    return summary->timed == summary->received
               ? ""
               : apr_psprintf(pool,
                              "%" APR_UINT64_T_FMT " round trips are not known: this payload does "
                              "not tell which datagram an answer is for\n",
                              summary->received - summary->timed);
}

static const char *round_trips_text(const probe_summary_t *summary, apr_pool_t *pool)
{
    return apr_psprintf(pool,
                        "round trip  min/mean/max/stddev  %s/%s/%s/%s ms\n"
                        "            p50/p90/p99/p99.9    %s/%s/%s/%s ms\n"
                        "            jitter               %s ms\n",
                        thousandths(summary->minimum, pool), thousandths(summary->mean, pool),
                        thousandths(summary->maximum, pool), thousandths(summary->deviation, pool),
                        thousandths(summary->p50, pool), thousandths(summary->p90, pool),
                        thousandths(summary->p99, pool), thousandths(summary->p999, pool),
                        thousandths(summary->jitter, pool));
}

static const char *header_text(const event_t *event, const char *what, apr_pool_t *pool)
{
    return apr_psprintf(pool, "--- %s%s ---\n", endpoint_text(&event->run->peer, pool), what);
}

const char *report_text_summary(const event_t *event, apr_pool_t *pool)
{
    const probe_summary_t *summary = event->summary;
    int is_flood = event->run->measurement == MEASURE_FLOOD;
    int has_directions = event->directions != NULL;

    /* The search for the MTU loses datagrams on purpose, and the result of a load has
     * everything. */
    if ((event->run->measurement == MEASURE_MTU || event->run->measurement == MEASURE_LOAD) &&
        !event->is_interim) {
        return "";
    }
    return apr_pstrcat(
        pool, header_text(event, event->is_interim ? ", so far" : "", pool),
        report_text_counts(summary, pool), has_directions ? report_text_losses(event, pool) : "",
        report_text_missed(summary, pool), replies_text(summary, pool),
        is_flood && summary->received > 1 ? rate_text(summary, pool) : "",
        event->run->bitrate > 0 ? report_text_bitrate(event, pool) : "",
        untimed_text(summary, pool), summary->timed > 0 ? round_trips_text(summary, pool) : "",
        has_directions ? report_text_directions(event, pool) : "", NULL);
}

/* ---- Sweep ---- */

/* How many of those that are lost were requests, and how many replies. */
static const char *ways_text(const sweep_row_t *row, apr_pool_t *pool)
{
    const loss_counts_t *losses = &row->losses;

    return row->is_counted && row->summary.lost > 0
               ? apr_psprintf(pool,
                              "  %" APR_UINT64_T_FMT " forward, %" APR_UINT64_T_FMT " backward",
                              losses->forward, losses->backward)
               : "";
}

static const char *row_text(const sweep_row_t *row, apr_pool_t *pool)
{
    const probe_summary_t *summary = &row->summary;
    const char *loss = loss_percent(summary, pool);
    int is_timed = summary->timed > 0;

    return apr_psprintf(pool, "%11u %9" APR_UINT64_T_FMT " %8s %11s %11s %11s%s%s\n",
                        (unsigned)row->port, summary->sent, loss != NULL ? loss : "-",
                        is_timed ? thousandths(summary->minimum, pool) : "-",
                        is_timed ? thousandths(summary->p50, pool) : "-",
                        is_timed ? thousandths(summary->maximum, pool) : "-", ways_text(row, pool),
                        row->is_suspect ? "  suspect" : "");
}

static unsigned rows_shown(const sweep_result_t *sweep)
{
    unsigned suspects = sweep->suspects < SUSPECTS_SHOWN ? sweep->suspects : SUSPECTS_SHOWN;
    unsigned shown = suspects + OTHERS_SHOWN;

    return shown < sweep->count ? shown : sweep->count;
}

/* The suspects come first, so those that are not shown are what is left of either kind. */
static const char *rest_text(const sweep_result_t *sweep, unsigned shown, apr_pool_t *pool)
{
    if (shown == sweep->count) {
        return "";
    }
    return apr_psprintf(
        pool, "        ... and %u more%s\n", sweep->count - shown,
        if_any(sweep->suspects > shown ? sweep->suspects - shown : 0, "suspects among them", pool));
}

const char *report_text_sweep(const event_t *event, apr_pool_t *pool)
{
    const sweep_result_t *sweep = event->sweep;
    unsigned shown = rows_shown(sweep);
    apr_array_header_t *lines = apr_array_make(pool, (int)shown + 4, sizeof(const char *));

    APR_ARRAY_PUSH(lines, const char *) = header_text(event, ", by source port", pool);
    APR_ARRAY_PUSH(lines, const char *) = "source port      sent   lost %      min ms      p50 ms"
                                          "      max ms\n";
    for (unsigned i = 0; i < shown; i++) {
        APR_ARRAY_PUSH(lines, const char *) = row_text(&sweep->rows[i], pool);
    }
    APR_ARRAY_PUSH(lines, const char *) = rest_text(sweep, shown, pool);
    APR_ARRAY_PUSH(lines, const char *) = apr_pstrcat(pool, sweep->verdict, "\n", NULL);
    return apr_array_pstrcat(pool, lines, '\0');
}

/* ---- MTU ---- */

static const char *limit_text(mtu_limit_t limit)
{
    static const char *const texts[] = {
        [MTU_LIMIT_NONE] = "no limit: this is the largest possible UDP payload",
        [MTU_LIMIT_LOCAL] = "the limit is this host's interface",
        [MTU_LIMIT_BUFFER] = "the limit is the buffers that this host gives a socket",
        [MTU_LIMIT_FORWARD] = "the limit seems to be on the way there",
        [MTU_LIMIT_RETURN] = "the limit seems to be on the way back, or the peer",
        [MTU_LIMIT_PEER] =
            "the limit seems to be the peer: larger ones come back truncated or changed",
        [MTU_LIMIT_UNKNOWN] = "the echoes do not show where the limit is",
        [MTU_NO_ANSWER] = "nothing came back as it was sent, at any size",
        [MTU_NOT_FOUND] = "the search ended before it had found the limit",
    };

    return texts[limit];
}

/* How far a search came that ended early. */
static const char *bounds_text(const mtu_result_t *mtu, apr_pool_t *pool)
{
    const char *below =
        mtu->too_large > 0
            ? apr_psprintf(pool, ", and %" APR_SIZE_T_FMT " bytes did not", mtu->too_large)
            : "";

    return mtu->mtu == 0
               ? "largest payload not known: nothing came back yet\n"
               : apr_psprintf(pool,
                              "largest payload not known: %" APR_SIZE_T_FMT " bytes came back%s\n",
                              mtu->payload, below);
}

static const char *largest_text(const mtu_result_t *mtu, apr_pool_t *pool)
{
    if (mtu->limit == MTU_NOT_FOUND) {
        return bounds_text(mtu, pool);
    }
    return mtu->limit == MTU_NO_ANSWER
               ? ""
               : apr_psprintf(
                     pool, "largest payload %" APR_SIZE_T_FMT " bytes, MTU %" APR_SIZE_T_FMT "\n%s",
                     mtu->payload, mtu->mtu,
                     mtu->tells_fragments
                         ? ""
                         : "whether replies came in fragments is not known here\n");
}

static const char *hint_text(const mtu_result_t *mtu, apr_pool_t *pool)
{
    if (mtu->hint == 0) {
        return "";
    }
    return apr_psprintf(
        pool, "%s said that the MTU is %" APR_SIZE_T_FMT "; it was tried, not trusted\n",
        mtu->hint_from.length > 0 ? address_text(&mtu->hint_from, pool) : "the network", mtu->hint);
}

const char *report_text_mtu(const event_t *event, apr_pool_t *pool)
{
    const mtu_result_t *mtu = event->mtu;

    return apr_pstrcat(pool, header_text(event, "", pool), largest_text(mtu, pool),
                       limit_text(mtu->limit), "\n", hint_text(mtu, pool), NULL);
}
