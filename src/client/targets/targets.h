#ifndef UDPECHO_TARGETS_H
#define UDPECHO_TARGETS_H

/*
 * The set of all targets: which addresses are asked, when names are looked up, and what changes
 * when the user has other targets. It never waits for a name service. All functions are for the
 * thread that asks, or for any thread while that does not run, unless they say otherwise.
 */

#include "client/targets/resolver.h"
#include "client/targets/target.h"

typedef struct targets targets_t;

typedef struct targets_options {
    const destination_rules_t *destinations; /* by which addresses are judged */
    target_actions_t actions;
    int all_addresses;                    /* all of each name are asked; 0: one */
    apr_interval_time_t interval;         /* in which each address is asked once, microseconds */
    apr_interval_time_t resolve_interval; /* after which a name that was found is looked up again,
                                           * microseconds; 0: never */
    int is_endless;                       /* targets may come at any time */

    /* Looks a name up: see resolver_options_t. */
    apr_status_t (*look_up)(apr_sockaddr_t **list, const address_t *address, apr_pool_t *pool);

    /* Has the thread that asks call targets_run(): any thread calls it. */
    void (*wake)(void *context);

    /* None of the first targets can be asked, and none is a name that is looked up. `error` is what
     * is wrong with the first one as a sentence. */
    void (*fail)(void *context, const char *error);

    void *context; /* of both */
} targets_options_t;

/* An empty set; it lives as long as `pool`, which no other thread uses. Errors: those of
 * resolver_create(). */
apr_status_t targets_create(targets_t **targets, const targets_options_t *options,
                            apr_pool_t *pool);

/* From the next targets_run() on, these are the targets: what is asked already is not disturbed.
 * The list's pool is destroyed then; it must not be below that of the set. Any thread. */
void targets_replace(targets_t *targets, target_list_t *list);

/* The same for a single target whose address is known. Only before the first targets_run(). */
void targets_start_with(targets_t *targets, target_list_t *list, const destination_t *known);

/* Does what is due at `now`, by clock_now(). Returns when to call it next; it is to be called after
 * options.wake() as well. Tasks of the prober: `data` is the set. */
apr_time_t targets_run(void *data, apr_time_t now);

/* Non-zero if targets_run() may yet begin to ask something. */
int targets_is_pending(void *data);

/* How many targets there are. Any thread. */
unsigned targets_count(const targets_t *targets);

/* Once the run is over: tells of those that were never asked. Returns how many. */
unsigned targets_tell_not_asked(const targets_t *targets);

/* Returns NULL if the user wants all addresses in the list, which need no lookup, or what is wrong
 * with one as a sentence. Names are not looked at, nor are addresses on interfaces that there are
 * not yet. Any thread; memory from the list's pool. */
const char *targets_check(const target_list_t *list, const destination_rules_t *destinations);

/* Calls nothing of the options any more. Does not wait for lookups that are under way. */
void targets_close(targets_t *targets);

/* After targets_close(): as resolver_is_held_up(). */
int targets_is_held_up(const targets_t *targets);

#endif
