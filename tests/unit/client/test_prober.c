/* The loop that asks all peers, over real sockets. */

#include "unit.h"

#include "bound_socket.h"
#include "client/output/report.h"
#include "client/prober.h"
#include "udpecho/clock.h"
#include "udpecho/flows.h"
#include "udpecho/platform.h"

#define MILLISECOND (APR_USEC_PER_SEC / 1000)
#define TIMEOUT     (50 * MILLISECOND)

typedef struct fixture {
    platform_t platform;
    flows_t *flows;
    prober_t *prober;
    apr_sockaddr_t *silent; /* where nobody answers */
    apr_array_header_t *reports;
    report_t report;
    unsigned runs;  /* of the task */
    unsigned ended; /* peers */
    int is_woken;
    apr_pool_t *pool;
} fixture_t;

static void on_ended(void *context, peer_t *peer)
{
    fixture_t *fixture = context;

    (void)peer;
    fixture->ended++;
}

static fixture_t *open_fixture(const prober_task_t *task, apr_pool_t *pool)
{
    fixture_t *fixture = task->context;
    const flows_options_t options = {
        .platform = &fixture->platform, .payload_max = 100, .dscp = -1, .buffer = 1 << 16};
    flows_error_t error;

    fixture->pool = pool;
    fixture->silent = bound_socket(pool);
    platform_probe(&fixture->platform, pool);
    assert_int_equal(flows_open(&fixture->flows, NULL, &options, &error, pool), APR_SUCCESS);
    fixture->reports = apr_array_make(pool, 1, sizeof(report_t *));
    APR_ARRAY_PUSH(fixture->reports, const report_t *) = &fixture->report;
    const prober_options_t prober = {.flows = fixture->flows,
                                     .run = {.is_one_of_many = 1},
                                     .reports = fixture->reports,
                                     .task = task,
                                     .ended = on_ended,
                                     .context = fixture};

    assert_int_equal(prober_create(&fixture->prober, &prober, pool), APR_SUCCESS);
    return fixture;
}

/* One that is asked once a day. */
static void add_peer(fixture_t *fixture)
{
    static const unsigned char random[PROBE_RANDOM] = {1};
    const probe_plan_t plan = {.peer = endpoint_of(fixture->silent),
                               .size = 32,
                               .random = random,
                               .flows = 1,
                               .burst = 1,
                               .interval = 86400 * APR_USEC_PER_SEC,
                               .timeout = TIMEOUT};
    peer_options_t options = {.run = {.host = "silent",
                                      .peer = plan.peer,
                                      .is_one_of_many = 1,
                                      .flows = 1,
                                      .timeout = TIMEOUT},
                              .flows = fixture->flows,
                              .reports = fixture->reports,
                              .patience = TIMEOUT};
    flows_error_t error;

    assert_int_equal(
        flows_add(fixture->flows, fixture->silent, NULL, NULL, &options.first_flow, &error),
        APR_SUCCESS);
    assert_int_equal(probe_create(&options.probe, &plan, fixture->pool), APR_SUCCESS);
    prober_add(fixture->prober, &options, fixture->pool);
}

/* ---- Scenes ---- */

/* Holds up the loop until both peers are overdue; when it is called again, it is all over. */
static apr_time_t hold_up(void *context, apr_time_t now)
{
    fixture_t *fixture = context;

    switch (fixture->runs++) {
    case 0:
        return now + TIMEOUT / 2;
    case 1:
        clock_pause(2 * TIMEOUT);
        return PROBER_NEVER;
    default:
        prober_stop(fixture->prober);
        return PROBER_NEVER;
    }
}

static int is_pending(void *context)
{
    (void)context;
    return 1;
}

static void wake_when_missing(void *context, const event_t *event)
{
    fixture_t *fixture = context;

    if (event->kind == EVENT_MISSING && !fixture->is_woken) {
        fixture->is_woken = 1;
        flows_wake(fixture->flows);
    }
}

/* The loop reads what has arrived before the second peer's datagram is judged missing, and there
 * learns that somebody wants something of it. Nothing else is due for a day. */
static void it_is_woken_while_it_judges(void **state)
{
    fixture_t scene = {.runs = 0};
    const prober_task_t task = {hold_up, is_pending, &scene};
    fixture_t *fixture = open_fixture(&task, *state);

    fixture->report = (report_t){.tell = wake_when_missing, .context = fixture};
    add_peer(fixture);
    add_peer(fixture);
    assert_int_equal(prober_run(fixture->prober, clock_now() + 5 * APR_USEC_PER_SEC), APR_SUCCESS);
    assert_int_equal(fixture->runs, 3);
    assert_int_equal(fixture->ended, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(it_is_woken_while_it_judges),
    };

    return cmocka_run_group_tests_name("prober", tests, NULL, NULL);
}
