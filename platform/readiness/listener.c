/* What a bound UDP address and the sockets that serve it are, and what changes of them. */

#include "readiness/listener.h"

#include <assert.h>
#include <string.h>

#include "os/main_thread.h"
#include "readiness/details.h"
#include "readiness/socket.h"
#include "readiness/system.h"

apr_socket_t *listener_socket(const listener_t *listener, unsigned worker, unsigned number)
{
    unsigned index = worker + number * listener->workers;

    if (number == 0) {
        index %= listener->count;
    }
    return index < listener->count ? listener->sockets[index] : NULL;
}

void listener_set_offload(listener_t *listener, int offload)
{
    assert(is_main_thread());
    atomic_store_explicit(&listener->offload, offload, memory_order_relaxed);
}

int listener_gathers(const listener_t *listener)
{
    return platform_has(listener->platform, FEATURE_SEGMENTED_SEND) &&
           atomic_load_explicit(&listener->offload, memory_order_relaxed) &&
           (listener_details(listener) & DETAIL_TIMES) == 0;
}

/* What a socket does not tell is not known, which every datagram may say. */
static void change_details(const listener_t *listener, int descriptor, unsigned before,
                           unsigned after)
{
    int is_timed = (after & DETAIL_TIMES) != 0;
    const char *step;

    details_change(descriptor, listener->info.local.sa.any.sa_family, before, after,
                   listener->platform, &step);
    if (((before ^ after) & DETAIL_TIMES) != 0 &&
        platform_has(listener->platform, FEATURE_COALESCED_RECEIVE)) {
        system_coalesce(descriptor, !is_timed && atomic_load(&listener->offload));
    }
}

void listener_set_details(listener_t *listener, unsigned details)
{
    unsigned before = listener_details(listener);

    assert(is_main_thread());
    for (unsigned i = 0; i < listener->count; i++) {
        change_details(listener, socket_descriptor(listener->sockets[i]),
                       before & ~(unsigned)TELLS_LISTENER, details);
    }
    atomic_store_explicit(&listener->details, details | (before & TELLS_LISTENER),
                          memory_order_relaxed);
}

unsigned listener_details(const listener_t *listener)
{
    return atomic_load_explicit(&listener->details, memory_order_relaxed);
}

struct service *listener_service(const listener_t *listener)
{
    return atomic_load_explicit(&listener->service, memory_order_acquire);
}

void listener_set_service(listener_t *listener, struct service *service)
{
    assert(is_main_thread());
    atomic_store_explicit(&listener->service, service, memory_order_release);
}

void listener_tell_itself(listener_t *listener, int tells)
{
    assert(is_main_thread());
    unsigned others = listener_details(listener) & ~(unsigned)TELLS_LISTENER;

    atomic_store_explicit(&listener->details, others | (tells ? TELLS_LISTENER : 0),
                          memory_order_relaxed);
}

apr_pool_t *listener_pool(const listener_t *listener)
{
    return listener->pool;
}

int listener_is_shared(const listener_t *listener)
{
    return listener->count < listener->workers;
}

apr_array_header_t *listener_sockets(const listener_t *listener, apr_pool_t *pool)
{
    assert(is_main_thread());

    apr_array_header_t *sockets = apr_array_make(pool, (int)listener->count, sizeof(apr_os_sock_t));

    for (unsigned i = 0; i < listener->count; i++) {
        APR_ARRAY_PUSH(sockets, apr_os_sock_t) = socket_descriptor(listener->sockets[i]);
    }
    return sockets;
}

const platform_t *listener_platform(const listener_t *listener)
{
    return listener->platform;
}

apr_status_t listener_turn(turn_t **turn, listener_t *listener)
{
    apr_status_t status = APR_SUCCESS;

    /* Beside an adopted socket that all share, a reload may open one for each worker, and a worker
     * that waits for the turn would hear nothing of it. */
    if (listener->turn == NULL && listener->count == 1 && listener->workers > 1 &&
        !listener->has_socket_each) {
        status = turn_create(&listener->turn, apr_pool_parent_get(listener->pool));
    }
    *turn = listener->turn;
    return status;
}

const listener_info_t *listener_describe(const listener_t *listener)
{
    return &listener->info;
}

int listener_has_interface(const listener_t *listener)
{
    const listener_info_t *info = &listener->info;
    char name[INTERFACE_NAME_MAX];

    return socket_bound_interface(socket_descriptor(listener->sockets[0]), &info->local, name) ==
               APR_SUCCESS &&
           strcmp(name, info->device) == 0;
}

int listener_share(listener_t *listener, unsigned workers)
{
    assert(is_main_thread());
    assert(workers > 0);
    listener->workers = workers;
    return listener->count > workers;
}

void listener_close(listener_t *listener)
{
    assert(is_main_thread());

    apr_pool_destroy(listener->pool);
}

/* The kernel counts modulo 2^32, for each socket. */
apr_uint64_t listener_drops(listener_t *listener)
{
    for (unsigned i = 0; i < listener->count; i++) {
        apr_uint32_t drops;

        if (platform_has(listener->platform, FEATURE_DROP_COUNTER) &&
            system_read_drops(socket_descriptor(listener->sockets[i]), &drops) == 0) {
            listener->drops += drops - listener->drops_seen[i];
            listener->drops_seen[i] = drops;
        }
    }
    return listener->drops;
}
