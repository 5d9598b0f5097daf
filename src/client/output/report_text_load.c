#include <apr_strings.h>

#include "client/output/format.h"
#include "client/output/report_text_parts.h"

/* What is compared. */
typedef struct figure {
    const char *name;
    apr_interval_time_t idle, loaded;
} figure_t;

/* A column of milliseconds; "-" if there are none. */
static const char *time_text(apr_interval_time_t time, int is_known, apr_pool_t *pool)
{
    return is_known ? thousandths(time, pool) : "-";
}

static const char *figure_text(const load_result_t *load, const figure_t *figure, apr_pool_t *pool)
{
    int has_idle = load->idle.timed > 0, has_loaded = load->loaded.timed > 0;

    return apr_psprintf(pool, "%-12s %11s %11s %11s\n", figure->name,
                        time_text(figure->idle, has_idle, pool),
                        time_text(figure->loaded, has_loaded, pool),
                        time_text(figure->loaded - figure->idle, has_idle && has_loaded, pool));
}

static const char *figures_text(const load_result_t *load, apr_pool_t *pool)
{
    const probe_summary_t *idle = &load->idle, *loaded = &load->loaded;
    const figure_t figures[] = {
        {"min ms", idle->minimum, loaded->minimum}, {"mean ms", idle->mean, loaded->mean},
        {"p50 ms", idle->p50, loaded->p50},         {"p90 ms", idle->p90, loaded->p90},
        {"p99 ms", idle->p99, loaded->p99},         {"p99.9 ms", idle->p999, loaded->p999},
        {"max ms", idle->maximum, loaded->maximum}, {"jitter ms", idle->jitter, loaded->jitter},
    };
    const char *text = "";

    for (unsigned i = 0; i < sizeof figures / sizeof figures[0]; i++) {
        text = apr_pstrcat(pool, text, figure_text(load, &figures[i], pool), NULL);
    }
    return text;
}

static const char *loss_text(const probe_summary_t *summary, apr_pool_t *pool)
{
    const char *loss = loss_percent(summary, pool);

    return loss != NULL ? loss : "-";
}

/* What became of the load itself. */
static const char *flood_text(const load_result_t *load, apr_pool_t *pool)
{
    const event_t event = {.kind = EVENT_SUMMARY, .run = load->run, .summary = &load->load};

    if (!load->has_load) {
        return load->idle.received > 0 ? "no load was sent: the run ended before it\n"
                                       : "no load was sent: nothing was answered without it\n";
    }
    return apr_pstrcat(pool, report_text_bitrate(&event, pool), "load        ",
                       report_text_counts(&load->load, pool), report_text_missed(&load->load, pool),
                       NULL);
}

const char *report_text_load(const event_t *event, apr_pool_t *pool)
{
    const load_result_t *load = event->load;

    return apr_psprintf(pool,
                        "--- %s, latency under load ---\n"
                        "                    idle      loaded    increase\n"
                        "sent         %11" APR_UINT64_T_FMT " %11" APR_UINT64_T_FMT "\n"
                        "lost %%       %11s %11s\n%s%s",
                        endpoint_text(&event->run->peer, pool), load->idle.sent, load->loaded.sent,
                        loss_text(&load->idle, pool), loss_text(&load->loaded, pool),
                        figures_text(load, pool), flood_text(load, pool));
}
