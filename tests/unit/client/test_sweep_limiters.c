/* Sweeps against what lets some datagrams pass and others not by the time alone. No source port is
 * worse for it, and a port that is bad besides is named all the same. */

#include "scripted_probe.h"

#include "client/sweep.h"

#define PORTS  64
#define ROUNDS 10
#define SWEEPS 100
#define BAD    7 /* the port to which nothing comes back, if there is one */

typedef int passes_t(unsigned *state, apr_time_t now);

/* Firewalls, and systems for ICMP, often let so many pass in each second. */
static int passes_window(unsigned *passed, apr_time_t now)
{
    static apr_time_t second;

    if (now / SECOND != second) {
        second = now / SECOND;
        *passed = 0;
    }
    return (*passed)++ < 50;
}

static int passes_pauses(unsigned *state, apr_time_t now)
{
    (void)state;
    return now % SECOND >= SECOND / 10;
}

static int passes_four_of_five(unsigned *asked, apr_time_t now)
{
    (void)now;
    return (*asked)++ % 5 != 0;
}

/* Sends all of a sweep, in which what passes is answered at once. */
static void sweep(probe_t *probe, passes_t *passes, unsigned bad)
{
    apr_time_t now = START;
    unsigned state = 0;

    for (probe_next_t next; (next = probe_next(probe, now)).step != PROBE_DONE;) {
        if (next.step == PROBE_WAIT) {
            now = next.until;
        } else if (next.step == PROBE_SEND && passes(&state, now) && next.request.flow != bad) {
            packet_t packet = packet_of(&next.request);

            echoed_at(probe, &packet, now + MILLISECOND);
        }
    }
}

static sweep_result_t judged(probe_t *probe, apr_pool_t *pool)
{
    sweep_row_t *rows = apr_pcalloc(pool, PORTS * sizeof *rows);

    for (unsigned i = 0; i < PORTS; i++) {
        rows[i].port = (apr_port_t)(1024 + i);
        rows[i].summary = probe_flow_summary(probe, i, START);
    }
    return sweep_judge(rows, PORTS, pool);
}

/* How many sweeps name ports and, if one is bad, name that one alone. */
static unsigned named(passes_t *passes, unsigned bad, int shuffles, apr_pool_t *pool)
{
    probe_plan_t plan = plain_plan();
    unsigned sum = 0;

    plan.flows = plan.burst = PORTS;
    plan.count = (apr_uint64_t)PORTS * ROUNDS;
    for (unsigned i = 1; i <= SWEEPS; i++) {
        apr_pool_t *run;

        assert_int_equal(apr_pool_create(&run, pool), APR_SUCCESS);
        plan.shuffle = shuffles ? i : 0;
        probe_t *probe = probe_of(plan, run);

        sweep(probe, passes, bad);
        sweep_result_t result = judged(probe, run);

        sum += bad == PORTS ? result.suspects > 0
                            : result.suspects == 1 && result.rows[0].port == 1024 + bad;
        apr_pool_destroy(run);
    }
    print_message("%u of %u\n", sum, SWEEPS);
    return sum;
}

static void check(passes_t *passes, apr_pool_t *pool)
{
    assert_in_range(named(passes, PORTS, 1, pool), 0, 1);
    assert_in_range(named(passes, BAD, 1, pool), 90, SWEEPS);
}

static void a_limit_of_each_second_blames_no_port(void **state)
{
    check(passes_window, *state);
    assert_int_equal(named(passes_window, PORTS, 0, *state), SWEEPS); /* why the order is random */
}

static void a_pause_in_each_second_blames_no_port(void **state)
{
    check(passes_pauses, *state);
    assert_int_equal(named(passes_pauses, PORTS, 0, *state), SWEEPS);
}

static void the_loss_of_every_fifth_datagram_blames_no_port(void **state)
{
    check(passes_four_of_five, *state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(a_limit_of_each_second_blames_no_port),
        scene(a_pause_in_each_second_blames_no_port),
        scene(the_loss_of_every_fifth_datagram_blames_no_port),
    };

    return cmocka_run_group_tests_name("sweep_limiters", tests, NULL, NULL);
}
