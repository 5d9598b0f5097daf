#include "udpecho/service_manager.h"

apr_status_t service_install(const apr_array_header_t *options, int open_firewall,
                             apr_array_header_t *notes, apr_pool_t *pool)
{
    (void)options, (void)open_firewall, (void)notes, (void)pool;
    return APR_ENOTIMPL;
}

apr_status_t service_uninstall(apr_array_header_t *notes, apr_pool_t *pool)
{
    (void)notes, (void)pool;
    return APR_ENOTIMPL;
}
