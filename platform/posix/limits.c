#include "confined.h"

#include <sys/resource.h>
#include <unistd.h>

/* To lower a limit is always allowed. */
void limits_lower(const sandbox_needs_t *needs)
{
    static const struct rlimit none = {0, 0};
    int next = needs->opens_listeners ? -1 : dup(STDIN_FILENO); /* the lowest number that is free */

    /* A core dump would hold other people's datagrams. */
    setrlimit(RLIMIT_CORE, &none);
    /* All threads are there, and there will be no process. It does not hold for root. */
    setrlimit(RLIMIT_NPROC, &none);
    /* All sockets are there but connections, that of a successor too; the one file more is the
     * configuration, while it is read again. */
    if (next >= 0) {
        rlim_t end = (rlim_t)next + 1 + needs->connections + (needs->hands_over != 0);
        struct rlimit files = {end, end};

        close(next);
        setrlimit(RLIMIT_NOFILE, &files);
    }
}
