#include "udpecho/service_manager.h"

#include <assert.h>

#include "os/main_thread.h"

apr_status_t service_install(const apr_array_header_t *options, int open_firewall,
                             apr_array_header_t *notes, apr_pool_t *pool)
{
    assert(is_main_thread());
    assert(notes->elt_size == sizeof(char *));
    assert(options == NULL || options->elt_size == sizeof(char *));
    (void)options, (void)open_firewall, (void)notes, (void)pool;
    return APR_ENOTIMPL;
}

apr_status_t service_uninstall(apr_array_header_t *notes, apr_pool_t *pool)
{
    assert(is_main_thread());
    assert(notes->elt_size == sizeof(char *));
    (void)notes, (void)pool;
    return APR_ENOTIMPL;
}
