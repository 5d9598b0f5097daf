#include "client/single_peer.h"

#include "client/output/report.h"
#include "client/sweep.h"
#include "udpecho/clock.h"

/* ---- Results, which are told once the peer is no longer asked ---- */

static void tell_sweep(single_peer_t *single)
{
    const peer_options_t *options = peer_options(single->peer);
    unsigned count = options->run.flows;
    sweep_row_t *rows = apr_pcalloc(single->pool, count * sizeof *rows);
    int is_counted =
        options->directions != NULL && directions_summary(options->directions).is_counted;

    for (unsigned i = 0; i < count; i++) {
        rows[i].port = options->run.ports[i];
        rows[i].summary = probe_flow_summary(options->probe, i, clock_now());
        rows[i].is_counted = is_counted;
        if (is_counted) {
            rows[i].losses = directions_flow_losses(options->directions, i);
        }
    }
    sweep_result_t result = sweep_judge(rows, count, single->pool);

    single->suspects = result.suspects;
    peer_tell(single->peer, (event_t){.kind = EVENT_SWEEP, .sweep = &result});
}

static void tell_mtu(single_peer_t *single)
{
    const peer_options_t *larger = single->larger != NULL ? peer_options(single->larger) : NULL;
    int returned = larger != NULL && probe_summary(larger->probe, clock_now()).received > 0;
    mtu_result_t result =
        mtu_result(single->mtu, returned, flows_tell_fragments(single->plan->flows));

    single->is_limit_unknown = result.limit == MTU_NOT_FOUND;
    peer_tell(single->peer, (event_t){.kind = EVENT_MTU, .mtu = &result});
}

/* A datagram that is too big for the path is sent once more, in as many fragments as routers
 * like: if it comes back now, the way there did not carry it whole. Only the conclusion is
 * reported: these datagrams have the same numbers as those of the search, and are not in its
 * summary. Returns 0 if there is nothing to send. */
static int send_larger(single_peer_t *single)
{
    const plan_t *first = single->plan;
    plan_t plan = *first; /* its own key: late answers to the search may still come */
    peer_options_t options;

    if (!mtu_wants_fragments(single->mtu) || flows_keep_whole(first->flows, 0) != APR_SUCCESS ||
        plan_renew(&plan, single->pool) != NULL ||
        plan_peer(&options, &plan, first->settings->host, single->destination, 0, MTU_SEARCH_TRIES,
                  single->pool) != NULL) {
        return 0;
    }
    probe_resize(options.probe, mtu_too_big(single->mtu));
    options.reports = apr_array_make(single->pool, 1, sizeof(report_t *));
    APR_ARRAY_PUSH(options.reports, const report_t *) = &single->mtu->report;
    single->larger = prober_add(single->prober, &options, single->pool);
    return 1;
}

void single_peer_ended(single_peer_t *single, const peer_t *peer)
{
    measurement_t measurement = single->plan->settings->measurement;

    if (single->load != NULL && !load_ended(single->load, peer, &single->summary)) {
        return;
    }
    if (peer == single->peer && single->load == NULL) {
        single->summary = probe_summary(peer_options(peer)->probe, clock_now());
    }
    if (measurement == MEASURE_MTU && peer == single->peer && send_larger(single)) {
        return;
    }
    if (measurement == MEASURE_SWEEP) {
        tell_sweep(single);
    } else if (measurement == MEASURE_MTU) {
        tell_mtu(single);
    }
    peer_tell(single->peer, (event_t){.kind = EVENT_SUMMARY, .summary = &single->summary});
}

/* ---- Adding ---- */

static const char *add_peer(single_peer_t *single)
{
    const client_settings_t *settings = single->plan->settings;
    peer_options_t options;
    apr_uint64_t round = settings->measurement == MEASURE_SWEEP ? (apr_uint64_t)settings->flows : 1;
    apr_uint64_t count = settings->measurement == MEASURE_MTU
                             ? MTU_SEARCH_DATAGRAMS
                             : (apr_uint64_t)settings->count * round;
    const char *error = plan_peer(&options, single->plan, settings->host, single->destination, 0,
                                  count, single->pool);

    if (error != NULL) {
        return error;
    }
    if (settings->measurement == MEASURE_MTU) {
        single->mtu = mtu_create(options.probe, &options.run.peer,
                                 flows_payload_max(single->plan->flows), single->pool);
        options.reports = apr_array_copy(single->pool, single->plan->reports);
        APR_ARRAY_PUSH(options.reports, const report_t *) = &single->mtu->report;
    }
    single->peer = prober_add(single->prober, &options, single->pool);
    return NULL;
}

static const char *add_load(single_peer_t *single)
{
    const char *error = load_create(&single->load, single->plan, single->destination, single->pool);

    if (error == NULL) {
        single->peer = load_start(single->load, single->prober);
    }
    return error;
}

const char *single_peer_add(single_peer_t *single, const plan_t *plan,
                            const destination_t *destination, prober_t *prober, apr_pool_t *pool)
{
    *single =
        (single_peer_t){.plan = plan, .destination = destination, .prober = prober, .pool = pool};
    return plan->settings->measurement == MEASURE_LOAD ? add_load(single) : add_peer(single);
}
