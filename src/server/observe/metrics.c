#include "server/observe/metrics.h"

#include <apr_strings.h>
#include <string.h>

#include "common/memory.h"
#include "common/prometheus.h"
#include "common/stream_address.h"
#include "common/stream_socket.h"
#include "server/observe/metrics_text.h"

static http_answer_t answer(const char *path, status_source_t *source, apr_pool_t *pool)
{
    status_t status;

    status_read(&status, source, pool);
    if (strcmp(path, "/metrics") == 0) {
        return (http_answer_t){200, PROMETHEUS_TYPE, metrics_text(&status, pool)};
    }
    if (strcmp(path, "/healthz") == 0) {
        return (http_answer_t){status.health == HEALTH_OK ? 200 : 503, "text/plain",
                               apr_pstrcat(pool, health_name(status.health), "\n", NULL)};
    }
    return (http_answer_t){404, "text/plain", "there are /metrics and /healthz\n"};
}

typedef struct page_request {
    const char *path;
    status_source_t *source;
    apr_pool_t *pool;
    http_answer_t answer;
} page_request_t;

static void try_to_answer(void *context)
{
    page_request_t *request = context;

    request->answer = answer(request->path, request->source, request->pool);
}

static http_answer_t respond(void *context, const char *path, apr_pool_t *pool)
{
    page_request_t request = {path, context, pool, {503, "text/plain", "no memory\n"}};

    memory_try(try_to_answer, &request);
    return request.answer;
}

apr_status_t metrics_open(http_t **http, apr_socket_t **listening, const char *where,
                          apr_array_header_t *inherited, status_source_t *source, const char **step,
                          apr_pool_t *pool)
{
    apr_os_sock_t descriptor;
    apr_sockaddr_t *address;
    apr_status_t status = stream_address_find(&address, where, pool);

    *step = "look up the address";
    if (status == APR_SUCCESS) {
        status = stream_listen(listening, address, inherited, step, pool);
    }
    if (status != APR_SUCCESS) {
        return status;
    }
    apr_os_sock_get(&descriptor, *listening);
    return http_open(http, descriptor, respond, source, step, pool);
}
