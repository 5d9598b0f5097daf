#include "client/sweep.h"

#include <apr_strings.h>
#include <math.h>
#include <stdlib.h>

#include "client/clusters.h"

#define SLOWER_MORE_MIN_US 500

/* With fewer datagrams a port, no difference is too large for chance. */
#define ROUNDS_MIN 2

static double missing(const sweep_row_t *row)
{
    return (double)(row->summary.lost + row->summary.corrupted);
}

/* The datagrams whose fate is known. */
static trials_t losses(const sweep_row_t *row)
{
    return (trials_t){missing(row), (double)(row->summary.sent - row->summary.outstanding)};
}

static int compare_losses(const void *first, const void *second)
{
    trials_t one = losses(first), other = losses(second);
    double difference = other.failed * one.all - one.failed * other.all;

    return difference != 0 ? (difference > 0) - (difference < 0)
                           : (one.all < other.all) - (one.all > other.all);
}

/* Marks those that lose more than the rest; then, since there may be paths that are bad in
 * different ways, those that lose more than what is left. */
static void mark_lossy(sweep_row_t *rows, unsigned count, trials_t *trials)
{
    unsigned found;

    qsort(rows, count, sizeof *rows, compare_losses);
    for (unsigned i = 0; i < count; i++) {
        trials[i] = losses(&rows[i]);
    }
    for (unsigned first = 0; (found = clusters_find(trials + first, count - first)) > 0;) {
        for (; found > 0; found--) {
            rows[first++].is_suspect = 1;
        }
    }
}

static int compare_minima(const void *first, const void *second)
{
    const sweep_row_t *one = first, *other = second;
    apr_interval_time_t a = one->summary.timed > 0 ? one->summary.minimum : -1;
    apr_interval_time_t b = other->summary.timed > 0 ? other->summary.minimum : -1;

    return (a < b) - (a > b);
}

/* How many of a port's round trips may have been as long as `time`. */
static double slow_at_most(const probe_summary_t *summary, apr_interval_time_t time)
{
    double timed = (double)summary->timed;

    return summary->maximum < time ? 0
           : summary->p90 < time   ? ceil(timed / 10)
           : summary->p50 < time   ? ceil(timed / 2)
                                   : timed;
}

/* The probability that chance makes the `k` slowest of `count` ports: that all their round
 * trips, and only as many of the others' as allowed, are as long as the shortest of the k. */
static double chance_of_slow(const sweep_row_t *rows, unsigned k, unsigned count)
{
    apr_interval_time_t shortest = rows[k - 1].summary.minimum;
    trials_t slowest = {0, 0};
    trials_t total = {0, 0};

    for (unsigned i = 0; i < count; i++) {
        const probe_summary_t *summary = &rows[i].summary;
        double timed = (double)summary->timed;

        total.all += timed;
        total.failed += i < k ? timed : slow_at_most(summary, shortest);
        slowest.all += i < k ? timed : 0;
    }
    slowest.failed = slowest.all;
    return clusters_log_probability(slowest, k, total, count);
}

static void mark_slow(sweep_row_t *rows, unsigned count)
{
    double least = log(CLUSTERS_ERROR);
    unsigned found = 0;

    qsort(rows, count, sizeof *rows, compare_minima);
    while (count > 0 && rows[count - 1].summary.timed == 0) {
        count--;
    }
    for (unsigned k = 1; k < count; k++) {
        unsigned middle = k + (count - k) / 2;
        double usual = (double)rows[middle].summary.minimum;

        if ((double)rows[k - 1].summary.minimum > usual * 1.25 + SLOWER_MORE_MIN_US) {
            double chance = chance_of_slow(rows, k, count);

            found = chance < least ? k : found;
            least = chance < least ? chance : least;
        }
    }
    for (unsigned i = 0; i < found; i++) {
        rows[i].is_suspect = 1;
    }
}

static int compare_rows(const void *first, const void *second)
{
    const sweep_row_t *one = first, *other = second;
    double lost = missing(other) - missing(one);

    if (one->is_suspect != other->is_suspect) {
        return other->is_suspect - one->is_suspect;
    }
    if (lost != 0) {
        return lost > 0 ? 1 : -1;
    }
    if (one->summary.p50 != other->summary.p50) {
        return one->summary.p50 < other->summary.p50 ? 1 : -1;
    }
    return one->port - other->port;
}

/* As if so many of the paths that there may be were bad: the simplest guess. */
static const char *paths_text(unsigned count, unsigned suspects, apr_pool_t *pool)
{
    unsigned fewer = suspects * 2 <= count ? suspects : count - suspects;
    unsigned paths = fewer > 0 ? (count + fewer / 2) / fewer : 1;

    return fewer == suspects ? apr_psprintf(pool, "as if 1 path of %u were bad", paths)
                             : apr_psprintf(pool, "as if all but 1 path of %u were bad", paths);
}

static const char *loss_text(const sweep_row_t *rows, unsigned count, apr_pool_t *pool)
{
    trials_t sum = {0, 0};

    for (unsigned i = 0; i < count; i++) {
        sum.failed += losses(&rows[i]).failed;
        sum.all += losses(&rows[i]).all;
    }
    return apr_psprintf(pool, "%.3g %%", sum.all > 0 ? 100 * sum.failed / sum.all : 0);
}

static const char *verdict(const sweep_result_t *result, apr_pool_t *pool)
{
    const sweep_row_t *rows = result->rows;
    unsigned count = result->count, suspects = result->suspects, untried = 0;
    apr_uint64_t received = 0;
    double lost = 0;

    for (unsigned i = 0; i < count; i++) {
        received += rows[i].summary.received;
        lost += missing(&rows[i]);
        untried += losses(&rows[i]).all < ROUNDS_MIN;
    }
    if (received == 0) {
        return "No port got an answer.";
    }
    if (suspects == 0 && untried > 0) {
        return apr_psprintf(pool,
                            "Too few datagrams to tell: %u of %u source ports have fewer than %d "
                            "that were answered or lost.",
                            untried, count, ROUNDS_MIN);
    }
    if (suspects == 0) {
        return apr_psprintf(pool,
                            lost > 0 ? "What %u source ports lose differs by no more than chance."
                                     : "All %u source ports are alike.",
                            count);
    }
    if (suspects == count) {
        return apr_psprintf(
            pool, "All %u source ports are bad: some lose more than the others, which are slower.",
            count);
    }
    return apr_psprintf(
        pool, "%u of %u source ports are worse than the others, %s; they lose %s, the others %s.",
        suspects, count, paths_text(count, suspects, pool), loss_text(rows, suspects, pool),
        loss_text(rows + suspects, count - suspects, pool));
}

sweep_result_t sweep_judge(sweep_row_t *rows, unsigned count, apr_pool_t *pool)
{
    trials_t *trials = apr_palloc(pool, count * sizeof *trials);
    sweep_result_t result = {.count = count, .rows = rows};

    mark_lossy(rows, count, trials);
    mark_slow(rows, count);
    qsort(rows, count, sizeof *rows, compare_rows);
    for (unsigned i = 0; i < count; i++) {
        result.suspects += rows[i].is_suspect != 0;
    }
    result.verdict = verdict(&result, pool);
    return result;
}
