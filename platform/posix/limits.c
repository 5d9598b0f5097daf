#include "confined.h"

#include <sys/resource.h>
#include <unistd.h>

/* To lower a limit is always allowed. */
void limits_lower(const sandbox_needs_t *needs)
{
    static const struct rlimit none = {0, 0};
    int stays = needs->opens_listeners || needs->hands_over;
    int next = stays ? -1 : dup(STDIN_FILENO); /* the lowest number that is free */

    /* A core dump would hold other people's datagrams. */
    setrlimit(RLIMIT_CORE, &none);
    /* All threads are there, and there will be no process. It does not hold for root. */
    setrlimit(RLIMIT_NPROC, &none);
    /* All sockets are there but connections; the one file more is the configuration, while it is
     * read again. Where sockets are handed over it stays, since it also limits how many all
     * processes of this user may have on their way to others (ETOOMANYREFS of unix(7)). */
    if (next >= 0) {
        rlim_t end = (rlim_t)next + 1 + needs->connections;
        struct rlimit files = {end, end};

        close(next);
        setrlimit(RLIMIT_NOFILE, &files);
    }
}
