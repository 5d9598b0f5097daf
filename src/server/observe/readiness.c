#include "server/observe/readiness.h"

static const char *const health_names[] = {
    [HEALTH_OK] = "ok",
    [HEALTH_DEGRADED] = "degraded",
    [HEALTH_STALLED] = "stalled",
    [HEALTH_DRAINING] = "draining",
};

readiness_t readiness_of(const readiness_source_t *source, health_t health)
{
    static const readiness_t of_health[] = {
        [HEALTH_OK] = READINESS_READY,
        [HEALTH_DEGRADED] = READINESS_DEGRADED,
        [HEALTH_STALLED] = READINESS_STALLED,
        [HEALTH_DRAINING] = READINESS_DRAINING,
    };

    if (health == HEALTH_DRAINING) {
        return READINESS_DRAINING;
    }
    return atomic_load(&source->is_lame_duck) ? READINESS_LAME_DUCK
           : atomic_load(&source->is_drained) ? READINESS_DRAINED
                                              : of_health[health];
}

void readiness_log(readiness_source_t *source, readiness_t readiness)
{
    if (source->log == NULL || readiness == READINESS_DRAINING ||
        atomic_exchange(&source->logged, (int)readiness) == (int)readiness) {
        return;
    }
    if (readiness == READINESS_READY) {
        log_end(log_begin(source->log, LOG_LEVEL_INFO, "ready"));
        return;
    }
    int is_fault = readiness == READINESS_DEGRADED || readiness == READINESS_STALLED;
    log_line_t *line =
        log_begin(source->log, is_fault ? LOG_LEVEL_WARNING : LOG_LEVEL_INFO, "not ready");

    log_text(line, "because", readiness_name(readiness));
    log_end(line);
}

const char *health_name(health_t health)
{
    return health_names[health];
}

const char *readiness_name(readiness_t readiness)
{
    static const char *const names[] = {
        [READINESS_READY] = "ready",         [READINESS_DEGRADED] = "degraded",
        [READINESS_STALLED] = "stalled",     [READINESS_DRAINING] = "draining",
        [READINESS_LAME_DUCK] = "lame-duck", [READINESS_DRAINED] = "drained",
    };

    return names[readiness];
}
