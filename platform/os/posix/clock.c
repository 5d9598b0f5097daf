#include "udpecho/clock.h"

#include <time.h>

apr_time_t clock_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return apr_time_from_sec(now.tv_sec) + now.tv_nsec / 1000;
}

void clock_pause(apr_interval_time_t time)
{
    struct timespec left = {.tv_sec = (time_t)apr_time_sec(time),
                            .tv_nsec = (long)apr_time_usec(time) * 1000};

#if defined(__linux__)
    /* What glibc and musl make of nanosleep() is one call or another. */
    clock_nanosleep(CLOCK_MONOTONIC, 0, &left, NULL);
#else
    nanosleep(&left, NULL);
#endif
}
