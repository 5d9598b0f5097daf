#include "client/targets/targets.h"

#include <apr_strings.h>
#include <assert.h>
#include <stdatomic.h>

#include "client/failure.h"
#include "common/memory.h"

/* How soon what failed is tried again, at most. */
#define RETRY_INTERVAL_US (10 * APR_USEC_PER_SEC)

/* How many lookups to begin or to take the answers of at a time. Each may open a socket, and what
 * is due to be sent to others must not wait for thousands of these. */
#define BATCH 16

struct targets {
    targets_options_t options;
    target_rules_t rules;
    resolver_t *resolver;
    apr_array_header_t *all;          /* of target_t *, in the order of the user's list */
    apr_hash_t *by_key;               /* the same */
    _Atomic(target_list_t *) pending; /* the user's next list; NULL: none */
    target_list_t *list;              /* whose targets are added; NULL: all are */
    int next_name;                    /* in that */
    int is_first_list;
    const destination_t *known; /* of the only target; NULL: not known */
    atomic_uint count;          /* of them */
    const char *first_error;    /* of the first targets, as a sentence; NULL: none */
    int has_failed;             /* options.fail() was called, and the run is over */
    apr_pool_t *pool;
};

apr_status_t targets_create(targets_t **targets, const targets_options_t *options, apr_pool_t *pool)
{
    targets_t *created = apr_pcalloc(pool, sizeof *created);
    apr_interval_time_t resolve = options->resolve_interval;
    const resolver_options_t resolver = {
        .look_up = options->look_up, .wake = options->wake, .context = options->context};

    created->options = *options;
    created->rules = (target_rules_t){
        .destinations = options->destinations,
        .actions = options->actions,
        .all_addresses = options->all_addresses,
        .resolve_interval = resolve,
        .retry_interval = resolve > 0 && resolve < RETRY_INTERVAL_US ? resolve : RETRY_INTERVAL_US,
        .phases = phases_create(options->interval, pool),
        .origin = TARGET_NEVER};
    created->all = apr_array_make(pool, 8, sizeof(target_t *));
    created->by_key = apr_hash_make(pool);
    atomic_init(&created->pending, NULL);
    created->pool = pool;
    *targets = created;
    return resolver_create(&created->resolver, &resolver, pool);
}

static target_t *target_at(const targets_t *targets, int index)
{
    return APR_ARRAY_IDX(targets->all, index, target_t *);
}

/* ---- Lookups ---- */

/* Takes at most BATCH of them. Returns how many. */
static unsigned take_answers(targets_t *targets, apr_time_t now)
{
    lookup_t *lookup;
    unsigned count = 0;

    while (count < BATCH && (lookup = resolver_take(targets->resolver)) != NULL) {
        target_t *target = lookup->asker;

        target->is_looked_up = 0;
        if (!target->is_listed) {
            target_release(target);
        } else if (lookup->status != APR_SUCCESS) {
            target_fail(target, 0, lookup->status, now);
        } else {
            target_found(target, lookup->list, now, lookup->pool);
        }
        apr_pool_destroy(lookup->pool);
        count++;
    }
    return count;
}

static const char *not_found(const target_name_t *name, apr_status_t status, apr_pool_t *pool)
{
    return apr_psprintf(pool, "%s: %s", name->text, cannot("find it", status, pool));
}

/* An address needs no name service. */
static const char *take_address(target_t *target, apr_time_t now, apr_pool_t *scratch)
{
    apr_sockaddr_t *found;
    apr_status_t status = address_resolve(&found, &target->name.address, scratch);

    if (status != APR_SUCCESS) {
        target_fail(target, 1, status, now);
        return not_found(&target->name, status, scratch);
    }
    return target_found(target, found, now, scratch);
}

const char *targets_check(const target_list_t *list, const destination_rules_t *destinations)
{
    const char *error = NULL;

    for (int i = 0; i < list->names->nelts && error == NULL; i++) {
        const target_name_t *name = &APR_ARRAY_IDX(list->names, i, target_name_t);
        apr_array_header_t *chosen;
        apr_sockaddr_t *found;

        if (!address_is_name(&name->address) &&
            address_resolve(&found, &name->address, list->pool) == APR_SUCCESS) {
            error = destination_choose(&chosen, found, name->text, destinations, list->pool);
        }
    }
    return error;
}

static const char *take_known(targets_t *targets, target_t *target, apr_time_t now,
                              apr_pool_t *scratch)
{
    apr_array_header_t *chosen = apr_array_make(scratch, 1, sizeof(destination_t));

    APR_ARRAY_PUSH(chosen, destination_t) = *targets->known;
    targets->known = NULL;
    return target_ask(target, chosen, now, scratch);
}

/* Returns NULL, or what is wrong with an address as a sentence from `scratch`. */
static const char *look_up(targets_t *targets, target_t *target, apr_time_t now,
                           apr_pool_t *scratch)
{
    if (targets->known != NULL) {
        return take_known(targets, target, now, scratch);
    }
    if (!address_is_name(&target->name.address)) {
        return take_address(target, now, scratch);
    }
    target->is_looked_up = 1;
    target->next_lookup = TARGET_NEVER;
    resolver_ask(targets->resolver, &target->name.address, target);
    return NULL;
}

/* Looks up those that are due, at most BATCH. Returns how many; `error` is the first error, from
 * `scratch`. */
static unsigned look_up_due(targets_t *targets, apr_time_t now, const char **error,
                            apr_pool_t *scratch)
{
    unsigned count = 0;

    *error = NULL;
    for (int i = 0; i < targets->all->nelts && count < BATCH; i++) {
        target_t *target = target_at(targets, i);

        if (target->next_lookup <= now) {
            const char *what = look_up(targets, target, now, scratch);

            *error = *error == NULL ? what : *error;
            count++;
        }
    }
    return count;
}

/* ---- The user's list ---- */

static void remove_gone(targets_t *targets, const target_list_t *list)
{
    int kept = 0;

    for (int i = 0; i < targets->all->nelts; i++) {
        target_t *target = target_at(targets, i);

        if (apr_hash_get(list->keys, target->name.key, APR_HASH_KEY_STRING) != NULL) {
            APR_ARRAY_IDX(targets->all, kept++, target_t *) = target;
        } else {
            apr_hash_set(targets->by_key, target->name.key, APR_HASH_KEY_STRING, NULL);
            target_remove(target);
        }
    }
    targets->all->nelts = kept;
}

static void add(targets_t *targets, const target_name_t *name, apr_interval_time_t phase,
                apr_time_t now)
{
    target_t *target = target_create(name, &targets->rules, phase, now, targets->pool);

    apr_hash_set(targets->by_key, target->name.key, APR_HASH_KEY_STRING, target);
    APR_ARRAY_PUSH(targets->all, target_t *) = target;
}

/* Adds the next new targets of the user's list, at most BATCH. */
static void add_new(targets_t *targets, apr_time_t now)
{
    const apr_array_header_t *names = targets->list->names;
    phases_t *phases = &targets->rules.phases;

    for (unsigned added = 0; added < BATCH && targets->next_name < names->nelts;
         targets->next_name++) {
        const target_name_t *name = &APR_ARRAY_IDX(names, targets->next_name, target_name_t);
        unsigned index = (unsigned)targets->next_name;

        if (apr_hash_get(targets->by_key, name->key, APR_HASH_KEY_STRING) == NULL) {
            add(targets, name,
                targets->is_first_list ? phases_add_even(phases, index, (unsigned)names->nelts)
                                       : phases_add(phases),
                now);
            added++;
        }
    }
    if (targets->next_name == names->nelts) {
        apr_pool_destroy(targets->list->pool);
        targets->list = NULL;
    }
}

void targets_replace(targets_t *targets, target_list_t *list)
{
    const target_list_t *former = atomic_exchange(&targets->pending, list);

    if (former != NULL) {
        apr_pool_destroy(former->pool);
    }
    targets->options.wake(targets->options.context);
}

void targets_start_with(targets_t *targets, target_list_t *list, const destination_t *known)
{
    assert(list->names->nelts == 1 && targets->rules.origin == TARGET_NEVER);
    targets->known = known;
    targets_replace(targets, list);
}

static void take_list(targets_t *targets, apr_time_t now)
{
    target_list_t *list = atomic_exchange(&targets->pending, NULL);

    if (list == NULL) {
        return;
    }
    if (targets->list != NULL) {
        apr_pool_destroy(targets->list->pool);
    }
    targets->is_first_list = targets->rules.origin == TARGET_NEVER;
    targets->rules.origin = targets->is_first_list ? now : targets->rules.origin;
    remove_gone(targets, list);
    atomic_store(&targets->count, (unsigned)list->names->nelts);
    targets->list = list;
    targets->next_name = 0;
}

/* ---- From outside ---- */

/* Something is asked, or may be once the name service answers. */
static int may_succeed(const targets_t *targets)
{
    for (int i = 0; i < targets->all->nelts; i++) {
        if (target_at(targets, i)->is_found || target_at(targets, i)->is_looked_up) {
            return 1;
        }
    }
    return 0;
}

/* All of the first targets were looked up, or their lookups are under way. */
static void begin(targets_t *targets)
{
    if (targets->first_error != NULL && !may_succeed(targets)) {
        targets->has_failed = 1;
        targets->options.fail(targets->options.context, targets->first_error);
        return;
    }
    targets->rules.has_begun = 1;
    for (int i = 0; i < targets->all->nelts; i++) {
        target_tell_failure(target_at(targets, i));
    }
}

/* Returns non-zero if there may be more to do at once. */
static int do_due(targets_t *targets, apr_time_t now)
{
    apr_pool_t *scratch = memory_pool(targets->pool);
    const char *error;

    if (targets->list != NULL) {
        add_new(targets, now);
    }
    int has_more = look_up_due(targets, now, &error, scratch) == BATCH || targets->list != NULL;

    if (targets->rules.has_begun) {
        has_more |= take_answers(targets, now) == BATCH;
    } else {
        if (error != NULL && targets->first_error == NULL) {
            targets->first_error = apr_pstrdup(targets->pool, error);
        }
        if (!has_more) {
            begin(targets);
            has_more = 1; /* there may be answers */
        }
    }
    apr_pool_destroy(scratch);
    return has_more && !targets->has_failed;
}

apr_time_t targets_run(void *data, apr_time_t now)
{
    targets_t *targets = data;
    apr_time_t next = TARGET_NEVER;

    take_list(targets, now);
    if (!targets->has_failed && do_due(targets, now)) {
        return now;
    }
    for (int i = 0; i < targets->all->nelts && !targets->has_failed; i++) {
        apr_time_t due = target_at(targets, i)->next_lookup;

        next = due < next ? due : next;
    }
    return next;
}

int targets_is_pending(void *data)
{
    targets_t *targets = data;

    if (targets->options.is_endless || atomic_load(&targets->pending) != NULL ||
        targets->list != NULL || !targets->rules.has_begun) {
        return !targets->has_failed;
    }
    for (int i = 0; i < targets->all->nelts; i++) {
        if (!target_at(targets, i)->is_found && target_at(targets, i)->is_looked_up) {
            return 1;
        }
    }
    return 0;
}

unsigned targets_count(const targets_t *targets)
{
    return atomic_load(&targets->count);
}

/* Those of the user's list that the run ended too early to add. */
static unsigned tell_not_added(const targets_t *targets)
{
    const target_actions_t *actions = &targets->rules.actions;
    unsigned count = 0;

    for (int i = targets->next_name; targets->list != NULL && i < targets->list->names->nelts;
         i++) {
        const target_name_t *name = &APR_ARRAY_IDX(targets->list->names, i, target_name_t);

        if (apr_hash_get(targets->by_key, name->key, APR_HASH_KEY_STRING) == NULL) {
            actions->tell_not_asked(actions->context, name, 0, APR_SUCCESS);
            count++;
        }
    }
    return count;
}

unsigned targets_tell_not_asked(const targets_t *targets)
{
    const target_actions_t *actions = &targets->rules.actions;
    unsigned count = 0;

    for (int i = 0; i < targets->all->nelts; i++) {
        const target_t *target = target_at(targets, i);

        if (!target->is_found) {
            actions->tell_not_asked(actions->context, &target->name, target->fails_to_ask,
                                    target->failure);
            count++;
        }
    }
    return count + tell_not_added(targets);
}

void targets_close(targets_t *targets)
{
    resolver_close(targets->resolver);
}

int targets_is_held_up(const targets_t *targets)
{
    return resolver_is_held_up(targets->resolver);
}
