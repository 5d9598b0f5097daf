#include "client/output/table_order.h"

#include <string.h>

#include "client/output/chart.h"
#include "common/sort.h"

/* Sorts first what is larger. */
static int larger(apr_int64_t one, apr_int64_t other)
{
    return (one < other) - (one > other);
}

/* A peer of which nothing is known yet comes last, one that does not answer comes first, behind
 * what cannot be asked at all. */
static double loss_of(const table_row_t *row)
{
    apr_uint64_t known = row->summary.sent - row->summary.outstanding;

    if (row->error != NULL) {
        return 2;
    }
    return known == 0 ? 0 : (double)row->summary.lost / (double)known;
}

static apr_int64_t p99_of(const table_row_t *row)
{
    if (row->summary.timed > 0) {
        return row->summary.p99;
    }
    return row->summary.lost > 0 || row->error != NULL ? APR_INT64_MAX : -1;
}

static apr_int64_t last_of(const table_row_t *row)
{
    if (row->latest_count == 0) {
        return row->error != NULL ? APR_INT64_MAX : -1;
    }
    apr_int64_t last = row->latest[row->latest_count - 1];

    return last == CHART_MISSING ? APR_INT64_MAX : last;
}

static int by_number(const void *one, const void *other)
{
    const table_row_t *const *first = one, *const *second = other;

    return larger((apr_int64_t)(*second)->number, (apr_int64_t)(*first)->number);
}

static int by_loss(const void *one, const void *other)
{
    double first = loss_of(*(const table_row_t *const *)one);
    double second = loss_of(*(const table_row_t *const *)other);

    return first != second ? (first < second) - (first > second) : by_number(one, other);
}

static int by_p99(const void *one, const void *other)
{
    int order = larger(p99_of(*(const table_row_t *const *)one),
                       p99_of(*(const table_row_t *const *)other));

    return order != 0 ? order : by_number(one, other);
}

static int by_last(const void *one, const void *other)
{
    int order = larger(last_of(*(const table_row_t *const *)one),
                       last_of(*(const table_row_t *const *)other));

    return order != 0 ? order : by_number(one, other);
}

static int by_target(const void *one, const void *other)
{
    int order = strcmp((*(const table_row_t *const *)one)->target,
                       (*(const table_row_t *const *)other)->target);

    return order != 0 ? order : by_number(one, other);
}

static const struct {
    const char *name;
    int (*compare)(const void *one, const void *other);
} orders[TABLE_ORDERS] = {
    [ORDER_LOSS] = {"loss", by_loss},
    [ORDER_P99] = {"p99", by_p99},
    [ORDER_LAST] = {"last", by_last},
    [ORDER_TARGET] = {"target", by_target},
};

const char *table_order_name(table_order_t order)
{
    return orders[order].name;
}

void table_sort(apr_array_header_t *rows, table_order_t order, int is_reversed)
{
    const table_row_t **all = (const table_row_t **)rows->elts;

    sort_items(all, (apr_size_t)rows->nelts, (apr_size_t)rows->elt_size, orders[order].compare,
               NULL);
    for (int i = 0, j = rows->nelts - 1; is_reversed && i < j; i++, j--) {
        const table_row_t *row = all[i];

        all[i] = all[j];
        all[j] = row;
    }
}
