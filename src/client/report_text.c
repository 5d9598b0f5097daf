#include "report.h"

#include <string.h>

#include "text.h"

typedef struct text_report {
    report_t report;
    report_options_t options;
    apr_pool_t *scratch; /* cleared after each event */
} text_report_t;

static const char *datagram_lines(const event_t *event, apr_pool_t *pool)
{
    switch (event->kind) {
    case EVENT_REPLY:
        return text_reply(event, pool);
    case EVENT_MISSING:
        return text_missing(event, pool);
    case EVENT_REFUSED:
        return text_refused(event, pool);
    case EVENT_NOT_SENT:
        return text_not_sent(event, pool);
    default:
        return "";
    }
}

static const char *lines_of(const text_report_t *text, const event_t *event)
{
    apr_pool_t *pool = text->scratch;

    switch (event->kind) {
    case EVENT_START:
        return text_start(event, pool);
    case EVENT_SWEEP:
        return text_sweep(event, pool);
    case EVENT_MTU:
        return text_mtu(event, pool);
    case EVENT_SUMMARY:
        return text_summary(event, pool);
    default:
        return text->options.lines ? datagram_lines(event, pool) : "";
    }
}

static void tell(void *context, const event_t *event)
{
    text_report_t *text = context;
    const char *lines = lines_of(text, event);

    apr_file_write_full(text->options.file, lines, strlen(lines), NULL);
    apr_pool_clear(text->scratch);
}

report_t *report_text(const report_options_t *options, apr_pool_t *pool)
{
    text_report_t *text = apr_pcalloc(pool, sizeof *text);

    text->report = (report_t){tell, text};
    text->options = *options;
    apr_pool_create(&text->scratch, pool);
    return &text->report;
}
