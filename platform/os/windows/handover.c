/* Windows keeps no sockets between processes, and hands none from one to another. */

#include "udpecho/handover.h"

#include <apr_errno.h>
#include <apr_portable.h>
#include <assert.h>

#include "os/main_thread.h"

const char *host_inherited_sockets(apr_array_header_t *activated, apr_array_header_t *kept,
                                   apr_pool_t *pool)
{
    assert(is_main_thread());
    assert(activated->elt_size == sizeof(socket_group_t) &&
           kept->elt_size == sizeof(socket_group_t));
    (void)activated, (void)kept, (void)pool;
    return NULL;
}

int host_has_store(void)
{
    return 0;
}

apr_status_t host_store(const endpoint_t *address, const char *device, const socket_group_t *group)
{
    assert(is_main_thread());
    assert(device != NULL && group->sockets->elt_size == sizeof(apr_os_sock_t));
    (void)address, (void)device, (void)group;
    return APR_SUCCESS;
}

void host_forget(const endpoint_t *address, const char *device, protocol_t protocol)
{
    assert(is_main_thread());
    assert(device != NULL);
    (void)address, (void)device, (void)protocol;
}

int host_await_forgetting(void)
{
    assert(is_main_thread());
    return 0;
}

apr_status_t host_take_over(apr_array_header_t *groups, apr_array_header_t *streams,
                            const char *path, const char **step, apr_pool_t *pool)
{
    assert(is_main_thread());
    assert(groups->elt_size == sizeof(socket_group_t) &&
           streams->elt_size == sizeof(apr_os_sock_t));
    (void)groups, (void)streams, (void)path, (void)pool;
    *step = "hand sockets from process to process";
    return APR_ENOTIMPL;
}

apr_status_t host_hand_over(const apr_array_header_t *groups, const apr_array_header_t *streams,
                            apr_pool_t *pool)
{
    assert(is_main_thread());
    assert(groups->elt_size == sizeof(socket_group_t) &&
           streams->elt_size == sizeof(apr_os_sock_t));
    (void)groups, (void)streams, (void)pool;
    return APR_ENOTIMPL;
}

void host_refuse_successor(void)
{
    assert(is_main_thread());
}
