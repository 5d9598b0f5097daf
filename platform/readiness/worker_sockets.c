#include "readiness/worker_sockets.h"

#include "readiness/readiness.h"
#include "readiness/socket.h"

/* A way of this listener; of NULL, one that is not used. */
static way_t *find(ways_t *ways, const listener_t *owner)
{
    for (unsigned i = 0; i < WAYS_MAX; i++) {
        if (ways->at[i].owner == owner) {
            return &ways->at[i];
        }
    }
    return NULL;
}

static apr_status_t add_one(ways_t *ways, waiter_t *waiter, const listener_t *listener,
                            apr_socket_t *socket)
{
    way_t *way = find(ways, NULL);

    if (way == NULL) {
        return APR_ENOMEM;
    }
    way->descriptor = socket_descriptor(socket);
    way->local = listener_describe(listener)->local;
    way->wildcard = endpoint_is_wildcard(&way->local);
    way->drops = 0;
    apr_status_t status = waiter_add(waiter, &way->waited, socket, way);

    way->owner = status == APR_SUCCESS ? listener : NULL;
    return status;
}

int way_is_stuck(way_t *way)
{
    apr_uint32_t before = way->drops;

    return !listener_is_shared(way->owner) &&
           platform_has(listener_platform(way->owner), FEATURE_DROP_COUNTER) &&
           system_read_drops(way->descriptor, &way->drops) == 0 && way->drops == before;
}

static apr_status_t add(ways_t *ways, waiter_t *waiter, const listener_t *listener, unsigned worker)
{
    apr_status_t status = APR_SUCCESS;
    apr_socket_t *socket;

    for (unsigned i = 0;
         status == APR_SUCCESS && (socket = listener_socket(listener, worker, i)) != NULL; i++) {
        status = add_one(ways, waiter, listener, socket);
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

static void remove_others(ways_t *ways, waiter_t *waiter, listener_t *const *listeners,
                          unsigned count)
{
    for (unsigned i = 0; i < WAYS_MAX; i++) {
        way_t *way = &ways->at[i];

        if (way->owner != NULL && !is_among(way->owner, listeners, count)) {
            waiter_remove(waiter, &way->waited);
            way->owner = NULL;
        }
    }
}

apr_status_t ways_set(ways_t *ways, waiter_t *waiter, listener_t *const *listeners, unsigned count,
                      unsigned worker)
{
    apr_status_t result = APR_SUCCESS;

    remove_others(ways, waiter, listeners, count);
    for (unsigned i = 0; i < count; i++) {
        if (find(ways, listeners[i]) == NULL) {
            apr_status_t status = add(ways, waiter, listeners[i], worker);

            result = result == APR_SUCCESS ? status : result;
        }
    }
    return result;
}
