#include "metrics.h"

#include <apr_strings.h>
#include <string.h>

#include "address.h"
#include "metrics_text.h"
#include "stream_socket.h"

/* ---- Where ---- */

/* The path of unix:/PATH, else NULL. */
static const char *path_of(const char *where)
{
    static const char scheme[] = "unix:";

    return strncmp(where, scheme, sizeof scheme - 1) == 0 ? where + sizeof scheme - 1 : NULL;
}

/* A port that is not there is the default's, whichever that is. */
static int names_port(const char *where, apr_pool_t *pool)
{
    address_t one;
    address_t other;

    return address_parse(&one, where, 1, pool) == NULL &&
           address_parse(&other, where, 2, pool) == NULL && one.port == other.port;
}

const char *metrics_check(const char *where, apr_pool_t *pool)
{
    const char *path = path_of(where);
    address_t address;

    if (path != NULL && *path == '/' && strlen(path) <= STREAM_PATH_MAX) {
        return NULL;
    }
    if (path == NULL && address_parse(&address, where, 0, pool) == NULL && address.host != NULL &&
        names_port(where, pool)) {
        return NULL;
    }
    return apr_psprintf(pool,
                        "ADDRESS:PORT, 127.0.0.1:9000 or [::1]:9000, or unix:/PATH of at most %d "
                        "bytes",
                        STREAM_PATH_MAX);
}

static apr_status_t find_address(apr_sockaddr_t **found, const char *where, apr_pool_t *pool)
{
    const char *path = path_of(where);
    address_t address;

    if (path != NULL) {
        return stream_path(found, path, pool);
    }
    return address_parse(&address, where, 0, pool) == NULL ? address_resolve(found, &address, pool)
                                                           : APR_EINVAL;
}

/* ---- What ---- */

static http_answer_t respond(void *context, const char *path, apr_pool_t *pool)
{
    status_t status;

    status_read(&status, context, pool);
    if (strcmp(path, "/metrics") == 0) {
        return (http_answer_t){200, METRICS_TYPE, metrics_text(&status, pool)};
    }
    if (strcmp(path, "/healthz") == 0) {
        return (http_answer_t){status.health == HEALTH_OK ? 200 : 503, "text/plain",
                               apr_pstrcat(pool, health_name(status.health), "\n", NULL)};
    }
    return (http_answer_t){404, "text/plain", "there are /metrics and /healthz\n"};
}

apr_status_t metrics_open(http_t **http, apr_socket_t **listening, const char *where,
                          apr_array_header_t *inherited, status_source_t *source, const char **step,
                          apr_pool_t *pool)
{
    apr_os_sock_t descriptor;
    apr_sockaddr_t *address;
    apr_status_t status = find_address(&address, where, pool);

    *step = "look up the address";
    if (status == APR_SUCCESS) {
        status = stream_listen(listening, address, inherited, step, pool);
    }
    if (status != APR_SUCCESS) {
        return status;
    }
    apr_os_sock_get(&descriptor, *listening);
    return http_open(http, descriptor, respond, source, step, pool);
}
