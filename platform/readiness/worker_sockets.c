#include "readiness/worker_sockets.h"

#include "readiness/readiness.h"
#include "readiness/socket.h"
#include "readiness/system.h"

worker_socket_t *worker_sockets_find(worker_sockets_t *sockets, const listener_t *owner)
{
    for (unsigned i = 0; i < WORKER_SOCKETS_MAX; i++) {
        if (sockets->at[i].owner == owner) {
            return &sockets->at[i];
        }
    }
    return NULL;
}

static apr_status_t add_one(worker_sockets_t *sockets, waiter_t *waiter, listener_t *listener,
                            apr_socket_t *of_listener)
{
    worker_socket_t *socket = worker_sockets_find(sockets, NULL);

    if (socket == NULL) {
        return APR_ENOMEM;
    }
    socket->descriptor = socket_descriptor(of_listener);
    socket->local = listener_describe(listener)->local;
    socket->wildcard = endpoint_is_wildcard(&socket->local);
    socket->drops = 0;
    apr_status_t status = waiter_add(waiter, &socket->waited, of_listener, socket);

    socket->owner = status == APR_SUCCESS ? listener : NULL;
    return status;
}

int worker_socket_is_stuck(worker_socket_t *socket)
{
    apr_uint32_t before = socket->drops;

    return !listener_is_shared(socket->owner) &&
           platform_has(listener_platform(socket->owner), FEATURE_DROP_COUNTER) &&
           system_read_drops(socket->descriptor, &socket->drops) == 0 && socket->drops == before;
}

static apr_status_t add(worker_sockets_t *sockets, waiter_t *waiter, listener_t *listener,
                        unsigned worker)
{
    apr_status_t status = APR_SUCCESS;
    apr_socket_t *socket;

    for (unsigned i = 0;
         status == APR_SUCCESS && (socket = listener_socket(listener, worker, i)) != NULL; i++) {
        status = add_one(sockets, waiter, listener, socket);
    }
    return status;
}

static int is_among(const listener_t *listener, listener_t *const *listeners, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        if (listeners[i] == listener) {
            return 1;
        }
    }
    return 0;
}

static void remove_others(worker_sockets_t *sockets, waiter_t *waiter, listener_t *const *listeners,
                          unsigned count)
{
    for (unsigned i = 0; i < WORKER_SOCKETS_MAX; i++) {
        worker_socket_t *socket = &sockets->at[i];

        if (socket->owner != NULL && !is_among(socket->owner, listeners, count)) {
            waiter_remove(waiter, &socket->waited);
            socket->owner = NULL;
        }
    }
}

apr_status_t worker_sockets_set(worker_sockets_t *sockets, waiter_t *waiter,
                                listener_t *const *listeners, unsigned count, unsigned worker)
{
    apr_status_t result = APR_SUCCESS;

    remove_others(sockets, waiter, listeners, count);
    for (unsigned i = 0; i < count; i++) {
        if (worker_sockets_find(sockets, listeners[i]) == NULL) {
            apr_status_t status = add(sockets, waiter, listeners[i], worker);

            result = result == APR_SUCCESS ? status : result;
        }
    }
    return result;
}
