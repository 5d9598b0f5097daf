#ifndef UDPECHO_SERVED_HTTP_H
#define UDPECHO_SERVED_HTTP_H

/* A server of HTTP that a test asks in place of a network, linked in place of the platform's. */

#include <apr_portable.h>

#include "udpecho/http.h"

static struct {
    apr_os_sock_t listening;
    http_respond_t respond;
    void *context;
    apr_status_t status; /* of being opened */
} served;

apr_status_t http_open(http_t **http, apr_os_sock_t listening, http_respond_t respond,
                       void *context, const char **step, apr_pool_t *pool)
{
    *http = apr_pcalloc(pool, sizeof **http);
    *step = "start HTTP";
    served.listening = listening;
    served.respond = respond;
    served.context = context;
    return served.status;
}

static http_answer_t get(const char *path, apr_pool_t *pool)
{
    return served.respond(served.context, path, pool);
}

#endif
