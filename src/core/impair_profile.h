#ifndef UDPECHO_IMPAIR_PROFILE_H
#define UDPECHO_IMPAIR_PROFILE_H

/*
 * What --impair does to replies, as a network would, and which replies meet it. A decision is a
 * function of the profile, its seed and the number of the reply alone, so that the same arrivals
 * meet the same decisions in every run and on every system. Plain data and pure functions; any
 * thread.
 */

#include <apr_network_io.h>
#include <apr_time.h>

#include "common/cidr.h"

/* What is done to a reply. Those before IMPAIR_CHANCES happen by chance, or to every Nth reply; the
 * last three lose replies that were to be delayed. */
typedef enum impairment {
    IMPAIR_DROP,
    IMPAIR_DUPLICATE,
    IMPAIR_REORDER, /* held until another reply to the same peer has overtaken it */
    IMPAIR_CORRUPT, /* one bit of the payload is inverted */
    IMPAIR_CHANCES,
    IMPAIR_DELAY = IMPAIR_CHANCES,
    IMPAIR_QUEUE,  /* dropped: the queue of the rate is full */
    IMPAIR_BUFFER, /* dropped: --impair-buffer has no room for its copy */
    IMPAIR_END,    /* dropped: its delay did not end before the worker or its listener did */
    IMPAIRMENTS
} impairment_t;

/* How often something happens: to every Nth reply if `every` is not 0, otherwise by chance. */
typedef struct impair_chance {
    apr_uint32_t millionths;
    apr_uint32_t every;
} impair_chance_t;

#define IMPAIR_CERTAIN 1000000 /* millionths */

/* The longest delay and the largest jitter: products of them with 64-bit numbers must not overflow.
 */
#define IMPAIR_DELAY_MAX_US (60 * APR_USEC_PER_SEC)

#define IMPAIR_QUEUE_DEFAULT (64 << 10)

/* The largest rate, bits per second. */
#define IMPAIR_RATE_MAX APR_INT64_C(1000000000000)

typedef struct impair_profile {
    cidr_t from;     /* the peers whose replies it is for */
    int is_for_all;  /* of both families; `from` is not set */
    apr_port_t port; /* of the listeners that it is for; 0: all */
    apr_uint64_t seed;
    impair_chance_t chance[IMPAIR_CHANCES];
    apr_interval_time_t delay;  /* microseconds; 0: none */
    apr_interval_time_t jitter; /* at most `delay`: half the range if uniform, otherwise the
                                 * standard deviation */
    int is_normal;              /* how the jitter is distributed; otherwise uniform */
    apr_int64_t rate;           /* bits of payload per second; 0: without limit */
    apr_int64_t queue;          /* bytes of payload that may wait for the rate */
    const struct impair_schedule *schedule; /* what is done instead; NULL: the same at all times */
} impair_profile_t;

typedef struct impair_decision {
    int does[IMPAIR_CHANCES]; /* a reply that is dropped meets nothing else */
    apr_interval_time_t delay;
    apr_uint64_t corrupt_bit; /* which bit it is, modulo those of the payload */
} impair_decision_t;

/* What happens to reply number `number`, from 1, of a profile. */
void impair_decide(impair_decision_t *decision, const impair_profile_t *profile,
                   apr_uint64_t number);

#endif
