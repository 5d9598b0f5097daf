/* What a daemon's process is given on POSIX, apart from the requests that come in. */

#include "udpecho/host.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

/* The wrong end of a pipe, so that those who read or write learn that they are closed. Not
 * /dev/null, which a changed root may lack. */
apr_status_t host_fill_standard_files(void)
{
    for (int wanted = STDIN_FILENO; wanted <= STDERR_FILENO; wanted++) {
        int ends[2];

        if (fcntl(wanted, F_GETFD) >= 0) {
            continue;
        }
        /* The first end gets the lowest free number, which is the one wanted. */
        if (pipe(ends) != 0 || (wanted == STDIN_FILENO && dup2(ends[1], wanted) < 0)) {
            return errno;
        }
        close(ends[1]);
    }
    return APR_SUCCESS;
}

/* They come from where the administrator says: ld.so(8), dyld(1). */
void host_trust_system_libraries(void)
{
}

void host_ignore_hang_ups(void)
{
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
}

void host_name_service(const host_service_t *service)
{
    (void)service;
}

const char *host_config_file(apr_pool_t *pool)
{
    (void)pool;
    return NULL;
}

const char *host_config_file_check(apr_pool_t *pool)
{
    (void)pool;
    return NULL;
}

const char *host_control_path(void)
{
#if defined(__linux__)
    return "/run/udpecho/control";
#else
    return "/var/run/udpecho/control";
#endif
}
