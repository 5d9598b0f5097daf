#include "client/metrics/metrics_server.h"

#include <apr_poll.h>
#include <apr_portable.h>
#include <apr_strings.h>
#include <apr_thread_proc.h>
#include <stdatomic.h>
#include <string.h>

#include "client/failure.h"
#include "common/http_listen.h"
#include "common/prometheus.h"
#include "udpecho/clock.h"

/* A connection that cannot be accepted leaves the socket ready: how long to wait then. */
#define FAILURE_PAUSE_US (100 * 1000)

struct metrics_server {
    metrics_source_t source;
    apr_pollset_t *sockets;
    apr_socket_t *listening;
    http_t *http;
    apr_thread_t *thread; /* NULL: not started */
    atomic_int is_stopping;
    apr_pool_t *pool;
};

/* ---- Answers ---- */

static http_answer_t respond(void *context, const char *path, apr_pool_t *pool)
{
    const metrics_server_t *server = context;
    scrape_t scrape;

    if (strcmp(path, "/metrics") != 0) {
        return (http_answer_t){404, "text/plain", "there is /metrics\n"};
    }
    return server->source.read(server->source.context, &scrape, pool) == APR_SUCCESS
               ? (http_answer_t){200, PROMETHEUS_TYPE, scrape_text(&scrape, pool)}
               : http_no_memory;
}

/* ---- Opening ---- */

const char *metrics_server_open(metrics_server_t **opened, const char *where,
                                const metrics_source_t *source, apr_pool_t *pool)
{
    metrics_server_t *server = apr_pcalloc(pool, sizeof *server);
    apr_array_header_t *none = apr_array_make(pool, 1, sizeof(apr_os_sock_t));
    const char *step;

    server->source = *source;
    server->pool = pool;
    apr_status_t status =
        http_listen(&server->http, &server->listening, where, none, respond, server, &step, pool);

    if (status == APR_SUCCESS) {
        step = "wait for requests";
        status = apr_pollset_create(&server->sockets, HTTP_SOCKETS_MAX, pool, APR_POLLSET_WAKEABLE);
    }
    *opened = server;
    if (APR_STATUS_IS_ENOTIMPL(status)) {
        return "--metrics-listen: expected an udpecho that is built with libmicrohttpd";
    }
    return status == APR_SUCCESS
               ? NULL
               : apr_psprintf(pool, "--metrics-listen=%s: %s", where, cannot(step, status, pool));
}

/* ---- The thread ---- */

/* Waits until there is something to do, and does it. */
static apr_status_t turn(metrics_server_t *server)
{
    http_t *http = server->http;
    const apr_pollfd_t *ready;
    apr_int32_t count;
    apr_status_t waited = http->watch(http, server->sockets);

    if (waited == APR_SUCCESS) {
        waited = apr_pollset_poll(server->sockets, http->timeout(http), &count, &ready);
    }
    apr_status_t status = http->run(http);

    if (status != APR_SUCCESS || APR_STATUS_IS_TIMEUP(waited) || APR_STATUS_IS_EINTR(waited)) {
        return status;
    }
    return waited;
}

static void *APR_THREAD_FUNC run(apr_thread_t *thread, void *data)
{
    metrics_server_t *server = data;

    (void)thread;
    while (!atomic_load(&server->is_stopping)) {
        if (turn(server) != APR_SUCCESS) {
            clock_pause(FAILURE_PAUSE_US);
        }
    }
    return NULL;
}

apr_status_t metrics_server_start(metrics_server_t *server)
{
    apr_status_t status = apr_thread_create(&server->thread, NULL, run, server, server->pool);

    if (status != APR_SUCCESS) {
        server->thread = NULL; /* APR has set it to what it could not start */
    }
    return status;
}

void metrics_server_stop(metrics_server_t *server)
{
    apr_status_t status;

    if (server->thread != NULL) {
        atomic_store(&server->is_stopping, 1);
        http_wake(server->sockets);
        apr_thread_join(&status, server->thread);
        server->thread = NULL;
    }
}
