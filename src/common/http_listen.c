#include "common/http_listen.h"

#include <apr_portable.h>

#include "common/memory.h"
#include "common/stream_address.h"
#include "common/stream_socket.h"
#include "udpecho/clock.h"

/* How often a thread is woken where that fails, and how long to wait in between. */
#define WAKE_ATTEMPTS_MAX 200
#define WAKE_PAUSE_US     (10 * 1000)

const http_answer_t http_no_memory = {503, "text/plain", "no memory\n"};

/* Who answers. */
typedef struct responder {
    http_respond_t respond;
    void *context;
} responder_t;

typedef struct page_request {
    const responder_t *responder;
    const char *path;
    apr_pool_t *pool;
    http_answer_t answer;
} page_request_t;

static void try_to_respond(void *context)
{
    page_request_t *request = context;
    const responder_t *responder = request->responder;

    request->answer = responder->respond(responder->context, request->path, request->pool);
}

static http_answer_t respond_if_possible(void *context, const char *path, apr_pool_t *pool)
{
    page_request_t request = {context, path, pool, http_no_memory};

    memory_try(try_to_respond, &request);
    return request.answer;
}

apr_status_t http_listen(http_t **http, apr_socket_t **listening, const char *where,
                         apr_array_header_t *inherited, http_respond_t respond, void *context,
                         const char **step, apr_pool_t *pool)
{
    responder_t *responder = apr_palloc(pool, sizeof *responder);
    apr_os_sock_t descriptor;
    apr_sockaddr_t *address;
    apr_status_t status = stream_address_find(&address, where, pool);

    *step = "look up the address";
    if (status == APR_SUCCESS) {
        status = stream_listen(listening, address, inherited, step, pool);
    }
    if (status != APR_SUCCESS) {
        return status;
    }
    apr_os_sock_get(&descriptor, *listening);
    *responder = (responder_t){respond, context};
    return http_open(http, descriptor, respond_if_possible, responder, step, pool);
}

/* A byte in a pipe, for which the kernel may have no memory for a while. */
void http_wake(apr_pollset_t *sockets)
{
    int attempts = 0;

    while (apr_pollset_wakeup(sockets) != APR_SUCCESS && ++attempts < WAKE_ATTEMPTS_MAX) {
        clock_pause(WAKE_PAUSE_US);
    }
}
