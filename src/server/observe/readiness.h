#ifndef UDPECHO_READINESS_H
#define UDPECHO_READINESS_H

/*
 * Whether a load balancer should send datagrams to this server. One that is not ready still answers
 * every datagram that it gets.
 */

#include <stdatomic.h>

#include "server/log/log.h"

/* How the workers do. Where several are the case, the first of draining, degraded and stalled. */
typedef enum health {
    HEALTH_OK,
    HEALTH_DEGRADED, /* the last call to receive of a worker is one that failed */
    HEALTH_STALLED, /* a worker did not go round its loop, though it was woken and given a second */
    HEALTH_DRAINING /* it ends, as it was asked to */
} health_t;

/* Where several are the case, the first of draining, lame duck, drained, degraded and stalled. */
typedef enum readiness {
    READINESS_READY,
    READINESS_DEGRADED, /* these three as health_t has them */
    READINESS_STALLED,
    READINESS_DRAINING,
    READINESS_LAME_DUCK, /* it was asked to end, and waits for --lame-duck before it drains */
    READINESS_DRAINED    /* udpechod --drain took it out of service */
} readiness_t;

/* What decides on it besides health; all zero at first. */
typedef struct readiness_source {
    log_t *log; /* of changes; NULL: none */
    atomic_int is_lame_duck;
    atomic_int is_drained;
    atomic_int logged; /* a readiness_t: what the log said last */
} readiness_source_t;

/* What holds for a server in this health. Any thread. */
readiness_t readiness_of(const readiness_source_t *source, health_t health);

/* Logs the readiness that a balancer or an operator is told, if the log said another one last. A
 * server that drains has its own line in the log. Any thread. */
void readiness_log(readiness_source_t *source, readiness_t readiness);

/* "ok", "degraded", "stalled" or "draining". Static; any thread. */
const char *health_name(health_t health);

/* "ready", "degraded", "stalled", "draining", "lame-duck" or "drained". Static; any thread. */
const char *readiness_name(readiness_t readiness);

#endif
