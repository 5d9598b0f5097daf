/* The client's sockets, over APR's pollsets on every system. */

#include "udpecho/flows.h"

#include <apr_strings.h>
#include <assert.h>

#include "os/main_thread.h"
#include "readiness/flow.h"
#include "readiness/waiter.h"

typedef struct flow {
    apr_os_sock_t socket;
    unsigned index;
    apr_port_t port;
} flow_t;

struct flows {
    int family;
    waiter_t waiter;
    flow_requests_t *requests;
    flow_messages_t *messages;
    unsigned count;
    flow_t *flows;
    int tells_fragments;
};

/* ---- Opening ---- */

static apr_status_t bind_flow(apr_socket_t *socket, const apr_sockaddr_t *source, unsigned index,
                              flows_error_t *error, apr_pool_t *pool)
{
    /* The socket keeps a pointer to the address that it is bound to. */
    apr_sockaddr_t *address = apr_pmemdup(pool, source, sizeof *source);

    if (source->port != 0) {
        error->step = "bind to a port above 65535";
        if (source->port + index > 65535) {
            return APR_EINVAL;
        }
        address->port = (apr_port_t)(source->port + index);
        address->sa.sin.sin_port = htons(address->port); /* the same place in both families */
    }
    error->step = "bind";
    apr_status_t status = flow_socket_bind(socket, address);

    error->is_excluded =
        status != APR_SUCCESS && flow_port_is_excluded(status, address->port, pool);
    return status;
}

static apr_status_t open_flow(flows_t *flows, unsigned index, const flows_options_t *options,
                              const apr_sockaddr_t *source, flows_error_t *error, apr_pool_t *pool)
{
    const char **step = &error->step;
    flow_t *flow = &flows->flows[index];
    apr_socket_t *socket;
    apr_sockaddr_t *local;
    apr_status_t status =
        flow_socket_create(&socket, flows->family, options, &flows->tells_fragments, step, pool);

    if (status == APR_SUCCESS) {
        status = bind_flow(socket, source, index, error, pool);
    }
    if (status == APR_SUCCESS) {
        *step = "read back the bound address";
        status = apr_socket_addr_get(&local, APR_LOCAL, socket);
    }
    if (status == APR_SUCCESS) {
        apr_os_sock_get(&flow->socket, socket);
        status = flow_requests_mark(flows->requests, flow->socket, step);
    }
    if (status == APR_SUCCESS) {
        *step = "wait for the socket";
        flow->index = index;
        flow->port = local->port;
        status = waiter_add(&flows->waiter, apr_palloc(pool, sizeof(apr_pollfd_t)), socket, flow);
    }
    return status;
}

static apr_status_t open_flows(flows_t *flows, const flows_options_t *options, flows_error_t *error,
                               apr_pool_t *pool)
{
    const apr_sockaddr_t *source = options->source;
    apr_sockaddr_t *any;
    apr_status_t status;

    flow_sockets_make_room(options->count);
    *error = (flows_error_t){.step = "wait for sockets"};
    status = waiter_open(&flows->waiter, options->count, flow_poll_method(options->platform), pool);
    if (status == APR_SUCCESS && source == NULL) {
        /* Bound even so, so that the port is known before the first datagram. */
        error->step = "choose an address";
        status = apr_sockaddr_info_get(&any, NULL, flows->family, 0, 0, pool);
        source = any;
    }
    for (unsigned i = 0; status == APR_SUCCESS && i < options->count; i++) {
        error->flow = i;
        status = open_flow(flows, i, options, source, error, pool);
    }
    return status;
}

apr_status_t flows_open(flows_t **opened, const apr_sockaddr_t *peer,
                        const flows_options_t *options, flows_error_t *error, apr_pool_t *pool)
{
    assert(is_main_thread());
    assert(options->platform != NULL);
    assert(options->count > 0 && options->count <= FLOWS_MAX);
    assert(options->dscp >= -1 && options->dscp <= 63);
    assert(options->hop_limit >= 0 && options->hop_limit <= 255);

    endpoint_t endpoint = endpoint_of(peer);
    apr_pool_t *own;
    apr_status_t status = apr_pool_create(&own, pool);

    *error = (flows_error_t){.step = "allocate memory"};
    if (status != APR_SUCCESS) {
        return status;
    }
    flows_t *flows = apr_pcalloc(own, sizeof *flows);

    flows->family = peer->family;
    flows->count = options->count;
    flows->flows = apr_pcalloc(own, options->count * sizeof *flows->flows);
    flows->tells_fragments = 1;
    flows->requests = flow_requests_create(&endpoint, options, own);
    flows->messages = flow_messages_create(options, own);
    status = open_flows(flows, options, error, own);
    if (status != APR_SUCCESS) {
        apr_pool_destroy(own);
        return status;
    }
    *opened = flows;
    return APR_SUCCESS;
}

apr_port_t flows_port(const flows_t *flows, unsigned flow)
{
    assert(flow < flows->count);
    return flows->flows[flow].port;
}

apr_status_t flows_keep_whole(flows_t *flows, int dont_fragment)
{
    apr_status_t status = APR_SUCCESS;

    for (unsigned i = 0; status == APR_SUCCESS && i < flows->count; i++) {
        status = flow_socket_keep_whole(flows->flows[i].socket, flows->family, dont_fragment);
    }
    return status;
}

apr_size_t flows_payload_max(const flows_t *flows)
{
    return flow_socket_payload_max(flows->flows[0].socket);
}

int flows_tell_fragments(const flows_t *flows)
{
    return flows->tells_fragments;
}

void flows_wake(flows_t *flows)
{
    waiter_wake(&flows->waiter);
}

/* ---- Sending ---- */

unsigned flows_send(flows_t *flows, const request_t *requests, unsigned count,
                    apr_status_t *failure)
{
    assert(count > 0 && requests[0].flow < flows->count);
    return flow_requests_send(flows->requests, flows->flows[requests[0].flow].socket, requests,
                              count, failure);
}

/* ---- Receiving ---- */

static apr_status_t receive_from(flows_t *flows, const apr_pollfd_t *ready)
{
    const flow_t *flow = ready->client_data;

    apr_status_t status = flow_messages_are_full(flows->messages)
                              ? APR_SUCCESS
                              : flow_messages_receive(flows->messages, flow->socket, flow->index);

    if (ready->rtnevents & APR_POLLERR) {
        flow_messages_receive_refusals(flows->messages, flow->socket, flow->index);
    }
    return status;
}

/*
 * Receives from the flows that were readable at the last wait, from each once, so that a busy one
 * keeps none waiting. Where there is but one, it is readable still if there was more than room for
 * it, and nothing needs to be asked. APR_TIMEUP: all of them are empty by now.
 */
static apr_status_t receive_ready(flows_t *flows)
{
    waiter_t *waiter = &flows->waiter;
    apr_status_t nothing = APR_TIMEUP;

    while (waiter->ready_count > 0 && !flow_messages_are_full(flows->messages)) {
        apr_status_t status = receive_from(flows, waiter->ready);

        if (status != APR_SUCCESS) {
            nothing = status;
        }
        if (flows->count > 1 || !flow_messages_are_full(flows->messages)) {
            waiter->ready++;
            waiter->ready_count--;
        }
    }
    return flow_messages_are_lent(flows->messages) ? nothing : APR_SUCCESS;
}

/* Receives anew, once all that was received before is lent. */
static apr_status_t receive_more(flows_t *flows, apr_interval_time_t timeout)
{
    apr_status_t status;

    flow_messages_take_back(flows->messages);
    status = receive_ready(flows);
    if (APR_STATUS_IS_TIMEUP(status)) {
        status = waiter_wait(&flows->waiter, timeout);
        if (status == APR_SUCCESS) {
            status = receive_ready(flows);
        }
    }
    return status;
}

apr_status_t flows_receive(flows_t *flows, arrivals_t *arrivals, apr_interval_time_t timeout)
{
    assert(timeout >= -1);

    apr_status_t status = APR_SUCCESS;

    arrivals->count = 0;
    if (waiter_take_wake(&flows->waiter)) {
        return APR_EINTR;
    }
    if (flow_messages_are_lent(flows->messages)) {
        status = receive_more(flows, timeout);
    }
    if (status == APR_SUCCESS) {
        flow_messages_lend(flows->messages, arrivals);
    }
    return status;
}
