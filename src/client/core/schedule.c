#include "client/core/schedule.h"

#include <assert.h>

schedule_t schedule_make(unsigned burst, apr_interval_time_t interval, apr_time_t now)
{
    assert(interval == 0 ||
           (burst > 0 && interval > 0 && interval <= ((apr_interval_time_t)1 << 62) / burst));
    return (schedule_t){.burst = burst, .interval = interval, .turn = now};
}

static apr_time_t next_due(const schedule_t *schedule)
{
    return schedule->turn + schedule->index * schedule->interval / schedule->burst;
}

static void go_on(schedule_t *schedule)
{
    if (++schedule->index == schedule->burst) {
        schedule->index = 0;
        schedule->turn += schedule->interval;
    }
}

static void go_back(schedule_t *schedule)
{
    if (schedule->index == 0) {
        schedule->index = schedule->burst;
        schedule->turn -= schedule->interval;
    }
    schedule->index--;
}

/* Misses all that are due before `time`, which is no earlier than the present interval. */
static void miss_before(schedule_t *schedule, apr_time_t time)
{
    apr_interval_time_t passed = time - schedule->turn;
    apr_int64_t turns = passed / schedule->interval;
    apr_int64_t room = passed % schedule->interval * schedule->burst;
    apr_int64_t index = (room + schedule->interval - 1) / schedule->interval; /* rounded up */

    schedule->missed += (apr_uint64_t)(turns * schedule->burst + index - schedule->index);
    schedule->turn += turns * schedule->interval;
    schedule->index = (unsigned)index;
    if (schedule->index == schedule->burst) {
        schedule->index = 0;
        schedule->turn += schedule->interval;
    }
}

apr_time_t schedule_due(schedule_t *schedule, apr_time_t now)
{
    if (schedule->interval == 0) {
        return now;
    }
    if (next_due(schedule) <= now - SCHEDULE_CATCH_UP_US) {
        miss_before(schedule, now - SCHEDULE_CATCH_UP_US + 1);
        if (next_due(schedule) > now) { /* the one before is late, and better late than missed */
            go_back(schedule);
            schedule->missed--;
        }
    }
    return next_due(schedule);
}

void schedule_advance(schedule_t *schedule)
{
    if (schedule->interval > 0) {
        go_on(schedule);
    }
}

void schedule_end(schedule_t *schedule, apr_time_t end)
{
    if (schedule->interval > 0 && next_due(schedule) < end) {
        miss_before(schedule, end);
    }
}
