#include "server/observe/metrics_text.h"

#include <apr_strings.h>
#include <string.h>

#include "common/version.h"
#include "server/listen/listener_log.h"

/* What is written so far, and memory. */
typedef struct text {
    apr_array_header_t *parts; /* of const char * */
    apr_pool_t *pool;
} text_t;

static void add(const text_t *text, const char *part)
{
    APR_ARRAY_PUSH(text->parts, const char *) = part;
}

static void begin(const text_t *text, const char *name, const char *type, const char *help)
{
    add(text, apr_psprintf(text->pool, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type));
}

static void add_number(const text_t *text, const char *name, apr_uint64_t value)
{
    add(text, apr_psprintf(text->pool, "%s %" APR_UINT64_T_FMT "\n", name, value));
}

/* Microseconds, written as seconds without a rounding. */
static const char *seconds(apr_uint64_t us, apr_pool_t *pool)
{
    return apr_psprintf(pool, "%" APR_UINT64_T_FMT ".%06u", us / APR_USEC_PER_SEC,
                        (unsigned)(us % APR_USEC_PER_SEC));
}

/* Of what goes into a label, only the name of a network interface can have any of these. */
static const char *escape(const char *value, apr_pool_t *pool)
{
    char *escaped = apr_palloc(pool, 2 * strlen(value) + 1);
    char *end = escaped;

    for (; *value != '\0'; value++) {
        if (*value == '"' || *value == '\\' || *value == '\n') {
            *end++ = '\\';
        }
        *end++ = (char)(*value == '\n' ? 'n' : *value);
    }
    *end = '\0';
    return escaped;
}

/* ---- Datagrams ---- */

static void add_counters(const text_t *text, const counter_totals_t *totals)
{
    static const struct {
        unsigned counter;
        const char *name;
        const char *help;
    } plain[] = {
        {COUNTER_RECEIVED, "udpechod_received_datagrams_total",
         "Datagrams that the kernel handed over."},
        {COUNTER_RECEIVED_BYTES, "udpechod_received_bytes_total", "Their payload."},
        {COUNTER_ECHOED, "udpechod_sent_datagrams_total", "Replies that the kernel took."},
        {COUNTER_ECHOED_BYTES, "udpechod_sent_bytes_total", "Their payload."},
        {COUNTER_WOULD_RATE_LIMIT, "udpechod_rate_limit_dry_run_datagrams_total",
         "Datagrams echoed that --rate-limit would have dropped."},
        {COUNTER_RECEIVE_ERRORS, "udpechod_receive_errors_total",
         "Calls to receive, or to wait, that failed."},
    };

    for (unsigned i = 0; i < sizeof plain / sizeof plain[0]; i++) {
        begin(text, plain[i].name, "counter", plain[i].help);
        add_number(text, plain[i].name, totals->value[plain[i].counter]);
    }
}

/* The counters from `first` on, their names without `prefix` as the values of a label. */
static void add_labelled(const text_t *text, const char *name, const char *label,
                         const counter_totals_t *totals, unsigned first, unsigned end,
                         apr_size_t prefix)
{
    for (unsigned i = first; i < end; i++) {
        add(text, apr_psprintf(text->pool, "%s{%s=\"%s\"} %" APR_UINT64_T_FMT "\n", name, label,
                               counter_name(i) + prefix, totals->value[i]));
    }
}

static void add_losses(const text_t *text, const status_t *status)
{
    begin(text, "udpechod_dropped_datagrams_total", "counter",
          "Datagrams received and not answered, by reason.");
    add_labelled(text, "udpechod_dropped_datagrams_total", "reason", &status->totals,
                 COUNTER_DROPPED + VERDICT_TRUNCATED, COUNTER_FAILED, sizeof "dropped_" - 1);
    begin(text, "udpechod_send_errors_total", "counter",
          "Replies that the kernel refused, by the name of its error.");
    add_labelled(text, "udpechod_send_errors_total", "error", &status->totals, COUNTER_FAILED,
                 COUNTER_KINDS, sizeof "failed_" - 1);
    if (status->has_kernel_drops) {
        begin(text, "udpechod_kernel_dropped_datagrams_total", "counter",
              "Datagrams that found the receive buffer full or had a wrong checksum.");
        add_number(text, "udpechod_kernel_dropped_datagrams_total", status->kernel_drops);
    }
}

static void add_service_times(const text_t *text, const service_time_totals_t *times)
{
    apr_uint64_t datagrams = 0;

    begin(text, "udpechod_service_seconds", "histogram",
          "Time from the receive call's return to that of the send call, for each datagram that of "
          "its whole batch.");
    for (unsigned i = 0; i < SERVICE_TIME_BOUNDS; i++) {
        datagrams += times->datagrams[i];
        add(text,
            apr_psprintf(text->pool,
                         "udpechod_service_seconds_bucket{le=\"%s\"} %" APR_UINT64_T_FMT "\n",
                         seconds((apr_uint64_t)service_time_bounds_us[i], text->pool), datagrams));
    }
    datagrams += times->datagrams[SERVICE_TIME_BOUNDS];
    add_number(text, "udpechod_service_seconds_bucket{le=\"+Inf\"}", datagrams);
    add(text, apr_pstrcat(text->pool, "udpechod_service_seconds_sum ",
                          seconds(times->total_us, text->pool), "\n", NULL));
    add_number(text, "udpechod_service_seconds_count", datagrams);
}

/* ---- The service ---- */

static void add_information(const text_t *text, const status_t *status)
{
    begin(text, "udpechod_build_info", "gauge", "The version.");
    add(text, "udpechod_build_info{version=\"" UDPECHO_VERSION "\"} 1\n");
    begin(text, "udpechod_transport_info", "gauge", "How it waits and moves datagrams.");
    add(text,
        apr_psprintf(text->pool, "udpechod_transport_info{backend=\"%s\",batching=\"%s\"} 1\n",
                     status->backend, status->batching));
    begin(text, "udpechod_listener_info", "gauge",
          "Where it listens, how the workers share the port, and why.");
    for (int i = 0; i < status->listeners->nelts; i++) {
        const listener_info_t *info = &APR_ARRAY_IDX(status->listeners, i, listener_info_t);
        char address[ENDPOINT_TEXT_MAX];

        endpoint_format_on(address, &info->local, info->device);
        add(text,
            apr_psprintf(
                text->pool,
                "udpechod_listener_info{address=\"%s\",sharing=\"%s\",because=\"%s\"} 1\n",
                escape(address, text->pool), listener_sharing(info),
                escape(listener_sharing_reason(info, status->platform, text->pool), text->pool)));
    }
}

static void add_service(const text_t *text, const status_t *status)
{
    begin(text, "udpechod_healthy", "gauge",
          "Whether every worker goes round its loop and can receive, and none was asked to end.");
    add_number(text, "udpechod_healthy", status->health == HEALTH_OK);
    begin(text, "udpechod_workers", "gauge", "Threads that answer.");
    add_number(text, "udpechod_workers", status->workers);
    begin(text, "udpechod_reload_failures_total", "counter",
          "Times that the options could not be read again.");
    add_number(text, "udpechod_reload_failures_total", status->reload_failures);
    begin(text, "process_start_time_seconds", "gauge", "When it started, in Unix time.");
    add(text, apr_pstrcat(text->pool, "process_start_time_seconds ",
                          seconds((apr_uint64_t)status->started, text->pool), "\n", NULL));
}

const char *metrics_text(const status_t *status, apr_pool_t *pool)
{
    text_t text = {apr_array_make(pool, 128, sizeof(const char *)), pool};

    add_counters(&text, &status->totals);
    add_losses(&text, status);
    add_service_times(&text, &status->service_times);
    add_information(&text, status);
    add_service(&text, status);
    return apr_array_pstrcat(pool, text.parts, 0);
}
