/*
 * HTTP by libmicrohttpd, which could bring a thread of its own. That one would start before the
 * sandbox and take system calls to do it when the sandbox is there, so the caller's thread runs it,
 * and waits for the one descriptor that its epoll mode has for everything.
 */

#include "udpecho/http.h"

#include <errno.h>
#include <microhttpd.h>
#include <string.h>
#include <sys/socket.h>

#include "udpecho/host.h"

/* For each connection: requests longer than this are refused, and answers copied beyond it. */
#define CONNECTION_MEMORY 4096

typedef struct guest {
    struct MHD_Connection *connection; /* NULL: a free place */
    apr_time_t until;
} guest_t;

struct http {
    struct MHD_Daemon *daemon;
    http_respond_t respond;
    void *context;
    apr_pool_t *pool;
    guest_t guests[HTTP_CONNECTIONS_MAX];
    int has_closed; /* a connection, in the last run */
};

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
    http_t *http = data;
    http_answer_t answer = {MHD_HTTP_METHOD_NOT_ALLOWED, "text/plain", "only GET and HEAD\n"};
    apr_pool_t *pool;

    (void)version, (void)body, (void)body_length, (void)state;
    if (apr_pool_create(&pool, http->pool) != APR_SUCCESS) {
        return MHD_NO;
    }
    if (strcmp(method, MHD_HTTP_METHOD_GET) == 0 || strcmp(method, MHD_HTTP_METHOD_HEAD) == 0) {
        answer = http->respond(http->context, path, pool);
    }
    enum MHD_Result result = send_answer(connection, &answer);

    apr_pool_destroy(pool);
    return result;
}

/* ---- The time that connections have ---- */

static void on_connection(void *data, struct MHD_Connection *connection, void **context,
                          enum MHD_ConnectionNotificationCode what)
{
    http_t *http = data;
    int has_started = what == MHD_CONNECTION_NOTIFY_STARTED;
    const struct MHD_Connection *wanted = has_started ? NULL : connection;

    (void)context;
    http->has_closed |= !has_started;
    for (unsigned i = 0; i < HTTP_CONNECTIONS_MAX; i++) {
        if (http->guests[i].connection == wanted) {
            http->guests[i] = has_started ? (guest_t){connection, clock_now() + HTTP_CONNECTION_US}
                                          : (guest_t){NULL, 0};
            return;
        }
    }
}

/* The library's own timeout begins anew with every byte, so that one byte now and then keeps a
 * place for ever; and who hangs up in the same moment as he sends a part of a request is not
 * noticed (0.9.75, in its epoll mode). To it, this looks as if the other side had hung up. */
static void end_late_guests(http_t *http)
{
    apr_time_t now = clock_now();

    for (unsigned i = 0; i < HTTP_CONNECTIONS_MAX; i++) {
        guest_t *guest = &http->guests[i];

        if (guest->connection != NULL && guest->until <= now) {
            shutdown(MHD_get_connection_info(guest->connection, MHD_CONNECTION_INFO_CONNECTION_FD)
                         ->connect_fd,
                     SHUT_RDWR);
            guest->until = APR_INT64_MAX;
        }
    }
}

apr_interval_time_t http_timeout(const http_t *http)
{
    MHD_UNSIGNED_LONG_LONG milliseconds;
    apr_time_t now = clock_now();
    apr_time_t first = APR_INT64_MAX;

    /* When all places are taken the library stops to look at those who wait outside, and begins
     * again not when a place is free but in the run after that. */
    if (http->has_closed) {
        return 0;
    }
    /* There may be something to do already of which its descriptor says nothing. */
    if (MHD_get_timeout(http->daemon, &milliseconds) == MHD_YES) {
        first = now + (apr_interval_time_t)milliseconds * 1000;
    }
    for (unsigned i = 0; i < HTTP_CONNECTIONS_MAX; i++) {
        if (http->guests[i].connection != NULL && http->guests[i].until < first) {
            first = http->guests[i].until;
        }
    }
    return first == APR_INT64_MAX ? -1 : first > now ? first - now : 0;
}

void http_run(http_t *http)
{
    http->has_closed = 0;
    end_late_guests(http);
    MHD_run(http->daemon);
}

/* ---- Opening ---- */

apr_os_sock_t http_descriptor(const http_t *http)
{
    return MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
}

static apr_status_t stop(void *data)
{
    http_t *http = data;

    MHD_quiesce_daemon(http->daemon); /* or it would close the socket that is not its own */
    MHD_stop_daemon(http->daemon);
    return APR_SUCCESS;
}

apr_status_t http_open(http_t **opened, apr_os_sock_t listening, http_respond_t respond,
                       void *context, apr_pool_t *pool)
{
    http_t *http = apr_pcalloc(pool, sizeof *http);

    *http = (http_t){.respond = respond, .context = context, .pool = pool};
    errno = 0;
    http->daemon =
        MHD_start_daemon(MHD_USE_EPOLL, 0, NULL, NULL, on_request, http, MHD_OPTION_LISTEN_SOCKET,
                         listening, MHD_OPTION_CONNECTION_LIMIT, (unsigned)HTTP_CONNECTIONS_MAX,
                         MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY,
                         MHD_OPTION_NOTIFY_CONNECTION, on_connection, http, MHD_OPTION_END);
    if (http->daemon == NULL) {
        return errno != 0 ? errno : APR_EGENERAL;
    }
    apr_pool_cleanup_register(pool, http, stop, apr_pool_cleanup_null);
    *opened = http;
    return APR_SUCCESS;
}
