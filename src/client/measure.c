#include "client/measure.h"

#include <apr_thread_proc.h>
#include <assert.h>

#include "client/failure.h"
#include "client/keys.h"
#include "client/metrics/client_metrics.h"
#include "client/mtu.h"
#include "client/output/report.h"
#include "client/plan.h"
#include "client/prober.h"
#include "client/sweep.h"
#include "udpecho/clock.h"
#include "udpecho/host.h"

typedef struct session {
    const client_settings_t *settings;
    const destination_t *destination;
    apr_array_header_t *reports; /* those that were passed: they write */
    apr_array_header_t *told;    /* these, and that of the metrics */
    client_metrics_t *metrics;   /* NULL: none are served */
    plan_t plan;
    prober_t *prober;
    peer_t *peer;   /* that is measured */
    peer_t *larger; /* the same once more, with what was too big for an MTU search; NULL: not yet */
    mtu_t *mtu;
    mtu_limit_t mtu_limit; /* that was found */
    unsigned suspects;     /* source ports of a sweep */
    apr_time_t end;        /* of all, whatever is still to come; 0: none */
    probe_summary_t summary;
    apr_status_t status; /* of the measurement */
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
    plan_t plan; /* with a key of its own, since late answers to the search may still come */
    peer_options_t options;

    if (!mtu_wants_fragments(session->mtu) || flows_keep_whole(first->flows, 0) != APR_SUCCESS ||
        plan_make(&plan, first->settings, first->flows, first->reports, 0, session->pool) != NULL ||
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

static void on_ended(void *context, peer_t *peer)
{
    session_t *session = context;
    measurement_t measurement = session->settings->measurement;
    apr_time_t now = clock_now();

    if (peer == session->peer) {
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

/* Everything that can go wrong does so here, before the first datagram. */
static const char *open_session(session_t *session)
{
    const client_settings_t *settings = session->settings;
    flows_t *flows;
    const char *error = open_metrics(session);

    if (error == NULL) {
        error = plan_flows(&flows, settings, session->destination, session->pool);
    }
    if (error == NULL) {
        error = plan_make(&session->plan, settings, flows, session->told, 0, session->pool);
    }
    if (error != NULL) {
        return error;
    }
    prober_options_t options = {
        .flows = flows,
        .run = plan_run(&session->plan, settings->host, endpoint_of(session->destination->peer)),
        .reports = session->told,
        .interval = settings->report_interval,
        .ended = on_ended,
        .context = session};
    apr_status_t status = prober_create(&session->prober, &options, session->pool);

    return status == APR_SUCCESS ? add_peer(session) : cannot("start", status, session->pool);
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
    (void)context;
    return 1;
}

static apr_status_t start_metrics(const session_t *session)
{
    return session->metrics != NULL
               ? client_metrics_start(session->metrics, session->prober, count_targets, NULL)
               : APR_SUCCESS;
}

static void stop_metrics(const session_t *session)
{
    if (session->metrics != NULL) {
        client_metrics_stop(session->metrics);
    }
}

/* ---- The measurement, in a thread of its own so that the main one hears the user ---- */

static void *APR_THREAD_FUNC run(apr_thread_t *thread, void *data)
{
    session_t *session = data;
    const client_settings_t *settings = session->settings;
    apr_interval_time_t length = plan_length(settings);

    (void)thread;
    peer_tell(session->peer, (event_t){.kind = EVENT_START});
    session->end = settings->deadline > 0 ? clock_now() + settings->deadline : 0;
    if (length > 0) {
        end_outputs_at(session, clock_now() + length);
    }
    session->status = prober_run(session->prober, session->end);
    host_finish(session->host);
    return NULL;
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

/* Asked, waited for or refused, and nothing came back from anywhere. */
static int is_silent(const probe_summary_t *summary)
{
    apr_uint64_t replies = 0;

    for (unsigned i = 0; i < REPLY_KINDS; i++) {
        replies += summary->replies[i];
    }
    return replies == 0 && (summary->lost > 0 || summary->refused > 0);
}

/* Replies that are none to what was sent, where nothing else came, are what a server of another
 * protocol sends. */
static const char *protocol_advice(const client_settings_t *settings,
                                   const probe_summary_t *summary)
{
    static const char *const advice[PROTOCOLS] = {
        [PROTOCOL_ECHO] = "replies came, but none of them is an echo; a STAMP reflector needs "
                          "--stamp, a UDPEchoPlus server --echo-plus",
        [PROTOCOL_STAMP] = "replies came, but none of them is STAMP's; a plain echo server needs "
                           "no --stamp, a UDPEchoPlus server --echo-plus",
        [PROTOCOL_ECHO_PLUS] = "replies came, but none of them is UDPEchoPlus's; a plain echo "
                               "server needs no --echo-plus, a STAMP reflector --stamp",
    };
    static const char *const authenticated =
        "replies came, but none of them is authenticated by this key; an unauthenticated STAMP "
        "reflector needs no --stamp-key-file";
    apr_uint64_t strange = summary->replies[REPLY_UNKNOWN];

    /* Plain echoes may be corrupt and still be echoes. */
    if (settings->protocol != PROTOCOL_ECHO) {
        strange += summary->replies[REPLY_CORRUPT];
    }
    if (strange == 0 || settings->payload != NULL) {
        return NULL;
    }
    return settings->stamp_key != NULL ? authenticated : advice[settings->protocol];
}

/* What this host did not send is missing as well: the user wants to know whether all is well.
 */
static int is_too_much_missing(const client_settings_t *settings, const probe_summary_t *summary)
{
    apr_uint64_t missing = summary->lost + summary->corrupted + summary->not_sent;
    apr_uint64_t decided = summary->sent - summary->outstanding + summary->not_sent;

    return settings->max_loss >= 0 &&
           (double)missing * 1e6 > (double)settings->max_loss * (double)decided;
}

static client_exit_t judge(const session_t *session, const char **error)
{
    const client_settings_t *settings = session->settings;
    const probe_summary_t *summary = &session->summary;
    apr_uint64_t decided = summary->sent - summary->outstanding;

    *error = NULL;
    if (session->status != APR_SUCCESS) {
        *error = cannot("receive", session->status, session->pool);
        return CLIENT_ERROR;
    }
    if (reports_status(session->reports) != APR_SUCCESS) {
        *error = writing_error(reports_status(session->reports), session->pool);
        return CLIENT_ERROR;
    }
    if (summary->received == 0) {
        *error = is_silent(summary)
                     ? destination_advice(session->destination, settings, session->pool)
                     : protocol_advice(settings, summary);
        return decided == 0 && summary->not_sent > 0 ? CLIENT_ERROR : CLIENT_UNANSWERED;
    }
    if (session->mtu != NULL && session->mtu_limit == MTU_NOT_FOUND) {
        *error = "the search ended before it had found the largest payload";
    } else if (session->suspects > 0) {
        *error = "some source ports are worse than the rest";
    } else if (is_too_much_missing(settings, summary)) {
        *error = "more is lost, or was not sent, than --max-loss";
    } else if (settings->max_rtt > 0 && summary->timed == 0) {
        *error = "no round trip is known that --max-rtt could be held against";
    } else if (settings->max_rtt > 0 && summary->mean > settings->max_rtt) {
        *error = "the mean round trip is longer than --max-rtt";
    }
    return *error == NULL ? CLIENT_ANSWERED : CLIENT_UNANSWERED;
}

client_exit_t measure(const client_settings_t *settings, const destination_t *destination,
                      apr_array_header_t *reports, const char **error, apr_pool_t *pool)
{
    session_t session = {
        .settings = settings, .destination = destination, .reports = reports, .pool = pool};
    apr_thread_t *thread;
    apr_status_t status;

    assert(reports->elt_size == sizeof(report_t *));
    *error = open_session(&session);
    if (*error != NULL) {
        return CLIENT_ERROR;
    }
    status = host_start(&session.host, 0, pool);
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
    if (session.plan.has_several) {
        session.keys = keys_start(reports, session.host, pool);
    }
    serve_user(&session);
    keys_stop(session.keys);
    apr_thread_join(&status, thread);
    stop_metrics(&session);
    close_outputs(&session);
    return judge(&session, error);
}
