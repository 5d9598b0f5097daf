/* The requests of flows by sendmsg(2): one message to a call, which can be several datagrams where
 * the system cuts them apart. Not by sendmmsg(2): each message has its own time of sending. */

#include <assert.h>
#include <errno.h>
#include <poll.h>

#include "offload/gather_limits.h"
#include "offload/segment_runs.h"
#include "readiness/flow.h"
#include "readiness/flow_system.h"
#include "readiness/message_batch.h"
#include "readiness/system.h"

/* What the network refused makes the next call on the socket fail, whichever it is and whatever it
 * sends; that says it and clears it (ip(7), IP_RECVERR). Between two attempts the next refusal can
 * come in: where refusals are unread after these, the failure may be the network's. */
#define SEND_ATTEMPTS_MAX 4

struct flow_requests {
    gather_limits_t limits;                  /* how long datagrams may be that leave together */
    struct iovec parts[2 * SEGMENT_RUN_MAX]; /* heads and bodies of one message */
    _Alignas(struct cmsghdr) unsigned char control[CONTROL_MAX];
};

flow_requests_t *flow_requests_create(const flows_options_t *options, apr_pool_t *pool)
{
    flow_requests_t *requests = apr_pcalloc(pool, sizeof *requests);

    if (options->gathers && platform_has(options->platform, FEATURE_SEGMENTED_SEND)) {
        requests->limits.segment_max = PAYLOAD_MAX_IPV4;
    }
    return requests;
}

apr_status_t flow_requests_mark(flow_requests_t *requests, apr_os_sock_t socket,
                                const endpoint_t *peer, const char **step, apr_pool_t *pool)
{
    (void)requests, (void)socket, (void)peer, (void)step,
        (void)pool; /* flow_socket_create() has done it */
    return APR_SUCCESS;
}

/* How many of the datagrams can leave as one message, which the kernel cuts apart again: see
 * system_write_segment(). */
static unsigned gathered(flow_requests_t *requests, const endpoint_t *peer,
                         const request_t *datagrams, unsigned count)
{
    apr_size_t length = datagrams[0].length;
    unsigned together = 1;

    if (length == 0 || !gather_limits_allow(&requests->limits, peer, length)) {
        return 1;
    }
    while (together < count && together < SEGMENT_RUN_MAX &&
           (together + 1) * length <= PAYLOAD_MAX_IPV4 && datagrams[together].length == length &&
           datagrams[together].flow == datagrams[0].flow) {
        together++;
    }
    return together;
}

static struct msghdr compose(flow_requests_t *requests, const endpoint_t *peer,
                             const request_t *datagrams, unsigned count)
{
    struct msghdr header;

    message_begin(&header, peer, requests->parts, requests->control);
    for (unsigned i = 0; i < count; i++) {
        const request_t *datagram = &datagrams[i];

        message_append(&header, datagram->head, datagram->head_length);
        message_append(&header, datagram->body, datagram->length - datagram->head_length);
    }
    if (count > 1) {
        system_write_segment(&header, datagrams[0].length);
    }
    message_end(&header);
    return header;
}

static int send_message(flow_requests_t *requests, apr_os_sock_t socket, const endpoint_t *peer,
                        const request_t *datagrams, unsigned count)
{
    struct msghdr header = compose(requests, peer, datagrams, count);

    if (sendmsg(socket, &header, 0) >= 0) {
        return (int)count;
    }
    /* What is too long for the interface to leave so can still leave in fragments. The route or the
     * device may be another one later. */
    if (count > 1 && gather_limits_may_cause(errno)) {
        gather_limits_lower(&requests->limits, peer, datagrams[0].length);
    }
    return -1;
}

/* Where there are refusals to be read, or one has come in since the last call: poll(2). */
static int has_refusals(apr_os_sock_t socket)
{
    struct pollfd asked = {.fd = socket};

    return poll(&asked, 1, 0) > 0 && (asked.revents & POLLERR) != 0;
}

/* For a datagram that is too long, the socket also reports the error of this host itself, so the
 * origin of the error is unknown. ECONNREFUSED comes from the network only. */
static int is_for_later(apr_os_sock_t socket, int error)
{
    return error == ECONNREFUSED ||
           (error != EMSGSIZE && system_is_refusal(error) && has_refusals(socket));
}

unsigned flow_requests_send(flow_requests_t *requests, apr_os_sock_t socket, const endpoint_t *peer,
                            const request_t *datagrams, unsigned count, apr_status_t *failure)
{
    assert(count > 0);
    for (int attempt = 0; attempt < SEND_ATTEMPTS_MAX; attempt++) {
        int sent = send_message(requests, socket, peer, datagrams,
                                gathered(requests, peer, datagrams, count));

        if (sent > 0) {
            return (unsigned)sent;
        }
        *failure = errno;
        if (APR_STATUS_IS_EAGAIN(*failure)) {
            return 0;
        }
    }
    if (is_for_later(socket, *failure)) {
        *failure = APR_EAGAIN;
    }
    return 0;
}

int flows_is_refusal(apr_status_t failure)
{
    return system_is_refusal(failure);
}
