#include "client/metrics/metrics_server.h"

#include <apr_poll.h>
#include <apr_portable.h>
#include <apr_strings.h>
#include <apr_thread_proc.h>
#include <stdatomic.h>
#include <string.h>

#include "client/failure.h"
#include "common/prometheus.h"
#include "common/stream_address.h"
#include "common/stream_socket.h"
#include "udpecho/clock.h"
#include "udpecho/http.h"

/* A connection that cannot be accepted leaves the socket ready: how long to wait then. */
#define FAILURE_PAUSE_US (100 * 1000)

/* How often the thread is woken where that fails, and how long to wait in between. */
#define WAKE_ATTEMPTS_MAX 200
#define WAKE_PAUSE_US     (10 * 1000)

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
    server->source.read(server->source.context, &scrape, pool);
    return (http_answer_t){200, PROMETHEUS_TYPE, scrape_text(&scrape, pool)};
}

/* ---- Opening ---- */

static apr_status_t listen_at(metrics_server_t *server, const char *where, const char **step)
{
    apr_array_header_t *none = apr_array_make(server->pool, 1, sizeof(apr_os_sock_t));
    apr_sockaddr_t *address;
    apr_status_t status = stream_address_find(&address, where, server->pool);

    *step = "find the address";
    return status == APR_SUCCESS
               ? stream_listen(&server->listening, address, none, step, server->pool)
               : status;
}

static apr_status_t open_http(metrics_server_t *server, const char **step)
{
    apr_os_sock_t descriptor;

    apr_os_sock_get(&descriptor, server->listening);
    return http_open(&server->http, descriptor, respond, server, step, server->pool);
}

const char *metrics_server_open(metrics_server_t **opened, const char *where,
                                const metrics_source_t *source, apr_pool_t *pool)
{
    metrics_server_t *server = apr_pcalloc(pool, sizeof *server);
    const char *step;

    server->source = *source;
    server->pool = pool;
    apr_status_t status = listen_at(server, where, &step);

    if (status == APR_SUCCESS) {
        status = open_http(server, &step);
    }
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

/* A byte in a pipe, for which the kernel may have no memory for a while. */
static void wake(metrics_server_t *server)
{
    int attempts = 0;

    while (apr_pollset_wakeup(server->sockets) != APR_SUCCESS && ++attempts < WAKE_ATTEMPTS_MAX) {
        clock_pause(WAKE_PAUSE_US);
    }
}

void metrics_server_stop(metrics_server_t *server)
{
    apr_status_t status;

    if (server->thread != NULL) {
        atomic_store(&server->is_stopping, 1);
        wake(server);
        apr_thread_join(&status, server->thread);
        server->thread = NULL;
    }
}
