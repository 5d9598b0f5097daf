#include <apr_strings.h>
#include <string.h>

#include "client/output/format.h"
#include "client/output/report_text_parts.h"

/* A longer name moves the rest of its row to the right. */
#define TARGET_COLUMNS_MAX 40

/* The widths of the headings. */
#define TARGET_COLUMNS_MIN  6
#define ADDRESS_COLUMNS_MIN 7

/* Before an address, and of all the numbers. */
#define GAP_COLUMNS    2
#define NUMBER_COLUMNS 50

/* ---- The table: a row for each peer, 80 columns wide for short names ---- */

static int widen(unsigned *columns, apr_size_t length)
{
    int is_wider = length > *columns;

    *columns = is_wider ? (unsigned)length : *columns;
    return is_wider;
}

int peer_columns_fit(peer_columns_t *columns, const run_t *run, apr_pool_t *pool)
{
    apr_size_t length = strlen(run->host);
    int is_wider = widen(&columns->target, TARGET_COLUMNS_MIN);

    is_wider |= widen(&columns->target, length < TARGET_COLUMNS_MAX ? length : TARGET_COLUMNS_MAX);
    length = strlen(other_address(run, pool));
    if (length > 0) {
        is_wider |= widen(&columns->address, ADDRESS_COLUMNS_MIN);
        is_wider |= widen(&columns->address, length);
    }
    return is_wider;
}

peer_columns_t peer_columns_within(peer_columns_t columns, unsigned width)
{
    unsigned room = width > NUMBER_COLUMNS ? width - NUMBER_COLUMNS : 0;

    if (columns.target + GAP_COLUMNS + columns.address > room) {
        columns.address = 0;
    }
    if (columns.target > room) {
        columns.target = room > TARGET_COLUMNS_MIN ? room : TARGET_COLUMNS_MIN;
    }
    return columns;
}

static const char *first_columns(const peer_columns_t *columns, const char *target,
                                 const char *address, apr_pool_t *pool)
{
    return columns->address == 0 ? apr_psprintf(pool, "%-*s", (int)columns->target, target)
                                 : apr_psprintf(pool, "%-*s  %-*s", (int)columns->target, target,
                                                (int)columns->address, address);
}

const char *report_text_peers_heading(const peer_columns_t *columns, apr_pool_t *pool)
{
    return apr_pstrcat(pool, first_columns(columns, "target", "address", pool),
                       "    sent lost % min ms p50 ms p99 ms max ms jitter\n", NULL);
}

/* What is remarkable of replies and of the pace, each with a comma before it; "" if all is well. */
static const char *remarks_text(const probe_summary_t *summary, apr_pool_t *pool)
{
    const apr_uint64_t *replies = summary->replies;

    return apr_pstrcat(pool, if_any(summary->late, "late", pool),
                       if_any(replies[REPLY_DUPLICATE], "duplicate", pool),
                       if_any(summary->reordered, "reordered", pool),
                       if_any(replies[REPLY_CORRUPT], "corrupt", pool),
                       if_any(replies[REPLY_MISDELIVERED], "misdelivered", pool),
                       if_any(replies[REPLY_ELSEWHERE], "from elsewhere", pool),
                       if_any(replies[REPLY_UNKNOWN], "unknown", pool),
                       if_any(summary->missed, "missed", pool), NULL);
}

/* Which way datagrams were lost, if that is known. */
static const char *ways_text(const event_t *event, apr_pool_t *pool)
{
    const directions_summary_t *directions = event->directions;

    return directions == NULL || !directions->is_counted
               ? ""
               : apr_pstrcat(pool, if_any(directions->losses.forward, "lost forward", pool),
                             if_any(directions->losses.backward, "lost backward", pool), NULL);
}

static const char *row_remarks(const event_t *event, apr_pool_t *pool)
{
    const probe_summary_t *summary = event->summary;
    const char *remarks = apr_pstrcat(pool, ways_text(event, pool), remarks_text(summary, pool),
                                      if_any(summary->not_sent, "not sent", pool),
                                      if_any(summary->refused, "refused", pool), NULL);

    return *remarks == '\0' ? "" : apr_pstrcat(pool, " ", remarks + strlen(","), NULL);
}

static const char *times_text(const probe_summary_t *summary, apr_pool_t *pool)
{
    const apr_interval_time_t times[] = {summary->minimum, summary->p50, summary->p99,
                                         summary->maximum, summary->jitter};
    const char *text = "";

    for (unsigned i = 0; i < sizeof times / sizeof times[0]; i++) {
        text = apr_psprintf(pool, "%s %6s", text,
                            summary->timed > 0 ? short_milliseconds(times[i], pool) : "-");
    }
    return text;
}

const char *report_text_peer(const peer_columns_t *columns, const event_t *event, apr_pool_t *pool)
{
    const run_t *run = event->run;
    const probe_summary_t *summary = event->summary;

    return apr_psprintf(pool, "%s %7" APR_UINT64_T_FMT " %6s%s%s\n",
                        first_columns(columns, run->host, other_address(run, pool), pool),
                        summary->sent, short_loss(summary, pool), times_text(summary, pool),
                        row_remarks(event, pool));
}

const char *report_text_not_asked(const peer_columns_t *columns, const event_t *event,
                                  apr_pool_t *pool)
{
    const char *reason = event->status == APR_SUCCESS ? "its name was not looked up in time"
                                                      : lookup_words(event->status, pool);

    return apr_psprintf(
        pool, "%s not asked: %s%s\n", first_columns(columns, event->run->host, "", pool),
        event->status == APR_SUCCESS || event->is_found ? "" : "lookup failed: ", reason);
}

/* ---- Lines about one target ---- */

const char *report_text_address(const event_t *event, apr_pool_t *pool)
{
    return apr_psprintf(pool, "%s: address changed from %s to %s\n", event->run->host,
                        address_text(event->former, pool), address_text(&event->run->peer, pool));
}

const char *report_text_lookup(const event_t *event, apr_pool_t *pool)
{
    return apr_psprintf(pool, "%s: %s: %s\n", event->run->host,
                        event->is_found ? "cannot be asked" : "lookup failed",
                        lookup_words(event->status, pool));
}

const char *report_text_interval(const event_t *event, apr_pool_t *pool)
{
    const probe_summary_t *summary = event->summary;
    const char *loss = loss_percent(summary, pool);
    const char *times = "";

    if (loss == NULL) {
        return apr_psprintf(pool, "%s: sent %" APR_UINT64_T_FMT ", none answered or lost yet\n",
                            event->run->host, summary->sent);
    }
    if (summary->timed > 0) {
        times = apr_psprintf(pool, ", min/p50/p99/max %s/%s/%s/%s ms",
                             thousandths(summary->minimum, pool), thousandths(summary->p50, pool),
                             thousandths(summary->p99, pool), thousandths(summary->maximum, pool));
    }
    return apr_psprintf(pool, "%s: sent %" APR_UINT64_T_FMT ", lost %s %%%s\n", event->run->host,
                        summary->sent, loss, times);
}

/* ---- All targets ---- */

static const char *lateness_text(const histogram_t *lateness, apr_pool_t *pool)
{
    return histogram_total(lateness) == 0
               ? ""
               : apr_psprintf(pool, "sent after due  p50/p99/max  %s/%s/%s ms\n",
                              thousandths(histogram_quantile(lateness, 0.5), pool),
                              thousandths(histogram_quantile(lateness, 0.99), pool),
                              thousandths(histogram_quantile(lateness, 1), pool));
}

const char *report_text_total(const event_t *event, apr_pool_t *pool)
{
    const total_t *total = event->total;
    const char *remarks = remarks_text(&total->summary, pool);

    if (*remarks != '\0') {
        remarks = apr_pstrcat(pool, remarks + strlen(", "), "\n", NULL);
    }
    return apr_pstrcat(
        pool, event->is_interim ? "--- all peers, so far ---\n" : "--- all peers ---\n",
        apr_psprintf(pool, "%u asked, %u answered%s\n", total->peers, total->answered,
                     if_any(total->failures,
                            total->failures == 1 ? "lookup failed" : "lookups failed", pool)),
        report_text_counts(&total->summary, pool), remarks, lateness_text(total->lateness, pool),
        NULL);
}
