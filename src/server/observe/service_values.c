#include "server/observe/service_values.h"

#include <apr_strings.h>

#include "common/endpoint_text.h"
#include "common/time_stamp.h"

/* What TR-181 calls a time that is not known (TR-106 section 3.2.1). */
#define UNKNOWN_TIME "0001-01-01T00:00:00Z"

typedef struct listed {
    const listener_info_t *info;
    const service_reading_t *service;
    apr_pool_t *pool;
} listed_t;

/* A value of a listener, in words. */
typedef struct column {
    const char *name;
    const char *(*write)(const listed_t *listed);
    int is_bare; /* a number or a truth */
} column_t;

static const char *write_number(const listed_t *listed, apr_uint64_t number)
{
    return apr_psprintf(listed->pool, "%" APR_UINT64_T_FMT, number);
}

static const char *write_address(const listed_t *listed)
{
    char *text = apr_palloc(listed->pool, ENDPOINT_TEXT_MAX);

    endpoint_format_on(text, &listed->info->local, listed->info->device);
    return text;
}

static const char *write_requests(const listed_t *listed)
{
    return write_number(listed, listed->service->value[SERVICE_REQUESTS]);
}

static const char *write_replies(const listed_t *listed)
{
    return write_number(listed, listed->service->value[SERVICE_REPLIES]);
}

static const char *write_request_bytes(const listed_t *listed)
{
    return write_number(listed, listed->service->value[SERVICE_REQUEST_BYTES]);
}

static const char *write_reply_bytes(const listed_t *listed)
{
    return write_number(listed, listed->service->value[SERVICE_REPLY_BYTES]);
}

static const char *write_dropped(const listed_t *listed)
{
    apr_uint64_t dropped = 0;

    for (unsigned i = 0; i < DROP_KINDS; i++) {
        dropped += listed->service->value[SERVICE_DROPPED + i];
    }
    return write_number(listed, dropped);
}

static const char *write_true(const listed_t *listed)
{
    (void)listed;
    return "true";
}

static const char *write_interface(const listed_t *listed)
{
    return listed->info->device;
}

/* Who is answered is said by access lists, and not by one address. */
static const char *write_any_source(const listed_t *listed)
{
    (void)listed;
    return "";
}

static const char *write_port(const listed_t *listed)
{
    return write_number(listed, endpoint_port(&listed->info->local));
}

static const char *write_time(const listed_t *listed, apr_time_t time)
{
    char *text = apr_palloc(listed->pool, TIME_STAMP_LENGTH + 1);

    if (time == 0) {
        return UNKNOWN_TIME;
    }
    time_stamp(text, time);
    return text;
}

static const char *write_first(const listed_t *listed)
{
    return write_time(listed, listed->service->first_request);
}

static const char *write_last(const listed_t *listed)
{
    return write_time(listed, listed->service->last_request);
}

static const column_t stamp_columns[] = {
    {"stamp_listening", write_address, 0},
    {"stamp_requests", write_requests, 1},
    {"stamp_replies", write_replies, 1},
    {"stamp_dropped", write_dropped, 1},
    {NULL, NULL, 0},
};

static const column_t echo_plus_columns[] = {
    {"UDPEchoConfig", write_address, 0},
    {"Enable", write_true, 1},
    {"Interface", write_interface, 0},
    {"SourceIPAddress", write_any_source, 0},
    {"UDPPort", write_port, 1},
    {"EchoPlusEnabled", write_true, 1},
    {"EchoPlusSupported", write_true, 1},
    {"PacketsReceived", write_requests, 1},
    {"PacketsResponded", write_replies, 1},
    {"BytesReceived", write_request_bytes, 1},
    {"BytesResponded", write_reply_bytes, 1},
    {"TimeFirstPacketReceived", write_first, 0},
    {"TimeLastPacketReceived", write_last, 0},
    {NULL, NULL, 0},
};

static const apr_array_header_t *column_of(const column_t *column, protocol_t protocol,
                                           const status_t *status, apr_pool_t *pool)
{
    apr_array_header_t *list = apr_array_make(pool, 4, sizeof(const char *));

    for (int i = 0; i < status->listeners->nelts; i++) {
        listed_t listed = {&APR_ARRAY_IDX(status->listeners, i, listener_info_t),
                           &APR_ARRAY_IDX(status->services, i, service_reading_t), pool};

        if (listed.service->protocol == protocol) {
            APR_ARRAY_PUSH(list, const char *) = column->write(&listed);
        }
    }
    return list;
}

/* Returns 0 if no listener speaks this. */
static int add_columns(apr_array_header_t *values, const column_t *columns, protocol_t protocol,
                       const status_t *status, apr_pool_t *pool)
{
    const apr_array_header_t *list = column_of(columns, protocol, status, pool);
    int has_any = list->nelts > 0;

    for (; has_any && columns->name != NULL; columns++) {
        list = column_of(columns, protocol, status, pool);
        if (columns->is_bare) {
            name_values_add_bare_list(values, columns->name, list);
        } else {
            name_values_add_list(values, columns->name, list);
        }
    }
    return has_any;
}

void service_values(apr_array_header_t *values, const status_t *status, apr_pool_t *pool)
{
    if (add_columns(values, stamp_columns, PROTOCOL_STAMP, status, pool)) {
        name_values_add_number(values, "stamp_sessions", (apr_int64_t)status->sessions);
        name_values_add_number(values, "stamp_sessions_evicted",
                               (apr_int64_t)status->sessions_evicted);
    }
    add_columns(values, echo_plus_columns, PROTOCOL_ECHO_PLUS, status, pool);
}
