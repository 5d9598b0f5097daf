#include "client/output/chart.h"

#include <apr_strings.h>
#include <assert.h>
#include <string.h>

#include "client/output/format.h"

#define EIGHTHS 8

/* ---- Bars ---- */

/* Returns where the next text goes. */
static char *put(char *end, const char *text)
{
    return apr_cpystrn(end, text, strlen(text) + 1);
}

/* `length` of `most` in parts of `whole`, rounded, but at least one part of something. */
static apr_size_t share(apr_uint64_t count, apr_uint64_t most, unsigned whole)
{
    apr_size_t parts = (apr_size_t)((double)count / (double)most * whole + 0.5);

    return parts == 0 ? 1 : parts;
}

static const char *block_bar(apr_size_t eighths, apr_pool_t *pool)
{
    static const char *const blocks[EIGHTHS + 1] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉", "█"};
    char *bar = apr_pcalloc(pool, (eighths / EIGHTHS + 1) * strlen(blocks[EIGHTHS]) + 1);
    char *end = bar;

    for (; eighths > EIGHTHS; eighths -= EIGHTHS) {
        end = put(end, blocks[EIGHTHS]);
    }
    put(end, blocks[eighths]);
    return bar;
}

const char *chart_bar(apr_uint64_t count, apr_uint64_t most, unsigned columns, int has_utf8,
                      apr_pool_t *pool)
{
    assert(count <= most);
    if (count == 0 || columns == 0) {
        return "";
    }
    if (has_utf8) {
        return block_bar(share(count, most, columns * EIGHTHS), pool);
    }
    apr_size_t length = share(count, most, columns);
    char *bar = apr_pcalloc(pool, length + 1);

    memset(bar, '#', length);
    return bar;
}

/* ---- Sparklines ---- */

typedef struct range {
    apr_int64_t low, high;
} range_t;

static range_t range_of(const apr_int64_t *values, unsigned count)
{
    range_t range = {APR_INT64_MAX, 0};

    for (unsigned i = 0; i < count; i++) {
        if (values[i] != CHART_MISSING) {
            range.low = values[i] < range.low ? values[i] : range.low;
            range.high = values[i] > range.high ? values[i] : range.high;
        }
    }
    return range;
}

static const char *spark(apr_int64_t value, range_t range, int has_utf8)
{
    static const char *const blocks[EIGHTHS] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    static const char *const signs[EIGHTHS] = {"_", ".", ":", "-", "=", "+", "*", "#"};

    if (value == CHART_MISSING) {
        return "!";
    }
    double height = range.high > range.low ? (double)(value - range.low) /
                                                 (double)(range.high - range.low) * (EIGHTHS - 1)
                                           : 0;

    return (has_utf8 ? blocks : signs)[(unsigned)(height + 0.5)];
}

const char *chart_sparkline(const apr_int64_t *values, unsigned count, unsigned columns,
                            int has_utf8, apr_pool_t *pool)
{
    unsigned shown = count < columns ? count : columns;
    const apr_int64_t *first = values + (count - shown);
    range_t range = range_of(first, shown);
    char *line = apr_pcalloc(pool, shown * strlen("█") + 1);
    char *end = line;

    for (unsigned i = 0; i < shown; i++) {
        end = put(end, spark(first[i], range, has_utf8));
    }
    return line;
}

/* ---- Histograms ---- */

#define ROWS_LEAST    2
#define COLUMNS_LEAST 20

/* The values above this share may be far away, and get one row for all of them. */
#define SHARE_SCALED 0.95

/* A range is no narrower than two buckets of the histogram, lest they beat against each other. */
#define RANGES_BELOW_VALUE (HISTOGRAM_EXACT / 4)

typedef struct scale {
    apr_int64_t first; /* where the first range begins */
    apr_int64_t step;  /* how wide each is */
    unsigned ranges;
} scale_t;

/* 1, 2, 5, 10, 20, ... */
static apr_int64_t next_step(apr_int64_t step)
{
    apr_int64_t leading = step;

    while (leading >= 10) {
        leading /= 10;
    }
    return leading == 2 ? step / 2 * 5 : step * 2;
}

static scale_t scale_of(const histogram_t *histogram, unsigned ranges_max)
{
    apr_int64_t low = histogram_quantile(histogram, 0);
    apr_int64_t high = histogram_quantile(histogram, SHARE_SCALED);
    apr_int64_t step = 1;

    while (high / step - low / step >= ranges_max || step * RANGES_BELOW_VALUE < high) {
        step = next_step(step);
    }
    return (scale_t){low / step * step, step, (unsigned)(high / step - low / step) + 1};
}

typedef struct row {
    const char *label;
    apr_uint64_t count;
} row_t;

static void push_row(apr_array_header_t *rows, const char *before, apr_int64_t low,
                     apr_uint64_t count)
{
    *(row_t *)apr_array_push(rows) =
        (row_t){apr_psprintf(rows->pool, "%s%s ms", before, thousandths(low, rows->pool)), count};
}

static apr_array_header_t *rows_of(const histogram_t *histogram, unsigned rows_max,
                                   apr_pool_t *pool)
{
    scale_t scale = scale_of(histogram, rows_max - 1);
    apr_array_header_t *rows = apr_array_make(pool, (int)rows_max, sizeof(row_t));
    apr_int64_t low = scale.first;

    for (unsigned i = 0; i < scale.ranges; i++, low += scale.step) {
        push_row(rows, "", low, histogram_between(histogram, low, low + scale.step));
    }
    apr_uint64_t above = histogram_between(histogram, low, APR_INT64_MAX);

    if (above > 0) {
        push_row(rows, ">= ", low, above);
    }
    return rows;
}

/* What the rows have in common. */
typedef struct layout {
    unsigned label; /* columns of the longest label */
    unsigned bar;   /* and of the longest bar */
    apr_uint64_t most;
} layout_t;

static unsigned digits_of(apr_uint64_t count)
{
    unsigned digits = 1;

    for (; count >= 10; count /= 10) {
        digits++;
    }
    return digits;
}

/* A row is a label, a space, a bar, a space and a count. Returns 0 if it does not fit. */
static int lay_out(layout_t *layout, const apr_array_header_t *rows, unsigned columns)
{
    *layout = (layout_t){0};
    for (int i = 0; i < rows->nelts; i++) {
        const row_t *row = &APR_ARRAY_IDX(rows, i, row_t);
        unsigned label = (unsigned)strlen(row->label);

        layout->label = label > layout->label ? label : layout->label;
        layout->most = row->count > layout->most ? row->count : layout->most;
    }
    unsigned others = layout->label + 1 + 1 + digits_of(layout->most);

    layout->bar = others < columns ? columns - others : 0;
    return others <= columns;
}

apr_array_header_t *chart_histogram(const histogram_t *histogram, unsigned rows_max,
                                    unsigned columns, int has_utf8, apr_pool_t *pool)
{
    apr_array_header_t *lines = apr_array_make(pool, (int)rows_max, sizeof(const char *));
    layout_t layout;

    if (rows_max < ROWS_LEAST || columns < COLUMNS_LEAST || histogram_total(histogram) == 0) {
        return lines;
    }
    apr_array_header_t *rows = rows_of(histogram, rows_max, pool);

    if (!lay_out(&layout, rows, columns)) {
        return lines;
    }
    for (int i = 0; i < rows->nelts; i++) {
        const row_t *row = &APR_ARRAY_IDX(rows, i, row_t);
        const char *bar = chart_bar(row->count, layout.most, layout.bar, has_utf8, pool);

        APR_ARRAY_PUSH(lines, const char *) =
            apr_psprintf(pool, "%*s %s%s%" APR_UINT64_T_FMT, (int)layout.label, row->label, bar,
                         *bar != '\0' ? " " : "", row->count);
    }
    return lines;
}
