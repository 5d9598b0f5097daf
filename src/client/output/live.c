#include "client/output/live.h"

#include <apr_strings.h>
#include <string.h>

#include "client/output/chart.h"
#include "client/output/format.h"
#include "udpecho/terminal.h"

#define REDRAW_INTERVAL_US 100000

/* Over which time a rate is taken. */
#define RATE_INTERVAL_US 1000000

/* The most round trips that are kept to be drawn; a wider terminal does not show more. */
#define LATEST_MAX 256

#define ROWS_MAX 12 /* of the histogram, with its heading */

#define ERASE_BELOW "\r\033[J"

/* How far it was at some time. */
typedef struct mark {
    apr_time_t at;
    apr_uint64_t sent, received;
} mark_t;

struct live {
    apr_file_t *file;
    const histogram_t *histogram;
    int is_over;
    apr_time_t started;
    apr_time_t drawn;       /* when `picture` was */
    const char *picture;    /* as it is on the terminal; "": nothing */
    apr_pool_t *picture_in; /* the pool of it */
    int has_progress;
    probe_summary_t progress;
    int has_losses;
    loss_counts_t losses;           /* each way */
    mark_t mark;                    /* the last one */
    apr_uint64_t out, in;           /* datagrams a second, up to the last mark */
    apr_int64_t latest[LATEST_MAX]; /* the last round trips, oldest first */
    unsigned latest_count;
};

live_t *live_create(apr_file_t *file, const histogram_t *histogram, apr_pool_t *pool)
{
    live_t *live = apr_pcalloc(pool, sizeof *live);

    live->file = file;
    live->histogram = histogram;
    live->picture = "";
    apr_pool_create(&live->picture_in, pool);
    return live;
}

/* ---- What there is to draw ---- */

static void push_latest(live_t *live, apr_int64_t value)
{
    if (live->histogram == NULL) {
        return; /* nobody draws them, and a flood has many */
    }
    if (live->latest_count == LATEST_MAX) {
        live->latest_count--;
        memmove(live->latest, live->latest + 1, live->latest_count * sizeof live->latest[0]);
    }
    live->latest[live->latest_count++] = value;
}

static void take_progress(live_t *live, const event_t *event)
{
    const probe_summary_t *summary = event->summary;
    apr_interval_time_t passed = event->now - live->mark.at;

    live->has_progress = 1;
    live->progress = *summary;
    live->has_losses = event->losses != NULL;
    if (live->has_losses) {
        live->losses = *event->losses;
    }
    if (passed >= RATE_INTERVAL_US || live->mark.at == live->started) {
        live->out = per_second(summary->sent - live->mark.sent, passed);
        live->in = per_second(summary->received - live->mark.received, passed);
    }
    if (passed >= RATE_INTERVAL_US) {
        live->mark = (mark_t){event->now, summary->sent, summary->received};
    }
}

void live_take(live_t *live, const event_t *event)
{
    switch (event->kind) {
    case EVENT_START:
        live->started = live->mark.at = event->now;
        break;
    case EVENT_REPLY:
        if (is_round_trip(event)) {
            push_latest(live, event->reply->round_trip);
        }
        break;
    case EVENT_MISSING:
        push_latest(live, CHART_MISSING);
        break;
    case EVENT_PROGRESS:
        take_progress(live, event);
        break;
    case EVENT_SUMMARY:
        live->is_over = !event->is_interim;
        break;
    default:
        break;
    }
}

/* ---- Drawing ---- */

static const char *each_way(const live_t *live, apr_pool_t *pool)
{
    return live->has_losses
               ? apr_psprintf(pool,
                              " (forward %" APR_UINT64_T_FMT ", backward %" APR_UINT64_T_FMT ")",
                              live->losses.forward, live->losses.backward)
               : "";
}

/* The first fields that fit into the line: they matter most. */
static const char *progress_line(const live_t *live, unsigned columns, apr_time_t now,
                                 apr_pool_t *pool)
{
    const probe_summary_t *progress = &live->progress;
    const char *loss = loss_percent(progress, pool);
    const char *fields[] = {
        apr_psprintf(pool, "%d s", (int)((now - live->started) / APR_USEC_PER_SEC)),
        apr_psprintf(pool, "lost %s %%%s", loss != NULL ? loss : "-", each_way(live, pool)),
        apr_psprintf(pool, "sent %" APR_UINT64_T_FMT "/s", live->out),
        apr_psprintf(pool, "received %" APR_UINT64_T_FMT "/s", live->in),
        apr_psprintf(pool, "p50/p99 %s/%s ms", thousandths(progress->p50, pool),
                     thousandths(progress->p99, pool)),
    };
    const char *line = fields[0];

    for (unsigned i = 1; i < sizeof fields / sizeof fields[0]; i++) {
        if (strlen(line) + strlen(", ") + strlen(fields[i]) > columns) {
            break;
        }
        line = apr_pstrcat(pool, line, ", ", fields[i], NULL);
    }
    return line;
}

static void push(apr_array_header_t *lines, const char *line)
{
    APR_ARRAY_PUSH(lines, const char *) = line;
}

/* The lines of the picture, each shorter than the terminal is wide: what a terminal does after its
 * last column is not the same everywhere. One row at least is left for what stays. */
static apr_array_header_t *draw_lines(const live_t *live, const terminal_t *terminal,
                                      apr_time_t now, apr_pool_t *pool)
{
    apr_array_header_t *lines = apr_array_make(pool, ROWS_MAX + 2, sizeof(const char *));
    unsigned columns = terminal->columns - 1;
    unsigned rows = terminal->rows - 1;

    if (live->has_progress && rows >= 1) {
        push(lines, progress_line(live, columns, now, pool));
        rows--;
    }
    if (live->histogram != NULL && rows >= 1 && live->latest_count > 0) {
        push(lines,
             chart_sparkline(live->latest, live->latest_count, columns, terminal->has_utf8, pool));
        rows--;
    }
    if (live->histogram != NULL) {
        apr_array_cat(lines, chart_histogram(live->histogram, "round trip",
                                             rows < ROWS_MAX ? rows : ROWS_MAX, columns,
                                             terminal->has_utf8, pool));
    }
    return lines;
}

/* With the movements that return the cursor to the beginning. */
static const char *draw(const live_t *live, apr_time_t now, apr_pool_t *pool)
{
    terminal_t terminal;

    if (!terminal_describe(&terminal, live->file) || terminal.is_background) {
        return "";
    }
    apr_array_header_t *lines = draw_lines(live, &terminal, now, pool);

    if (lines->nelts == 0) {
        return "";
    }
    return apr_pstrcat(pool, apr_array_pstrcat(pool, lines, '\n'),
                       lines->nelts > 1 ? apr_psprintf(pool, "\r\033[%dA", lines->nelts - 1) : "\r",
                       NULL);
}

static int is_due(const live_t *live, apr_time_t now)
{
    return live->is_over || now - live->drawn >= REDRAW_INTERVAL_US;
}

const char *live_around(live_t *live, const char *lines, apr_time_t now, apr_pool_t *pool)
{
    const char *erase = *live->picture != '\0' ? ERASE_BELOW : "";

    if (is_due(live, now)) {
        apr_pool_clear(live->picture_in);
        live->picture = live->is_over ? "" : draw(live, now, live->picture_in);
        live->drawn = now;
    } else if (*lines == '\0') {
        return "";
    }
    return apr_pstrcat(pool, erase, lines, live->picture, NULL);
}
