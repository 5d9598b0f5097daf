#include "server/observe/observer.h"

#include <apr_poll.h>
#include <apr_portable.h>
#include <apr_thread_proc.h>
#include <stdatomic.h>

#include "common/http_listen.h"
#include "common/memory.h"
#include "common/stream_socket.h"
#include "server/listen/listener_log.h"
#include "server/observe/control_socket.h"
#include "server/observe/metrics.h"
#include "udpecho/clock.h"

/* Who cannot be accepted stays in the queue, and the queue is ready again at once. After so many
 * turns in a row in which nobody got on, the thread pauses after each. */
#define FAILURES_MAX             10
#define REQUEST_FAILURE_PAUSE_US (100 * 1000)

/* --metrics-listen and --health-listen */
#define PAGES_MAX 2

/* A server of HTTP, and the socket by which it takes connections. */
typedef struct pages {
    http_t *http;
    apr_socket_t *listening;
} pages_t;

struct observer {
    apr_pool_t *pool; /* nobody else's */
    log_t *log;
    apr_pollset_t *sockets;
    control_socket_t *control; /* NULL: there is none */
    pages_t pages[PAGES_MAX];
    unsigned pages_count;
    atomic_int is_stopping;
    gate_t *gate;
    apr_thread_t *thread; /* NULL: not started */
};

/* ---- Opening ---- */

static exit_code_t refuse(log_t *log, const char *message, const char *where, const char *step,
                          apr_status_t status)
{
    log_line_t *line = log_begin_waiting(log, LOG_LEVEL_ERROR, message);

    if (*where != '\0') {
        log_text(line, "where", where);
    }
    if (APR_STATUS_IS_ENOTIMPL(status)) {
        log_text(line, "error", "not available on this system, or not in this build of udpechod");
        log_end(line);
        return EXIT_USAGE;
    }
    log_text(line, "step", step);
    log_status(line, "error", status);
    log_end(line);
    return APR_STATUS_IS_EDSOOPEN(status) || APR_STATUS_IS_ESYMNOTFOUND(status)
               ? EXIT_UNAVAILABLE
               : listener_failure_code(status);
}

static apr_status_t watch(observer_t *observer, apr_socket_t *socket)
{
    apr_pollfd_t wanted = {
        .p = observer->pool,
        .desc_type = APR_POLL_SOCKET,
        .desc.s = socket,
        .reqevents = APR_POLLIN,
    };

    return apr_pollset_add(observer->sockets, &wanted);
}

static void log_where(const char *message, const char *where, apr_socket_t *listening, log_t *log)
{
    log_line_t *line = log_begin_waiting(log, LOG_LEVEL_INFO, message);
    apr_sockaddr_t *address;

    /* With the port that the kernel chose, if it did. */
    if (apr_socket_addr_get(&address, APR_LOCAL, listening) == APR_SUCCESS &&
        address->family != APR_UNIX) {
        endpoint_t endpoint = endpoint_of(address);

        log_endpoint(line, "address", &endpoint);
    } else {
        log_text(line, "address", where);
    }
    log_end(line);
}

static exit_code_t open_control(observer_t *observer, const char *where,
                                apr_array_header_t *inherited, status_source_t *source, log_t *log)
{
    const char *step;
    apr_status_t status =
        control_socket_open(&observer->control, where, inherited, source, &step, observer->pool);

    if (status == APR_SUCCESS) {
        step = "watch it";
        status = watch(observer, control_socket_listening(observer->control));
    }
    if (status != APR_SUCCESS) {
        return refuse(log, "cannot create the control socket", where, step, status);
    }
    log_where("control socket", where, control_socket_listening(observer->control), log);
    return EXIT_OK;
}

/* The log line about the pages of an option. */
typedef struct pages_kind {
    metrics_pages_t pages;
    const char *name;
    const char *refusal;
} pages_kind_t;

static const pages_kind_t all_pages = {METRICS_PAGES_ALL, "metrics",
                                       "cannot serve metrics as --metrics-listen asks"};
static const pages_kind_t health_pages = {METRICS_PAGES_HEALTH, "health",
                                          "cannot serve health as --health-listen asks"};

static exit_code_t open_pages(observer_t *observer, const pages_kind_t *kind, const char *where,
                              apr_array_header_t *inherited, status_source_t *source, log_t *log)
{
    pages_t *pages = &observer->pages[observer->pages_count];
    const char *step;
    apr_status_t status = metrics_open(&pages->http, &pages->listening, where, kind->pages,
                                       inherited, source, &step, observer->pool);

    if (status == APR_SUCCESS) {
        step = "watch it";
        status = pages->http->watch(pages->http, observer->sockets);
    }
    if (status != APR_SUCCESS) {
        return refuse(log, kind->refusal, where, step, status);
    }
    observer->pages_count++;
    log_where(kind->name, where, pages->listening, log);
    return EXIT_OK;
}

/* By poll(2), which the sandbox allows on every system, and which needs no call to be told what to
 * look at. */
static apr_status_t create(observer_t **created, int has_sockets, log_t *log, apr_pool_t *pool)
{
    apr_pool_t *own = memory_pool(pool);

    *created = apr_pcalloc(own, sizeof **created);
    (*created)->pool = own;
    (*created)->log = log;
    return has_sockets
               ? apr_pollset_create_ex(&(*created)->sockets, 1 + PAGES_MAX * HTTP_SOCKETS_MAX, own,
                                       APR_POLLSET_WAKEABLE, APR_POLLSET_POLL)
               : APR_SUCCESS;
}

exit_code_t observer_open(observer_t **opened, const settings_t *settings,
                          apr_array_header_t *inherited, status_source_t *source, log_t *log,
                          apr_pool_t *pool)
{
    int has_sockets = settings->control != NULL || settings->metrics_listen != NULL ||
                      settings->health_listen != NULL;
    apr_status_t status = create(opened, has_sockets, log, pool);
    exit_code_t code = EXIT_OK;

    if (status != APR_SUCCESS) {
        return refuse(log, "cannot answer status and metrics requests", "", "make a set of sockets",
                      status);
    }
    if (settings->control != NULL) {
        code = open_control(*opened, settings->control, inherited, source, log);
    }
    if (code == EXIT_OK && settings->metrics_listen != NULL) {
        code = open_pages(*opened, &all_pages, settings->metrics_listen, inherited, source, log);
    }
    if (code == EXIT_OK && settings->health_listen != NULL) {
        code = open_pages(*opened, &health_pages, settings->health_listen, inherited, source, log);
    }
    stream_close(inherited, pool);
    return code;
}

static void append(apr_array_header_t *sockets, apr_socket_t *socket)
{
    apr_os_sock_t descriptor;

    if (apr_os_sock_get(&descriptor, socket) == APR_SUCCESS) {
        APR_ARRAY_PUSH(sockets, apr_os_sock_t) = descriptor;
    }
}

apr_array_header_t *observer_sockets(const observer_t *observer, apr_pool_t *pool)
{
    apr_array_header_t *sockets = apr_array_make(pool, 1 + PAGES_MAX, sizeof(apr_os_sock_t));

    if (observer->control != NULL) {
        append(sockets, control_socket_listening(observer->control));
    }
    for (unsigned i = 0; i < observer->pages_count; i++) {
        append(sockets, observer->pages[i].listening);
    }
    return sockets;
}

/* ---- The thread ---- */

/* Sees to it that what HTTP waits for now is waited for, and says for how long. */
static apr_status_t prepare(observer_t *observer, apr_interval_time_t *timeout)
{
    apr_status_t failure = APR_SUCCESS;

    *timeout = -1;
    for (unsigned i = 0; i < observer->pages_count; i++) {
        http_t *http = observer->pages[i].http;
        apr_interval_time_t wait = http->timeout(http);
        apr_status_t status = http->watch(http, observer->sockets);

        *timeout = *timeout < 0 || (wait >= 0 && wait < *timeout) ? wait : *timeout;
        failure = status != APR_SUCCESS ? status : failure;
    }
    return failure;
}

/* Lets those who ask by HTTP get on. Errors: those of http_t.run(). */
static apr_status_t run_pages(const observer_t *observer)
{
    apr_status_t failure = APR_SUCCESS;

    for (unsigned i = 0; i < observer->pages_count; i++) {
        apr_status_t status = observer->pages[i].http->run(observer->pages[i].http);

        failure = status != APR_SUCCESS ? status : failure;
    }
    return failure;
}

/* Whether the socket by which the status is asked for is among those that are ready. */
static int is_asked(const observer_t *observer, const apr_pollfd_t *ready, apr_int32_t count)
{
    for (apr_int32_t i = 0; i < count; i++) {
        if (observer->control != NULL &&
            ready[i].desc.s == control_socket_listening(observer->control)) {
            return 1;
        }
    }
    return 0;
}

/* Waits, and lets those get on who are ready. Returns why nobody did, if so. */
static apr_status_t turn(observer_t *observer)
{
    apr_interval_time_t wait;
    apr_status_t prepared = prepare(observer, &wait);
    apr_status_t answered = APR_SUCCESS;
    const apr_pollfd_t *ready;
    apr_int32_t count = 0;
    apr_status_t waited = apr_pollset_poll(observer->sockets, wait, &count, &ready);

    if (is_asked(observer, ready, count)) {
        answered = control_socket_answer(observer->control);
    }
    apr_status_t scraped = run_pages(observer);

    if (answered != APR_SUCCESS || scraped != APR_SUCCESS || prepared != APR_SUCCESS) {
        return answered != APR_SUCCESS ? answered : scraped != APR_SUCCESS ? scraped : prepared;
    }
    /* SIGSTOP and SIGCONT interrupt a wait in the sandbox; no other signal comes here. */
    return APR_STATUS_IS_TIMEUP(waited) || APR_STATUS_IS_EINTR(waited) ? APR_SUCCESS : waited;
}

static void pause_after(observer_t *observer, apr_status_t status)
{
    log_line_t *line =
        log_begin(observer->log, LOG_LEVEL_WARNING, "cannot answer status and metrics requests");

    log_status(line, "error", status);
    log_end(line);
    clock_pause(REQUEST_FAILURE_PAUSE_US);
}

static void serve(observer_t *observer)
{
    unsigned failures = 0;

    while (!atomic_load(&observer->is_stopping)) {
        apr_status_t status = turn(observer);

        failures = status == APR_SUCCESS ? 0 : failures + 1;
        if (failures >= FAILURES_MAX) {
            pause_after(observer, status);
        }
    }
}

static void *APR_THREAD_FUNC run(apr_thread_t *thread, void *data)
{
    observer_t *observer = data;

    (void)thread;
    if (gate_pass(observer->gate)) {
        serve(observer);
    }
    return NULL;
}

unsigned observer_threads(const observer_t *observer)
{
    return observer->control != NULL || observer->pages_count > 0;
}

apr_status_t observer_start(observer_t *observer, gate_t *gate)
{
    apr_status_t status = APR_SUCCESS;

    observer->gate = gate;
    if (observer_threads(observer) > 0) {
        status = apr_thread_create(&observer->thread, NULL, run, observer, observer->pool);
    }
    if (status != APR_SUCCESS) {
        observer->thread = NULL; /* APR has set it to what it could not start */
    }
    return status;
}

void observer_stop(observer_t *observer)
{
    apr_status_t status;

    if (observer->thread != NULL) {
        atomic_store(&observer->is_stopping, 1);
        http_wake(observer->sockets);
        apr_thread_join(&status, observer->thread);
        observer->thread = NULL;
    }
}
