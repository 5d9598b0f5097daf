/* The client's sockets, over APR's pollsets on every system. */

#include "udpecho/flows.h"

#include <apr_strings.h>
#include <assert.h>

#include "os/main_thread.h"
#include "readiness/flow.h"
#include "readiness/waiter.h"
#include "udpecho/clock.h"
#include "udpecho/machine.h"

/* What a process has open besides, with room to spare. */
#define OTHER_DESCRIPTORS 64

typedef struct flow {
    apr_pool_t *pool; /* of all that the flow has, so that its end leaves nothing behind */
    apr_os_sock_t socket;
    apr_pollfd_t waited;
    endpoint_t peer;
    unsigned number;
    apr_port_t port;
} flow_t;

struct flows {
    flows_options_t options; /* of all sockets */
    waiter_t waiter;
    flow_requests_t *requests;
    flow_messages_t *messages;
    apr_array_header_t *flows; /* flow_t *, by their numbers; NULL: the number is free */
    int lowest;                /* no number below this one is free */
    unsigned open;             /* flows */
    apr_size_t payload_max;
    int tells_fragments;
};

static flow_t *flow_of(const flows_t *flows, unsigned number)
{
    assert(number < (unsigned)flows->flows->nelts);

    flow_t *flow = APR_ARRAY_IDX(flows->flows, number, flow_t *);

    assert(flow != NULL);
    return flow;
}

/* ---- Adding and removing ---- */

static apr_status_t bind_flow(apr_socket_t *socket, int family, const apr_sockaddr_t *source,
                              flows_error_t *error, apr_pool_t *pool)
{
    apr_sockaddr_t *address; /* the socket keeps a pointer to it */
    apr_status_t status = APR_SUCCESS;

    if (source != NULL) {
        address = apr_pmemdup(pool, source, sizeof *source);
    } else {
        /* Bound even so, so that the port is known before the first datagram. */
        error->step = "choose an address";
        status = apr_sockaddr_info_get(&address, NULL, family, 0, 0, pool);
    }
    if (status != APR_SUCCESS) {
        return status;
    }
    error->step = "bind";
    status = flow_socket_bind(socket, address);
    error->is_excluded =
        status != APR_SUCCESS && flow_port_is_excluded(status, address->port, pool);
    return status;
}

static apr_status_t open_flow(flows_t *flows, flow_t *flow, const apr_sockaddr_t *source,
                              const char *device, flows_error_t *error)
{
    flows_options_t options = flows->options;
    const char **step = &error->step;
    int family = flow->peer.sa.any.sa_family;
    apr_socket_t *socket;
    apr_sockaddr_t *local;
    apr_status_t status;

    options.device = device;
    status =
        flow_socket_create(&socket, family, &options, &flows->tells_fragments, step, flow->pool);

    if (status == APR_SUCCESS) {
        status = bind_flow(socket, family, source, error, flow->pool);
    }
    if (status == APR_SUCCESS) {
        *step = "read back the bound address";
        status = apr_socket_addr_get(&local, APR_LOCAL, socket);
    }
    if (status == APR_SUCCESS) {
        apr_os_sock_get(&flow->socket, socket);
        flow->port = local->port;
        status = flow_requests_mark(flows->requests, flow->socket, &flow->peer, step, flow->pool);
    }
    if (status == APR_SUCCESS) {
        *step = "wait for the socket";
        status = waiter_add(&flows->waiter, &flow->waited, socket, flow);
    }
    return status;
}

static unsigned lowest_free_number(flows_t *flows)
{
    while (flows->lowest < flows->flows->nelts &&
           APR_ARRAY_IDX(flows->flows, flows->lowest, flow_t *) != NULL) {
        flows->lowest++;
    }
    return (unsigned)flows->lowest;
}

/* Counts a flow that is open now. */
static void keep_flow(flows_t *flows, flow_t *flow)
{
    apr_size_t payload_max = flow_socket_payload_max(flow->socket);

    if (flow->number == (unsigned)flows->flows->nelts) {
        apr_array_push(flows->flows);
    }
    APR_ARRAY_IDX(flows->flows, flow->number, flow_t *) = flow;
    flows->open++;
    if (payload_max < flows->payload_max) {
        flows->payload_max = payload_max;
    }
}

apr_status_t flows_add(flows_t *flows, const apr_sockaddr_t *peer, const apr_sockaddr_t *source,
                       const char *device, unsigned *number, flows_error_t *error)
{
    unsigned free = lowest_free_number(flows);
    apr_pool_t *pool;
    apr_status_t status;

    *error = (flows_error_t){.flow = free};
    if (free == FLOWS_MAX) {
        error->step = "open more sockets than a client may have";
        return APR_ENOSPC;
    }
    error->step = "allocate memory";
    status = apr_pool_create(&pool, flows->flows->pool);
    if (status != APR_SUCCESS) {
        return status;
    }
    flow_t *flow = apr_pcalloc(pool, sizeof *flow);

    flow->pool = pool;
    flow->peer = endpoint_of(peer);
    flow->number = free;
    status = open_flow(flows, flow, source, device, error);
    if (status != APR_SUCCESS) {
        apr_pool_destroy(pool);
        return status;
    }
    keep_flow(flows, flow);
    *number = free;
    return APR_SUCCESS;
}

void flows_remove(flows_t *flows, unsigned number)
{
    flow_t *flow = flow_of(flows, number);

    waiter_remove(&flows->waiter, &flow->waited);
    flow_messages_forget(flows->messages, number);
    APR_ARRAY_IDX(flows->flows, number, flow_t *) = NULL;
    flows->open--;
    if ((int)number < flows->lowest) {
        flows->lowest = (int)number;
    }
    apr_pool_destroy(flow->pool);
}

/* ---- Opening ---- */

/* The source of the flow that is `index`-th from 0 of those opened together. */
static apr_status_t find_source(apr_sockaddr_t *source, const apr_sockaddr_t *first, unsigned index)
{
    *source = *first;
    if (first->port != 0) {
        if (first->port + index > 65535) {
            return APR_EINVAL;
        }
        source->port = (apr_port_t)(first->port + index);
        source->sa.sin.sin_port = htons(source->port); /* the same place in both families */
    }
    return APR_SUCCESS;
}

static apr_status_t add_flows(flows_t *flows, const apr_sockaddr_t *peer,
                              const flows_options_t *options, flows_error_t *error)
{
    apr_status_t status = APR_SUCCESS;

    for (unsigned i = 0; status == APR_SUCCESS && i < options->count; i++) {
        apr_sockaddr_t source;
        unsigned number;

        if (options->source != NULL) {
            *error = (flows_error_t){.step = "bind to a port above 65535", .flow = i};
            status = find_source(&source, options->source, i);
        }
        if (status == APR_SUCCESS) {
            status = flows_add(flows, peer, options->source != NULL ? &source : NULL,
                               options->device, &number, error);
        }
    }
    return status;
}

apr_status_t flows_open(flows_t **opened, const apr_sockaddr_t *peer,
                        const flows_options_t *options, flows_error_t *error, apr_pool_t *pool)
{
    assert(is_main_thread());
    assert(options->platform != NULL);
    assert(options->count <= FLOWS_MAX && (options->count == 0 || peer != NULL));
    assert(options->dscp >= -1 && options->dscp <= 63);
    assert(options->hop_limit >= 0 && options->hop_limit <= 255);

    apr_pool_t *own;
    unsigned allowed;
    apr_status_t status = apr_pool_create(&own, pool);

    *error = (flows_error_t){.step = "allocate memory"};
    if (status != APR_SUCCESS) {
        return status;
    }
    flows_t *flows = apr_pcalloc(own, sizeof *flows);

    flows->options = *options;
    flows->flows = apr_array_make(own, (int)options->count, sizeof(flow_t *));
    flows->payload_max = PAYLOAD_MAX_IPV6;
    flows->tells_fragments = 1;
    flows->requests = flow_requests_create(options, own);
    flows->messages = flow_messages_create(options, own);
    /* Where it may not be raised, socket(2) says so. */
    host_raise_descriptors(options->count + OTHER_DESCRIPTORS, &allowed);
    error->step = "wait for sockets";
    status = waiter_open(&flows->waiter, FLOWS_MAX, flow_poll_method(options->platform),
                         options->platform, own);
    if (status == APR_SUCCESS) {
        status = add_flows(flows, peer, options, error);
    }
    if (status != APR_SUCCESS) {
        apr_pool_destroy(own);
        return status;
    }
    *opened = flows;
    return APR_SUCCESS;
}

apr_port_t flows_port(const flows_t *flows, unsigned flow)
{
    return flow_of(flows, flow)->port;
}

apr_status_t flows_keep_whole(flows_t *flows, int dont_fragment)
{
    apr_status_t status = APR_SUCCESS;

    for (int i = 0; status == APR_SUCCESS && i < flows->flows->nelts; i++) {
        const flow_t *flow = APR_ARRAY_IDX(flows->flows, i, flow_t *);

        if (flow != NULL) {
            status =
                flow_socket_keep_whole(flow->socket, flow->peer.sa.any.sa_family, dont_fragment);
        }
    }
    if (status == APR_SUCCESS) {
        flows->options.dont_fragment = dont_fragment;
    }
    return status;
}

apr_size_t flows_payload_max(const flows_t *flows)
{
    return flows->payload_max;
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
    assert(count > 0);

    const flow_t *flow = flow_of(flows, requests[0].flow);

    return flow_requests_send(flows->requests, flow->socket, &flow->peer, requests, count, failure);
}

/* ---- Receiving ---- */

static apr_status_t receive_from(flows_t *flows, const apr_pollfd_t *ready)
{
    const flow_t *flow = ready->client_data;

    apr_status_t status = flow_messages_are_full(flows->messages)
                              ? APR_SUCCESS
                              : flow_messages_receive(flows->messages, flow->socket, flow->number);

    if (ready->rtnevents & APR_POLLERR) {
        flow_messages_receive_refusals(flows->messages, flow->socket, flow->number);
    }
    return status;
}

/*
 * Receives from the flows that were readable at the last wait, once from each, so that a busy
 * one does not delay others. If there is only one, it is still readable if it had more than
 * fitted, and no call is needed. APR_TIMEUP: all of them are empty now.
 */
static apr_status_t receive_ready(flows_t *flows)
{
    const apr_pollfd_t *ready;
    apr_status_t nothing = APR_TIMEUP;

    while (!flow_messages_are_full(flows->messages) &&
           (ready = waiter_ready(&flows->waiter)) != NULL) {
        apr_status_t status = receive_from(flows, ready);

        if (status != APR_SUCCESS) {
            nothing = status;
        }
        if (flows->open > 1 || !flow_messages_are_full(flows->messages)) {
            waiter_pass(&flows->waiter);
        }
    }
    return flow_messages_are_lent(flows->messages) ? nothing : APR_SUCCESS;
}

/* Receives again when everything that was received before was returned. */
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
