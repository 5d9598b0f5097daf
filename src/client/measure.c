#include "client/measure.h"

#include <apr_thread_proc.h>
#include <assert.h>

#include "client/failure.h"
#include "client/mtu.h"
#include "client/output/report.h"
#include "client/plan.h"
#include "client/prober.h"
#include "client/sweep.h"
#include "udpecho/clock.h"
#include "udpecho/host.h"
#include "udpecho/machine.h"

/* The most that one run does one after the other: an MTU search with, then without fragments. */
#define PROBERS_MAX 2

typedef struct session {
    const client_settings_t *settings;
    const destination_t *destination;
    run_t run;
    apr_array_header_t *reports;
    flows_t *flows;
    probe_t *probes[PROBERS_MAX];
    prober_t *probers[PROBERS_MAX];
    directions_t *directions; /* of the first; NULL: the protocol does not tell them */
    unsigned prober_count;
    mtu_t *mtu;
    mtu_limit_t mtu_limit; /* that was found */
    unsigned suspects;     /* source ports of a sweep */
    apr_time_t end;        /* of all, whatever is still to come; 0: none */
    probe_summary_t summary;
    apr_status_t status; /* of the measurement */
    host_t *host;
    apr_pool_t *pool;
} session_t;

/* ---- Opening ---- */

static const char *add_prober(session_t *session, apr_uint64_t count)
{
    unsigned index = session->prober_count;
    probe_t **probe = &session->probes[index];
    const char *error =
        plan_probe(probe, session->settings, session->destination, count, session->pool);

    if (error != NULL) {
        return error;
    }
    prober_options_t options = {.probe = *probe,
                                .flows = session->flows,
                                .directions = session->directions,
                                .run = &session->run,
                                .reports = apr_array_make(session->pool, 4, sizeof(report_t *)),
                                .patience = plan_patience(session->settings)};

    /* Of the second nothing is told but what follows from it: its datagrams have the same numbers
     * as those of the first, whose summary they are not in. */
    if (index == 0) {
        apr_array_cat(options.reports, session->reports);
    }
    if (session->settings->measurement == MEASURE_MTU && index == 0) {
        session->mtu = mtu_create(*probe, &session->run.peer, flows_payload_max(session->flows),
                                  session->pool);
        APR_ARRAY_PUSH(options.reports, const report_t *) = &session->mtu->report;
    }
    session->probers[index] = prober_create(&options, session->pool);
    session->prober_count++;
    return NULL;
}

static const apr_array_header_t *own_addresses(apr_pool_t *pool)
{
    apr_array_header_t *addresses;

    return host_addresses(&addresses, pool) == APR_SUCCESS ? addresses : NULL;
}

/* Everything that can go wrong does so here, before the first datagram. */
static const char *open_session(session_t *session)
{
    const client_settings_t *settings = session->settings;
    apr_uint64_t round = settings->measurement == MEASURE_SWEEP ? (apr_uint64_t)settings->flows : 1;
    apr_port_t *ports = apr_pcalloc(session->pool, (apr_size_t)settings->flows * sizeof *ports);
    const char *error = plan_flows(&session->flows, settings, session->destination, session->pool);

    if (error != NULL) {
        return error;
    }
    for (unsigned i = 0; i < (unsigned)settings->flows; i++) {
        ports[i] = flows_port(session->flows, i);
    }
    session->run = (run_t){.measurement = settings->measurement,
                           .protocol = settings->protocol,
                           .host = settings->host,
                           .peer = endpoint_of(session->destination->peer),
                           .size = (apr_size_t)settings->size,
                           .flows = (unsigned)settings->flows,
                           .ports = ports,
                           .timeout = settings->timeout,
                           .bitrate = (apr_uint64_t)settings->bitrate,
                           .dscp = settings->dscp >= 0 ? (int)settings->dscp : 0,
                           .addresses = own_addresses(session->pool)};
    session->directions = plan_directions(settings, session->pool);
    if (settings->measurement != MEASURE_MTU) {
        return add_prober(session, (apr_uint64_t)settings->count * round);
    }
    error = add_prober(session, MTU_SEARCH_DATAGRAMS);
    return error == NULL ? add_prober(session, MTU_SEARCH_TRIES) : error;
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

    flows_wake(session->flows);
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

/* ---- The measurement, in a thread of its own so that the main one hears the user ---- */

static void tell(const session_t *session, event_t event)
{
    prober_tell(session->probers[0], event);
}

static void tell_sweep(session_t *session)
{
    unsigned count = session->run.flows;
    sweep_row_t *rows = apr_pcalloc(session->pool, count * sizeof *rows);
    int is_counted =
        session->directions != NULL && directions_summary(session->directions).is_counted;

    for (unsigned i = 0; i < count; i++) {
        rows[i].port = session->run.ports[i];
        rows[i].summary = probe_flow_summary(session->probes[0], i, clock_now());
        rows[i].is_counted = is_counted;
        if (is_counted) {
            rows[i].losses = directions_flow_losses(session->directions, i);
        }
    }
    sweep_result_t result = sweep_judge(rows, count, session->pool);

    session->suspects = result.suspects;
    tell(session, (event_t){.kind = EVENT_SWEEP, .sweep = &result});
}

/* What is too big for the path is sent once more, in as many fragments as routers like: if it comes
 * back now, it was the way there that did not take it whole. */
static int fragments_return(session_t *session)
{
    probe_summary_t summary = {0};

    if (mtu_wants_fragments(session->mtu) && flows_keep_whole(session->flows, 0) == APR_SUCCESS) {
        probe_resize(session->probes[1], mtu_too_big(session->mtu));
        session->status = prober_run(session->probers[1], session->end, &summary);
    }
    return summary.received > 0;
}

static void tell_mtu(session_t *session)
{
    int returned = fragments_return(session);
    mtu_result_t result = mtu_result(session->mtu, returned, flows_tell_fragments(session->flows));

    session->mtu_limit = result.limit;
    tell(session, (event_t){.kind = EVENT_MTU, .mtu = &result});
}

static void *APR_THREAD_FUNC run(apr_thread_t *thread, void *data)
{
    session_t *session = data;
    const client_settings_t *settings = session->settings;
    apr_interval_time_t length = plan_length(settings);

    (void)thread;
    tell(session, (event_t){.kind = EVENT_START});
    session->end = settings->deadline > 0 ? clock_now() + settings->deadline : 0;
    if (length > 0) {
        end_outputs_at(session, clock_now() + length);
    }
    session->status = prober_run(session->probers[0], session->end, &session->summary);
    if (settings->measurement == MEASURE_SWEEP) {
        tell_sweep(session);
    } else if (settings->measurement == MEASURE_MTU) {
        tell_mtu(session);
    }
    tell(session, (event_t){.kind = EVENT_SUMMARY, .summary = &session->summary});
    host_finish(session->host);
    return NULL;
}

static void stop_probers(session_t *session)
{
    end_outputs_at(session, clock_now());
    for (unsigned i = 0; i < session->prober_count; i++) {
        prober_stop(session->probers[i]);
    }
    host_stopping(session->host);
}

static void report_probers(const session_t *session)
{
    for (unsigned i = 0; i < session->prober_count; i++) {
        prober_report(session->probers[i]);
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
            report_probers(session);
            break;
        case HOST_LOOK: /* there is no rate to tell the service manager of */
            break;
        default:
            stop_probers(session);
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
        status = apr_thread_create(&thread, NULL, run, &session, pool);
    }
    if (status != APR_SUCCESS) {
        close_outputs(&session); /* those that were started */
        *error = cannot("start", status, pool);
        return CLIENT_ERROR;
    }
    serve_user(&session);
    apr_thread_join(&status, thread);
    close_outputs(&session);
    return judge(&session, error);
}
