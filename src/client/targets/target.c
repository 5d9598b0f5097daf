#include "client/targets/target.h"

#include <apr_strings.h>
#include <assert.h>

#include "common/memory.h"

struct asked {
    target_t *target;
    endpoint_t endpoint;
    apr_interval_time_t phase; /* which is no longer its own when it is finishing */
    void *peer;                /* NULL: it ended by itself */
    int is_finishing;
    int is_wanted; /* it is among the addresses that were found at last */
    asked_t *next;
    apr_pool_t *pool; /* of this and of the peer */
};

/* What is told where a name has addresses, but none that the user wants to ask. */
#define NOTHING_TO_ASK APR_EAFNOSUPPORT

/* ---- Targets ---- */

target_t *target_create(const target_name_t *name, target_rules_t *rules, apr_interval_time_t phase,
                        apr_time_t now, apr_pool_t *pool)
{
    apr_pool_t *own = memory_pool(pool);
    target_t *target = apr_palloc(own, sizeof *target);
    const address_t *address = &name->address;

    *target = (target_t){.rules = rules,
                         .phase = phase,
                         .has_phase = 1,
                         .is_listed = 1,
                         .next_lookup = now,
                         .pool = own};
    target->name = (target_name_t){.text = apr_pstrdup(own, name->text),
                                   .key = apr_pstrdup(own, name->key),
                                   .address = {.host = apr_pstrdup(own, address->host),
                                               .scope = apr_pstrdup(own, address->scope),
                                               .device = apr_pstrdup(own, address->device),
                                               .port = address->port}};
    return target;
}

void target_release(target_t *target)
{
    if (!target->is_listed && target->finishing == 0 && !target->is_looked_up) {
        apr_pool_destroy(target->pool);
    }
}

/* ---- Addresses that are asked ---- */

/* Takes one out of the target's list and asks it no longer. */
static void finish(target_t *target, asked_t **place)
{
    asked_t *asked = *place;

    *place = asked->next;
    if (asked->peer == NULL) {
        apr_pool_destroy(asked->pool);
        return;
    }
    asked->is_finishing = 1;
    target->finishing++;
    target->rules->actions.finish(target->rules->actions.context, asked->peer);
}

void target_ended(asked_t *asked)
{
    target_t *target = asked->target;

    if (!asked->is_finishing) {
        asked->peer = NULL;
        return;
    }
    target->finishing--;
    apr_pool_destroy(asked->pool);
    target_release(target);
}

void target_remove(target_t *target)
{
    while (target->asked != NULL) {
        phases_remove(&target->rules->phases, target->asked->phase);
        finish(target, &target->asked);
    }
    if (target->has_phase) {
        phases_remove(&target->rules->phases, target->phase);
    }
    target->is_listed = 0;
    target_release(target);
}

static int is_asked(const target_t *target, const destination_t *destination)
{
    endpoint_t endpoint = endpoint_of(destination->peer);

    for (const asked_t *asked = target->asked; asked != NULL; asked = asked->next) {
        if (endpoint_equal(&asked->endpoint, &endpoint)) {
            return 1;
        }
    }
    return 0;
}

static int is_among(const endpoint_t *endpoint, const apr_array_header_t *chosen)
{
    for (int i = 0; i < chosen->nelts; i++) {
        endpoint_t each = endpoint_of(APR_ARRAY_IDX(chosen, i, destination_t).peer);

        if (endpoint_equal(&each, endpoint)) {
            return 1;
        }
    }
    return 0;
}

/* Once for all of them: a name may have thousands of addresses, and others each time. */
static void mark_wanted(target_t *target, const apr_array_header_t *chosen)
{
    for (asked_t *asked = target->asked; asked != NULL; asked = asked->next) {
        asked->is_wanted = is_among(&asked->endpoint, chosen);
    }
}

/* The place of the first that is not among the chosen ones, NULL if all are. */
static asked_t **find_unwanted(target_t *target)
{
    for (asked_t **place = &target->asked; *place != NULL; place = &(*place)->next) {
        if (!(*place)->is_wanted) {
            return place;
        }
    }
    return NULL;
}

static apr_interval_time_t phase_for(const target_t *target, asked_t *const *former)
{
    return former != NULL      ? (*former)->phase
           : target->has_phase ? target->phase
                               : phases_add(&target->rules->phases);
}

static void *peer_of(const target_t *target)
{
    return target->asked != NULL ? target->asked->peer : NULL;
}

void target_tell_failure(const target_t *target)
{
    const target_actions_t *actions = &target->rules->actions;

    if (target->failure != APR_SUCCESS) {
        actions->tell_failure(actions->context, &target->name, peer_of(target),
                              target->fails_to_ask, target->failure);
    }
}

void target_fail(target_t *target, int fails_to_ask, apr_status_t status, apr_time_t now)
{
    target->fails_to_ask = fails_to_ask;
    target->next_lookup = now + target->rules->retry_interval;
    target->failure = status;
    if (target->rules->has_begun) {
        target_tell_failure(target);
    }
}

/* Asks one more address, in the place of the former if there is one. Returns NULL, or the error. */
static const char *add(target_t *target, const destination_t *destination, asked_t **former,
                       apr_time_t now, apr_pool_t *scratch)
{
    target_rules_t *rules = target->rules;
    apr_pool_t *pool = memory_pool(target->pool);
    asked_t *asked = apr_palloc(pool, sizeof *asked);
    apr_interval_time_t phase = phase_for(target, former);
    target_failure_t failure = {.status = APR_EGENERAL};

    *asked = (asked_t){.target = target,
                       .endpoint = endpoint_of(destination->peer),
                       .phase = phase,
                       .is_wanted = 1,
                       .pool = pool};
    asked->peer = rules->actions.begin(rules->actions.context, &target->name, destination,
                                       former != NULL ? &(*former)->endpoint : NULL,
                                       phases_next(&rules->phases, phase, rules->origin, now),
                                       asked, &failure, pool);
    if (asked->peer == NULL) {
        const char *error = apr_pstrdup(scratch, failure.error);

        if (former == NULL && !target->has_phase) {
            phases_remove(&rules->phases, phase);
        }
        apr_pool_destroy(pool);
        target_fail(target, 1, failure.status, now);
        return error;
    }
    if (former != NULL) {
        finish(target, former);
    } else {
        target->has_phase = 0; /* the address has it, or one of its own */
    }
    asked->next = target->asked;
    target->asked = asked;
    return NULL;
}

/* It was asked as often as the user wants. */
static int is_done(const target_t *target)
{
    const asked_t *asked = target->asked;

    while (asked != NULL && asked->peer == NULL) {
        asked = asked->next;
    }
    return target->asked != NULL && asked == NULL;
}

const char *target_ask(target_t *target, const apr_array_header_t *chosen, apr_time_t now,
                       apr_pool_t *scratch)
{
    apr_interval_time_t interval = target->rules->resolve_interval;
    const char *first_error = NULL;
    asked_t **unwanted;

    target->next_lookup =
        interval > 0 && address_is_name(&target->name.address) ? now + interval : TARGET_NEVER;
    target->failure = APR_SUCCESS;
    if (is_done(target)) {
        target->next_lookup = TARGET_NEVER;
        return NULL;
    }
    mark_wanted(target, chosen);
    for (int i = 0; i < chosen->nelts; i++) {
        const destination_t *destination = &APR_ARRAY_IDX(chosen, i, destination_t);

        if (!is_asked(target, destination)) {
            const char *error = add(target, destination, find_unwanted(target), now, scratch);

            first_error = first_error == NULL ? error : first_error;
        }
    }
    while (first_error == NULL && (unwanted = find_unwanted(target)) != NULL) {
        phases_remove(&target->rules->phases, (*unwanted)->phase);
        finish(target, unwanted);
    }
    target->is_found |= target->asked != NULL;
    return first_error;
}

/* An address that is asked already stays, so that a name service that gives its answers in turns
 * changes nothing. */
static void keep_one(const target_t *target, apr_array_header_t *chosen)
{
    for (int i = 1; i < chosen->nelts; i++) {
        const destination_t *destination = &APR_ARRAY_IDX(chosen, i, destination_t);

        if (is_asked(target, destination)) {
            APR_ARRAY_IDX(chosen, 0, destination_t) = *destination;
        }
    }
    chosen->nelts = 1;
}

const char *target_found(target_t *target, apr_sockaddr_t *found, apr_time_t now,
                         apr_pool_t *scratch)
{
    apr_array_header_t *chosen;
    const char *error =
        destination_choose(&chosen, found, target->name.text, target->rules->destinations, scratch);

    if (error != NULL) {
        target_fail(target, 0, NOTHING_TO_ASK, now);
        return error;
    }
    if (!target->rules->all_addresses) {
        keep_one(target, chosen);
    }
    return target_ask(target, chosen, now, scratch);
}
