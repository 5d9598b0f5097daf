#include "server/server.h"

#include <apr_strings.h>
#include <apr_thread_proc.h>
#include <stdatomic.h>

#include "common/memory.h"
#include "common/units.h"
#include "server/confine.h"
#include "server/listen/listener_log.h"
#include "server/listen/listener_service.h"
#include "server/observe/feature_table.h"
#include "server/observe/observer.h"
#include "server/observe/status.h"
#include "server/reload.h"
#include "server/workers.h"
#include "udpecho/clock.h"
#include "udpecho/handover.h"

typedef struct server {
    setup_frame_t frame;
    setup_t *setup; /* that is in effect */
    status_source_t status;
    observer_t *observer;
    host_t *host;
    log_t *log;
    workers_t workers;
    /* When the service manager was told the rate, and the count at that time. */
    apr_time_t looked_at;
    apr_uint64_t echoed_before;
    int has_successor; /* who serves with the same sockets */
    gate_t *gate;      /* where all threads wait until the process is confined */
} server_t;

/* ---- Telling ---- */

typedef struct reading {
    server_t *server;
    log_line_t *line;
} reading_t;

static void read_counters(void *context, apr_pool_t *scratch)
{
    const reading_t *reading = context;
    log_line_t *line = reading->line;
    apr_uint64_t value;
    status_t status;

    status_read(&status, &reading->server->status, scratch);
    for (unsigned i = 0; i < COUNTERS_TOLD; i++) {
        if (!status_counter(&value, &status, i)) {
            continue;
        }
        if (counter_row(i)->is_shown_when_zero) {
            log_number(line, counter_row(i)->name, (apr_int64_t)value);
        } else {
            log_count(line, counter_row(i)->name, value);
        }
    }
    log_text(line, "health", health_name(status.health));
}

/* Ends the line with the counters; `pool` is for temporary memory. */
static void log_counters(server_t *server, log_line_t *line, apr_pool_t *pool)
{
    reading_t reading = {server, line};
    apr_status_t status = memory_try_scratch(read_counters, &reading, pool);

    if (status != APR_SUCCESS) {
        log_status(line, "error", status);
    }
    log_end(line);
}

static void log_serving(server_t *server, apr_pool_t *pool)
{
    const transport_t *transport = worker_transport(server->workers.at[0]);
    log_line_t *line = log_begin_waiting(server->log, LOG_LEVEL_INFO, "serving");

    log_number(line, "workers", server->workers.count);
    log_text(line, "backend", transport_backend(transport));
    log_text(line, "batching", features_batching(&server->frame.platform, pool));
    log_end(line);
}

static void log_stopped(server_t *server, apr_pool_t *pool)
{
    static const char *const reasons[] = {
        [ECHO_END_NONE] = "none",
        [ECHO_END_ASKED] = "request",
        [ECHO_END_DURATION] = "duration",
        [ECHO_END_COUNT] = "count",
    };
    log_line_t *line = log_begin_waiting(server->log, LOG_LEVEL_INFO, "stopped");

    log_text(line, "reason",
             server->has_successor ? "takeover" : reasons[workers_end(&server->workers)]);
    log_counters(server, line, pool);
}

/* ---- Starting ---- */

/* Runs in a worker's thread. */
static void on_ended(void *context)
{
    server_t *server = context;

    host_finish(server->host);
}

static exit_code_t refuse(server_t *server, const char *message, apr_status_t status)
{
    log_line_t *line = log_begin_waiting(server->log, LOG_LEVEL_ERROR, message);

    log_status(line, "error", status);
    log_end(line);
    return EXIT_SYSTEM;
}

static apr_status_t create_workers(server_t *server, apr_pool_t *pool)
{
    const setup_t *setup = server->setup;
    const worker_options_t options = {
        .listeners = setup->listeners.all,
        .payload_max = (apr_size_t)setup->settings.payload_max,
        .spin = setup->settings.spin,
        .is_pinned = setup->settings.pin != 0,
        .policy = setup->policy,
        .stamp = server->frame.basis.stamp,
        .log = server->log,
        .gate = server->gate,
    };

    return workers_create(&server->workers, &options, server->frame.options.workers, on_ended,
                          server, pool);
}

/* A system may refuse threads (pthread_create(3), EAGAIN); fewer workers are better than none. They
 * wait at the gate. */
static apr_status_t keep_workers(server_t *server, unsigned asked, apr_status_t status)
{
    log_line_t *line =
        log_begin_waiting(server->log, LOG_LEVEL_WARNING, "fewer workers than configured");

    log_number(line, "asked", asked);
    log_number(line, "started", server->workers.count);
    log_status(line, "error", status);
    log_end(line);
    server->frame.options.workers = server->workers.count; /* that a reload opens listeners for */
    return workers_share(&server->workers, server->setup->listeners.all);
}

/* Starts the log's writer, the observer and the workers, which then wait at the gate. */
static apr_status_t start_threads(server_t *server)
{
    apr_status_t status = log_start(server->log, server->gate);
    unsigned asked = server->workers.count;

    if (status == APR_SUCCESS) {
        status = observer_start(server->observer, server->gate);
    }
    if (status != APR_SUCCESS) {
        server->workers.count = 0; /* none has been started */
        return status;
    }
    status = workers_start(&server->workers);
    return status != APR_SUCCESS && server->workers.count > 0 ? keep_workers(server, asked, status)
                                                              : status;
}

/* Whether a listener does, or may after a reload. */
static int speaks_stamp(const server_t *server)
{
    const apr_array_header_t *listeners = server->setup->listeners.all;
    int speaks = server->frame.settings->file != NULL;

    for (int i = 0; i < listeners->nelts; i++) {
        speaks |=
            listener_protocol(APR_ARRAY_IDX(listeners, i, const listener_t *)) == PROTOCOL_STAMP;
    }
    return speaks;
}

/* From one thread with privileges to all threads without: see udpecho/confinement.h for the order.
 * Nobody has received a datagram before the end of it. */
static exit_code_t start(server_t *server, apr_pool_t *pool)
{
    exit_code_t code = confine_privileges(server->frame.settings, server->log, pool);

    if (code != EXIT_OK) {
        return code;
    }
    apr_status_t status = start_threads(server);

    if (status != APR_SUCCESS) {
        gate_abandon(server->gate);
        workers_join(&server->workers);
        return refuse(server, "cannot start a thread", status);
    }
    server->status.workers = server->workers.at;
    server->status.worker_count = server->workers.count;
    gate_await(server->gate, 1 + observer_threads(server->observer) + server->workers.count);
    listener_set_store(&server->setup->listeners, NULL, server->log);
    code = confine_calls(server->frame.settings, &server->frame.platform, speaks_stamp(server),
                         server->log, &server->frame.is_confined, pool);
    if (code == EXIT_OK) {
        gate_open(server->gate);
    } else {
        gate_abandon(server->gate);
        workers_join(&server->workers);
    }
    return code;
}

static void set_offload(const setup_t *setup)
{
    const apr_array_header_t *listeners = setup->listeners.all;

    for (int i = 0; i < listeners->nelts; i++) {
        listener_set_offload(APR_ARRAY_IDX(listeners, i, listener_t *), setup->settings.offload);
    }
}

/* The workers never wait for this; it waits until all of them have what is new. */
static void reload(server_t *server)
{
    setup_t *old = server->setup;
    setup_t *next = reload_next(old, &server->frame);

    if (next == NULL) {
        atomic_fetch_add(&server->status.counters.reload_failures, 1);
        return;
    }
    listener_set_speak(&next->listeners, next->settings.mirror_dscp);
    impair_listeners(next->policy->impair, next->listeners.all);
    workers_change(&server->workers, old->policy, next->policy, next->listeners.all);
    server->setup = next;
    host_set_lame_duck(server->host, next->settings.lame_duck);
    listener_set_tell_less(&next->listeners, next->settings.mirror_dscp);
    set_offload(next);
    /* First, since one that was opened anew has the name of the old. */
    listener_set_forget(&old->listeners, &next->listeners);
    listener_set_store(&next->listeners, &old->listeners, server->log);
    status_listen(&server->status, next->listeners.all);
    reload_log(old, next, &server->frame);
    reload_retire(old, next, server->log);
}

typedef struct handing_over {
    const server_t *server;
    apr_status_t status;
} handing_over_t;

static void send_listeners(void *context, apr_pool_t *scratch)
{
    handing_over_t *handing = context;
    const apr_array_header_t *listeners = handing->server->setup->listeners.all;
    apr_array_header_t *groups = apr_array_make(scratch, listeners->nelts, sizeof(socket_group_t));

    for (int i = 0; i < listeners->nelts; i++) {
        const listener_t *listener = APR_ARRAY_IDX(listeners, i, const listener_t *);

        APR_ARRAY_PUSH(groups, socket_group_t) =
            (socket_group_t){listener_protocol(listener), listener_sockets(listener, scratch)};
    }
    handing->status =
        host_hand_over(groups, observer_sockets(handing->server->observer, scratch), scratch);
}

static void hand_over(server_t *server)
{
    handing_over_t handing = {.server = server};
    apr_status_t status = memory_try_scratch(send_listeners, &handing, server->setup->pool);

    if (status == APR_SUCCESS) {
        status = handing.status;
    } else {
        host_refuse_successor();
    }
    log_line_t *line = log_begin_waiting(
        server->log, status == APR_SUCCESS ? LOG_LEVEL_INFO : LOG_LEVEL_ERROR,
        status == APR_SUCCESS ? "listeners passed to the successor" : "cannot hand over");

    if (status != APR_SUCCESS) {
        log_status(line, "error", status);
    }
    log_end(line);
}

/* How long replies may leave at the end that are delayed now or were before. */
static apr_interval_time_t impair_drain(const server_t *server)
{
    return server->setup->lines != NULL ? server->setup->settings.impair_drain : 0;
}

/* Has load balancers send elsewhere, while everything is answered as before. */
static void begin_lame_duck(server_t *server, apr_pool_t *pool)
{
    const settings_t *settings = &server->setup->settings;

    atomic_store(&server->status.readiness.logged, READINESS_LAME_DUCK); /* below */
    atomic_store(&server->status.readiness.is_lame_duck, 1);
    host_stopping(server->host, settings->lame_duck + impair_drain(server));
    log_line_t *line = log_begin_waiting(server->log, LOG_LEVEL_INFO,
                                         "lame duck, a second signal drains immediately");

    log_text(line, "time", format_duration(settings->lame_duck, pool));
    log_end(line);
}

/* Tells the service manager of the rate since it was told last, whether load balancers are told to
 * send elsewhere, and whether every worker moves. */
static void look(server_t *server)
{
    char text[100];
    readiness_t readiness = readiness_of(&server->status.readiness, status_health(&server->status));
    apr_time_t now = clock_now();
    apr_time_t elapsed = now - server->looked_at;
    apr_uint64_t echoed;
    int is_alive = workers_look(&server->workers, &echoed);

    apr_snprintf(text, sizeof text, "%" APR_UINT64_T_FMT " datagrams/s echoed%s%s",
                 (echoed - server->echoed_before) * APR_USEC_PER_SEC /
                     (apr_uint64_t)(elapsed > 0 ? elapsed : 1),
                 readiness == READINESS_READY ? "" : ", not ready: ",
                 readiness == READINESS_READY ? "" : readiness_name(readiness));
    host_tell(server->host, text, is_alive);
    server->looked_at = now;
    server->echoed_before = echoed;
}

static void serve_until_finished(server_t *server, apr_pool_t *pool)
{
    for (;;) {
        confine_log_refusals(server->log);
        switch (host_wait(server->host)) {
        case HOST_LAME_DUCK:
            begin_lame_duck(server, pool);
            break;
        case HOST_STOP:
            workers_stop(&server->workers); /* before what may wait for somebody else */
            host_stopping(server->host, impair_drain(server));
            log_end(log_begin_waiting(server->log, LOG_LEVEL_INFO,
                                      "draining, a second signal exits immediately"));
            break;
        case HOST_REPORT:
            log_counters(server, log_begin(server->log, LOG_LEVEL_INFO, "counters"), pool);
            break;
        case HOST_RELOAD:
            host_reloading(server->host);
            reload(server);
            host_reloaded(server->host);
            break;
        case HOST_HAND_OVER:
            hand_over(server);
            break;
        case HOST_KEPT:
            log_end(log_begin(server->log, LOG_LEVEL_WARNING, "successor exited, still serving"));
            break;
        case HOST_GAVE_UP:
            log_end(log_begin(server->log, LOG_LEVEL_WARNING,
                              "successor not ready in time, still serving"));
            break;
        case HOST_HANDED_OVER:
            server->has_successor = 1;
            host_set_lame_duck(server->host, 0); /* no balancer has to notice */
            observer_stop(server->observer); /* the same sockets are the successor's to answer */
            workers_stop(&server->workers);
            log_end(
                log_begin_waiting(server->log, LOG_LEVEL_INFO, "successor is serving, draining"));
            break;
        case HOST_LOOK:
            look(server);
            break;
        case HOST_FINISHED:
            return;
        }
    }
}

/* Returns once all workers have ended. */
static exit_code_t serve(server_t *server, apr_pool_t *pool)
{
    const settings_t *settings = server->frame.settings;
    exit_code_t code = EXIT_OK;

    listeners_log(&server->setup->listeners, NULL, settings, &server->frame.platform, server->log,
                  pool);
    log_serving(server, pool);
    host_set_lame_duck(server->host, server->setup->settings.lame_duck);
    apr_status_t status = host_ready(server->host);

    server->looked_at = clock_now();
    if (status == APR_SUCCESS) {
        serve_until_finished(server, pool);
    } else if (APR_STATUS_IS_TIMEUP(status)) {
        log_end(log_begin_waiting(server->log, LOG_LEVEL_ERROR,
                                  "not ready in time, the old process still serves"));
        code = EXIT_UNAVAILABLE;
        workers_stop(&server->workers);
    } else {
        code = refuse(server, "cannot tell the old process, which still serves", status);
        workers_stop(&server->workers);
    }
    workers_join(&server->workers);
    observer_stop(server->observer);
    confine_log_refusals(server->log);
    log_stopped(server, pool);
    return code;
}

exit_code_t server_run(const settings_t *settings, host_t *host, log_t *log, apr_pool_t *pool)
{
    server_t server = {
        /* The listeners' pool is made before the workers', and so destroyed after them. */
        .frame = {.settings = settings, .log = log, .pool = memory_pool(pool)},
        .host = host,
        .log = log,
    };
    const platform_t *platform = &server.frame.platform;
    exit_code_t code;
    apr_status_t status;

    server.frame.streams = apr_array_make(pool, 2, sizeof(apr_os_sock_t));
    status = platform_probe(&server.frame.platform, pool);
    if (status != APR_SUCCESS) {
        return refuse(&server, "cannot check the features of the system", status);
    }
    features_log(platform, log, pool);
    server.frame.options = listener_options(settings, platform);
    server.frame.basis.quota = echo_quota_create((apr_uint64_t)settings->count, pool);
    status = apr_generate_random_bytes(server.frame.basis.key, sizeof server.frame.basis.key);
    if (status == APR_SUCCESS) {
        server.frame.basis.stamp = stamp_basis_create(server.frame.basis.key, platform, pool);
        status = gate_create(&server.gate, pool);
    }
    if (status != APR_SUCCESS) {
        return refuse(&server, "cannot start", status);
    }
    code = reload_first(&server.setup, &server.frame);
    if (code != EXIT_OK) {
        return code;
    }
    status = status_source_create(&server.status, platform, server.setup->listeners.all, pool);
    if (status != APR_SUCCESS) {
        return refuse(&server, "cannot start", status);
    }
    server.status.stamp = server.frame.basis.stamp;
    server.status.readiness.log = log;
    status = create_workers(&server, pool);
    if (status != APR_SUCCESS) {
        return refuse(&server, "cannot open a transport", status);
    }
    code =
        observer_open(&server.observer, settings, server.frame.streams, &server.status, log, pool);
    if (code != EXIT_OK) {
        return code;
    }
    code = start(&server, pool);
    if (code != EXIT_OK) {
        observer_stop(server.observer);
        return code;
    }
    return serve(&server, pool);
}
