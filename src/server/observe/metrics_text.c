#include "server/observe/metrics_text.h"

#include <apr_strings.h>
#include <string.h>

#include "common/endpoint_text.h"
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

/* ---- Counters and times ---- */

static const char *label_of(const counter_row_t *row, apr_pool_t *pool)
{
    return row->label == NULL ? "" : apr_psprintf(pool, "{%s=\"%s\"}", row->label, row->value);
}

static void add_counters(const text_t *text, const status_t *status)
{
    const char *metric = "";
    apr_uint64_t value;

    for (unsigned i = 0; i < COUNTERS_TOLD; i++) {
        const counter_row_t *row = counter_row(i);

        if (!status_counter(&value, status, i)) {
            continue;
        }
        if (strcmp(row->metric, metric) != 0) {
            begin(text, row->metric, "counter", row->help);
            metric = row->metric;
        }
        add_number(text, apr_pstrcat(text->pool, metric, label_of(row, text->pool), NULL), value);
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

/* ---- Listeners that speak more than plain echo ---- */

typedef struct service_metric {
    service_counter_t counter;
    const char *name;
    const char *help;
} service_metric_t;

static const service_metric_t service_metrics[] = {
    {SERVICE_REQUESTS, "udpechod_listener_requests_total", "Requests that were to be answered."},
    {SERVICE_REQUEST_BYTES, "udpechod_listener_request_bytes_total", "Their payload."},
    {SERVICE_REPLIES, "udpechod_listener_replies_total", "Replies to them that were sent."},
    {SERVICE_REPLY_BYTES, "udpechod_listener_reply_bytes_total", "Their payload."},
};

/* The labels of a listener, without braces. */
static const char *labels_of(const status_t *status, int index, apr_pool_t *pool)
{
    const listener_info_t *info = &APR_ARRAY_IDX(status->listeners, index, listener_info_t);
    const service_reading_t *service = &APR_ARRAY_IDX(status->services, index, service_reading_t);
    char address[ENDPOINT_TEXT_MAX];

    endpoint_format_on(address, &info->local, info->device);
    return apr_psprintf(pool, "listener=\"%s\",protocol=\"%s\"", escape(address, pool),
                        protocol_name(service->protocol));
}

static void add_service_metric(const text_t *text, const status_t *status,
                               const service_metric_t *metric)
{
    begin(text, metric->name, "counter", metric->help);
    for (int i = 0; i < status->services->nelts; i++) {
        const service_reading_t *service = &APR_ARRAY_IDX(status->services, i, service_reading_t);

        if (service->protocol != PROTOCOL_ECHO) {
            add_number(
                text,
                apr_psprintf(text->pool, "%s{%s}", metric->name, labels_of(status, i, text->pool)),
                service->value[metric->counter]);
        }
    }
}

/* What is zero is left out: there are many reasons, and most of them never come up. */
static void add_service_drops(const text_t *text, const status_t *status)
{
    static const char name[] = "udpechod_listener_dropped_datagrams_total";

    begin(text, name, "counter", "Datagrams not answered, by reason.");
    for (int i = 0; i < status->services->nelts; i++) {
        const service_reading_t *service = &APR_ARRAY_IDX(status->services, i, service_reading_t);

        for (unsigned reason = 0; service->protocol != PROTOCOL_ECHO && reason < DROP_KINDS;
             reason++) {
            if (service->value[SERVICE_DROPPED + reason] > 0) {
                add_number(text,
                           apr_psprintf(text->pool, "%s{%s,reason=\"%s\"}", name,
                                        labels_of(status, i, text->pool),
                                        verdict_name((verdict_t)reason)),
                           service->value[SERVICE_DROPPED + reason]);
            }
        }
    }
}

static int speaks(const status_t *status, protocol_t protocol)
{
    for (int i = 0; i < status->services->nelts; i++) {
        if (APR_ARRAY_IDX(status->services, i, service_reading_t).protocol == protocol) {
            return 1;
        }
    }
    return 0;
}

static void add_services(const text_t *text, const status_t *status)
{
    if (!speaks(status, PROTOCOL_STAMP) && !speaks(status, PROTOCOL_ECHO_PLUS)) {
        return;
    }
    for (unsigned i = 0; i < sizeof service_metrics / sizeof service_metrics[0]; i++) {
        add_service_metric(text, status, &service_metrics[i]);
    }
    add_service_drops(text, status);
    if (speaks(status, PROTOCOL_STAMP)) {
        begin(text, "udpechod_stamp_sessions", "gauge", "STAMP sessions that are not idle.");
        add_number(text, "udpechod_stamp_sessions", status->sessions);
        begin(text, "udpechod_stamp_sessions_evicted_total", "counter",
              "STAMP sessions that lost their place before they were idle.");
        add_number(text, "udpechod_stamp_sessions_evicted_total", status->sessions_evicted);
    }
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
          "Where it listens, what it speaks there, how the workers share the port, and why.");
    for (int i = 0; i < status->listeners->nelts; i++) {
        const listener_info_t *info = &APR_ARRAY_IDX(status->listeners, i, listener_info_t);
        const service_reading_t *service = &APR_ARRAY_IDX(status->services, i, service_reading_t);
        char address[ENDPOINT_TEXT_MAX];

        endpoint_format_on(address, &info->local, info->device);
        add(text,
            apr_psprintf(
                text->pool,
                "udpechod_listener_info{address=\"%s\",protocol=\"%s\",sharing=\"%s\","
                "because=\"%s\"} 1\n",
                escape(address, text->pool), protocol_name(service->protocol),
                listener_sharing(info),
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
    begin(text, "process_start_time_seconds", "gauge", "When it started, in Unix time.");
    add(text, apr_pstrcat(text->pool, "process_start_time_seconds ",
                          seconds((apr_uint64_t)status->started, text->pool), "\n", NULL));
}

const char *metrics_text(const status_t *status, apr_pool_t *pool)
{
    text_t text = {apr_array_make(pool, 128, sizeof(const char *)), pool};

    add_counters(&text, status);
    add_services(&text, status);
    add_service_times(&text, &status->service_times);
    add_information(&text, status);
    add_service(&text, status);
    return apr_array_pstrcat(pool, text.parts, 0);
}
