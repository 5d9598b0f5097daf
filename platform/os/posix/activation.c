/* Sockets from a service manager that hands them over as sd_listen_fds(3) says: descriptors from 3
 * on, their number in LISTEN_FDS, in LISTEN_PID the process that they are meant for, and in
 * LISTEN_FDNAMES perhaps their names, with colons between them, each of which may be a
 * protocol's. */

#include "udpecho/handover.h"

#include <apr_portable.h>
#include <apr_strings.h>
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "os/main_thread.h"
#include "os/posix/store.h"

#define FIRST_DESCRIPTOR 3

/* -1 unless `text` is a number, with no more digits than the process IDs of any system. */
static long read_number(const char *text)
{
    size_t length = strlen(text);

    if (length == 0 || length > 9 || strspn(text, "0123456789") != length) {
        return -1;
    }
    return strtol(text, NULL, 10);
}

/* What LISTEN_FDS says goes for the process that LISTEN_PID names, and not for its children, who
 * inherit the variables. */
static const char *read_count(long *count, apr_pool_t *pool)
{
    const char *process = getenv("LISTEN_PID");
    const char *number = getenv("LISTEN_FDS");

    *count = 0;
    if (process == NULL || number == NULL) {
        return NULL;
    }
    if (read_number(process) < 0) {
        return apr_psprintf(pool, "LISTEN_PID=%s: expected a process ID", process);
    }
    if (read_number(process) != getpid()) {
        return NULL;
    }
    *count = read_number(number);
    if (*count < 0) {
        return apr_psprintf(
            pool, "LISTEN_FDS=%s: expected the number of sockets passed, from descriptor %d on",
            number, FIRST_DESCRIPTOR);
    }
    return NULL;
}

/* Nothing may stay open that a program which this one starts could use. */
static const char *check_open(long count, apr_pool_t *pool)
{
    for (long i = 0; i < count; i++) {
        int descriptor = FIRST_DESCRIPTOR + (int)i;

        if (fcntl(descriptor, F_SETFD, FD_CLOEXEC) != 0) {
            return apr_psprintf(
                pool,
                "LISTEN_FDS=%ld: expected as many sockets from descriptor %d on; descriptor %d: %s",
                count, FIRST_DESCRIPTOR, descriptor, strerror(errno));
        }
    }
    return NULL;
}

/* Sets `names` to an array of const char *, as many as there are sockets; without the variable no
 * socket has one. */
static const char *read_names(apr_array_header_t **names, long count, apr_pool_t *pool)
{
    const char *text = getenv("LISTEN_FDNAMES");
    const char *end;

    *names = apr_array_make(pool, (int)count, sizeof(const char *));
    if (text == NULL) {
        for (long i = 0; i < count; i++) {
            APR_ARRAY_PUSH(*names, const char *) = "";
        }
        return NULL;
    }
    for (const char *name = text; name != NULL; name = end != NULL ? end + 1 : NULL) {
        end = strchr(name, ':');
        APR_ARRAY_PUSH(*names, const char *) =
            end != NULL ? apr_pstrmemdup(pool, name, (apr_size_t)(end - name))
                        : apr_pstrdup(pool, name);
    }
    return (*names)->nelts == count
               ? NULL
               : apr_psprintf(pool,
                              "LISTEN_FDNAMES=%s: expected as many names as LISTEN_FDS says there "
                              "are sockets, %ld",
                              text, count);
}

/* A socket unit that says nothing gives its own name. */
static protocol_t protocol_named(const char *name)
{
    protocol_t protocol = PROTOCOLS - 1;

    while (protocol != PROTOCOL_ECHO && strcmp(name, protocol_name(protocol)) != 0) {
        protocol--;
    }
    return protocol;
}

static void sort(apr_array_header_t *activated, apr_array_header_t *kept,
                 const apr_array_header_t *names, apr_pool_t *pool)
{
    apr_hash_t *named = apr_hash_make(pool);

    for (int i = 0; i < names->nelts; i++) {
        const char *name = APR_ARRAY_IDX(names, i, const char *);
        int descriptor = FIRST_DESCRIPTOR + i;

        if (store_has_name(name)) {
            store_take_back(kept, named, descriptor, name, pool);
        } else {
            socket_group_t group = {protocol_named(name),
                                    apr_array_make(pool, 1, sizeof(apr_os_sock_t))};

            APR_ARRAY_PUSH(group.sockets, apr_os_sock_t) = descriptor;
            APR_ARRAY_PUSH(activated, socket_group_t) = group;
        }
    }
}

const char *host_inherited_sockets(apr_array_header_t *activated, apr_array_header_t *kept,
                                   apr_pool_t *pool)
{
    assert(is_main_thread());
    assert(activated->elt_size == sizeof(socket_group_t) &&
           kept->elt_size == sizeof(socket_group_t));

    apr_array_header_t *names;
    long count;
    const char *error = read_count(&count, pool);

    if (error == NULL) {
        error = check_open(count, pool);
    }
    if (error == NULL && count > 0) {
        error = read_names(&names, count, pool);
    }
    if (error == NULL && count > 0) {
        sort(activated, kept, names, pool);
    }
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDS");
    unsetenv("LISTEN_FDNAMES");
    return error;
}
