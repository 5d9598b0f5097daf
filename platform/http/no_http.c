/* A build without libmicrohttpd. */

#include "udpecho/http.h"

#include <assert.h>

#include "os/main_thread.h"

apr_status_t http_open(http_t **http, apr_os_sock_t listening, http_respond_t respond,
                       void *context, const char **step, apr_pool_t *pool)
{
    assert(is_main_thread());
    assert(respond != NULL);
    (void)http, (void)listening, (void)respond, (void)context, (void)step, (void)pool;
    return APR_ENOTIMPL;
}
