#include "client/measure.h"

#include <apr_thread_proc.h>
#include <assert.h>

#include "client/failure.h"
#include "client/keys.h"
#include "client/load.h"
#include "client/metrics/client_metrics.h"
#include "client/mtu.h"
#include "client/output/report.h"
#include "client/plan.h"
#include "client/prober.h"
#include "client/sweep.h"
#include "client/targets/target_peers.h"
#include "client/verdict.h"
#include "common/memory.h"
#include "udpecho/clock.h"
#include "udpecho/host.h"

typedef struct session {
    const client_settings_t *settings;
    const destination_t *destination;
    apr_array_header_t *reports; /* those that were passed: they write */
    output_t *errors;            /* standard error */
    apr_array_header_t *told;    /* these, and that of the metrics */
    client_metrics_t *metrics;   /* NULL: none are served */
    plan_t plan;
    prober_t *prober;
    target_peers_t targets; /* that are asked, unless ... */
    peer_t *peer;           /* ... this one alone is measured */
    peer_t *larger; /* the same once more, with what was too big for an MTU search; NULL: not yet */
    mtu_t *mtu;
    mtu_limit_t mtu_limit; /* that was found */
    load_t *load;          /* NULL: none */
    unsigned suspects;     /* source ports of a sweep */
    apr_time_t end;        /* of all, whatever is still to come; 0: none */
    probe_summary_t summary;
    unsigned peers, answered, not_found; /* as outcome_t has them */
    apr_status_t status;                 /* of the measurement */
    host_t *host;
    keys_t *keys;
    apr_pool_t *pool;
} session_t;

/* ---- Results, which are told once the peer is no longer asked ---- */

static void tell_sweep(session_t *session)
{
    const peer_options_t *options = peer_options(session->peer);
    unsigned count = options->run.flows;
    sweep_row_t *rows = apr_pcalloc(session->pool, count * sizeof *rows);
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
    sweep_result_t result = sweep_judge(rows, count, session->pool);

    session->suspects = result.suspects;
    peer_tell(session->peer, (event_t){.kind = EVENT_SWEEP, .sweep = &result});
}

static void tell_mtu(session_t *session)
{
    const peer_options_t *larger = session->larger != NULL ? peer_options(session->larger) : NULL;
    int returned = larger != NULL && probe_summary(larger->probe, clock_now()).received > 0;
    mtu_result_t result =
        mtu_result(session->mtu, returned, flows_tell_fragments(session->plan.flows));

    session->mtu_limit = result.limit;
    peer_tell(session->peer, (event_t){.kind = EVENT_MTU, .mtu = &result});
}

/* What is too big for the path is sent once more, in as many fragments as routers like: if it comes
 * back now, it was the way there that did not take it whole. Of this nothing is told but what
 * follows from it: its datagrams have the same numbers as those of the search, whose summary they
 * are not in. Returns 0 if there is nothing to send. */
static int send_larger(session_t *session)
{
    const plan_t *first = &session->plan;
    plan_t plan = *first; /* its own key: late answers to the search may still come */
    peer_options_t options;

    if (!mtu_wants_fragments(session->mtu) || flows_keep_whole(first->flows, 0) != APR_SUCCESS ||
        plan_renew(&plan, session->pool) != NULL ||
        plan_peer(&options, &plan, first->settings->host, session->destination, 0, MTU_SEARCH_TRIES,
                  session->pool) != NULL) {
        return 0;
    }
    probe_resize(options.probe, mtu_too_big(session->mtu));
    options.reports = apr_array_make(session->pool, 1, sizeof(report_t *));
    APR_ARRAY_PUSH(options.reports, const report_t *) = &session->mtu->report;
    session->larger = prober_add(session->prober, &options, session->pool);
    return 1;
}

static int asks_targets(const session_t *session)
{
    return session->settings->measurement == MEASURE_PING;
}

static void on_ended(void *context, peer_t *peer)
{
    session_t *session = context;
    measurement_t measurement = session->settings->measurement;
    apr_time_t now = clock_now();

    if (asks_targets(session)) {
        target_peers_ended(&session->targets, peer);
        return;
    }
    if (session->load != NULL && !load_ended(session->load, peer, &session->summary)) {
        return;
    }
    if (peer == session->peer && session->load == NULL) {
        session->summary = probe_summary(peer_options(peer)->probe, now);
    }
    if (measurement == MEASURE_MTU && peer == session->peer && send_larger(session)) {
        return;
    }
    if (measurement == MEASURE_SWEEP) {
        tell_sweep(session);
    } else if (measurement == MEASURE_MTU) {
        tell_mtu(session);
    }
    peer_tell(session->peer, (event_t){.kind = EVENT_SUMMARY, .summary = &session->summary});
}

/* ---- Opening ---- */

static const char *add_peer(session_t *session)
{
    const client_settings_t *settings = session->settings;
    peer_options_t options;
    apr_uint64_t round = settings->measurement == MEASURE_SWEEP ? (apr_uint64_t)settings->flows : 1;
    apr_uint64_t count = settings->measurement == MEASURE_MTU
                             ? MTU_SEARCH_DATAGRAMS
                             : (apr_uint64_t)settings->count * round;
    const char *error = plan_peer(&options, &session->plan, settings->host, session->destination, 0,
                                  count, session->pool);

    if (error != NULL) {
        return error;
    }
    if (settings->measurement == MEASURE_MTU) {
        session->mtu = mtu_create(options.probe, &options.run.peer,
                                  flows_payload_max(session->plan.flows), session->pool);
        options.reports = apr_array_copy(session->pool, session->told);
        APR_ARRAY_PUSH(options.reports, const report_t *) = &session->mtu->report;
    }
    session->peer = prober_add(session->prober, &options, session->pool);
    return NULL;
}

static const char *add_load(session_t *session)
{
    const char *error =
        load_create(&session->load, &session->plan, session->destination, session->pool);

    if (error == NULL) {
        session->peer = load_start(session->load, session->prober);
    }
    return error;
}

static const char *open_metrics(session_t *session)
{
    const char *where = session->settings->metrics_listen;
    const char *error = NULL;

    session->told = apr_array_copy(session->pool, session->reports);
    if (where != NULL) {
        error = client_metrics_open(&session->metrics, where, session->pool);
        APR_ARRAY_PUSH(session->told, const report_t *) = client_metrics_report(session->metrics);
    }
    return error;
}

static const char *create_prober(session_t *session)
{
    const client_settings_t *settings = session->settings;
    endpoint_t nowhere = {.length = 0};
    endpoint_t peer =
        session->destination != NULL ? endpoint_of(session->destination->peer) : nowhere;
    const prober_options_t options = {.flows = session->plan.flows,
                                      .run = plan_run(&session->plan, settings->host, peer),
                                      .reports = session->told,
                                      .interval = settings->report_interval,
                                      .task = asks_targets(session) ? &session->targets.task : NULL,
                                      .ended = on_ended,
                                      .context = session};
    apr_status_t status = prober_create(&session->prober, &options, session->pool);

    return status == APR_SUCCESS ? NULL : cannot("start", status, session->pool);
}

static const char *open_targets(session_t *session)
{
    const char *error = target_peers_open(&session->targets, &session->plan, session->pool);

    if (error == NULL) {
        error = create_prober(session);
    }
    if (error == NULL) {
        target_peers_start(&session->targets, session->prober, session->destination);
    }
    return error;
}

/* All that can go wrong does so here, before the first datagram, but for the sockets of targets. */
static const char *open_session(session_t *session)
{
    const client_settings_t *settings = session->settings;
    flows_t *flows;
    const char *error = open_metrics(session);

    if (error == NULL) {
        error = plan_flows(&flows, settings, asks_targets(session) ? NULL : session->destination,
                           session->pool);
    }
    if (error == NULL) {
        error = plan_make(&session->plan, settings, flows, session->told, settings->has_several,
                          session->pool);
    }
    if (error == NULL && asks_targets(session)) {
        return open_targets(session);
    }
    if (error == NULL) {
        error = create_prober(session);
    }
    if (error != NULL) {
        return error;
    }
    return settings->measurement == MEASURE_LOAD ? add_load(session) : add_peer(session);
}

/* ---- The reports' outputs ---- */

/* No report holds up the run past this time. */
static void end_outputs_at(const session_t *session, apr_time_t end)
{
    for (int i = 0; i < session->reports->nelts; i++) {
        output_end_at(APR_ARRAY_IDX(session->reports, i, report_t *)->output, end);
    }
}

static void on_output_failure(void *context)
{
    const session_t *session = context;

    flows_wake(session->plan.flows);
}

static apr_status_t start_outputs(session_t *session)
{
    apr_status_t status = APR_SUCCESS;

    for (int i = 0; i < session->reports->nelts && status == APR_SUCCESS; i++) {
        status = output_start(APR_ARRAY_IDX(session->reports, i, report_t *)->output,
                              on_output_failure, session);
    }
    return status;
}

static void close_outputs(const session_t *session)
{
    end_outputs_at(session, clock_now()); /* all at the same time */
    for (int i = 0; i < session->reports->nelts; i++) {
        output_close(APR_ARRAY_IDX(session->reports, i, report_t *)->output);
    }
}

/* ---- Metrics ---- */

static unsigned count_targets(void *context)
{
    const session_t *session = context;

    return asks_targets(session) ? targets_count(session->targets.targets) : 1;
}

static apr_status_t start_metrics(session_t *session)
{
    return session->metrics != NULL
               ? client_metrics_start(session->metrics, session->prober, count_targets, session)
               : APR_SUCCESS;
}

static void stop_metrics(const session_t *session)
{
    if (session->metrics != NULL) {
        client_metrics_stop(session->metrics);
    }
}

/* ---- The measurement, in a thread of its own so that the main one hears the user ---- */

static void finish_targets(session_t *session)
{
    apr_time_t now = clock_now();
    run_t all = plan_run(&session->plan, session->settings->host, (endpoint_t){.length = 0});
    total_t total;

    prober_total(session->prober, &total, now);
    session->summary = total.summary;
    session->peers = total.peers;
    session->answered = total.answered;
    session->not_found = targets_not_found(session->targets.targets);
    if (session->settings->has_several) {
        prober_tell(session->prober, &all, (event_t){.kind = EVENT_TOTAL, .total = &total});
    }
}

static void *APR_THREAD_FUNC run(apr_thread_t *thread, void *data)
{
    session_t *session = data;
    const client_settings_t *settings = session->settings;
    /* Of several targets some may begin later, when their names are found. */
    apr_interval_time_t length = settings->has_several ? settings->deadline : plan_length(settings);

    (void)thread;
    if (session->peer != NULL) {
        peer_tell(session->peer, (event_t){.kind = EVENT_START});
    }
    session->end = settings->deadline > 0 ? clock_now() + settings->deadline : 0;
    if (length > 0) {
        end_outputs_at(session, clock_now() + length);
    }
    session->status = prober_run(session->prober, session->end);
    if (asks_targets(session) && session->targets.failure == NULL) {
        finish_targets(session);
    }
    host_finish(session->host);
    return NULL;
}

/* Returns non-zero if a lookup holds up the end. */
static int close_targets(const session_t *session)
{
    if (!asks_targets(session)) {
        return 0;
    }
    targets_close(session->targets.targets);
    return targets_is_held_up(session->targets.targets);
}

static void reload(session_t *session)
{
    apr_pool_t *scratch = memory_pool(session->pool);

    host_reloading(session->host);
    const char *error = target_peers_reload(&session->targets, scratch);

    if (error != NULL) {
        failure_write(session->errors, error, scratch);
    }
    host_reloaded(session->host);
    apr_pool_destroy(scratch);
}

static void serve_user(session_t *session)
{
    (void)host_ready(session->host); /* fails only where sockets were taken over */
    for (;;) {
        switch (host_wait(session->host)) {
        case HOST_FINISHED:
            return;
        case HOST_REPORT:
            prober_report(session->prober);
            break;
        case HOST_RELOAD:
            reload(session);
            break;
        case HOST_LOOK: /* there is no rate to tell the service manager of */
            break;
        default:
            end_outputs_at(session, clock_now());
            prober_stop(session->prober);
            host_stopping(session->host);
            keys_stop(session->keys); /* a second signal ends the process at once */
        }
    }
}

/* ---- The end ---- */

static const char *writing_error(apr_status_t status, apr_pool_t *pool)
{
    if (APR_STATUS_IS_TIMEUP(status)) {
        return "cannot write the end of the report: nothing reads it";
    }
    /* Who reads by a pipe and has enough, as head(1) does, needs no word about it. */
    return APR_STATUS_IS_EPIPE(status) ? NULL : cannot("write the report", status, pool);
}

static client_exit_t judge(const session_t *session, const char **error)
{
    const outcome_t outcome = {.settings = session->settings,
                               .destination = session->destination,
                               .summary = &session->summary,
                               .peers = session->peers,
                               .answered = session->answered,
                               .not_found = session->not_found,
                               .is_limit_unknown =
                                   session->mtu != NULL && session->mtu_limit == MTU_NOT_FOUND,
                               .suspects = session->suspects};

    *error = session->targets.failure;
    if (*error != NULL) {
        return CLIENT_ERROR;
    }
    if (session->status != APR_SUCCESS) {
        *error = cannot("receive", session->status, session->pool);
        return CLIENT_ERROR;
    }
    if (reports_status(session->reports) != APR_SUCCESS) {
        *error = writing_error(reports_status(session->reports), session->pool);
        return CLIENT_ERROR;
    }
    return verdict_of(&outcome, error, session->pool);
}

client_exit_t measure(const client_settings_t *settings, const destination_t *destination,
                      apr_array_header_t *reports, output_t *errors, int *is_held_up,
                      const char **error, apr_pool_t *pool)
{
    session_t session = {.settings = settings,
                         .destination = destination,
                         .reports = reports,
                         .errors = errors,
                         .pool = pool};
    apr_thread_t *thread;
    apr_status_t status;

    assert(reports->elt_size == sizeof(report_t *));
    *is_held_up = 0;
    *error = open_session(&session);
    if (*error != NULL) {
        return CLIENT_ERROR;
    }
    status = host_start(&session.host, client_settings_can_reload(settings), pool);
    if (status == APR_SUCCESS) {
        status = start_outputs(&session);
    }
    if (status == APR_SUCCESS) {
        status = start_metrics(&session);
    }
    if (status == APR_SUCCESS) {
        status = apr_thread_create(&thread, NULL, run, &session, pool);
    }
    if (status != APR_SUCCESS) {
        stop_metrics(&session);
        close_outputs(&session); /* those that were started */
        *error = cannot("start", status, pool);
        return CLIENT_ERROR;
    }
    if (session.plan.has_several) { /* the reports take memory from `pool`, in the other thread */
        session.keys = keys_start(reports, session.host, memory_pool(pool));
    }
    serve_user(&session);
    keys_stop(session.keys);
    apr_thread_join(&status, thread);
    stop_metrics(&session);
    *is_held_up = close_targets(&session);
    close_outputs(&session);
    return judge(&session, error);
}
