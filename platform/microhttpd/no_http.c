/* A build without libmicrohttpd. */

#include "udpecho/http.h"

apr_status_t http_open(http_t **http, apr_os_sock_t listening, http_respond_t respond,
                       void *context, apr_pool_t *pool)
{
    (void)http, (void)listening, (void)respond, (void)context, (void)pool;
    return APR_ENOTIMPL;
}

apr_os_sock_t http_descriptor(const http_t *http)
{
    (void)http;
    return (apr_os_sock_t)-1;
}

apr_interval_time_t http_timeout(const http_t *http)
{
    (void)http;
    return -1;
}

void http_run(http_t *http)
{
    (void)http;
}
