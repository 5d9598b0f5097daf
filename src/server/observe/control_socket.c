#include "server/observe/control_socket.h"

#include <apr_poll.h>
#include <apr_strings.h>
#include <string.h>

#include "common/memory.h"
#include "common/stream_address.h"
#include "common/stream_socket.h"
#include "server/observe/status_values.h"
#include "udpecho/clock.h"

/* The longest request, its line end included. */
#define REQUEST_MAX 64

/* How long to wait for a request, and then until an answer is taken: programs ask, in one piece,
 * and read at once. */
#define PATIENCE_US (200 * 1000)

/* How much of an answer to send at a time: a connection that is ready has room for it. */
#define PIECE_MAX 256

/* The longest answer, and how long to wait for it. */
#define ANSWER_MAX         (64 * 1024)
#define ANSWER_PATIENCE_US (5 * APR_USEC_PER_SEC)

struct control_socket {
    apr_socket_t *listening;
    status_source_t *source;
    apr_pool_t *pool;
};

/* ---- Waiting ---- */

/* A connection with a timeout of its own would take system calls that the sandbox has not; to ask
 * poll(2) before each blocking call takes none. */
static int wait_ready(apr_socket_t *connection, apr_int16_t events, apr_interval_time_t timeout,
                      apr_pool_t *pool)
{
    apr_int32_t ready;
    apr_pollfd_t wanted = {
        .p = pool,
        .desc_type = APR_POLL_SOCKET,
        .desc.s = connection,
        .reqevents = events,
    };

    return timeout > 0 && apr_poll(&wanted, 1, &ready, timeout) == APR_SUCCESS;
}

/* ---- Answers ---- */

/* Leaves out the rest of an answer that nobody takes in time. A system may give a connection less
 * room than an answer needs. */
static void send_answer(apr_socket_t *connection, const char *answer, apr_pool_t *pool)
{
    apr_time_t deadline = clock_now() + PATIENCE_US;
    apr_size_t left = strlen(answer);

    while (left > 0 && wait_ready(connection, APR_POLLOUT, deadline - clock_now(), pool)) {
        apr_size_t length = left < PIECE_MAX ? left : PIECE_MAX;

        if (apr_socket_send(connection, answer, &length) != APR_SUCCESS) {
            return;
        }
        answer += length;
        left -= length;
    }
}

static void answer_status(const control_socket_t *control, apr_socket_t *connection,
                          apr_pool_t *pool)
{
    apr_array_header_t *values = apr_array_make(pool, 64, sizeof(name_value_t));
    status_t status;

    status_read(&status, control->source, pool);
    status_values(values, &status, pool);
    const char *answer = apr_pstrcat(pool, "{", name_values_json(values, pool), "}\n", NULL);

    send_answer(connection, answer, pool);
}

static void answer_ready(const control_socket_t *control, apr_socket_t *connection,
                         apr_pool_t *pool)
{
    status_t status;

    status_read(&status, control->source, pool);
    readiness_log(&control->source->readiness, status.readiness);
    send_answer(connection, apr_pstrcat(pool, readiness_name(status.readiness), "\n", NULL), pool);
}

static void answer_drain(const control_socket_t *control, apr_socket_t *connection,
                         apr_pool_t *pool)
{
    atomic_store(&control->source->readiness.is_drained, 1);
    answer_ready(control, connection, pool);
}

static void answer_undrain(const control_socket_t *control, apr_socket_t *connection,
                           apr_pool_t *pool)
{
    atomic_store(&control->source->readiness.is_drained, 0);
    answer_ready(control, connection, pool);
}

static const struct {
    const char *name;
    void (*answer)(const control_socket_t *control, apr_socket_t *connection, apr_pool_t *pool);
} requests[] = {
    {"status", answer_status},
    {"ready", answer_ready},
    {"drain", answer_drain},
    {"undrain", answer_undrain},
};

/* ---- Being asked ---- */

/* Returns 0 if no whole line comes in time. */
static int read_request(apr_socket_t *connection, char request[REQUEST_MAX], apr_pool_t *pool)
{
    apr_time_t deadline = clock_now() + PATIENCE_US;
    apr_size_t had = 0;

    while (had < REQUEST_MAX && wait_ready(connection, APR_POLLIN, deadline - clock_now(), pool)) {
        apr_size_t length = REQUEST_MAX - had;

        if (apr_socket_recv(connection, request + had, &length) != APR_SUCCESS) {
            return 0;
        }
        char *end = memchr(request + had, '\n', length);

        if (end != NULL) {
            *end = '\0';
            return 1;
        }
        had += length;
    }
    return 0;
}

static void answer_one(const control_socket_t *control, apr_socket_t *connection, apr_pool_t *pool)
{
    char request[REQUEST_MAX];

    if (!read_request(connection, request, pool)) {
        return;
    }
    for (unsigned i = 0; i < sizeof requests / sizeof requests[0]; i++) {
        if (strcmp(request, requests[i].name) == 0) {
            requests[i].answer(control, connection, pool);
        }
    }
}

typedef struct accepting {
    const control_socket_t *control;
    apr_status_t status;
} accepting_t;

/* A new pool has memory for the connection, which is closed with it. */
static void accept_one(void *context, apr_pool_t *scratch)
{
    accepting_t *accepting = context;
    apr_socket_t *connection;

    accepting->status = apr_socket_accept(&connection, accepting->control->listening, scratch);
    if (accepting->status == APR_SUCCESS) {
        answer_one(accepting->control, connection, scratch);
    }
}

apr_status_t control_socket_answer(control_socket_t *control)
{
    accepting_t accepting = {control, APR_ENOMEM};

    memory_try_scratch(accept_one, &accepting, control->pool);
    return accepting.status;
}

apr_socket_t *control_socket_listening(const control_socket_t *control)
{
    return control->listening;
}

apr_status_t control_socket_open(control_socket_t **opened, const char *where,
                                 apr_array_header_t *inherited, status_source_t *source,
                                 const char **step, apr_pool_t *pool)
{
    control_socket_t *control = apr_pcalloc(pool, sizeof *control);
    apr_sockaddr_t *address;
    apr_status_t status = stream_address_find(&address, where, pool);

    *step = "look up the address";
    *control = (control_socket_t){.source = source, .pool = pool};
    *opened = control;
    return status == APR_SUCCESS
               ? stream_listen(&control->listening, address, inherited, step, pool)
               : status;
}

/* ---- Asking ---- */

apr_status_t control_socket_ask(const char **answer, const char *where, const char *request,
                                apr_pool_t *pool)
{
    char *text = apr_pcalloc(pool, ANSWER_MAX);
    const char *line = apr_pstrcat(pool, request, "\n", NULL);
    apr_size_t length = strlen(line);
    apr_size_t had = 0;
    apr_sockaddr_t *address;
    apr_socket_t *connection;
    apr_time_t deadline = clock_now() + ANSWER_PATIENCE_US;
    apr_status_t status = stream_address_find(&address, where, pool);

    if (status == APR_SUCCESS) {
        status = stream_connect(&connection, address, ANSWER_PATIENCE_US, pool);
    }
    if (status != APR_SUCCESS) {
        return status;
    }
    status = apr_socket_send(connection, line, &length);
    while (status == APR_SUCCESS && had < ANSWER_MAX - 1) {
        length = 0;
        status = APR_TIMEUP;
        if (wait_ready(connection, APR_POLLIN, deadline - clock_now(), pool)) {
            length = ANSWER_MAX - 1 - had;
            status = apr_socket_recv(connection, text + had, &length);
        }
        had += length;
    }
    apr_socket_close(connection);
    *answer = text;
    return APR_STATUS_IS_EOF(status) && had > 0 ? APR_SUCCESS : status;
}
