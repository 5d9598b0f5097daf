#include "common/http_listen.h"

#include <apr_portable.h>

#include "common/stream_address.h"
#include "common/stream_socket.h"
#include "udpecho/clock.h"

/* How often a thread is woken where that fails, and how long to wait in between. */
#define WAKE_ATTEMPTS_MAX 200
#define WAKE_PAUSE_US     (10 * 1000)

apr_status_t http_listen(http_t **http, apr_socket_t **listening, const char *where,
                         apr_array_header_t *inherited, http_respond_t respond, void *context,
                         const char **step, apr_pool_t *pool)
{
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
    return http_open(http, descriptor, respond, context, step, pool);
}

/* A byte in a pipe, for which the kernel may have no memory for a while. */
void http_wake(apr_pollset_t *sockets)
{
    int attempts = 0;

    while (apr_pollset_wakeup(sockets) != APR_SUCCESS && ++attempts < WAKE_ATTEMPTS_MAX) {
        clock_pause(WAKE_PAUSE_US);
    }
}
