/* The loop over a transport that plays a script: what a real one does only when a kernel fails. */

#include "unit.h"

#include <apr_file_io.h>
#include <apr_strings.h>
#include <errno.h>
#include <stdatomic.h>

#include "core/impair.h"
#include "core/service.h"
#include "endpoints.h"
#include "server/worker.h"
#include "udpecho/clock.h"

/* ---- A clock that stands still, linked in place of the system's ---- */

/* A pause is as long as the ticks of Windows have it. */
#define TICK_US 15625

static _Atomic apr_time_t the_time;

apr_time_t clock_now(void)
{
    return atomic_load(&the_time);
}

void clock_pause(apr_interval_time_t time)
{
    atomic_fetch_add(&the_time, (time + TICK_US - 1) / TICK_US * TICK_US);
}

apr_int64_t clock_wall(void)
{
    return 1000 * clock_now();
}

clock_quality_t clock_quality(void)
{
    return (clock_quality_t){.is_synchronised = 0};
}

/* ---- The scripted transport, linked in place of the platform's ---- */

typedef struct step {
    apr_status_t status;
    unsigned datagrams;
    unsigned failed; /* of the replies to them */
    int goes_on;     /* a wake does not ask the worker to end */
} step_t;

struct transport {
    const step_t *script;
    unsigned steps;
    unsigned replies;
    worker_t *worker;           /* whom a step of APR_EINTR stops */
    apr_array_header_t *wanted; /* listeners that it is told of before it starts; NULL: none */
    apr_uint64_t count;         /* as --count has it */
    int is_late;                /* each call that has no batch tells of one reply */
    unsigned under_way;
    send_outcome_t late; /* what is known in the end only */
    unsigned finishes;
    unsigned listeners;       /* that it was last told to receive from */
    service_t *service;       /* of the datagrams */
    impair_policy_t *impair;  /* NULL: replies are not impaired */
    unsigned delayed;         /* replies that left late, */
    unsigned delayed_at_step; /* the first of them after so many receives */
    unsigned char data[REPLY_ROOM_MIN];
    reply_failed_t *failed;
    void *context; /* for it */
    datagram_t datagrams[BATCH_MAX];
};

#define LISTENER (listener_t *)1

/* What a receive takes, whatever comes of it. */
#define TURN_US 1000

static transport_t the_transport;

apr_status_t transport_open(transport_t **transport, listener_t *const *listeners, unsigned count,
                            unsigned worker, apr_size_t payload_max, apr_pool_t *pool)
{
    (void)listeners, (void)count, (void)worker, (void)payload_max, (void)pool;
    *transport = &the_transport;
    return APR_SUCCESS;
}

apr_status_t transport_receive(transport_t *transport, batch_t *batch, apr_interval_time_t timeout)
{
    const step_t *step = &transport->script[transport->steps++];

    (void)timeout;
    atomic_fetch_add(&the_time, TURN_US);
    if (APR_STATUS_IS_EINTR(step->status) && !step->goes_on) {
        worker_stop(transport->worker);
    }
    batch->count = step->datagrams;
    for (unsigned i = 0; i < step->datagrams; i++) {
        transport->datagrams[i].from = ipv4(0xc0000201, 40000);
        transport->datagrams[i].to = ipv4(0x7f000001, 7);
        transport->datagrams[i].service = transport->service;
        transport->datagrams[i].listener = transport->impair != NULL ? LISTENER : NULL;
        transport->datagrams[i].data = transport->data;
        batch->at[i] = &transport->datagrams[i];
    }
    return step->status;
}

void transport_reply(transport_t *transport, batch_t *batch, send_outcome_t *outcome)
{
    const step_t *step = &transport->script[transport->steps - 1];

    memset(outcome, 0, sizeof *outcome);
    for (unsigned i = 0; i < batch->count; i++) {
        outcome->sent += batch->at[i]->verdict == VERDICT_ECHO;
    }
    outcome->sent -= step->failed;
    if (transport->is_late) {
        transport->under_way += outcome->sent;
        outcome->sent = batch->count == 0 && transport->under_way > 0;
        transport->under_way -= outcome->sent;
    }
    outcome->failed[SEND_EPERM] = step->failed;
    for (unsigned i = 0; i < step->failed; i++) {
        transport->failed(transport->context, batch->at[i]);
    }
    transport->replies += outcome->sent;
}

void transport_send(transport_t *transport, const listener_t *listener, const batch_t *batch,
                    send_outcome_t *outcome)
{
    assert_ptr_equal(listener, LISTENER);
    if (transport->delayed == 0) {
        transport->delayed_at_step = transport->steps;
    }
    transport->delayed += batch->count;
    *outcome = (send_outcome_t){.sent = batch->count};
}

void transport_on_failure(transport_t *transport, reply_failed_t *failed, void *context)
{
    transport->failed = failed;
    transport->context = context;
}

unsigned transport_departures(const transport_t *transport, const departure_t **departures)
{
    (void)transport;
    *departures = NULL;
    return 0;
}

void transport_finish(transport_t *transport, apr_interval_time_t timeout, send_outcome_t *outcome)
{
    assert_in_range(timeout, 0, ECHO_DRAIN_MAX_US);
    *outcome = transport->late;
    transport->finishes++;
}

apr_status_t transport_listen(transport_t *transport, listener_t *const *listeners, unsigned count)
{
    (void)listeners;
    transport->listeners = count;
    return APR_SUCCESS;
}

void transport_wake(transport_t *transport)
{
    (void)transport;
}

/* ---- Running a script ---- */

static void count_end(void *ends)
{
    ++*(unsigned *)ends;
}

static gate_t *open_gate(apr_pool_t *pool)
{
    gate_t *gate;

    assert_int_equal(gate_create(&gate, pool), APR_SUCCESS);
    gate_open(gate);
    return gate;
}

/* How many datagrams have a service time, which every one of each script must. */
static apr_uint64_t timed(worker_t *worker)
{
    service_time_totals_t totals = {.total_us = 0};
    apr_uint64_t datagrams = 0;

    service_times_sum(&totals, worker_service_times(worker));
    for (unsigned i = 0; i <= SERVICE_TIME_BOUNDS; i++) {
        datagrams += totals.datagrams[i];
    }
    return datagrams;
}

static counter_totals_t run_script(const step_t *script, apr_pool_t *pool)
{
    counter_totals_t totals = {{0}};
    unsigned ends = 0;
    apr_file_t *out;
    char *path = apr_pstrdup(pool, "udpecho-worker-XXXXXX");
    worker_t *worker;
    echo_policy_t policy = {.quota = echo_quota_create(the_transport.count, pool),
                            .impair = the_transport.impair};
    worker_options_t options = {.listeners = apr_array_make(pool, 1, sizeof(listener_t *)),
                                .gate = open_gate(pool),
                                .policy = &policy,
                                .ended = count_end,
                                .context = &ends};

    the_transport.script = script;
    the_transport.steps = 0;
    the_transport.replies = 0;
    the_transport.finishes = 0;
    assert_int_equal(apr_file_mktemp(&out, path, 0, pool), APR_SUCCESS);
    assert_int_equal(
        log_open(&options.log, log_to_file(out), LOG_LEVEL_DEBUG, LOG_FORMAT_TEXT, 64, pool),
        APR_SUCCESS);
    assert_int_equal(worker_create(&worker, &options, pool), APR_SUCCESS);
    the_transport.worker = worker;
    if (the_transport.wanted != NULL) {
        worker_listen(worker, the_transport.wanted);
        assert_false(worker_listens(worker));
    }
    assert_int_equal(worker_start(worker), APR_SUCCESS);
    worker_join(worker);
    log_close(options.log);
    assert_int_equal(ends, 1);
    assert_int_equal(the_transport.finishes, 1);
    counters_sum(&totals, echo_counters(worker_echo(worker)));
    assert_int_equal(timed(worker), totals.value[COUNTER_RECEIVED]);
    return totals;
}

static void a_wake_drains_until_nothing_is_left(void **state)
{
    static const step_t script[] = {
        {APR_SUCCESS, 5, 0, 0}, {APR_TIMEUP, 0, 0, 0},  {APR_SUCCESS, 2, 0, 0},
        {APR_EINTR, 0, 0, 0},   {APR_SUCCESS, 3, 0, 0}, {APR_TIMEUP, 0, 0, 0},
    };
    counter_totals_t totals = run_script(script, *state);

    assert_int_equal(the_transport.steps, 6);
    assert_int_equal(totals.value[COUNTER_RECEIVED], 10);
    assert_int_equal(totals.value[COUNTER_ECHOED], 10);
}

static void a_wake_for_other_listeners_ends_nothing(void **state)
{
    static const step_t script[] = {
        {APR_SUCCESS, 1, 0, 0}, {APR_EINTR, 0, 0, 1}, {APR_EINTR, 0, 0, 1},
        {APR_SUCCESS, 2, 0, 0}, {APR_EINTR, 0, 0, 0}, {APR_TIMEUP, 0, 0, 0},
    };

    the_transport.wanted = apr_array_make(*state, 3, sizeof(listener_t *));
    the_transport.wanted->nelts = 3;
    counter_totals_t totals = run_script(script, *state);

    the_transport.wanted = NULL;
    assert_int_equal(the_transport.listeners, 3);
    assert_int_equal(the_transport.steps, 6);
    assert_int_equal(totals.value[COUNTER_ECHOED], 3);
}

static void failed_receives_are_counted_and_survived(void **state)
{
    static const step_t script[] = {
        {ENOMEM, 0, 0, 0},    {ENOMEM, 0, 0, 0},     {APR_SUCCESS, 1, 0, 0},
        {APR_EINTR, 0, 0, 0}, {APR_TIMEUP, 0, 0, 0},
    };
    counter_totals_t totals = run_script(script, *state);

    assert_int_equal(totals.value[COUNTER_RECEIVE_ERRORS], 2);
    assert_int_equal(totals.value[COUNTER_ECHOED], 1);
}

static void a_receive_that_fails_while_draining_leaves_nobody_unanswered(void **state)
{
    static const step_t script[] = {
        {APR_EINTR, 0, 0, 0}, {ENOMEM, 0, 0, 0}, {APR_SUCCESS, 4, 0, 0}, {APR_TIMEUP, 0, 0, 0}};
    counter_totals_t totals = run_script(script, *state);

    assert_int_equal(totals.value[COUNTER_RECEIVE_ERRORS], 1);
    assert_int_equal(totals.value[COUNTER_ECHOED], 4);
}

static void delayed_replies_leave_while_receives_fail(void **state)
{
    enum { FAILURES = 20 };
    step_t script[FAILURES + 3] = {{APR_SUCCESS, 1, 0, 0}};
    apr_array_header_t *profiles = apr_array_make(*state, 1, sizeof(impair_profile_t));
    delay_line_t *line = delay_line_create(DELAY_LINE_MIN, *state);

    for (unsigned i = 1; i <= FAILURES; i++) {
        script[i] = (step_t){.status = ENOMEM};
    }
    script[FAILURES + 1] = (step_t){.status = APR_EINTR};
    script[FAILURES + 2] = (step_t){.status = APR_TIMEUP};
    APR_ARRAY_PUSH(profiles, impair_profile_t) =
        (impair_profile_t){.is_for_all = 1, .delay = 2 * TICK_US};
    the_transport.impair = impair_policy_create(profiles, &line, clock_now(), *state);
    counter_totals_t totals = run_script(script, *state);

    the_transport.impair = NULL;
    assert_int_equal(the_transport.delayed, 1);
    assert_in_range(the_transport.delayed_at_step, 2, FAILURES / 2);
    assert_int_equal(totals.value[COUNTER_ECHOED], 1);
}

static void a_pause_takes_as_long_as_it_should(void **state)
{
    /* The pauses double up to ECHO_PAUSE_MAX_US, and each may end one tick late. */
    enum { FAILURES = 20 };
    step_t script[FAILURES + 2];
    apr_interval_time_t pauses = 0;
    apr_interval_time_t pause = ECHO_PAUSE_MIN_US;
    apr_time_t begun = clock_now();

    for (unsigned i = 0; i < FAILURES; i++) {
        script[i] = (step_t){.status = ENOMEM};
        pauses += pause;
        pause = 2 * pause < ECHO_PAUSE_MAX_US ? 2 * pause : ECHO_PAUSE_MAX_US;
    }
    script[FAILURES] = (step_t){.status = APR_EINTR};
    script[FAILURES + 1] = (step_t){.status = APR_TIMEUP};
    run_script(script, *state);
    assert_in_range(clock_now() - begun, pauses,
                    pauses + FAILURES * TICK_US + (FAILURES + 2) * TURN_US);
}

static void wakes_without_end_do_not_keep_it_from_stopping(void **state)
{
    enum { TURNS = ECHO_DRAIN_MAX_US / TURN_US };
    step_t script[2 * TURNS] = {{APR_EINTR, 0, 0, 0}};

    for (unsigned i = 1; i < 2 * TURNS; i++) {
        script[i] = (step_t){.status = APR_EINTR, .goes_on = 1};
    }
    run_script(script, *state);
    assert_int_equal(the_transport.steps, 1 + TURNS);
}

static void a_worker_stops_although_every_receive_fails(void **state)
{
    /* More failures than fit into the time that draining may take. */
    static step_t script[1000] = {{APR_EINTR, 0, 0, 0}};

    for (unsigned i = 1; i < 1000; i++) {
        script[i].status = ENOMEM;
    }
    counter_totals_t totals = run_script(script, *state);

    assert_true(the_transport.steps < 1000);
    assert_int_equal(totals.value[COUNTER_RECEIVE_ERRORS], the_transport.steps - 1);
}

static void failed_replies_are_counted(void **state)
{
    static const step_t script[] = {
        {APR_SUCCESS, 64, 3, 0}, {APR_EINTR, 0, 0, 0}, {APR_TIMEUP, 0, 0, 0}};
    counter_totals_t totals = run_script(script, *state);

    assert_int_equal(totals.value[COUNTER_ECHOED], 61);
    assert_int_equal(totals.value[COUNTER_FAILED + SEND_EPERM], 3);
}

static void failed_replies_are_counted_for_their_service(void **state)
{
    static const step_t script[] = {
        {APR_SUCCESS, 64, 3, 0}, {APR_EINTR, 0, 0, 0}, {APR_TIMEUP, 0, 0, 0}};

    the_transport.service = service_create(PROTOCOL_ECHO_PLUS, *state);
    counter_totals_t totals = run_script(script, *state);

    assert_int_equal(totals.value[COUNTER_ECHOED], 61);
    assert_int_equal(service_value(the_transport.service, SERVICE_REPLIES), 61);
    the_transport.service = NULL;
}

static void replies_under_way_in_the_end_are_counted(void **state)
{
    static const step_t script[] = {
        {APR_SUCCESS, 5, 0, 0}, {APR_EINTR, 0, 0, 0}, {APR_TIMEUP, 0, 0, 0}};

    the_transport.late = (send_outcome_t){.sent = 7, .sent_bytes = 70, .failed[SEND_EAGAIN] = 2};
    counter_totals_t totals = run_script(script, *state);

    the_transport.late = (send_outcome_t){.sent = 0};
    assert_int_equal(totals.value[COUNTER_ECHOED], 5 + 7);
    assert_int_equal(totals.value[COUNTER_ECHOED_BYTES], 70);
    assert_int_equal(totals.value[COUNTER_FAILED + SEND_EAGAIN], 2);
}

/* A wait may end because of them alone. */
static void replies_that_leave_later_count_towards_the_quota(void **state)
{
    static const step_t script[] = {{APR_SUCCESS, 3, 0, 0},
                                    {APR_TIMEUP, 0, 0, 0},
                                    {APR_TIMEUP, 0, 0, 0},
                                    {APR_TIMEUP, 0, 0, 0}};

    the_transport.is_late = 1;
    the_transport.count = 3;
    counter_totals_t totals = run_script(script, *state);

    the_transport.is_late = 0;
    the_transport.count = 0;
    assert_int_equal(the_transport.steps, 4);
    assert_int_equal(totals.value[COUNTER_ECHOED], 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(a_wake_drains_until_nothing_is_left),
        scene(a_wake_for_other_listeners_ends_nothing),
        scene(failed_receives_are_counted_and_survived),
        scene(a_receive_that_fails_while_draining_leaves_nobody_unanswered),
        scene(delayed_replies_leave_while_receives_fail),
        scene(a_pause_takes_as_long_as_it_should),
        scene(wakes_without_end_do_not_keep_it_from_stopping),
        scene(a_worker_stops_although_every_receive_fails),
        scene(failed_replies_are_counted),
        scene(failed_replies_are_counted_for_their_service),
        scene(replies_under_way_in_the_end_are_counted),
        scene(replies_that_leave_later_count_towards_the_quota),
    };

    return cmocka_run_group_tests_name("worker", tests, NULL, NULL);
}
