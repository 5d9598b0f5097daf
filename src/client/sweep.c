#include "sweep.h"

#include <apr_strings.h>
#include <math.h>
#include <stdlib.h>

#define LOST_MORE_MIN      3
#define SLOWER_MORE_MIN_US 500

static int compare_numbers(const void *one, const void *other)
{
    double a = *(const double *)one, b = *(const double *)other;

    return (a > b) - (a < b);
}

/* Sorts the values. */
static double median(double *values, unsigned count)
{
    if (count == 0) {
        return 0;
    }
    qsort(values, count, sizeof *values, compare_numbers);
    return count % 2 == 1 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

static double missing(const sweep_row_t *row)
{
    return (double)(row->summary.lost + row->summary.corrupted);
}

static void mark_lossy(sweep_row_t *rows, unsigned count, double *values)
{
    for (unsigned i = 0; i < count; i++) {
        values[i] = missing(&rows[i]);
    }
    double usual = median(values, count);

    for (unsigned i = 0; i < count; i++) {
        double more = missing(&rows[i]) - usual;

        rows[i].is_suspect = more >= LOST_MORE_MIN && more * more > 9 * usual;
    }
}

static void mark_slow(sweep_row_t *rows, unsigned count, double *values)
{
    unsigned answered = 0;

    for (unsigned i = 0; i < count; i++) {
        if (rows[i].summary.received > 0) {
            values[answered++] = (double)rows[i].summary.p50;
        }
    }
    double usual = median(values, answered);

    for (unsigned i = 0; i < answered; i++) {
        values[i] = fabs(values[i] - usual);
    }
    double deviation = median(values, answered);

    for (unsigned i = 0; i < count; i++) {
        if (rows[i].summary.received > 0 && (double)rows[i].summary.minimum - usual >
                                                usual / 4 + 6 * deviation + SLOWER_MORE_MIN_US) {
            rows[i].is_suspect = 1;
        }
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

static const char *verdict(unsigned count, unsigned suspects, apr_uint64_t received,
                           apr_pool_t *pool)
{
    if (received == 0) {
        return "No port got an answer.";
    }
    if (suspects == 0) {
        return apr_psprintf(pool, "All %u source ports fare alike.", count);
    }
    return apr_psprintf(pool,
                        "%u of %u source ports fare worse than the rest, as if 1 path of %u were "
                        "bad.",
                        suspects, count, (count + suspects / 2) / suspects);
}

sweep_result_t sweep_judge(sweep_row_t *rows, unsigned count, apr_pool_t *pool)
{
    double *values = apr_palloc(pool, count * sizeof *values);
    sweep_result_t result = {.count = count, .rows = rows};
    apr_uint64_t received = 0;

    mark_lossy(rows, count, values);
    mark_slow(rows, count, values);
    qsort(rows, count, sizeof *rows, compare_rows);
    for (unsigned i = 0; i < count; i++) {
        result.suspects += rows[i].is_suspect != 0;
        received += rows[i].summary.received;
    }
    result.verdict = verdict(count, result.suspects, received, pool);
    return result;
}
