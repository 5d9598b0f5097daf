#include "udpecho/clock.h"

#include <time.h>

#if HAVE_CLOCK_ADJTIME || HAVE_NTP_ADJTIME
#include <sys/timex.h>
#endif

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

apr_int64_t clock_wall(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (apr_int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

#if HAVE_CLOCK_ADJTIME || HAVE_NTP_ADJTIME

/* Without a mode nothing is changed, and everybody may ask. */
static int read_discipline(struct timex *discipline)
{
#if HAVE_CLOCK_ADJTIME /* adjtimex() is one call or the other, depending on the C library */
    return clock_adjtime(CLOCK_REALTIME, discipline);
#else
    return ntp_adjtime(discipline);
#endif
}

clock_quality_t clock_quality(void)
{
    struct timex discipline = {.modes = 0};
    int state = read_discipline(&discipline);

    if (state < 0) {
        return (clock_quality_t){0, 0};
    }
    return (clock_quality_t){
        .is_synchronised = state != TIME_ERROR && (discipline.status & STA_UNSYNC) == 0,
        .error_ns = (apr_int64_t)discipline.maxerror * 1000,
    };
}

#else

clock_quality_t clock_quality(void)
{
    return (clock_quality_t){0, 0};
}

#endif
