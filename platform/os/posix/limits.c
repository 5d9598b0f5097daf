#include "udpecho/confinement.h"

#include <assert.h>
#include <errno.h>
#include <sys/resource.h>
#include <unistd.h>

#if defined(__linux__)
#include <sys/prctl.h>
#endif

#include "os/main_thread.h"
#include "os/posix/sanitizer.h"

/* What has failed last, and why. */
typedef struct failure {
    const char *step;
    apr_status_t status;
} failure_t;

static void note(failure_t *failure, const char *step, int result)
{
    if (result != 0) {
        *failure = (failure_t){step, errno};
    }
}

/* A core dump would hold other people's datagrams. One that is piped to a program ignores the limit
 * (core(5)). */
static void disable_core_dumps(failure_t *failure)
{
    static const struct rlimit none = {0, 0};

    note(failure, "disable core dumps by RLIMIT_CORE", setrlimit(RLIMIT_CORE, &none));
#if defined(__linux__)
    note(failure, "disable core dumps by PR_SET_DUMPABLE", prctl(PR_SET_DUMPABLE, 0, 0, 0, 0));
#endif
}

/* All sockets are there but connections; the one file more is the configuration, while it is read
 * again. */
static void keep_descriptors(failure_t *failure, unsigned connections)
{
    int next = dup(STDIN_FILENO); /* the lowest number that is free */

    if (next < 0) {
        note(failure, "find the highest descriptor", next);
        return;
    }
    rlim_t end = (rlim_t)next + 1 + connections;
    struct rlimit files = {end, end};

    close(next);
    note(failure, "allow no more descriptors by RLIMIT_NOFILE", setrlimit(RLIMIT_NOFILE, &files));
}

apr_status_t limits_lower(const sandbox_needs_t *needs, const char **step)
{
    assert(is_main_thread());

    static const struct rlimit none = {0, 0};
    failure_t failure = {NULL, APR_SUCCESS};

    if (HAS_SANITIZER) {
        return APR_SUCCESS;
    }
    disable_core_dumps(&failure);
    /* All threads are there, and there will be no process. It does not hold for root. */
    note(&failure, "allow no process by RLIMIT_NPROC", setrlimit(RLIMIT_NPROC, &none));
    /* Where sockets are handed over the limit stays, since it also limits how many all processes of
     * this user may have on their way to others (ETOOMANYREFS of unix(7)). */
    if (!needs->opens_listeners && !needs->hands_over) {
        keep_descriptors(&failure, needs->connections);
    }
    *step = failure.step;
    return failure.status;
}
