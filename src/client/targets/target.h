#ifndef UDPECHO_TARGET_H
#define UDPECHO_TARGET_H

/* One target: which of its addresses are asked, and when its name is looked up again. A part of
 * targets.c. One thread. */

#include "client/core/phases.h"
#include "client/destination.h"
#include "client/targets/target_list.h"

/* An address that is asked, or that was until it was asked as often as the user wants. */
typedef struct asked asked_t;

/* Why an address cannot be asked. */
typedef struct target_failure {
    apr_status_t status;
    const char *error; /* the same as a sentence; it lives as long as the pool of the address */
} target_failure_t;

/* How addresses are asked; all are called by the thread of the targets. */
typedef struct target_actions {
    /* Begins to ask an address: the first datagram leaves at `begin`. `former` is the address in
     * whose place it is asked, NULL if there is none. `asked` stands for it in target_ended(),
     * until which `name` and `pool` live. Returns what finish() takes, or NULL with `failure` set.
     */
    void *(*begin)(void *context, const target_name_t *name, const destination_t *destination,
                   const endpoint_t *former, apr_time_t begin, asked_t *asked,
                   target_failure_t *failure, apr_pool_t *pool);
    /* Asks it no longer. target_ended() is called later. */
    void (*finish)(void *context, void *peer);
    /* The target's name cannot be looked up, or, with `is_found`, its address cannot be asked.
     * `peer` is one that is asked still, NULL if there is none. */
    void (*tell_failure)(void *context, const target_name_t *name, void *peer, int is_found,
                         apr_status_t status);
    /* The run is over, and the target was never asked; as tell_failure(), but APR_SUCCESS if no
     * lookup came to an end. */
    void (*tell_not_asked)(void *context, const target_name_t *name, int is_found,
                           apr_status_t status);
    void *context;
} target_actions_t;

/* What the targets of a set share. */
typedef struct target_rules {
    const destination_rules_t *destinations;
    target_actions_t actions;
    int all_addresses;                    /* 0: one of each target */
    apr_interval_time_t resolve_interval; /* 0: a name that was found is not looked up again */
    apr_interval_time_t retry_interval;   /* after a failure */
    phases_t phases;
    apr_time_t origin; /* has phase 0 */
    int has_begun;     /* 0: failures are not told yet, since they may end the run */
} target_rules_t;

#define TARGET_NEVER APR_INT64_MAX

typedef struct target {
    target_name_t name;
    target_rules_t *rules;
    asked_t *asked;            /* linked: the addresses that were found last */
    unsigned finishing;        /* addresses that are asked no longer, and have not ended */
    apr_interval_time_t phase; /* of the first address */
    int has_phase;             /* it is not asked yet */
    int is_looked_up;          /* a lookup is under way */
    int is_found;              /* it was once */
    int is_listed;             /* the user wants it asked */
    apr_time_t next_lookup;    /* TARGET_NEVER: none */
    apr_status_t failure;      /* of the last lookup; APR_SUCCESS: none */
    int fails_to_ask;          /* that was no failure to look up, but to ask an address */
    apr_pool_t *pool;
} target_t;

/* A target to look up at `now`; it has taken `phase`. Lives until target_remove() has given it
 * back, in a pool of its own below `pool`. */
target_t *target_create(const target_name_t *name, target_rules_t *rules, apr_interval_time_t phase,
                        apr_time_t now, apr_pool_t *pool);

/* Asks, from `now` on, those of the addresses `found` that are wanted, and no others any longer; an
 * address for which none can be asked in its place stays. Returns NULL, or the first error as a
 * sentence from `scratch`, which is told too. */
const char *target_found(target_t *target, apr_sockaddr_t *found, apr_time_t now,
                         apr_pool_t *scratch);

/* The same for addresses that were chosen already, an array of destination_t. */
const char *target_ask(target_t *target, const apr_array_header_t *chosen, apr_time_t now,
                       apr_pool_t *scratch);

/* The lookup failed at `now`, or, with `fails_to_ask`, an address cannot be asked: those that are
 * asked stay as they are. */
void target_fail(target_t *target, int fails_to_ask, apr_status_t status, apr_time_t now);

/* Tells of the last failure, if the last lookup failed. */
void target_tell_failure(const target_t *target);

/* The user wants it asked no longer. It goes once its addresses have ended and no lookup is under
 * way. */
void target_remove(target_t *target);

/* The lookup of a target came back, or its last address ended, after target_remove(). */
void target_release(target_t *target);

/* An address ended. */
void target_ended(asked_t *asked);

#endif
