#include "server/observe/metrics.h"

#include <apr_strings.h>
#include <string.h>

#include "common/http_listen.h"
#include "common/prometheus.h"
#include "server/observe/metrics_text.h"

static http_answer_t answer_health(void *context, const char *path, apr_pool_t *pool)
{
    status_source_t *source = context;
    status_t status;

    if (strcmp(path, "/healthz") == 0) {
        status_read(&status, source, pool);
        return (http_answer_t){status.health == HEALTH_OK ? 200 : 503, "text/plain",
                               apr_pstrcat(pool, health_name(status.health), "\n", NULL)};
    }
    if (strcmp(path, "/readyz") == 0) {
        status_read(&status, source, pool);
        readiness_log(&source->readiness, status.readiness);
        return (http_answer_t){status.readiness == READINESS_READY ? 200 : 503, "text/plain",
                               apr_pstrcat(pool, readiness_name(status.readiness), "\n", NULL)};
    }
    return (http_answer_t){404, "text/plain", "there are /healthz and /readyz\n"};
}

static http_answer_t answer_all(void *context, const char *path, apr_pool_t *pool)
{
    status_t status;

    if (strcmp(path, "/metrics") == 0) {
        status_read(&status, context, pool);
        return (http_answer_t){200, PROMETHEUS_TYPE, metrics_text(&status, pool)};
    }
    http_answer_t answer = answer_health(context, path, pool);

    if (answer.status == 404) {
        answer.body = "there are /metrics, /healthz and /readyz\n";
    }
    return answer;
}

apr_status_t metrics_open(http_t **http, apr_socket_t **listening, const char *where,
                          metrics_pages_t pages, apr_array_header_t *inherited,
                          status_source_t *source, const char **step, apr_pool_t *pool)
{
    return http_listen(http, listening, where, inherited,
                       pages == METRICS_PAGES_ALL ? answer_all : answer_health, source, step, pool);
}
