/* The server is part of the program: for systems where it takes little memory, or a program does
 * not find its modules. */

#include <assert.h>

#include "http/module.h"
#include "os/main_thread.h"

apr_status_t http_open(http_t **http, apr_os_sock_t listening, http_respond_t respond,
                       void *context, const char **step, apr_pool_t *pool)
{
    assert(is_main_thread());
    assert(respond != NULL);
    *step = "start HTTP";
    return http_module.open(http, listening, respond, context, pool);
}
