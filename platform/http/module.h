#ifndef UDPECHO_MICROHTTPD_MODULE_H
#define UDPECHO_MICROHTTPD_MODULE_H

/* What the module has for the program. It is apart because libmicrohttpd, with GnuTLS that comes
 * with it, takes nearly as much memory as all of udpechod, from everybody who links it. */

#include "udpecho/http.h"

/* A structure, not a function, since C does not convert what dlsym(3) returns to one. */
typedef struct http_module {
    /* http_open(), of which nothing can fail but its last step. */
    apr_status_t (*open)(http_t **http, apr_os_sock_t listening, http_respond_t respond,
                         void *context, apr_pool_t *pool);
} http_module_t;

/* What the program looks for in the module. It has nothing of this name itself. */
extern const http_module_t http_module;

#endif
