#include "common/stream_address.h"

#include <apr_strings.h>
#include <string.h>

#include "common/address.h"

/* NULL if it is none. */
static const char *path_of(const char *where)
{
    static const char scheme[] = "unix:";
    size_t length = sizeof scheme - 1;

    if (*where == '/') {
        return where;
    }
    return strncmp(where, scheme, length) == 0 ? where + length : NULL;
}

static int is_path(const char *path)
{
    return *path == '/' && strlen(path) <= STREAM_PATH_MAX;
}

/* A port that is not there is the default's, whichever that is. */
static int has_port(const char *where, apr_pool_t *pool)
{
    address_t one;
    address_t other;

    return address_parse(&one, where, 1, pool) == NULL &&
           address_parse(&other, where, 2, pool) == NULL && one.port == other.port;
}

static int is_right(const char *where, address_t *address, apr_pool_t *pool)
{
    const char *path = path_of(where);

    if (path != NULL) {
        return is_path(path);
    }
    return address_parse(address, where, 0, pool) == NULL && address->host != NULL &&
           address->device == NULL && has_port(where, pool);
}

const char *stream_address_check(const char *where, apr_pool_t *pool)
{
    address_t address;

    if (is_right(where, &address, pool)) {
        return NULL;
    }
    return apr_psprintf(pool,
                        "ADDRESS:PORT, 127.0.0.1:9000 or [::1]:9000, or unix:/PATH of at most %d "
                        "bytes",
                        STREAM_PATH_MAX);
}

const char *stream_address_check_local(const char *where, apr_pool_t *pool)
{
    address_t address = {.host = NULL};

    if (is_right(where, &address, pool) &&
        (address.host == NULL ||
         (!address_is_name(&address) && address_is_loopback(&address, pool)))) {
        return NULL;
    }
    return apr_psprintf(pool,
                        "a full path of at most %d bytes, or ADDRESS:PORT of the loopback, "
                        "127.0.0.1:9001 or [::1]:9001",
                        STREAM_PATH_MAX);
}

const char *stream_address_check_path(const char *path, apr_pool_t *pool)
{
    return is_path(path) ? NULL
                         : apr_psprintf(pool, "a full path of at most %d bytes", STREAM_PATH_MAX);
}

apr_status_t stream_address_find(apr_sockaddr_t **found, const char *where, apr_pool_t *pool)
{
    const char *path = path_of(where);
    address_t address;

    if (!is_right(where, &address, pool)) {
        return APR_EINVAL;
    }
    return path != NULL ? apr_sockaddr_info_get(found, path, APR_UNIX, 0, 0, pool)
                        : address_resolve(found, &address, pool);
}
