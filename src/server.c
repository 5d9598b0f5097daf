#include "server.h"

#include <apr_thread_proc.h>
#include <stdatomic.h>

#include "confine.h"
#include "feature_table.h"
#include "listeners.h"
#include "policy.h"
#include "reload.h"
#include "server_limits.h"
#include "source_ports.h"
#include "worker.h"

/* How long to wait before looking again whether a worker is done with a batch. */
#define BATCH_PAUSE_US 1000

typedef struct server {
    settings_t settings; /* as they are in force */
    platform_t platform;
    host_t *host;
    log_t *log;
    apr_array_header_t *listeners; /* of listener_t * */
    policy_t *policy;
    worker_t **workers;
    unsigned worker_count;
    atomic_uint running;
    gate_t *gate; /* where all threads wait until the process is confined */
} server_t;

/* ---- Stopping ---- */

static void stop_workers(server_t *server)
{
    for (unsigned i = 0; i < server->worker_count; i++) {
        worker_stop(server->workers[i]);
    }
}

/* Runs in the worker's thread. The workers end together: whatever ended one, the count, the time
 * or a request, holds for all. */
static void on_worker_ended(void *context)
{
    server_t *server = context;

    stop_workers(server);
    if (atomic_fetch_sub(&server->running, 1) == 1) {
        host_finish(server->host);
    }
}

/* ---- Telling ---- */

static apr_uint64_t kernel_drops(const server_t *server)
{
    apr_uint64_t drops = 0;

    for (int i = 0; i < server->listeners->nelts; i++) {
        drops += listener_drops(APR_ARRAY_IDX(server->listeners, i, listener_t *));
    }
    return drops;
}

static const char *health(const server_t *server)
{
    for (unsigned i = 0; i < server->worker_count; i++) {
        if (echo_is_degraded(worker_echo(server->workers[i]))) {
            return "degraded";
        }
    }
    return "ok";
}

static void log_counters(server_t *server, log_line_t *line)
{
    counter_totals_t totals = {{0}};

    for (unsigned i = 0; i < server->worker_count; i++) {
        counters_sum(&totals, echo_counters(worker_echo(server->workers[i])));
    }
    for (unsigned i = 0; i <= COUNTER_ECHOED_BYTES; i++) {
        log_number(line, counter_name(i), (apr_int64_t)totals.value[i]);
    }
    for (unsigned i = COUNTER_ECHOED_BYTES + 1; i < COUNTER_KINDS; i++) {
        log_count(line, counter_name(i), totals.value[i]);
    }
    if (platform_has(&server->platform, FEATURE_DROP_COUNTER)) {
        log_count(line, "kernel_drops", kernel_drops(server));
    }
    log_text(line, "health", health(server));
    log_end(line);
}

static void log_serving(server_t *server, apr_pool_t *pool)
{
    const transport_t *transport = worker_transport(server->workers[0]);
    log_line_t *line = log_begin_waiting(server->log, LOG_LEVEL_INFO, "serving");

    log_number(line, "workers", server->worker_count);
    log_text(line, "backend", transport_backend(transport));
    log_text(line, "batching", features_batching(&server->platform, pool));
    log_end(line);
}

static void log_stopped(server_t *server)
{
    static const char *const reasons[] = {
        [ECHO_END_NONE] = "none",
        [ECHO_END_ASKED] = "request",
        [ECHO_END_DURATION] = "duration",
        [ECHO_END_COUNT] = "count",
    };
    echo_end_t end = ECHO_END_NONE;

    /* A worker that met the count or the end of the time asked the others to stop. */
    for (unsigned i = 0; i < server->worker_count; i++) {
        echo_end_t of_worker = echo_end(worker_echo(server->workers[i]));

        end = of_worker > end ? of_worker : end;
    }
    log_line_t *line = log_begin_waiting(server->log, LOG_LEVEL_INFO, "stopped");

    log_text(line, "reason", reasons[end]);
    log_counters(server, line);
}

/* ---- Starting ---- */

static exit_code_t refuse(server_t *server, const char *message, apr_status_t status)
{
    log_line_t *line = log_begin_waiting(server->log, LOG_LEVEL_ERROR, message);

    log_status(line, "error", status);
    log_end(line);
    return EXIT_SYSTEM;
}

static apr_status_t create_policy(server_t *server, const settings_t *settings, apr_pool_t *pool)
{
    echo_policy_t rules = {
        .quota = echo_quota_create((apr_uint64_t)settings->count, pool),
        .duration_us = settings->duration,
        .access = settings->access,
    };

    source_ports_create(&rules.ports, settings->deny_source_ports, pool);
    apr_status_t status = server_limits_set(&rules, settings, pool);

    if (status != APR_SUCCESS) {
        return status;
    }
    return policy_create(&server->policy, &rules, server->listeners, server->log, pool);
}

static apr_status_t create_workers(server_t *server, const settings_t *settings, apr_pool_t *pool)
{
    worker_options_t options = {
        .listeners = (listener_t *const *)server->listeners->elts,
        .listener_count = (unsigned)server->listeners->nelts,
        .payload_max = (apr_size_t)settings->payload_max,
        .policy = &server->policy->rules,
        .log = server->log,
        .gate = server->gate,
        .ended = on_worker_ended,
        .context = server,
    };
    apr_status_t status = APR_SUCCESS;

    for (unsigned i = 0; status == APR_SUCCESS && i < server->worker_count; i++) {
        options.index = i;
        status = worker_create(&server->workers[i], &options, pool);
    }
    return status;
}

/* A system may refuse threads (pthread_create(3), EAGAIN); fewer workers are better than none. */
static void keep_workers(server_t *server, unsigned started, apr_status_t status)
{
    log_line_t *line =
        log_begin_waiting(server->log, LOG_LEVEL_WARNING, "fewer workers than asked for");

    log_number(line, "asked", server->worker_count);
    log_number(line, "started", started);
    log_status(line, "error", status);
    log_end(line);
    for (int i = 0; i < server->listeners->nelts; i++) {
        listener_keep(APR_ARRAY_IDX(server->listeners, i, listener_t *), started);
    }
    server->worker_count = started;
}

/* Starts the log's writer and the workers, which then wait at the gate. */
static apr_status_t start_threads(server_t *server)
{
    apr_status_t status = log_start(server->log, server->gate);
    unsigned started = 0;

    while (status == APR_SUCCESS && started < server->worker_count) {
        status = worker_start(server->workers[started]);
        started += status == APR_SUCCESS;
    }
    if (status != APR_SUCCESS && started > 0) {
        keep_workers(server, started, status);
        status = APR_SUCCESS;
    }
    atomic_init(&server->running, started);
    return status;
}

/* From one thread with privileges to all threads without: see udpecho/confinement.h for the order.
 * Nobody has received a datagram before the end of it. */
static exit_code_t start(server_t *server, apr_pool_t *pool)
{
    exit_code_t code = confine_privileges(&server->settings, server->log, pool);

    if (code != EXIT_OK) {
        return code;
    }
    apr_status_t status = start_threads(server);

    if (status != APR_SUCCESS) {
        gate_open(server->gate);
        return refuse(server, "cannot start a thread", status);
    }
    gate_await(server->gate, 1 + server->worker_count); /* the writer and the workers */
    code = confine_calls(&server->settings, &server->platform, server->log, pool);
    if (code != EXIT_OK) {
        stop_workers(server);
    }
    gate_open(server->gate);
    for (unsigned i = 0; code != EXIT_OK && i < server->worker_count; i++) {
        worker_join(server->workers[i]);
    }
    return code;
}

/* The workers never wait for this; it waits until none of them reads the old policy. */
static void renew_policy(server_t *server, apr_pool_t *pool)
{
    policy_t *old = server->policy;

    if (policy_create(&server->policy, &old->rules, server->listeners, server->log, pool) !=
        APR_SUCCESS) {
        return;
    }
    for (unsigned i = 0; i < server->worker_count; i++) {
        echo_t *echo = worker_echo(server->workers[i]);

        echo_apply(echo, &server->policy->rules);
        while (echo_reads(echo, &old->rules)) {
            clock_pause(BATCH_PAUSE_US);
        }
    }
    apr_pool_destroy(old->pool);
}

static void serve_until_finished(server_t *server, apr_pool_t *pool)
{
    for (;;) {
        switch (host_wait(server->host)) {
        case HOST_STOP:
            stop_workers(server); /* before the log, which may wait for its reader */
            log_end(log_begin_waiting(server->log, LOG_LEVEL_INFO,
                                      "draining, a second signal ends at once"));
            break;
        case HOST_REPORT:
            log_counters(server, log_begin(server->log, LOG_LEVEL_INFO, "counters"));
            break;
        case HOST_RELOAD:
            renew_policy(server, pool);
            reload(&server->settings, server->log, pool);
            break;
        case HOST_FINISHED:
            return;
        }
    }
}

exit_code_t server_run(const settings_t *settings, host_t *host, log_t *log, apr_pool_t *pool)
{
    server_t server = {
        .settings = *settings,
        .host = host,
        .log = log,
        .listeners = apr_array_make(pool, 4, sizeof(listener_t *)),
    };
    exit_code_t code;
    apr_status_t status;

    platform_probe(&server.platform, pool);
    features_log(&server.platform, log, pool);
    code = listeners_open(server.listeners, settings, &server.platform, log, pool);
    if (code != EXIT_OK) {
        return code;
    }
    server.worker_count = listener_options(settings, &server.platform).workers;
    server.workers = apr_pcalloc(pool, server.worker_count * sizeof(worker_t *));
    status = gate_create(&server.gate, pool);
    if (status == APR_SUCCESS) {
        status = create_policy(&server, settings, pool);
    }
    if (status != APR_SUCCESS) {
        return refuse(&server, "cannot make the policy", status);
    }
    status = create_workers(&server, settings, pool);
    if (status != APR_SUCCESS) {
        return refuse(&server, "cannot open a transport", status);
    }
    code = start(&server, pool);
    if (code != EXIT_OK) {
        return code;
    }
    listeners_log(server.listeners, settings, &server.platform, log, pool);
    log_serving(&server, pool);
    host_ready(host);
    serve_until_finished(&server, pool);
    for (unsigned i = 0; i < server.worker_count; i++) {
        worker_join(server.workers[i]);
    }
    log_stopped(&server);
    return EXIT_OK;
}
