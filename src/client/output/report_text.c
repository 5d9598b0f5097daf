#include "client/output/report.h"

#include <apr_env.h>
#include <apr_strings.h>
#include <string.h>

#include "client/output/chart.h"
#include "client/output/format.h"
#include "client/output/live.h"
#include "client/output/report_text_parts.h"
#include "udpecho/terminal.h"

/* Of the histogram that stays, above the summary, with its heading. */
#define HISTOGRAM_ROWS    13
#define HISTOGRAM_COLUMNS 79

/* Room for a reason, with who gave it. */
#define REFUSAL_MAX 160

typedef struct report_text {
    report_t report;
    report_options_t options;
    histogram_t histogram; /* of the round trips, if it is wanted */
    live_t *live;
    int has_colour;
    char refusal[REFUSAL_MAX]; /* the last one that no line told; "": none */
    apr_pool_t *scratch;       /* cleared after each event */
} report_text_t;

/* ---- Colours ---- */

#define PLAIN  ""
#define YELLOW "\033[33m"
#define RED    "\033[31m"
#define RESET  "\033[m"

/* Only what a user looks for has one. */
static const char *colour_of(const event_t *event)
{
    switch (event->kind) {
    case EVENT_MISSING:
    case EVENT_REFUSED:
    case EVENT_NOT_SENT:
        return RED;
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
static int wants_colour(apr_file_t *file, apr_pool_t *pool)
{
    terminal_t terminal;
    char *value;

    return terminal_describe(&terminal, file) &&
           (apr_env_get(&value, "NO_COLOR", pool) != APR_SUCCESS || *value == '\0');
}

/* ---- Lines ---- */

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
               : apr_pstrcat(text->scratch, "refused at last ", text->refusal, "\n", NULL);
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
    case EVENT_SWEEP:
        return report_text_sweep(event, pool);
    case EVENT_MTU:
        return report_text_mtu(event, pool);
    case EVENT_SUMMARY:
        return apr_pstrcat(pool, event->is_interim ? "" : histogram_lines(text, event),
                           report_text_summary(event, pool), refusal_line(text), NULL);
    default:
        return text->options.lines ? datagram_line(event, pool) : "";
    }
}

/* ---- The report ---- */

static int is_round_trip(const event_t *event)
{
    return event->kind == EVENT_REPLY && event->reply->has_sequence &&
           (event->reply->verdict == REPLY_ANSWER || event->reply->verdict == REPLY_LATE);
}

static void tell(void *context, const event_t *event)
{
    report_text_t *text = context;
    const char *lines = lines_of(text, event);

    if (!text->options.lines) {
        keep_refusal(text, event);
    }
    if (text->options.histogram && is_round_trip(event)) {
        histogram_add(&text->histogram, event->reply->round_trip);
    }
    live_take(text->live, event);
    if (text->has_colour) {
        lines = coloured(lines, colour_of(event), text->scratch);
    }
    output_write(text->options.output, live_around(text->live, lines, event->now, text->scratch));
    apr_pool_clear(text->scratch);
}

report_t *report_text(const report_options_t *options, apr_pool_t *pool)
{
    report_text_t *text = apr_pcalloc(pool, sizeof *text);

    text->report = (report_t){.tell = tell, .context = text, .output = options->output};
    text->options = *options;
    text->live = live_create(output_file(options->output),
                             options->histogram ? &text->histogram : NULL, pool);
    text->has_colour = wants_colour(output_file(options->output), pool);
    apr_pool_create(&text->scratch, pool);
    return &text->report;
}
