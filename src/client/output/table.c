#include "client/output/table.h"

#include <apr_strings.h>
#include <string.h>

#include "client/output/chart.h"
#include "client/output/format.h"
#include "client/output/table_order.h"

static const table_row_t *row_at(const apr_array_header_t *rows, int index)
{
    return APR_ARRAY_IDX(rows, index, const table_row_t *);
}

/* ---- Columns ---- */

typedef enum column {
    COLUMN_TARGET,
    COLUMN_ADDRESS,
    COLUMN_LOSS,
    COLUMN_SENT,
    COLUMN_LAST,
    COLUMN_MINIMUM,
    COLUMN_MEAN,
    COLUMN_P50,
    COLUMN_P99,
    COLUMN_MAXIMUM,
    COLUMN_JITTER,
    COLUMN_LATEST,
    COLUMNS
} column_t;

/* The usual width of each, and its heading. */
static const struct {
    const char *heading;
    unsigned width;
    int is_time;
} kinds[COLUMNS] = {
    [COLUMN_TARGET] = {"target", 10, 0}, [COLUMN_ADDRESS] = {"address", 7, 0},
    [COLUMN_LOSS] = {"loss %", 6, 0},    [COLUMN_SENT] = {"sent", 7, 0},
    [COLUMN_LAST] = {"last", 6, 1},      [COLUMN_MINIMUM] = {"min", 6, 1},
    [COLUMN_MEAN] = {"mean", 6, 1},      [COLUMN_P50] = {"p50", 6, 1},
    [COLUMN_P99] = {"p99", 6, 1},        [COLUMN_MAXIMUM] = {"max", 6, 1},
    [COLUMN_JITTER] = {"jitter", 6, 1},  [COLUMN_LATEST] = {"latest", 10, 0},
};

/* Which of them there is room for is decided in this order. */
static const column_t preferred[] = {
    COLUMN_LOSS,    COLUMN_LAST,    COLUMN_P50,    COLUMN_P99,     COLUMN_LATEST, COLUMN_SENT,
    COLUMN_MAXIMUM, COLUMN_MINIMUM, COLUMN_JITTER, COLUMN_ADDRESS, COLUMN_MEAN,
};

#define PREFERRED  (sizeof preferred / sizeof preferred[0])
#define ALWAYS     4 /* of these there is room as long as the target can be shorter */
#define GAP        1 /* before each column but the first */
#define TARGET_MAX 40

typedef struct layout {
    unsigned width[COLUMNS]; /* 0: it is not shown */
    unsigned left;           /* columns that nothing needs yet */
    int has_utf8;
} layout_t;

static void take_room(layout_t *layout, column_t column, unsigned width)
{
    unsigned needed = width + (column == COLUMN_TARGET ? 0 : GAP);

    if (width > 0 && needed <= layout->left) {
        layout->width[column] = width;
        layout->left -= needed;
    }
}

static unsigned longest(const apr_array_header_t *rows, int of_addresses)
{
    apr_size_t most = 0;

    for (int i = 0; i < rows->nelts; i++) {
        const table_row_t *row = row_at(rows, i);
        apr_size_t length = strlen(of_addresses ? row->address : row->target);

        most = length > most ? length : most;
    }
    return (unsigned)most;
}

static unsigned within(unsigned value, unsigned low, unsigned high)
{
    return value < low ? low : value > high ? high : value;
}

/* Long targets are cut where what matters most would not fit else. */
static unsigned target_width(const apr_array_header_t *rows, const unsigned widths[COLUMNS],
                             unsigned columns)
{
    unsigned least = widths[COLUMN_TARGET] < columns ? widths[COLUMN_TARGET] : columns;
    unsigned others = 0;

    for (unsigned i = 0; i < ALWAYS; i++) {
        others += GAP + widths[preferred[i]];
    }
    unsigned most = columns > others + least ? columns - others : least;

    return within(longest(rows, 0), least, most < TARGET_MAX ? most : TARGET_MAX);
}

/* How wide the longest of the round trips is. */
static unsigned time_width(const apr_array_header_t *rows, apr_pool_t *pool)
{
    apr_int64_t most = 0;

    for (int i = 0; i < rows->nelts; i++) {
        const table_row_t *row = row_at(rows, i);
        apr_int64_t last = row->latest_count > 0 ? row->latest[row->latest_count - 1] : 0;

        most = row->summary.maximum > most ? row->summary.maximum : most;
        most = last > most ? last : most;
    }
    return (unsigned)strlen(short_milliseconds(most, pool));
}

static unsigned sent_width(const apr_array_header_t *rows, apr_pool_t *pool)
{
    apr_uint64_t most = 0;

    for (int i = 0; i < rows->nelts; i++) {
        most = row_at(rows, i)->summary.sent > most ? row_at(rows, i)->summary.sent : most;
    }
    return (unsigned)strlen(apr_psprintf(pool, "%" APR_UINT64_T_FMT, most));
}

/* How wide each column has to be; 0: there is nothing to show in it. */
static void find_widths(unsigned widths[COLUMNS], const apr_array_header_t *rows, apr_pool_t *pool)
{
    unsigned time = time_width(rows, pool), sent = sent_width(rows, pool);
    unsigned address = longest(rows, 1);

    for (unsigned i = 0; i < COLUMNS; i++) {
        unsigned usual = kinds[i].width;

        widths[i] = kinds[i].is_time && time > usual ? time : usual;
    }
    widths[COLUMN_SENT] = sent > widths[COLUMN_SENT] ? sent : widths[COLUMN_SENT];
    widths[COLUMN_ADDRESS] =
        address == 0 || address > widths[COLUMN_ADDRESS] ? address : widths[COLUMN_ADDRESS];
}

static layout_t lay_out(const table_view_t *view, const apr_array_header_t *rows, apr_pool_t *pool)
{
    unsigned columns = view->columns, widths[COLUMNS];
    layout_t layout = {.left = columns, .has_utf8 = view->has_utf8};

    find_widths(widths, rows, pool);
    take_room(&layout, COLUMN_TARGET, target_width(rows, widths, columns));
    for (unsigned i = 0; i < PREFERRED; i++) {
        take_room(&layout, preferred[i], widths[preferred[i]]);
    }
    if (layout.width[COLUMN_LATEST] > 0) {
        layout.width[COLUMN_LATEST] =
            within(layout.width[COLUMN_LATEST] + layout.left, 1, TABLE_LATEST);
    }
    return layout;
}

/* The text, cut where it is longer, between two characters of UTF-8, with a mark in the last
 * column. */
static const char *cut(const layout_t *layout, const char *text, unsigned columns, apr_pool_t *pool)
{
    unsigned kept = columns > 0 ? columns - 1 : 0;

    if (columns == 0 || strlen(text) <= columns) {
        return columns == 0 ? "" : text;
    }
    while (kept > 0 && (text[kept] & 0xc0) == 0x80) {
        kept--;
    }
    return apr_psprintf(pool, "%-*.*s%s", (int)columns - 1, (int)kept, text,
                        layout->has_utf8 ? "\xe2\x80\xa6" : "+"); /* U+2026 */
}

/* Those of text are aligned to the left, and are cut. */
static const char *cell(const layout_t *layout, column_t column, const char *text, apr_pool_t *pool)
{
    int width = (int)layout->width[column];
    int is_text = column == COLUMN_TARGET || column == COLUMN_ADDRESS;

    if (width == 0) {
        return "";
    }
    if (column == COLUMN_LATEST) {
        return apr_pstrcat(pool, " ", text, NULL); /* the last one, not always a byte each */
    }
    return apr_psprintf(pool, is_text ? "%s%-*s" : "%s%*s", column == COLUMN_TARGET ? "" : " ",
                        width, is_text ? cut(layout, text, (unsigned)width, pool) : text);
}

static const char *joined(const char *const cells[COLUMNS], const layout_t *layout,
                          apr_pool_t *pool)
{
    const char *line = "";

    for (unsigned i = 0; i < COLUMNS; i++) {
        line = apr_pstrcat(pool, line, cell(layout, (column_t)i, cells[i], pool), NULL);
    }
    return line;
}

static const char *heading_line(const layout_t *layout, apr_pool_t *pool)
{
    const char *cells[COLUMNS];

    for (unsigned i = 0; i < COLUMNS; i++) {
        cells[i] = kinds[i].heading;
    }
    return joined(cells, layout, pool);
}

/* ---- Rows ---- */

#define YELLOW "\033[33m"
#define RED    "\033[31m"
#define RESET  "\033[m"

static int is_missing(const table_row_t *row)
{
    return row->latest_count > 0 && row->latest[row->latest_count - 1] == CHART_MISSING;
}

/* Red does not answer now or cannot be asked, yellow has lost something. */
static const char *colour_of(const table_row_t *row)
{
    const probe_summary_t *summary = &row->summary;

    if (row->error != NULL || is_missing(row) || (summary->lost > 0 && summary->received == 0)) {
        return RED;
    }
    return summary->lost > 0 ? YELLOW : "";
}

static const char *time_text(const table_row_t *row, apr_interval_time_t time, apr_pool_t *pool)
{
    return row->summary.timed > 0 ? short_milliseconds(time, pool) : "-";
}

static const char *last_text(const table_row_t *row, apr_pool_t *pool)
{
    if (row->latest_count == 0) {
        return "-";
    }
    return is_missing(row) ? "lost" : short_milliseconds(row->latest[row->latest_count - 1], pool);
}

/* The error takes the place of all columns behind the target. */
static const char *error_line(const table_view_t *view, const table_row_t *row,
                              const layout_t *layout, apr_pool_t *pool)
{
    unsigned taken = layout->width[COLUMN_TARGET] + 2;
    const char *target = cell(layout, COLUMN_TARGET, row->target, pool);

    return view->columns <= taken
               ? target
               : apr_pstrcat(pool, target, "  ",
                             cut(layout, row->error, view->columns - taken, pool), NULL);
}

static const char *row_line(const table_view_t *view, const table_row_t *row,
                            const layout_t *layout, apr_pool_t *pool)
{
    const probe_summary_t *summary = &row->summary;
    const char *colour = view->has_colour ? colour_of(row) : "";
    const char *reset = *colour != '\0' ? RESET : "";
    const char *cells[COLUMNS] = {
        [COLUMN_TARGET] = row->target,
        [COLUMN_ADDRESS] = row->address,
        [COLUMN_LOSS] = short_loss(summary, pool),
        [COLUMN_SENT] = apr_psprintf(pool, "%" APR_UINT64_T_FMT, summary->sent),
        [COLUMN_LAST] = last_text(row, pool),
        [COLUMN_MINIMUM] = time_text(row, summary->minimum, pool),
        [COLUMN_MEAN] = time_text(row, summary->mean, pool),
        [COLUMN_P50] = time_text(row, summary->p50, pool),
        [COLUMN_P99] = time_text(row, summary->p99, pool),
        [COLUMN_MAXIMUM] = time_text(row, summary->maximum, pool),
        [COLUMN_JITTER] = time_text(row, summary->jitter, pool),
        [COLUMN_LATEST] = chart_sparkline(row->latest, row->latest_count,
                                          layout->width[COLUMN_LATEST], view->has_utf8, pool),
    };

    const char *line =
        row->error != NULL ? error_line(view, row, layout, pool) : joined(cells, layout, pool);

    return apr_pstrcat(pool, colour, line, reset, NULL);
}

/* ---- All of it ---- */

static int with_error(const apr_array_header_t *rows)
{
    int count = 0;

    for (int i = 0; i < rows->nelts; i++) {
        count += row_at(rows, i)->error != NULL;
    }
    return count;
}

static int with_loss(const apr_array_header_t *rows, int from)
{
    int count = 0;

    for (int i = from; i < rows->nelts; i++) {
        count += row_at(rows, i)->summary.lost > 0;
    }
    return count;
}

/* `title` with this behind it, if there is room for it. */
static const char *with_part(const char *title, const char *part, apr_size_t room, apr_pool_t *pool)
{
    return strlen(title) + strlen(part) <= room ? apr_pstrcat(pool, title, part, NULL) : title;
}

/* As much as there is room for: who looks at it for long can do without the units sooner than
 * without the keys. */
static const char *title_line(const table_view_t *view, const apr_array_header_t *rows,
                              apr_pool_t *pool)
{
    const char *keys = view->has_keys ? "   s sort  r reverse  q quit" : "";
    int errors = with_error(rows), peers = rows->nelts - errors;
    const char *title = with_part("", apr_psprintf(pool, "%d peer%s", peers, peers == 1 ? "" : "s"),
                                  view->columns, pool);

    if (errors > 0) {
        title = with_part(title, apr_psprintf(pool, ", %d not asked", errors), view->columns, pool);
    }
    title = with_part(title, apr_psprintf(pool, ", %d with loss", with_loss(rows, 0)),
                      view->columns, pool);
    title = with_part(title,
                      apr_psprintf(pool, ", by %s%s", table_order_name(view->order),
                                   view->is_reversed ? ", reversed" : ""),
                      view->columns, pool);
    apr_size_t room = view->columns;

    if (strlen(title) + strlen(keys) <= room) {
        room -= strlen(keys);
    } else {
        keys = "";
    }
    title = with_part(
        title, apr_psprintf(pool, ", %" APR_TIME_T_FMT " s", view->elapsed / APR_USEC_PER_SEC),
        room, pool);
    title = with_part(title, ", times in ms", room, pool);
    return apr_pstrcat(pool, title, keys, NULL);
}

static const char *rest_line(const table_view_t *view, const apr_array_header_t *rows, int shown,
                             apr_pool_t *pool)
{
    const char *line = apr_psprintf(pool, "and %d more, %d of them with loss", rows->nelts - shown,
                                    with_loss(rows, shown));

    return strlen(line) <= view->columns ? line : apr_pstrndup(pool, "...", view->columns);
}

static void push(apr_array_header_t *lines, const char *line)
{
    APR_ARRAY_PUSH(lines, const char *) = line;
}

apr_array_header_t *table_lines(const table_view_t *view, apr_array_header_t *rows,
                                apr_pool_t *pool)
{
    apr_array_header_t *lines = apr_array_make(pool, (int)view->rows, sizeof(const char *));
    layout_t layout = lay_out(view, rows, pool);
    int room = (int)view->rows - 2; /* below the title and the heading */

    table_sort(rows, view->order, view->is_reversed);
    if (view->rows >= 1) {
        push(lines, title_line(view, rows, pool));
    }
    if (room < 1) {
        return lines;
    }
    push(lines, heading_line(&layout, pool));
    int shown = rows->nelts <= room ? rows->nelts : room - 1;

    for (int i = 0; i < shown; i++) {
        push(lines, row_line(view, row_at(rows, i), &layout, pool));
    }
    if (shown < rows->nelts) {
        push(lines, rest_line(view, rows, shown, pool));
    }
    return lines;
}
