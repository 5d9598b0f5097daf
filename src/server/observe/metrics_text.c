#include "server/observe/metrics_text.h"

#include <apr_strings.h>
#include <string.h>

#include "common/endpoint_text.h"
#include "common/prometheus.h"
#include "common/version.h"
#include "server/listen/listener_log.h"

/* ---- Counters and times ---- */

static const char *label_of(const counter_row_t *row, apr_pool_t *pool)
{
    return row->label == NULL ? "" : apr_psprintf(pool, "{%s=\"%s\"}", row->label, row->value);
}

static void add_counters(const prometheus_t *text, const status_t *status)
{
    const char *metric = "";
    apr_uint64_t value;

    for (unsigned i = 0; i < COUNTERS_TOLD; i++) {
        const counter_row_t *row = counter_row(i);

        if (!status_counter(&value, status, i)) {
            continue;
        }
        if (strcmp(row->metric, metric) != 0) {
            prometheus_begin(text, row->metric, "counter", row->help);
            metric = row->metric;
        }
        prometheus_number(text, apr_pstrcat(text->pool, metric, label_of(row, text->pool), NULL),
                          value);
    }
}

static void add_service_times(const prometheus_t *text, const service_time_totals_t *times)
{
    static const char name[] = "udpechod_service_seconds";
    const prometheus_histogram_t histogram = {SERVICE_TIME_BOUNDS, service_time_bounds_us,
                                              times->datagrams, times->total_us};

    prometheus_begin(
        text, name, "histogram",
        "Time from the receive call's return to that of the send call, for each datagram that of "
        "its whole batch.");
    prometheus_histogram(text, name, "", &histogram);
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
    return apr_psprintf(pool, "listener=\"%s\",protocol=\"%s\"", prometheus_escape(address, pool),
                        protocol_name(service->protocol));
}

static void add_service_metric(const prometheus_t *text, const status_t *status,
                               const service_metric_t *metric)
{
    prometheus_begin(text, metric->name, "counter", metric->help);
    for (int i = 0; i < status->services->nelts; i++) {
        const service_reading_t *service = &APR_ARRAY_IDX(status->services, i, service_reading_t);

        if (service->protocol != PROTOCOL_ECHO) {
            prometheus_number(
                text,
                apr_psprintf(text->pool, "%s{%s}", metric->name, labels_of(status, i, text->pool)),
                service->value[metric->counter]);
        }
    }
}

/* What is zero is left out: there are many reasons, and most of them never come up. */
static void add_service_drops(const prometheus_t *text, const status_t *status)
{
    static const char name[] = "udpechod_listener_dropped_datagrams_total";

    prometheus_begin(text, name, "counter", "Datagrams not answered, by reason.");
    for (int i = 0; i < status->services->nelts; i++) {
        const service_reading_t *service = &APR_ARRAY_IDX(status->services, i, service_reading_t);

        for (unsigned reason = 0; service->protocol != PROTOCOL_ECHO && reason < DROP_KINDS;
             reason++) {
            if (service->value[SERVICE_DROPPED + reason] > 0) {
                prometheus_number(text,
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

static void add_services(const prometheus_t *text, const status_t *status)
{
    if (!speaks(status, PROTOCOL_STAMP) && !speaks(status, PROTOCOL_ECHO_PLUS)) {
        return;
    }
    for (unsigned i = 0; i < sizeof service_metrics / sizeof service_metrics[0]; i++) {
        add_service_metric(text, status, &service_metrics[i]);
    }
    add_service_drops(text, status);
    if (speaks(status, PROTOCOL_STAMP)) {
        prometheus_begin(text, "udpechod_stamp_sessions", "gauge",
                         "STAMP sessions that are not idle.");
        prometheus_number(text, "udpechod_stamp_sessions", status->sessions);
        prometheus_begin(text, "udpechod_stamp_sessions_evicted_total", "counter",
                         "STAMP sessions that were replaced before they were idle.");
        prometheus_number(text, "udpechod_stamp_sessions_evicted_total", status->sessions_evicted);
    }
}

/* ---- The service ---- */

static void add_information(const prometheus_t *text, const status_t *status)
{
    prometheus_begin(text, "udpechod_build_info", "gauge", "The version.");
    prometheus_number(text, "udpechod_build_info{version=\"" UDPECHO_VERSION "\"}", 1);
    prometheus_begin(text, "udpechod_transport_info", "gauge",
                     "The system calls that the server uses.");
    prometheus_number(text,
                      apr_psprintf(text->pool,
                                   "udpechod_transport_info{backend=\"%s\",batching=\"%s\"}",
                                   status->backend, status->batching),
                      1);
    prometheus_begin(
        text, "udpechod_listener_info", "gauge",
        "Where it listens, what it speaks there, how the workers share the port, and why.");
    for (int i = 0; i < status->listeners->nelts; i++) {
        const listener_info_t *info = &APR_ARRAY_IDX(status->listeners, i, listener_info_t);
        const service_reading_t *service = &APR_ARRAY_IDX(status->services, i, service_reading_t);
        char address[ENDPOINT_TEXT_MAX];

        endpoint_format_on(address, &info->local, info->device);
        prometheus_number(
            text,
            apr_psprintf(
                text->pool,
                "udpechod_listener_info{address=\"%s\",protocol=\"%s\",sharing=\"%s\","
                "because=\"%s\"}",
                prometheus_escape(address, text->pool), protocol_name(service->protocol),
                listener_sharing(info),
                prometheus_escape(listener_sharing_reason(info, status->platform, text->pool),
                                  text->pool)),
            1);
    }
}

static void add_service(const prometheus_t *text, const status_t *status)
{
    prometheus_begin(
        text, "udpechod_healthy", "gauge",
        "Whether every worker goes round its loop and can receive, and none was asked to end.");
    prometheus_number(text, "udpechod_healthy", status->health == HEALTH_OK);
    prometheus_begin(text, "udpechod_ready", "gauge",
                     "1 if load balancers should send datagrams to this server.");
    prometheus_number(text, "udpechod_ready", status->readiness == READINESS_READY);
    prometheus_begin(text, "udpechod_workers", "gauge", "Worker threads.");
    prometheus_number(text, "udpechod_workers", status->workers);
    prometheus_begin(text, "process_start_time_seconds", "gauge", "When it started, in Unix time.");
    prometheus_seconds(text, "process_start_time_seconds", (apr_uint64_t)status->started);
}

const char *metrics_text(const status_t *status, apr_pool_t *pool)
{
    prometheus_t text = prometheus_create(pool);

    add_counters(&text, status);
    add_services(&text, status);
    add_service_times(&text, &status->service_times);
    add_information(&text, status);
    add_service(&text, status);
    return prometheus_text(&text);
}
