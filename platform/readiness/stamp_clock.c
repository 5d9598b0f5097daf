#include "readiness/stamp_clock.h"

#include "udpecho/clock.h"

/* Below this nobody sets a clock, and this much a reading may be off for reasons of its own. */
#define STEP_MIN_US 1000

/* How often to read the clocks anew, if the process was held up between the two. */
#define READINGS_MAX        4
#define UNCERTAINTY_GOOD_US 20

stamp_clock_t stamp_clock_begin(apr_time_t wall_clock, apr_time_t now,
                                apr_interval_time_t uncertainty)
{
    return (stamp_clock_t){
        .wall_clock = wall_clock, .now = now, .since = now, .uncertainty = uncertainty};
}

void stamp_clock_read(stamp_clock_t *clock, apr_time_t wall_clock, apr_time_t now,
                      apr_interval_time_t uncertainty)
{
    apr_interval_time_t step = (wall_clock - clock->wall_clock) - (now - clock->now);
    apr_interval_time_t doubt = clock->uncertainty + uncertainty + STEP_MIN_US;

    if (step > doubt || step < -doubt) {
        clock->since = now;
    }
    clock->wall_clock = wall_clock;
    clock->now = now;
    clock->uncertainty = uncertainty;
}

apr_time_t stamp_clock_time(const stamp_clock_t *clock, apr_time_t stamp)
{
    apr_time_t at = clock->now - (clock->wall_clock - stamp);

    return at >= clock->since && at <= clock->now ? at : clock->now;
}

/* Reads both clocks as close to each other as they can be read; returns how close that is. The wall
 * clock is read first: an arrival may look late, but not early. */
static apr_interval_time_t read_clocks(apr_time_t *wall_clock, apr_time_t *now)
{
    apr_interval_time_t uncertainty = APR_INT64_MAX;

    for (unsigned i = 0; i < READINGS_MAX && uncertainty > UNCERTAINTY_GOOD_US; i++) {
        apr_time_t before = clock_now();

        *wall_clock = apr_time_now();
        *now = clock_now();
        uncertainty = *now - before;
    }
    return uncertainty;
}

stamp_clock_t stamp_clock_begin_here(void)
{
    apr_time_t wall_clock, now;
    apr_interval_time_t uncertainty = read_clocks(&wall_clock, &now);

    return stamp_clock_begin(wall_clock, now, uncertainty);
}

void stamp_clock_read_here(stamp_clock_t *clock)
{
    apr_time_t wall_clock, now;
    apr_interval_time_t uncertainty = read_clocks(&wall_clock, &now);

    stamp_clock_read(clock, wall_clock, now, uncertainty);
}
