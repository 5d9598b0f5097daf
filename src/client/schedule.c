#include "schedule.h"

schedule_t schedule_make(unsigned burst, apr_interval_time_t interval, apr_time_t now)
{
    return (schedule_t){.burst = burst, .interval = interval, .turn = now};
}

apr_time_t schedule_due(schedule_t *schedule, apr_time_t now)
{
    if (schedule->interval == 0) {
        return now;
    }
    apr_time_t due = schedule->turn + schedule->index * schedule->interval / schedule->burst;

    if (due <= now - SCHEDULE_CATCH_UP_US) {
        apr_interval_time_t behind = now - SCHEDULE_CATCH_UP_US + 1 - due;

        schedule->turn += behind;
        due += behind;
    }
    return due;
}

void schedule_advance(schedule_t *schedule)
{
    if (schedule->interval > 0 && ++schedule->index == schedule->burst) {
        schedule->index = 0;
        schedule->turn += schedule->interval;
    }
}
