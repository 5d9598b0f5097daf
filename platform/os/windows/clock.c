#include "udpecho/clock.h"

apr_time_t clock_now(void)
{
    LARGE_INTEGER frequency;
    LARGE_INTEGER ticks;

    QueryPerformanceFrequency(&frequency);
    QueryPerformanceCounter(&ticks);
    /* Whole seconds by themselves: a million times all ticks would overflow within days. */
    apr_time_t seconds = ticks.QuadPart / frequency.QuadPart;
    apr_time_t rest = ticks.QuadPart % frequency.QuadPart;

    return apr_time_from_sec(seconds) + rest * APR_USEC_PER_SEC / frequency.QuadPart;
}

void clock_pause(apr_interval_time_t time)
{
    Sleep((DWORD)((time + 999) / 1000));
}
