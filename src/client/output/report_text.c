#include "client/output/report.h"

#include <apr_env.h>
#include <apr_strings.h>
#include <string.h>

#include "client/output/chart.h"
#include "client/output/format.h"
#include "client/output/live.h"
#include "client/output/live_table.h"
#include "client/output/lookup_limit.h"
#include "client/output/report_text_parts.h"
#include "udpecho/terminal.h"

/* The histogram that stays, above the summary, with its heading. */
#define HISTOGRAM_ROWS    13
#define HISTOGRAM_COLUMNS 79

/* Room for a reason, with who gave it. */
#define REFUSAL_MAX 160

typedef struct report_text {
    report_t report;
    report_options_t options;
    histogram_t histogram; /* of the round trips, if it is wanted */
    live_t *live;
    live_table_t *table; /* of several peers; NULL: it is not wanted */
    int has_colour;
    peer_columns_t columns;    /* of a table of all peers so far, */
    peer_columns_t shown;      /* and of the one below its heading */
    int is_in_table;           /* the last line belongs to it */
    lookup_limit_t *lookups;   /* that are reported */
    char refusal[REFUSAL_MAX]; /* the last one that no line told; "": none */
    apr_pool_t *scratch;       /* cleared after each event */
} report_text_t;

/* ---- Colours ---- */

#define PLAIN  ""
#define YELLOW "\033[33m"
#define RED    "\033[31m"
#define RESET  "\033[m"

static const char *colour_of_loss(const probe_summary_t *summary)
{
    if (summary->lost == 0) {
        return PLAIN;
    }
    return summary->received == 0 ? RED : YELLOW;
}

/* Only what a user looks for has one. */
static const char *colour_of(const event_t *event)
{
    switch (event->kind) {
    case EVENT_MISSING:
    case EVENT_REFUSED:
    case EVENT_NOT_SENT:
    case EVENT_LOOKUP:
        return RED;
    case EVENT_ADDRESS:
        return YELLOW;
    case EVENT_INTERVAL:
        return colour_of_loss(event->summary);
    case EVENT_REPLY:
        break;
    default:
        return PLAIN;
    }
    switch (event->reply->verdict) {
    case REPLY_ANSWER:
        return event->reply->is_reordered ? YELLOW : PLAIN;
    case REPLY_LATE:
    case REPLY_DUPLICATE:
        return YELLOW;
    default:
        return RED;
    }
}

/* The line in the colour, which ends before the line feed, lest it run into the next one. */
static const char *coloured(const char *line, const char *colour, apr_pool_t *pool)
{
    if (*line == '\0' || *colour == '\0') {
        return line;
    }
    return apr_pstrcat(pool, colour, apr_pstrmemdup(pool, line, strlen(line) - 1), RESET "\n",
                       NULL);
}

/* https://no-color.org: present and not empty. */
static int forbids_colour(apr_pool_t *pool)
{
    char *value;

    return apr_env_get(&value, "NO_COLOR", pool) == APR_SUCCESS && *value != '\0';
}

/* ---- Lines ---- */

static int is_one_of_many(const event_t *event)
{
    return event->kind == EVENT_TOTAL || event->run->is_one_of_many;
}

static int has_lines(const report_text_t *text, const event_t *event)
{
    return is_one_of_many(event) ? text->options.lines_of_many : text->options.lines;
}

static const char *datagram_line(const event_t *event, apr_pool_t *pool)
{
    switch (event->kind) {
    case EVENT_REPLY:
        return report_text_reply(event, pool);
    case EVENT_MISSING:
        return report_text_missing(event, pool);
    case EVENT_REFUSED:
        return report_text_refused(event, pool);
    case EVENT_NOT_SENT:
        return report_text_not_sent(event, pool);
    default:
        return "";
    }
}

static const char *histogram_text(const report_text_t *text, const histogram_t *histogram,
                                  const char *title)
{
    terminal_t terminal = {.columns = HISTOGRAM_COLUMNS + 1};
    apr_pool_t *pool = text->scratch;

    terminal_describe(&terminal, output_file(text->options.output));
    apr_array_header_t *lines = chart_histogram(
        histogram, title, HISTOGRAM_ROWS,
        terminal.columns <= HISTOGRAM_COLUMNS ? terminal.columns - 1 : HISTOGRAM_COLUMNS,
        terminal.has_utf8, pool);

    return lines->nelts == 0 ? ""
                             : apr_pstrcat(pool, apr_array_pstrcat(pool, lines, '\n'), "\n", NULL);
}

/* The histograms that stay; "" if they are not wanted. */
static const char *histogram_lines(const report_text_t *text, const event_t *event)
{
    const directions_summary_t *directions = event->directions;

    if (!text->options.histogram) {
        return "";
    }
    if (directions == NULL) {
        return histogram_text(text, &text->histogram, "round trip");
    }
    int is_known = directions->is_true || directions->is_estimated;

    return apr_pstrcat(
        text->scratch, histogram_text(text, &text->histogram, "round trip"),
        histogram_text(text, directions->forward_histogram, is_known ? "forward" : "forward PDV"),
        histogram_text(text, directions->backward_histogram,
                       is_known ? "backward" : "backward PDV"),
        NULL);
}

/* Why something was refused, where no line of its own says it. */
static const char *refusal_line(const report_text_t *text)
{
    return *text->refusal == '\0'
               ? ""
               : apr_pstrcat(text->scratch, "last refused ", text->refusal, "\n", NULL);
}

static void keep_refusal(report_text_t *text, const event_t *event)
{
    if (event->kind == EVENT_REFUSED) {
        apr_snprintf(text->refusal, sizeof text->refusal, "by %s: %s",
                     address_text(&event->arrival->from, text->scratch),
                     refusal_words(event->arrival->refused, text->scratch));
    } else if (event->kind == EVENT_NOT_SENT) {
        apr_snprintf(text->refusal, sizeof text->refusal, "by this host: %s",
                     not_sent_words(event->status, text->scratch));
    }
}

static const char *lines_of(const report_text_t *text, const event_t *event)
{
    apr_pool_t *pool = text->scratch;

    switch (event->kind) {
    case EVENT_START:
        return report_text_start(event, pool);
    case EVENT_ADDRESS:
        return report_text_address(event, pool);
    case EVENT_LOOKUP:
        return report_text_lookup(event, pool);
    case EVENT_INTERVAL:
        return report_text_interval(event, pool);
    case EVENT_SWEEP:
        return report_text_sweep(event, pool);
    case EVENT_MTU:
        return report_text_mtu(event, pool);
    case EVENT_LOAD:
        return report_text_load(event, pool);
    case EVENT_SUMMARY:
        return apr_pstrcat(pool, event->is_interim ? "" : histogram_lines(text, event),
                           report_text_summary(event, pool), refusal_line(text), NULL);
    default:
        return text->options.lines ? datagram_line(event, pool) : "";
    }
}

/* ---- Where several peers are asked ---- */

/* The first rows of the table: all known columns, up to the width of the terminal. */
static peer_columns_t columns_now(const report_text_t *text)
{
    terminal_t terminal;

    return terminal_describe(&terminal, output_file(text->options.output))
               ? peer_columns_within(text->columns, terminal.columns)
               : text->columns;
}

/* The row of a peer or of a target without one, and above the first one that follows something else
 * the heading. */
static const char *peer_row(report_text_t *text, const event_t *event)
{
    apr_pool_t *pool = text->scratch;
    const char *heading = "";

    if (!text->is_in_table) {
        text->is_in_table = 1;
        text->shown = columns_now(text);
        heading = report_text_peers_heading(&text->shown, pool);
    }
    int is_asked = event->kind == EVENT_SUMMARY;
    const char *row = is_asked ? report_text_peer(&text->shown, event, pool)
                               : report_text_not_asked(&text->shown, event, pool);

    if (text->has_colour) {
        row = coloured(row, is_asked ? colour_of_loss(event->summary) : RED, pool);
    }
    return apr_pstrcat(pool, heading, row, NULL);
}

/* A line about a datagram does not always say which target it was sent to. */
static const char *peer_datagram(const report_text_t *text, const event_t *event)
{
    const char *line = text->options.lines_of_many ? datagram_line(event, text->scratch) : "";

    return *line == '\0' ? "" : apr_pstrcat(text->scratch, event->run->host, ": ", line, NULL);
}

static const char *total_lines(const report_text_t *text, const event_t *event)
{
    int has_histogram = text->options.histogram && !event->is_interim;

    return apr_pstrcat(text->scratch, report_text_total(event, text->scratch), refusal_line(text),
                       has_histogram ? histogram_text(text, &text->histogram, "round trip") : "",
                       NULL);
}

static const char *lines_of_many(report_text_t *text, const event_t *event)
{
    int tells_lookup = lookup_limit_tells(text->lookups, event);
    const char *lines;

    switch (event->kind) {
    case EVENT_SUMMARY:
    case EVENT_NOT_ASKED:
        return peer_row(text, event);
    case EVENT_START:
        if (peer_columns_fit(&text->columns, event->run, text->scratch)) {
            text->is_in_table = 0;
        }
        lines = text->options.lines_of_many ? report_text_start(event, text->scratch) : "";
        break;
    case EVENT_TOTAL:
        lines = total_lines(text, event);
        break;
    case EVENT_LOOKUP:
        lines = tells_lookup ? lines_of(text, event) : "";
        break;
    case EVENT_ADDRESS:
    case EVENT_INTERVAL:
        lines = lines_of(text, event);
        break;
    default:
        lines = peer_datagram(text, event);
        break;
    }
    if (*lines != '\0') {
        text->is_in_table = 0;
    }
    return lines;
}

/* ---- The report ---- */

/* With what shows on a terminal how it goes on. */
static const char *with_picture(report_text_t *text, const char *lines, const event_t *event)
{
    if (!is_one_of_many(event)) {
        live_take(text->live, event);
        return live_around(text->live, lines, event->now, text->scratch);
    }
    if (text->table == NULL) {
        return lines;
    }
    live_table_take(text->table, event);
    return live_table_around(text->table, lines, event->now, text->scratch);
}

static void take_key(void *context, char key)
{
    const report_text_t *text = context;

    live_table_key(text->table, key);
}

static void tell(void *context, const event_t *event)
{
    report_text_t *text = context;
    const char *lines = is_one_of_many(event) ? lines_of_many(text, event) : lines_of(text, event);

    if (!has_lines(text, event)) {
        keep_refusal(text, event);
    }
    if (text->options.histogram && is_round_trip(event)) {
        histogram_add(&text->histogram, event->reply->round_trip);
    }
    if (text->has_colour) {
        lines = coloured(lines, colour_of(event), text->scratch);
    }
    lines = timed_lines(lines, text->options.times, event->wall_clock, text->scratch);
    output_write(text->options.output, with_picture(text, lines, event));
    apr_pool_clear(text->scratch);
}

report_t *report_text(const report_options_t *options, apr_pool_t *pool)
{
    report_text_t *text = apr_pcalloc(pool, sizeof *text);
    terminal_t terminal;
    int is_terminal = terminal_describe(&terminal, output_file(options->output));

    text->report = (report_t){.tell = tell, .context = text, .output = options->output};
    text->options = *options;
    text->live = live_create(output_file(options->output),
                             options->histogram ? &text->histogram : NULL, pool);
    text->has_colour = is_terminal && !forbids_colour(pool);
    if (is_terminal && options->table) {
        text->table = live_table_create(options->output, options->has_keys, text->has_colour, pool);
        text->report.is_live = 1;
        text->report.take_key = take_key;
    }
    text->lookups = lookup_limit_create(pool);
    apr_pool_create(&text->scratch, pool);
    return &text->report;
}
