#include "udpecho/host.h"

#include <poll.h>
#include <time.h>

apr_time_t clock_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return apr_time_from_sec(now.tv_sec) + now.tv_nsec / 1000;
}

void clock_pause(apr_interval_time_t time)
{
    poll(NULL, 0, (int)((time + 999) / 1000));
}
