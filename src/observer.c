#include "observer.h"

#include <apr_poll.h>
#include <apr_portable.h>
#include <apr_thread_proc.h>
#include <stdatomic.h>

#include "control.h"
#include "listener_failure.h"
#include "metrics.h"
#include "stream_socket.h"

struct observer {
    apr_pool_t *pool; /* nobody else's */
    apr_pollset_t *sockets;
    control_t *control;    /* NULL: there is none */
    http_t *http;          /* likewise */
    apr_socket_t *scraped; /* by which it takes connections */
    atomic_int is_stopping;
    gate_t *gate;
    apr_thread_t *thread; /* NULL: not started */
};

/* ---- Opening ---- */

static exit_code_t refuse(log_t *log, const char *message, const char *where, const char *step,
                          apr_status_t status)
{
    log_line_t *line = log_begin_waiting(log, LOG_LEVEL_ERROR, message);

    log_text(line, "where", where);
    if (APR_STATUS_IS_ENOTIMPL(status)) {
        log_text(line, "error", "not on this system, or not in this build of udpechod");
        log_end(line);
        return EXIT_USAGE;
    }
    log_text(line, "step", step);
    log_status(line, "error", status);
    log_end(line);
    return listener_failure_code(status);
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
        control_open(&observer->control, where, inherited, source, &step, observer->pool);

    if (status == APR_SUCCESS) {
        step = "watch it";
        status = watch(observer, control_socket(observer->control));
    }
    if (status != APR_SUCCESS) {
        return refuse(log, "cannot make the control socket", where, step, status);
    }
    log_where("control socket", where, control_socket(observer->control), log);
    return EXIT_OK;
}

static exit_code_t open_metrics(observer_t *observer, const char *where,
                                apr_array_header_t *inherited, status_source_t *source, log_t *log)
{
    const char *step;
    apr_socket_t *all = NULL; /* that HTTP waits for, in one descriptor */
    apr_status_t status = metrics_open(&observer->http, &observer->scraped, where, inherited,
                                       source, &step, observer->pool);

    if (status == APR_SUCCESS) {
        step = "watch it";
        status = apr_os_sock_put(&all, &observer->http->descriptor, observer->pool);
    }
    if (status == APR_SUCCESS) {
        status = watch(observer, all);
    }
    if (status != APR_SUCCESS) {
        return refuse(log, "cannot serve metrics as --metrics-listen asks", where, step, status);
    }
    log_where("metrics", where, observer->scraped, log);
    return EXIT_OK;
}

/* By poll(2), which the sandbox allows on every system, and which needs no call to be told what to
 * look at. */
static apr_status_t create(observer_t **created, apr_pool_t *pool)
{
    apr_pool_t *own;
    apr_status_t status = apr_pool_create(&own, pool);

    if (status != APR_SUCCESS) {
        return status;
    }
    *created = apr_pcalloc(own, sizeof **created);
    (*created)->pool = own;
    return apr_pollset_create_ex(&(*created)->sockets, 2, own, APR_POLLSET_WAKEABLE,
                                 APR_POLLSET_POLL);
}

exit_code_t observer_open(observer_t **opened, const settings_t *settings,
                          apr_array_header_t *inherited, status_source_t *source, log_t *log,
                          apr_pool_t *pool)
{
    apr_status_t status = create(opened, pool);
    exit_code_t code = EXIT_OK;

    if (status != APR_SUCCESS) {
        return refuse(log, "cannot observe", "", "make a set of sockets", status);
    }
    if (settings->control != NULL) {
        code = open_control(*opened, settings->control, inherited, source, log);
    }
    if (code == EXIT_OK && settings->metrics_listen != NULL) {
        code = open_metrics(*opened, settings->metrics_listen, inherited, source, log);
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
    apr_array_header_t *sockets = apr_array_make(pool, 2, sizeof(apr_os_sock_t));

    if (observer->control != NULL) {
        append(sockets, control_socket(observer->control));
    }
    if (observer->http != NULL) {
        append(sockets, observer->scraped);
    }
    return sockets;
}

/* ---- The thread ---- */

static apr_interval_time_t timeout(const observer_t *observer)
{
    return observer->http != NULL ? observer->http->timeout(observer->http) : -1;
}

static void serve(observer_t *observer)
{
    const apr_socket_t *asked =
        observer->control != NULL ? control_socket(observer->control) : NULL;

    while (!atomic_load(&observer->is_stopping)) {
        const apr_pollfd_t *ready;
        apr_int32_t count = 0;

        apr_pollset_poll(observer->sockets, timeout(observer), &count, &ready);
        for (apr_int32_t i = 0; i < count; i++) {
            if (ready[i].desc.s == asked) {
                control_answer(observer->control);
            }
        }
        if (observer->http != NULL) {
            observer->http->run(observer->http);
        }
    }
}

static void *APR_THREAD_FUNC run(apr_thread_t *thread, void *data)
{
    observer_t *observer = data;

    (void)thread;
    gate_pass(observer->gate);
    serve(observer);
    return NULL;
}

unsigned observer_threads(const observer_t *observer)
{
    return observer->control != NULL || observer->http != NULL;
}

apr_status_t observer_start(observer_t *observer, gate_t *gate)
{
    observer->gate = gate;
    return observer_threads(observer) > 0
               ? apr_thread_create(&observer->thread, NULL, run, observer, observer->pool)
               : APR_SUCCESS;
}

void observer_stop(observer_t *observer)
{
    apr_status_t status;

    if (observer->thread != NULL) {
        atomic_store(&observer->is_stopping, 1);
        apr_pollset_wakeup(observer->sockets);
        apr_thread_join(&status, observer->thread);
        observer->thread = NULL;
    }
}
