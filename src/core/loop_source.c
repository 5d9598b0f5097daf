#include "core/loop_source.h"

/* So many repeats of answered payloads say that what was not answered had its time to return, too.
 * A client returns with a group in LOOP_GROUPS of these, 34, and is sure to be known by a few. */
#define REPEATS 512
#define RETURNS 3

static void enter(loop_source_t *source, source_phase_t phase, apr_time_t now)
{
    source->phase = phase;
    source->since = now;
    source->repeats = 0;
    source->dropped = 0;
    source->returned = 0;
    if (phase == SOURCE_TESTED) {
        source->group++;
    }
    if (phase == SOURCE_TESTED || phase == SOURCE_LOOPING) {
        source->round++;
    }
}

static void pass_time(loop_source_t *source, apr_time_t now)
{
    static const apr_interval_time_t duration[] = {[SOURCE_WATCHED] = APR_USEC_PER_SEC,
                                                   [SOURCE_TESTED] = APR_INT64_MAX,
                                                   [SOURCE_LOOPING] = LOOP_END_US,
                                                   [SOURCE_TRUSTED] = LOOP_TRUST_US};

    if (now - source->since >= duration[source->phase]) {
        enter(source, SOURCE_WATCHED, now);
    }
}

/* A payload came again under test. Where the group was empty, another one is tried. */
static void judge(loop_source_t *source, int is_of_group, apr_time_t now)
{
    unsigned *count = is_of_group ? &source->returned : &source->repeats;

    ++*count;
    if (source->returned == RETURNS) {
        enter(source, SOURCE_TRUSTED, now);
    } else if (source->repeats == REPEATS) {
        enter(source, source->dropped > 0 ? SOURCE_LOOPING : SOURCE_TESTED, now);
    }
}

int loop_source_passes(loop_source_t *source, unsigned group, unsigned char *mark, apr_time_t now)
{
    pass_time(source, now);

    int is_of_group = group % LOOP_GROUPS == source->group % LOOP_GROUPS;
    int is_first = *mark != source->round;

    *mark = source->round;
    switch (source->phase) {
    case SOURCE_WATCHED:
        if (++source->repeats > LOOP_RATE) {
            enter(source, SOURCE_TESTED, now);
        }
        return 1;
    case SOURCE_TESTED:
        if (is_first) {
            source->dropped += is_of_group ? 1 : 0;
            return !is_of_group;
        }
        judge(source, is_of_group, now);
        return 1;
    case SOURCE_LOOPING:
        source->since = is_first ? now : source->since;
        return !is_first;
    default:
        return 1;
    }
}
