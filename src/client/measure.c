#include "client/measure.h"

#include <apr_thread_proc.h>
#include <assert.h>

#include "client/failure.h"
#include "client/keys.h"
#include "client/metrics/client_metrics.h"
#include "client/output/report.h"
#include "client/plan.h"
#include "client/prober.h"
#include "client/single_peer.h"
#include "client/targets/target_peers.h"
#include "client/verdict.h"
#include "common/memory.h"
#include "udpecho/clock.h"
#include "udpecho/host.h"
#include "udpecho/terminal.h"

typedef struct session {
    const client_settings_t *settings;
    const destination_t *destination;
    apr_array_header_t *reports; /* those that were passed: they write */
    output_t *errors;            /* standard error */
    apr_array_header_t *screens; /* those files of the two above that are terminals at the start */
    apr_array_header_t *told;    /* these, and that of the metrics */
    client_metrics_t *metrics;   /* NULL: none are served */
    plan_t plan;
    prober_t *prober;
    target_peers_t targets;              /* that are asked, unless ... */
    single_peer_t single;                /* ... this one alone is measured */
    apr_time_t end;                      /* of all, whatever is still to come; 0: none */
    probe_summary_t summary;             /* of all targets */
    unsigned peers, answered, not_asked; /* as outcome_t has them */
    apr_status_t status;                 /* of the measurement */
    host_t *host;
    keys_t *keys;
    apr_pool_t *pool;
} session_t;

static int asks_targets(const session_t *session)
{
    return session->settings->measurement == MEASURE_PING;
}

static void on_ended(void *context, peer_t *peer)
{
    session_t *session = context;

    if (asks_targets(session)) {
        target_peers_ended(&session->targets, peer);
    } else {
        single_peer_ended(&session->single, peer);
    }
}

/* ---- Opening ---- */

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

/* All that can fail does so here, before the first datagram, except the sockets of targets. */
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
    return single_peer_add(&session->single, &session->plan, session->destination, session->prober,
                           session->pool);
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
    session->not_asked = targets_tell_not_asked(session->targets.targets);
    if (session->settings->has_several) {
        prober_tell(session->prober, &all, (event_t){.kind = EVENT_TOTAL, .total = &total});
    }
}

static void *APR_THREAD_FUNC run(apr_thread_t *thread, void *data)
{
    session_t *session = data;
    const client_settings_t *settings = session->settings;
    /* Some of several targets may begin later, when their names are found. */
    apr_interval_time_t length = settings->has_several ? settings->deadline : plan_length(settings);

    (void)thread;
    if (!asks_targets(session)) {
        peer_tell(session->single.peer, (event_t){.kind = EVENT_START});
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

/* ---- The terminal that it was started on ---- */

static void note_screen(session_t *session, apr_file_t *file)
{
    if (terminal_is_open(file)) {
        APR_ARRAY_PUSH(session->screens, apr_file_t *) = file;
    }
}

static void note_screens(session_t *session)
{
    session->screens = apr_array_make(session->pool, 2, sizeof(apr_file_t *));
    note_screen(session, output_file(session->errors));
    for (int i = 0; i < session->reports->nelts; i++) {
        const report_t *report = APR_ARRAY_IDX(session->reports, i, report_t *);

        if (report->output != NULL) {
            note_screen(session, output_file(report->output));
        }
    }
}

static int has_lost_screen(const session_t *session)
{
    for (int i = 0; i < session->screens->nelts; i++) {
        if (!terminal_is_open(APR_ARRAY_IDX(session->screens, i, apr_file_t *))) {
            return 1;
        }
    }
    return 0;
}

/* SIGHUP asks for a reload, but it also tells that the terminal is gone, and then nobody can end a
 * client that shows its results there. Under nohup(1), nothing is shown on a terminal. */
static void reload_or_stop(session_t *session)
{
    if (has_lost_screen(session)) {
        host_stop(session->host);
    } else {
        reload(session);
    }
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
            reload_or_stop(session);
            break;
        case HOST_LOOK: /* there is no rate to tell the service manager of */
            break;
        default:
            end_outputs_at(session, clock_now());
            prober_stop(session->prober);
            host_stopping(session->host, 0);
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
    const outcome_t outcome = {
        .settings = session->settings,
        .destination = session->destination,
        .summary = asks_targets(session) ? &session->summary : &session->single.summary,
        .peers = session->peers,
        .answered = session->answered,
        .targets = asks_targets(session) ? targets_count(session->targets.targets) : 1,
        .not_asked = session->not_asked,
        .is_limit_unknown = session->single.is_limit_unknown,
        .suspects = session->single.suspects};

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
    note_screens(&session);
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
