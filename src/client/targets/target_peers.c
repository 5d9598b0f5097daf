#include "client/targets/target_peers.h"

#include <apr_strings.h>

#include "client/failure.h"
#include "common/memory.h"
#include "udpecho/clock.h"
#include "udpecho/machine.h"

/* For all that a process has open besides the sockets of its peers. */
#define OTHER_DESCRIPTORS 64

/* ---- What the set has done ---- */

static const char *open_peer(peer_options_t *options, const plan_t *plan, const target_name_t *name,
                             const destination_t *destination, apr_status_t *status,
                             apr_pool_t *pool)
{
    apr_uint64_t count = (apr_uint64_t)plan->settings->count;
    unsigned flow;
    const char *error = plan_add_flow(&flow, plan, destination, name->address.device, status, pool);

    if (error != NULL) {
        return plan->has_several ? apr_pstrcat(pool, name->text, ": ", error, NULL) : error;
    }
    error = plan_peer(options, plan, name->text, destination, flow, count, pool);
    if (error != NULL) {
        flows_remove(plan->flows, flow);
        *status = APR_EGENERAL;
    }
    return error;
}

static void *begin(void *context, const target_name_t *name, const destination_t *destination,
                   const endpoint_t *former, apr_time_t begin, asked_t *asked,
                   target_failure_t *failure, apr_pool_t *pool)
{
    const target_peers_t *peers = context;
    peer_options_t options;

    failure->error = open_peer(&options, peers->plan, name, destination, &failure->status, pool);
    if (failure->error != NULL) {
        return NULL;
    }
    options.begin = begin;
    options.context = asked;
    peer_t *peer = prober_add(peers->prober, &options, pool);

    peer_tell(peer, (event_t){.kind = EVENT_START});
    if (former != NULL) {
        peer_tell(peer, (event_t){.kind = EVENT_ADDRESS, .former = former});
    }
    return peer;
}

static void finish(void *context, void *peer)
{
    const target_peers_t *peers = context;

    prober_finish(peers->prober, peer);
}

static void tell_failure(void *context, const target_name_t *name, void *peer, int is_found,
                         apr_status_t status)
{
    const target_peers_t *peers = context;
    run_t run = plan_run(peers->plan, name->text, (endpoint_t){.length = 0});

    prober_tell(peers->prober, peer != NULL ? &peer_options(peer)->run : &run,
                (event_t){.kind = EVENT_LOOKUP, .is_found = is_found, .status = status});
}

static void tell_not_asked(void *context, const target_name_t *name, int is_found,
                           apr_status_t status)
{
    const target_peers_t *peers = context;
    run_t run = plan_run(peers->plan, name->text, (endpoint_t){.length = 0});

    prober_tell(peers->prober, &run,
                (event_t){.kind = EVENT_NOT_ASKED, .is_found = is_found, .status = status});
}

static void fail(void *context, const char *error)
{
    target_peers_t *peers = context;

    peers->failure = apr_pstrdup(peers->pool, error);
    prober_stop(peers->prober);
}

static void wake(void *context)
{
    const target_peers_t *peers = context;

    flows_wake(peers->plan->flows);
}

void target_peers_ended(const target_peers_t *peers, peer_t *peer)
{
    const peer_options_t *options = peer_options(peer);

    peer_tell_summary(peer, EVENT_SUMMARY, 0, clock_now());
    flows_remove(peers->plan->flows, options->first_flow);
    target_ended(options->context);
}

/* ---- The main thread ---- */

const char *target_peers_open(target_peers_t *peers, const plan_t *plan, apr_pool_t *pool)
{
    const client_settings_t *settings = plan->settings;
    const targets_options_t options = {.destinations = &peers->rules,
                                       .actions = {.begin = begin,
                                                   .finish = finish,
                                                   .tell_failure = tell_failure,
                                                   .tell_not_asked = tell_not_asked,
                                                   .context = peers},
                                       .all_addresses = settings->all_addresses != 0,
                                       .interval = settings->interval,
                                       .resolve_interval = settings->resolve_interval,
                                       .is_endless = settings->count == 0,
                                       .look_up = address_resolve,
                                       .wake = wake,
                                       .fail = fail,
                                       .context = peers};
    const char *error = destination_rules_make(&peers->rules, settings, pool);

    if (error == NULL) {
        error = targets_check(settings->targets, &peers->rules);
    }
    if (error != NULL) {
        return error;
    }
    peers->plan = plan;
    peers->pool = memory_pool(pool);
    peers->parent = pool;
    apr_status_t status = targets_create(&peers->targets, &options, peers->pool);

    peers->task = (prober_task_t){
        .run = targets_run, .is_pending = targets_is_pending, .context = peers->targets};
    return status == APR_SUCCESS ? NULL : cannot("start", status, pool);
}

void target_peers_start(target_peers_t *peers, prober_t *prober, const destination_t *known)
{
    target_list_t *list =
        target_list_copy(peers->plan->settings->targets, memory_pool(peers->parent));
    unsigned allowed;

    peers->prober = prober;
    if (known != NULL) {
        targets_start_with(peers->targets, list, known);
    } else {
        /* Where it may not be raised, socket(2) says so. */
        host_raise_descriptors(FLOWS_MAX + OTHER_DESCRIPTORS, &allowed);
        targets_replace(peers->targets, list);
    }
}

const char *target_peers_reload(target_peers_t *peers, apr_pool_t *scratch)
{
    apr_pool_t *pool = memory_pool(peers->parent); /* which the set destroys */
    target_list_t *list;
    const char *error = client_settings_targets(&list, peers->plan->settings, pool);

    if (error == NULL) {
        error = targets_check(list, &peers->rules);
    }
    if (error == NULL) {
        targets_replace(peers->targets, list);
        return NULL;
    }
    error = apr_pstrdup(scratch, error);
    apr_pool_destroy(pool);
    return error;
}
