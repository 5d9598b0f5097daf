/* Sockets from a service manager that hands them over as sd_listen_fds(3) says: descriptors from 3
 * on, their number in LISTEN_FDS, and in LISTEN_PID the process that they are meant for. */

#include "udpecho/host.h"

#include <apr_portable.h>
#include <apr_strings.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FIRST_DESCRIPTOR 3

/* -1 unless `text` is a number, of no more digits than any system's processes have. */
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
        return apr_psprintf(pool, "LISTEN_PID=%s: expected the number of a process", process);
    }
    if (read_number(process) != getpid()) {
        return NULL;
    }
    *count = read_number(number);
    if (*count < 0) {
        return apr_psprintf(
            pool,
            "LISTEN_FDS=%s: expected how many sockets were handed over, from descriptor %d on",
            number, FIRST_DESCRIPTOR);
    }
    return NULL;
}

const char *host_inherited_sockets(apr_array_header_t *sockets, apr_pool_t *pool)
{
    long count;
    const char *error = read_count(&count, pool);

    for (long i = 0; error == NULL && i < count; i++) {
        int descriptor = FIRST_DESCRIPTOR + (int)i;

        if (fcntl(descriptor, F_SETFD, FD_CLOEXEC) != 0) {
            error = apr_psprintf(pool,
                                 "LISTEN_FDS=%ld: expected as many sockets from descriptor %d on, "
                                 "and %d is not open",
                                 count, FIRST_DESCRIPTOR, descriptor);
        } else {
            APR_ARRAY_PUSH(sockets, apr_os_sock_t) = descriptor;
        }
    }
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDS");
    unsetenv("LISTEN_FDNAMES");
    return error;
}
