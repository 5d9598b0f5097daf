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

/* What the clock shows counts in tenths of a microsecond since 1601. */
#define TICK_NS            100
#define TICKS_1601_TO_1970 ((apr_int64_t)116444736000000000)

apr_int64_t clock_wall(void)
{
    FILETIME now;

    GetSystemTimePreciseAsFileTime(&now);
    apr_int64_t ticks = (apr_int64_t)((apr_uint64_t)now.dwHighDateTime << 32 | now.dwLowDateTime);

    return (ticks - TICKS_1601_TO_1970) * TICK_NS;
}

/* Only the time service knows, and it tells people: w32tm /query /status. */
clock_quality_t clock_quality(void)
{
    return (clock_quality_t){0, 0};
}
