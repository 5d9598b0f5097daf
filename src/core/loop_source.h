#ifndef UDPECHO_LOOP_SOURCE_H
#define UDPECHO_LOOP_SOURCE_H

/*
 * Loops whose datagrams are many or have a long way, so that each comes back too seldom to be told
 * from what a client repeats. Part of the loop detector, which knows what a source has sent before.
 *
 * A source that repeats itself more than LOOP_RATE times within a second is tested: what it repeats
 * of one group in LOOP_GROUPS is left unanswered, each payload once. Datagrams of a loop never come
 * back then, while those of the other groups do; a client goes on and sends both. The ways of loops
 * differ in length, so the test waits for repeats, not for time. In a loop, everything that is
 * repeated is then left unanswered once, and the loop is dead. A client is trusted for
 * LOOP_TRUST_US, and then the next group has its turn.
 *
 * The groups are secret: a forger cannot make a client that sends from the same address and port
 * look like a loop without knowing them, and if he guesses he costs it one datagram a payload in
 * LOOP_END_US. A source whose place another one took begins anew, at any of the groups.
 */

#include <apr_time.h>

#define LOOP_RATE     1000
#define LOOP_TRUST_US (10 * APR_USEC_PER_SEC)
#define LOOP_END_US   (3 * APR_USEC_PER_SEC)
#define LOOP_GROUPS   16

typedef enum source_phase {
    SOURCE_WATCHED, /* answered, and its repeats are counted */
    SOURCE_TESTED,  /* one group is not answered, each payload once */
    SOURCE_LOOPING, /* no repeat is answered, each payload once; until LOOP_END_US brought no other
                     */
    SOURCE_TRUSTED  /* answered: it sends what was not answered */
} source_phase_t;

/* An address and port that repeats itself. All zeros is one of which nothing is known. */
typedef struct loop_source {
    apr_uint64_t name; /* its owner's, as is `last` */
    apr_time_t last;
    apr_time_t since;  /* when this phase began */
    unsigned repeats;  /* in this phase; under test: of payloads that came before in it */
    unsigned dropped;  /* payloads, under test */
    unsigned returned; /* of these */
    source_phase_t phase;
    unsigned char round; /* of testing or ending; the `mark` of a payload that came in it */
    unsigned char group; /* under test, or the last that was */
} loop_source_t;

/*
 * Non-zero if a datagram may be answered that the source has sent before. `group` is a number of
 * its payload, as if random; `mark` one that is kept with it, at first 0.
 */
int loop_source_passes(loop_source_t *source, unsigned group, unsigned char *mark, apr_time_t now);

#endif
