#include "client/output/chart.h"

#include <apr_strings.h>
#include <assert.h>
#include <math.h>
#include <string.h>

#include "client/output/format.h"
#include "client/output/ranges.h"

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

/* From 0 to 1, on a logarithmic scale as a histogram's where one large value would make all others
 * alike. */
static double height_of(apr_int64_t value, range_t range)
{
    double low = (double)range.low, high = (double)range.high;

    if (range.low >= range.high) {
        return 0;
    }
    return range.low > 0 && high > RANGES_LINEAR_FACTOR * low
               ? log((double)value / low) / log(high / low)
               : ((double)value - low) / (high - low);
}

static const char *spark(apr_int64_t value, range_t range, int has_utf8)
{
    static const char *const blocks[EIGHTHS] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    static const char *const signs[EIGHTHS] = {"_", ".", ":", "-", "=", "+", "*", "#"};

    if (value == CHART_MISSING) {
        return "!";
    }
    double height = height_of(value, range) * (EIGHTHS - 1);

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

#define ROWS_LEAST    3
#define COLUMNS_LEAST 20

typedef struct row {
    const char *label;
    apr_uint64_t count;
} row_t;

static void push_row(apr_array_header_t *rows, const char *label, apr_uint64_t count)
{
    *(row_t *)apr_array_push(rows) = (row_t){label, count};
}

/* The decimals that the bounds need which have most of them. */
static unsigned decimals_of(const ranges_t *ranges)
{
    unsigned decimals = 0;

    for (unsigned i = 0; i <= ranges->count; i++) {
        unsigned own = decimals_needed(ranges->bound[i]);

        decimals = own > decimals ? own : decimals;
    }
    return decimals;
}

static apr_array_header_t *rows_of(const ranges_t *ranges, apr_pool_t *pool)
{
    apr_array_header_t *rows = apr_array_make(pool, (int)ranges->count + 2, sizeof(row_t));
    const char *bounds[RANGES_MAX + 1];
    unsigned decimals = decimals_of(ranges);
    unsigned width = 0;

    for (unsigned i = 0; i <= ranges->count; i++) {
        apr_int64_t bound = ranges->bound[i];

        bounds[i] =
            milliseconds(bound, ranges->is_logarithmic ? decimals_needed(bound) : decimals, pool);
        width = strlen(bounds[i]) > width ? (unsigned)strlen(bounds[i]) : width;
    }
    if (ranges->below > 0) {
        push_row(rows, apr_psprintf(pool, "%*s %-*s", (int)width + 2, "<", (int)width, bounds[0]),
                 ranges->below);
    }
    for (unsigned i = 0; i < ranges->count; i++) {
        push_row(rows,
                 apr_psprintf(pool, "%*s - %-*s", (int)width, bounds[i], (int)width, bounds[i + 1]),
                 ranges->in[i]);
    }
    if (ranges->above > 0) {
        push_row(
            rows,
            apr_psprintf(pool, "%*s %-*s", (int)width + 2, ">=", (int)width, bounds[ranges->count]),
            ranges->above);
    }
    return rows;
}

static unsigned digits_of(apr_uint64_t count)
{
    unsigned digits = 1;

    for (; count >= 10; count /= 10) {
        digits++;
    }
    return digits;
}

static const char *heading_of(const ranges_t *ranges, const char *title, unsigned columns,
                              apr_pool_t *pool)
{
    const char *heading =
        apr_psprintf(pool, "%s, ms, %s scale", title, ranges->is_logarithmic ? "log" : "linear");

    return strlen(heading) <= columns ? heading : apr_pstrmemdup(pool, heading, columns);
}

apr_array_header_t *chart_histogram(const histogram_t *histogram, const char *title,
                                    unsigned rows_max, unsigned columns, int has_utf8,
                                    apr_pool_t *pool)
{
    apr_array_header_t *lines = apr_array_make(pool, (int)rows_max, sizeof(const char *));

    if (rows_max < ROWS_LEAST || columns < COLUMNS_LEAST || histogram_total(histogram) == 0) {
        return lines;
    }
    ranges_t ranges = ranges_of(histogram, rows_max - 1);
    apr_array_header_t *rows = rows_of(&ranges, pool);
    /* A row is a label, a space, a bar, a space and a count. */
    unsigned others =
        (unsigned)strlen(APR_ARRAY_IDX(rows, 0, row_t).label) + 1 + 1 + digits_of(ranges.most);

    if (others > columns) {
        return lines;
    }
    APR_ARRAY_PUSH(lines, const char *) = heading_of(&ranges, title, columns, pool);
    for (int i = 0; i < rows->nelts; i++) {
        const row_t *row = &APR_ARRAY_IDX(rows, i, row_t);
        const char *bar = chart_bar(row->count, ranges.most, columns - others, has_utf8, pool);

        APR_ARRAY_PUSH(lines, const char *) =
            apr_psprintf(pool, "%s %s%s%" APR_UINT64_T_FMT, row->label, bar,
                         *bar != '\0' ? " " : "", row->count);
    }
    return lines;
}
