#include "client/output/live_table.h"

#include <apr_hash.h>
#include <apr_strings.h>
#include <stdatomic.h>
#include <string.h>

#include "client/output/chart.h"
#include "client/output/format.h"
#include "client/output/table.h"
#include "common/endpoint_text.h"
#include "udpecho/terminal.h"

#define REDRAW_INTERVAL_US 1000000

/* How soon it is drawn again below lines that stay, since many of them at a time need not be
 * followed by a table each, and in the beginning, while peers are added. */
#define SOON_US 100000

/* For how long a name counts as not found after a lookup failed; it is looked up again sooner,
 * unless it is no longer a target. */
#define NOT_FOUND_US (60 * APR_USEC_PER_SEC)

#define ERASE_BELOW "\r\033[J"
#define ERASE_LINE  "\033[K" /* what is to the right of the cursor */

/* A peer, of which the table shows a row. */
typedef struct live_row {
    const run_t *run;
    table_row_t row;
    char address[ENDPOINT_TEXT_MAX];
    struct live_row *next_free;
} live_row_t;

/* A target that had no address. */
typedef struct lost_name {
    table_row_t row;
    char error[128];
    apr_time_t at; /* when a lookup failed; 0: it is found since */
} lost_name_t;

struct live_table {
    output_t *output;
    table_view_t view;
    apr_hash_t *rows;  /* live_row_t, by the address of the run */
    apr_hash_t *names; /* lost_name_t, by target */
    live_row_t *free;  /* rows of peers that are gone, to be used again */
    apr_uint64_t next_number;
    apr_time_t started; /* 0: no peer was asked yet */
    apr_time_t drawn;
    apr_time_t returned; /* when it was drawn below lines that stay */
    int is_visible;
    int is_over;
    atomic_uint order_keys; /* how often the user asked for the next column, */
    atomic_uint turn_keys;  /* and for the other direction */
    unsigned keys_seen;     /* of both */
    apr_pool_t *pool;
};

live_table_t *live_table_create(output_t *output, int has_keys, int has_colour, apr_pool_t *pool)
{
    live_table_t *live = apr_pcalloc(pool, sizeof *live);

    live->output = output;
    live->view.has_keys = has_keys;
    live->view.has_colour = has_colour;
    live->rows = apr_hash_make(pool);
    live->names = apr_hash_make(pool);
    live->pool = pool;
    return live;
}

/* ---- What there is to draw ---- */

static void lose_name(live_table_t *live, const event_t *event)
{
    const char *target = event->run->host;
    lost_name_t *name = apr_hash_get(live->names, target, APR_HASH_KEY_STRING);
    apr_pool_t *pool;

    if (name == NULL) {
        name = apr_pcalloc(live->pool, sizeof *name);
        name->row.number = live->next_number++;
        name->row.target = apr_pstrdup(live->pool, target);
        name->row.address = "";
        name->row.error = name->error;
        apr_hash_set(live->names, name->row.target, APR_HASH_KEY_STRING, name);
    }
    apr_pool_create(&pool, live->pool);
    apr_snprintf(name->error, sizeof name->error, "%s: %s",
                 event->is_found ? "cannot be asked" : "not found",
                 lookup_words(event->status, pool));
    apr_pool_destroy(pool);
    name->at = event->now;
    live->started = live->started == 0 ? event->now : live->started;
}

static void find_name(live_table_t *live, const char *target)
{
    lost_name_t *name = apr_hash_get(live->names, target, APR_HASH_KEY_STRING);

    if (name != NULL) {
        name->at = 0;
    }
}

static void add_row(live_table_t *live, const event_t *event)
{
    live_row_t *row = live->free;
    apr_pool_t *pool;

    find_name(live, event->run->host);

    if (row != NULL) {
        live->free = row->next_free;
    } else {
        row = apr_palloc(live->pool, sizeof *row);
    }
    memset(row, 0, sizeof *row);
    row->run = event->run;
    row->row.number = live->next_number++;
    row->row.target = event->run->host;
    row->row.address = row->address;
    apr_pool_create(&pool, live->pool);
    apr_cpystrn(row->address, other_address(event->run, pool), sizeof row->address);
    apr_pool_destroy(pool);
    apr_hash_set(live->rows, &row->run, sizeof(const run_t *), row);
    if (live->started == 0) {
        live->started = event->now;
    }
}

static void remove_row(live_table_t *live, live_row_t *row)
{
    apr_hash_set(live->rows, &row->run, sizeof(const run_t *), NULL);
    row->next_free = live->free;
    live->free = row;
}

static void push_latest(table_row_t *row, apr_int64_t value)
{
    if (row->latest_count == TABLE_LATEST) {
        row->latest_count--;
        memmove(row->latest, row->latest + 1, row->latest_count * sizeof row->latest[0]);
    }
    row->latest[row->latest_count++] = value;
}

static void take_of_peer(live_table_t *live, live_row_t *row, const event_t *event)
{
    switch (event->kind) {
    case EVENT_REPLY:
        if (is_round_trip(event)) {
            push_latest(&row->row, event->reply->round_trip);
        }
        break;
    case EVENT_MISSING:
        push_latest(&row->row, CHART_MISSING);
        break;
    case EVENT_PROGRESS:
        row->row.summary = *event->summary;
        break;
    case EVENT_SUMMARY:
        if (!event->is_interim) {
            remove_row(live, row);
        }
        break;
    default:
        break;
    }
}

void live_table_take(live_table_t *live, const event_t *event)
{
    if (event->kind == EVENT_TOTAL) {
        live->is_over = !event->is_interim;
        return;
    }
    if (event->kind == EVENT_START) {
        add_row(live, event);
        return;
    }
    if (event->kind == EVENT_LOOKUP && event->run->peer.length == 0) {
        lose_name(live, event);
        return;
    }
    live_row_t *row = apr_hash_get(live->rows, &event->run, sizeof(const run_t *));

    if (row != NULL) {
        take_of_peer(live, row, event);
    }
}

/* ---- Keys ---- */

void live_table_key(live_table_t *live, char key)
{
    if (key == 's') {
        atomic_fetch_add(&live->order_keys, 1);
    } else if (key == 'r') {
        atomic_fetch_add(&live->turn_keys, 1);
    }
}

/* Returns non-zero if one was pressed since. */
static int take_keys(live_table_t *live)
{
    unsigned orders = atomic_load(&live->order_keys), turns = atomic_load(&live->turn_keys);
    int is_new = orders + turns != live->keys_seen;

    live->keys_seen = orders + turns;
    live->view.order = (table_order_t)(orders % TABLE_ORDERS);
    live->view.is_reversed = turns % 2 != 0;
    return is_new;
}

/* ---- Drawing ---- */

static apr_array_header_t *collect_rows(const live_table_t *live, apr_time_t now, apr_pool_t *pool)
{
    apr_array_header_t *rows =
        apr_array_make(pool, (int)apr_hash_count(live->rows), sizeof(const table_row_t *));

    for (apr_hash_index_t *index = apr_hash_first(pool, live->rows); index != NULL;
         index = apr_hash_next(index)) {
        const live_row_t *row = apr_hash_this_val(index);

        APR_ARRAY_PUSH(rows, const table_row_t *) = &row->row;
    }
    for (apr_hash_index_t *index = apr_hash_first(pool, live->names); index != NULL;
         index = apr_hash_next(index)) {
        const lost_name_t *name = apr_hash_this_val(index);

        if (name->at != 0 && now - name->at < NOT_FOUND_US) {
            APR_ARRAY_PUSH(rows, const table_row_t *) = &name->row;
        }
    }
    return rows;
}

/* The lines of the table, each shorter than the terminal is wide: what a terminal does after its
 * last column is not the same everywhere. One row at least is left for what stays. */
static apr_array_header_t *draw_lines(live_table_t *live, const terminal_t *terminal,
                                      apr_time_t now, apr_pool_t *pool)
{
    live->view.columns = terminal->columns - 1;
    live->view.rows = terminal->rows - 1;
    live->view.has_utf8 = terminal->has_utf8;
    live->view.elapsed = now - live->started;
    return table_lines(&live->view, collect_rows(live, now, pool), pool);
}

/* With the movements that return the cursor to the beginning. */
static const char *draw(live_table_t *live, const terminal_t *terminal, apr_time_t now,
                        apr_pool_t *pool)
{
    const apr_array_header_t *lines = draw_lines(live, terminal, now, pool);
    apr_array_header_t *parts = apr_array_make(pool, 2 * lines->nelts + 1, sizeof(const char *));

    for (int i = 0; i < lines->nelts; i++) {
        APR_ARRAY_PUSH(parts, const char *) = APR_ARRAY_IDX(lines, i, const char *);
        APR_ARRAY_PUSH(parts, const char *) = i < lines->nelts - 1 ? ERASE_LINE "\n" : "\033[J";
    }
    APR_ARRAY_PUSH(parts, const char *) =
        lines->nelts > 1 ? apr_psprintf(pool, "\r\033[%dA", lines->nelts - 1) : "\r";
    return apr_array_pstrcat(pool, parts, '\0');
}

static int is_due(live_table_t *live, int has_lines, apr_time_t now)
{
    int is_new = now - live->started < REDRAW_INTERVAL_US;

    if (take_keys(live)) {
        return 1;
    }
    return live->is_visible && !has_lines
               ? now - live->drawn >= (is_new ? SOON_US : REDRAW_INTERVAL_US)
               : now - live->returned >= SOON_US;
}

/* Returns 0 if nothing can be drawn: this is not a terminal, or another job has it. */
static int find_terminal(const live_table_t *live, terminal_t *terminal)
{
    return terminal_describe(terminal, output_file(live->output)) && !terminal->is_background;
}

const char *live_table_around(live_table_t *live, const char *lines, apr_time_t now,
                              apr_pool_t *pool)
{
    int has_lines = *lines != '\0';
    int is_wanted = !live->is_over && is_due(live, has_lines, now);
    int is_erased = live->is_visible && (has_lines || live->is_over);
    const char *table = "";
    terminal_t terminal;

    if (!is_wanted && !is_erased) {
        return lines;
    }
    if (!find_terminal(live, &terminal)) {
        live->is_visible = is_erased = is_wanted = 0;
    }
    live->is_visible &= !is_erased;
    if (is_wanted) {
        live->returned = live->is_visible ? live->returned : now;
        live->drawn = now;
    }
    if (is_wanted && live->started != 0 && output_is_idle(live->output)) {
        table = draw(live, &terminal, now, pool);
        live->is_visible = 1;
    }
    return apr_pstrcat(pool, is_erased ? ERASE_BELOW : "", lines, table, NULL);
}
