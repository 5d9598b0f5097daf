/* The requests of flows by Windows Sockets, one to a call. */

#include <assert.h>
#include <errno.h>

#include "iocp/flow_dscp.h"
#include "iocp/flow_refusal.h"
#include "readiness/flow.h"

/* What the network refused may also fail a send that has nothing to do with it, once. */
#define SEND_ATTEMPTS_MAX 4

struct flow_requests {
    flow_dscp_t *dscp; /* NULL: the system's default */
};

flow_requests_t *flow_requests_create(const flows_options_t *options, apr_pool_t *pool)
{
    flow_requests_t *requests = apr_pcalloc(pool, sizeof *requests);

    /* Windows has ways to send several at once, but Wine 8 has not */
    requests->dscp = options->dscp >= 0 ? flow_dscp_create(options->dscp, pool) : NULL;
    return requests;
}

apr_status_t flow_requests_mark(flow_requests_t *requests, apr_os_sock_t socket,
                                const endpoint_t *peer, const char **step, apr_pool_t *pool)
{
    return requests->dscp != NULL ? flow_dscp_mark(requests->dscp, socket, peer, step, pool)
                                  : APR_SUCCESS;
}

/* WSASendTo() only reads, but by the same buffers as WSARecvMsg() writes. */
static WSABUF buffer_of(const unsigned char *data, apr_size_t length)
{
    return (WSABUF){.buf = (char *)data, .len = (ULONG)length};
}

static apr_status_t send_one(SOCKET socket, const endpoint_t *peer, const request_t *datagram)
{
    WSABUF parts[] = {buffer_of(datagram->head, datagram->head_length),
                      buffer_of(datagram->body, datagram->length - datagram->head_length)};
    int attempts = 0;
    int error = 0;
    DWORD sent;

    do {
        error =
            WSASendTo(socket, parts, 2, &sent, 0, &peer->sa.any, (int)peer->length, NULL, NULL) == 0
                ? 0
                : WSAGetLastError();
    } while (is_refusal(error) && ++attempts < SEND_ATTEMPTS_MAX);
    switch (error) {
    case 0:
        return APR_SUCCESS;
    case WSAEWOULDBLOCK:
    case WSAECONNRESET: /* as often as the network refused something: later */
    case WSAENETRESET:
        return APR_EAGAIN;
    case WSAEMSGSIZE:
        return EMSGSIZE;
    default:
        return APR_FROM_OS_ERROR(error);
    }
}

int flows_is_refusal(apr_status_t failure)
{
    return is_refusal(APR_TO_OS_ERROR(failure));
}

unsigned flow_requests_send(flow_requests_t *requests, apr_os_sock_t socket, const endpoint_t *peer,
                            const request_t *datagrams, unsigned count, apr_status_t *failure)
{
    assert(count > 0);
    (void)requests, (void)count; /* never more than one to a message */
    *failure = send_one(socket, peer, datagrams);
    return *failure == APR_SUCCESS;
}
