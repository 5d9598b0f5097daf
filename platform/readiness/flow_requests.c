/* The requests of flows by sendmsg(2): many to a call, or as one message, where the system can. */

#include <apr_strings.h>
#include <errno.h>

#include "flow.h"
#include "readiness.h"
#include "runs.h"

/* What the network refused makes the next call on the socket fail, whichever it is and whatever it
 * sends; that says it and clears it (ip(7), IP_RECVERR). Between two attempts the next refusal can
 * come in. */
#define SEND_ATTEMPTS_MAX 4

struct flow_requests {
    move_messages_t *send;
    endpoint_t peer;
    apr_size_t segment_max; /* datagrams of up to so many bytes can leave together; 0: none can */
    message_t messages[BATCH_MAX];
    struct iovec parts[BATCH_MAX][2]; /* their heads and bodies */
};

flow_requests_t *flow_requests_create(const endpoint_t *peer, const flows_options_t *options,
                                      apr_pool_t *pool)
{
    flow_requests_t *requests = apr_pcalloc(pool, sizeof *requests);

    requests->send = send_messages(options->platform);
    requests->peer = *peer;
    if (options->gathers && platform_has(options->platform, FEATURE_SEGMENTED_SEND)) {
        requests->segment_max = PAYLOAD_MAX_IPV4;
    }
    for (unsigned i = 0; i < BATCH_MAX; i++) {
        struct msghdr *header = &requests->messages[i].msg_hdr;

        header->msg_name = &requests->peer.sa;
        header->msg_namelen = requests->peer.length;
        header->msg_iov = requests->parts[i];
        header->msg_iovlen = 2;
    }
    return requests;
}

/* sendmsg(2) only reads, but by the same vectors as recvmsg(2) writes. */
static struct iovec vector_of(const unsigned char *data, apr_size_t length)
{
    return (struct iovec){.iov_base = (void *)data, .iov_len = length};
}

void flow_requests_compose(flow_requests_t *requests, const request_t *datagrams, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        const request_t *datagram = &datagrams[i];

        requests->parts[i][0] = vector_of(datagram->head, datagram->head_length);
        requests->parts[i][1] = vector_of(datagram->body, datagram->length - datagram->head_length);
    }
}

static apr_size_t length_of(const flow_requests_t *requests, unsigned index)
{
    return requests->parts[index][0].iov_len + requests->parts[index][1].iov_len;
}

/* How many requests from number `first` on can leave as one message, which the kernel cuts apart
 * again: see system_write_segment(). */
static unsigned gathered(const flow_requests_t *requests, unsigned first, unsigned count)
{
    apr_size_t length = length_of(requests, first);
    unsigned together = 1;

    if (length == 0 || length > requests->segment_max) {
        return 1;
    }
    while (together < count && together < RUN_MAX && (together + 1) * length <= PAYLOAD_MAX_IPV4 &&
           length_of(requests, first + together) == length) {
        together++;
    }
    return together;
}

/* Sends so many requests as one message. Their parts lie side by side. */
static int send_gathered(flow_requests_t *requests, apr_os_sock_t socket, unsigned first,
                         unsigned count)
{
    _Alignas(struct cmsghdr) unsigned char control[CONTROL_MAX];
    struct msghdr header = requests->messages[first].msg_hdr;

    for (unsigned more = 1; more < count; more++) {
        header.msg_iovlen += 2; /* not multiplied, since its type differs between systems */
    }
    header.msg_control = control;
    header.msg_controllen = 0;
    system_write_segment(&header, length_of(requests, first));
    if (sendmsg(socket, &header, 0) >= 0) {
        return (int)count;
    }
    /* What is too long for the interface to leave so can still leave in fragments. */
    if (errno == EMSGSIZE || errno == EINVAL || errno == EIO) {
        requests->segment_max = length_of(requests, first) - 1;
    }
    return -1;
}

static int send_some(flow_requests_t *requests, apr_os_sock_t socket, unsigned first,
                     unsigned count)
{
    unsigned together = gathered(requests, first, count);

    return together > 1 ? send_gathered(requests, socket, first, together)
                        : requests->send(socket, &requests->messages[first], count);
}

unsigned flow_requests_send(flow_requests_t *requests, apr_os_sock_t socket, unsigned first,
                            unsigned count, apr_status_t *failure)
{
    for (int attempt = 0; attempt < SEND_ATTEMPTS_MAX; attempt++) {
        int sent = send_some(requests, socket, first, count);

        if (sent > 0) {
            return (unsigned)sent;
        }
        *failure = errno;
        if (APR_STATUS_IS_EAGAIN(*failure)) {
            return 0;
        }
    }
    /* Nobody but the network refuses so, as often as it likes: the next attempt is for later. */
    if (*failure == ECONNREFUSED) {
        *failure = APR_EAGAIN;
    }
    return 0;
}
