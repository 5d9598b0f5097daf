#include "server/observe/status_values.h"

#include <apr_strings.h>
#include <assert.h>

#include "common/endpoint_text.h"
#include "common/time_stamp.h"
#include "common/version.h"
#include "server/listen/listener_log.h"
#include "server/observe/service_values.h"

static void add_listeners(apr_array_header_t *values, const status_t *status, apr_pool_t *pool)
{
    const apr_array_header_t *listeners = status->listeners;
    apr_array_header_t *addresses = apr_array_make(pool, 4, sizeof(const char *));
    apr_array_header_t *protocols = apr_array_make(pool, 4, sizeof(const char *));
    apr_array_header_t *sharings = apr_array_make(pool, 4, sizeof(const char *));
    apr_array_header_t *reasons = apr_array_make(pool, 4, sizeof(const char *));

    for (int i = 0; i < listeners->nelts; i++) {
        const listener_info_t *info = &APR_ARRAY_IDX(listeners, i, listener_info_t);
        char *address = apr_palloc(pool, ENDPOINT_TEXT_MAX);

        endpoint_format_on(address, &info->local, info->device);
        APR_ARRAY_PUSH(addresses, const char *) = address;
        APR_ARRAY_PUSH(protocols, const char *) =
            protocol_name(APR_ARRAY_IDX(status->services, i, service_reading_t).protocol);
        APR_ARRAY_PUSH(sharings, const char *) = listener_sharing(info);
        APR_ARRAY_PUSH(reasons, const char *) =
            listener_sharing_reason(info, status->platform, pool);
    }
    name_values_add_list(values, "listening", addresses);
    name_values_add_list(values, "protocol", protocols);
    name_values_add_list(values, "port_sharing", sharings);
    name_values_add_list(values, "because", reasons);
}

static void add_counters(apr_array_header_t *values, const status_t *status)
{
    apr_uint64_t value;

    for (unsigned i = 0; i < COUNTERS_TOLD; i++) {
        if (status_counter(&value, status, i)) {
            name_values_add_number(values, counter_row(i)->name, (apr_int64_t)value);
        }
    }
}

const char *service_time_name(unsigned bucket, apr_pool_t *pool)
{
    assert(bucket < SERVICE_TIME_BOUNDS);
    return apr_psprintf(pool, "service_within_%" APR_INT64_T_FMT "us",
                        service_time_bounds_us[bucket]);
}

static void add_service_times(apr_array_header_t *values, const service_time_totals_t *times,
                              apr_pool_t *pool)
{
    apr_uint64_t datagrams = 0;

    name_values_add_number(values, "service_us_total", (apr_int64_t)times->total_us);
    for (unsigned i = 0; i < SERVICE_TIME_BOUNDS; i++) {
        datagrams += times->datagrams[i];
        name_values_add_number(values, service_time_name(i, pool), (apr_int64_t)datagrams);
    }
}

void status_values(apr_array_header_t *values, const status_t *status, apr_pool_t *pool)
{
    char *started = apr_palloc(pool, TIME_STAMP_LENGTH + 1);

    time_stamp(started, status->started);
    name_values_add_text(values, "udpechod", UDPECHO_VERSION);
    name_values_add_text(values, "health", health_name(status->health));
    name_values_add_truth(values, "ready", status->readiness == READINESS_READY);
    if (status->readiness != READINESS_READY) {
        name_values_add_text(values, "not_ready_because", readiness_name(status->readiness));
    }
    name_values_add_text(values, "started", started);
    name_values_add_number(values, "workers", status->workers);
    name_values_add_text(values, "backend", status->backend);
    name_values_add_text(values, "batching", status->batching);
    add_listeners(values, status, pool);
    service_values(values, status, pool);
    add_counters(values, status);
    add_service_times(values, &status->service_times, pool);
}
