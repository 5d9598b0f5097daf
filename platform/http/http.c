/*
 * HTTP by libmicrohttpd, whose own thread would start before the sandbox and use system calls
 * that the sandbox forbids; the caller's thread therefore runs it.
 */

#include "http/server.h"

#include <apr_allocator.h>
#include <errno.h>
#include <string.h>

#include "udpecho/clock.h"

/* For each connection: requests longer than this are refused, and answers copied beyond it. */
#define CONNECTION_MEMORY 4096

/* How much memory of an answer is kept for the next one. */
#define ANSWER_MEMORY_KEPT (256 * 1024)

/* ---- Requests ---- */

static enum MHD_Result send_answer(struct MHD_Connection *connection, const http_answer_t *answer)
{
    struct MHD_Response *response = MHD_create_response_from_buffer(
        strlen(answer->body), (void *)answer->body, MHD_RESPMEM_MUST_COPY);

    if (response == NULL) {
        return MHD_NO; /* closes the connection */
    }
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, answer->type);
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
    enum MHD_Result result = MHD_queue_response(connection, answer->status, response);

    MHD_destroy_response(response);
    return result;
}

/* Called once the headers are there; an answer at this point also ends what a body would be. */
static enum MHD_Result on_request(void *data, struct MHD_Connection *connection, const char *path,
                                  const char *method, const char *version, const char *body,
                                  size_t *body_length, void **state)
{
    server_t *server = data;
    http_answer_t answer = {MHD_HTTP_METHOD_NOT_ALLOWED, "text/plain", "only GET and HEAD\n"};

    (void)version, (void)body, (void)body_length, (void)state;
    if (strcmp(method, MHD_HTTP_METHOD_GET) == 0 || strcmp(method, MHD_HTTP_METHOD_HEAD) == 0) {
        answer = server->respond(server->context, path, server->answers);
    }
    enum MHD_Result result = send_answer(connection, &answer);

    apr_pool_clear(server->answers);
    return result;
}

/* ---- The time that connections have ---- */

static void on_connection(void *data, struct MHD_Connection *connection, void **context,
                          enum MHD_ConnectionNotificationCode what)
{
    server_t *server = data;
    int has_started = what == MHD_CONNECTION_NOTIFY_STARTED;
    const struct MHD_Connection *wanted = has_started ? NULL : connection;

    (void)context;
    server->has_closed |= !has_started;
    server->has_accepted |= has_started;
    for (unsigned i = 0; i < HTTP_CONNECTIONS_MAX; i++) {
        if (server->clients[i].connection == wanted) {
            server->clients[i] = has_started
                                     ? (client_t){connection, clock_now() + HTTP_CONNECTION_US}
                                     : (client_t){NULL, 0};
            return;
        }
    }
}

/* The library's own timeout begins anew with every byte, so that one byte now and then keeps a
 * place without end; and who hangs up in the same moment as he sends a part of a request is not
 * noticed (0.9.75, in its epoll mode). To it, this looks as if the other side had hung up. */
static void close_late_clients(server_t *server)
{
    apr_time_t now = clock_now();

    for (unsigned i = 0; i < HTTP_CONNECTIONS_MAX; i++) {
        client_t *client = &server->clients[i];

        if (client->connection != NULL && client->until <= now) {
            shutdown(http_client_socket(client), SHUT_RDWR);
            client->until = APR_INT64_MAX;
        }
    }
}

static apr_interval_time_t timeout(const http_t *http)
{
    const server_t *server = (const server_t *)http;
    MHD_UNSIGNED_LONG_LONG milliseconds;
    apr_time_t now = clock_now();
    apr_time_t first = APR_INT64_MAX;

    /* When all places are taken the library stops to look at those who wait outside, and begins
     * again not when a place is free but in the run after that. */
    if (server->has_closed) {
        return 0;
    }
    /* There may be something to do already of which its descriptor says nothing. */
    if (MHD_get_timeout(server->daemon, &milliseconds) == MHD_YES) {
        first = now + (apr_interval_time_t)milliseconds * 1000;
    }
    for (unsigned i = 0; i < HTTP_CONNECTIONS_MAX; i++) {
        if (server->clients[i].connection != NULL && server->clients[i].until < first) {
            first = server->clients[i].until;
        }
    }
    return first == APR_INT64_MAX ? -1 : first > now ? first - now : 0;
}

int http_has_place(const server_t *server)
{
    for (unsigned i = 0; i < HTTP_CONNECTIONS_MAX; i++) {
        if (server->clients[i].connection == NULL) {
            return 1;
        }
    }
    return 0;
}

/* Somebody waits outside though there is a place. */
static int is_refusing(const server_t *server)
{
    return http_has_place(server) && http_is_readable(server->listening);
}

/* The library does not say whether it could accept who waits, but errno may. */
static apr_status_t run(http_t *http)
{
    server_t *server = (server_t *)http;
    apr_status_t failure;

    server->has_closed = 0;
    server->has_accepted = 0;
    close_late_clients(server);
    errno = 0;
    http_turn(server);
    failure = errno != 0 ? errno : APR_EAGAIN;
    return !server->has_accepted && is_refusing(server) ? failure : APR_SUCCESS;
}

apr_os_sock_t http_client_socket(const client_t *client)
{
    return MHD_get_connection_info(client->connection, MHD_CONNECTION_INFO_CONNECTION_FD)
        ->connect_fd;
}

/* ---- Opening ---- */

static apr_status_t stop(void *data)
{
    server_t *server = data;

    MHD_quiesce_daemon(server->daemon); /* or it would close the socket that is not its own */
    MHD_stop_daemon(server->daemon);
    return APR_SUCCESS;
}

/* An answer may take many times what the process needs otherwise, and not for long. */
static apr_status_t create_answers(apr_pool_t **answers, apr_pool_t *pool)
{
    apr_allocator_t *allocator;
    apr_status_t status = apr_allocator_create(&allocator);

    if (status != APR_SUCCESS) {
        return status;
    }
    apr_allocator_max_free_set(allocator, ANSWER_MEMORY_KEPT);
    status = apr_pool_create_ex(answers, pool, NULL, allocator);
    if (status != APR_SUCCESS) {
        apr_allocator_destroy(allocator);
        return status;
    }
    apr_allocator_owner_set(allocator, *answers);
    return APR_SUCCESS;
}

static apr_status_t open_server(http_t **opened, apr_os_sock_t listening, http_respond_t respond,
                                void *context, apr_pool_t *pool)
{
    server_t *server = apr_pcalloc(pool, sizeof *server);
    apr_pool_t *answers;
    apr_status_t status = create_answers(&answers, pool);

    if (status != APR_SUCCESS) {
        return status;
    }
    *server = (server_t){.http = {.watch = http_watch, .timeout = timeout, .run = run},
                         .listening = listening,
                         .respond = respond,
                         .context = context,
                         .answers = answers,
                         .pool = pool};
    errno = 0;
    server->daemon = MHD_start_daemon(
        http_waiting_mode, 0, NULL, NULL, on_request, server, MHD_OPTION_LISTEN_SOCKET, listening,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)HTTP_CONNECTIONS_MAX,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY, MHD_OPTION_NOTIFY_CONNECTION,
        on_connection, server, MHD_OPTION_END);
    if (server->daemon == NULL) {
        return errno != 0 ? errno : APR_EGENERAL;
    }
    apr_pool_cleanup_register(pool, server, stop, apr_pool_cleanup_null);
    *opened = &server->http;
    return APR_SUCCESS;
}

const http_module_t http_module = {open_server};
