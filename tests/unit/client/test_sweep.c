/* What a sweep says of the paths behind source ports. */

#include "unit.h"

#include <math.h>
#include <stdlib.h>

#include "client/sweep.h"

#define PORTS  64
#define ROUNDS 10

static void fill(sweep_row_t *rows)
{
    for (unsigned i = 0; i < PORTS; i++) {
        rows[i] = (sweep_row_t){.port = (apr_port_t)(40000 + i),
                                .summary = {.sent = ROUNDS,
                                            .received = ROUNDS,
                                            .timed = ROUNDS,
                                            .minimum = 900,
                                            .p50 = 1000 + i % 7 * 10,
                                            .p90 = 1200,
                                            .maximum = 1300}};
    }
}

static void lose(sweep_row_t *row, unsigned lost)
{
    row->summary.lost = lost;
    row->summary.received = ROUNDS - lost;
    row->summary.timed = row->summary.received;
}

static void ports_that_are_alike_are_all_right(void **state)
{
    sweep_row_t rows[PORTS];

    fill(rows);
    sweep_result_t result = sweep_judge(rows, PORTS, *state);

    assert_int_equal(result.suspects, 0);
    assert_string_equal(result.verdict, "All 64 source ports are alike.");
}

static void too_few_datagrams_tell_nothing(void **state)
{
    sweep_row_t rows[PORTS];

    fill(rows);
    for (unsigned i = 0; i < 3; i++) {
        rows[i].summary = (probe_summary_t){.sent = i, .outstanding = i > 1};
    }
    sweep_result_t result = sweep_judge(rows, PORTS, *state);

    assert_int_equal(result.suspects, 0);
    assert_string_equal(result.verdict,
                        "Too few datagrams to tell: 3 of 64 source ports have fewer "
                        "than 2 that were answered or lost.");
}

static void a_path_that_loses_everything_shows_first(void **state)
{
    sweep_row_t rows[PORTS];

    fill(rows);
    for (unsigned i = 3; i < PORTS; i += 4) {
        lose(&rows[i], ROUNDS);
    }
    sweep_result_t result = sweep_judge(rows, PORTS, *state);

    assert_int_equal(result.suspects, 16);
    for (unsigned i = 0; i < PORTS; i++) {
        assert_int_equal(result.rows[i].is_suspect != 0, i < 16);
        assert_int_equal(result.rows[i].summary.lost, i < 16 ? ROUNDS : 0);
    }
    assert_string_equal(
        result.verdict,
        "16 of 64 source ports are worse than the others, as if 1 path of 4 were bad; they lose "
        "100 %, the others 0 %.");
}

static void losses_that_hit_all_alike_make_no_suspect(void **state)
{
    sweep_row_t rows[PORTS];

    fill(rows);
    for (unsigned i = 0; i < PORTS; i++) {
        lose(&rows[i], i % 4); /* 0 to 3 of 10 */
    }
    assert_int_equal(sweep_judge(rows, PORTS, *state).suspects, 0);
}

static void one_or_two_lost_are_chance(void **state)
{
    sweep_row_t rows[PORTS];

    fill(rows);
    lose(&rows[5], 2);
    assert_int_equal(sweep_judge(rows, PORTS, *state).suspects, 0);
    fill(rows);
    lose(&rows[5], 3);
    sweep_result_t result = sweep_judge(rows, PORTS, *state);

    assert_int_equal(result.suspects, 1);
    assert_int_equal(result.rows[0].port, 40005);
}

static void a_slow_path_shows(void **state)
{
    sweep_row_t rows[PORTS];

    fill(rows);
    for (unsigned i = 0; i < PORTS; i += 8) {
        rows[i].summary.p50 += 2000;
        rows[i].summary.minimum = 2900;
        rows[i].summary.p90 = rows[i].summary.maximum = 4000;
    }
    sweep_result_t result = sweep_judge(rows, PORTS, *state);

    assert_int_equal(result.suspects, 8);
    assert_true(result.rows[7].summary.p50 >= 3000);
    assert_true(result.rows[8].summary.p50 < 3000);
}

static void a_port_that_was_fast_once_is_on_no_slow_path(void **state)
{
    sweep_row_t rows[PORTS];

    fill(rows);
    rows[9].summary.p50 = rows[9].summary.p90 = rows[9].summary.maximum = 9000;
    rows[9].summary.minimum = 1010;
    assert_int_equal(sweep_judge(rows, PORTS, *state).suspects, 0);
}

static void no_answer_at_all_blames_no_port(void **state)
{
    sweep_row_t rows[PORTS];

    fill(rows);
    for (unsigned i = 0; i < PORTS; i++) {
        lose(&rows[i], ROUNDS);
        rows[i].summary.p50 = 0;
    }
    sweep_result_t result = sweep_judge(rows, PORTS, *state);

    assert_int_equal(result.suspects, 0);
    assert_string_equal(result.verdict, "No port got an answer.");
}

static void the_bad_half_is_named(void **state)
{
    sweep_row_t rows[16];

    for (unsigned bad = 2; bad <= 14; bad++) {
        for (unsigned i = 0; i < 16; i++) {
            rows[i] = (sweep_row_t){.port = (apr_port_t)(40000 + i), .summary = {.sent = ROUNDS}};
            lose(&rows[i], i * 5 % 16 < bad ? ROUNDS : 0);
        }
        sweep_result_t result = sweep_judge(rows, 16, *state);

        print_message("%s\n", result.verdict);
        assert_int_equal(result.suspects, bad);
        assert_int_equal(result.rows[bad - 1].summary.lost, ROUNDS);
    }
}

static void the_slow_half_is_named(void **state)
{
    sweep_row_t rows[PORTS];

    for (unsigned bad = 1; bad < PORTS; bad += 8) {
        fill(rows);
        for (unsigned i = 0; i < bad; i++) {
            rows[i].summary.minimum = 2000;
            rows[i].summary.p50 = rows[i].summary.p90 = rows[i].summary.maximum = 2500;
        }
        assert_int_equal(sweep_judge(rows, PORTS, *state).suspects, bad);
    }
}

static void ports_may_be_bad_in_two_ways(void **state)
{
    sweep_row_t rows[PORTS];

    fill(rows);
    for (unsigned i = 0; i < PORTS; i++) {
        if (i % 2 == 0) {
            lose(&rows[i], ROUNDS / 2);
        } else {
            rows[i].summary.minimum = 2900;
            rows[i].summary.p50 = rows[i].summary.p90 = rows[i].summary.maximum = 4000;
        }
    }
    sweep_result_t result = sweep_judge(rows, PORTS, *state);

    assert_int_equal(result.suspects, PORTS);
    assert_string_equal(
        result.verdict,
        "All 64 source ports are bad: some lose more than the others, which are slower.");
}

/* ---- Sweeps by chance ---- */

typedef struct paths {
    unsigned ports;
    unsigned rounds;
    double loss;     /* of all ports */
    unsigned bad;    /* ports; 0: none */
    double bad_loss; /* of these */
} paths_t;

/* From 0 to 1, as if random, the same in each run. */
static double next_random(apr_uint64_t *state)
{
    *state = *state * APR_UINT64_C(6364136223846793005) + APR_UINT64_C(1442695040888963407);
    return ((double)(*state >> 11) + 0.5) / 9007199254740992.0;
}

static int compare_times(const void *one, const void *other)
{
    apr_interval_time_t a = *(const apr_interval_time_t *)one;
    apr_interval_time_t b = *(const apr_interval_time_t *)other;

    return (a > b) - (a < b);
}

/* Round trips have a long tail, and a few answers come very late. */
static void ping(sweep_row_t *row, unsigned rounds, double loss, apr_uint64_t *randomness)
{
    apr_interval_time_t times[64] = {0};
    unsigned received = 0;

    for (unsigned i = 0; i < rounds; i++) {
        double time = 200 - 300 * log(next_random(randomness));

        time += next_random(randomness) < 0.02 ? 10000 : 0;
        if (next_random(randomness) >= loss) {
            times[received++] = (apr_interval_time_t)time;
        }
    }
    qsort(times, received, sizeof times[0], compare_times);
    row->summary = (probe_summary_t){
        .sent = rounds, .received = received, .timed = received, .lost = rounds - received};
    if (received > 0) {
        row->summary.minimum = times[0];
        row->summary.p50 = times[(received - 1) / 2];
        row->summary.p90 = times[(received * 9 + 9) / 10 - 1];
        row->summary.maximum = times[received - 1];
    }
}

/* How many of `sweeps` name a port; with bad ones, how many name half of these and hardly another.
 */
static unsigned named(const paths_t *paths, unsigned sweeps, apr_uint64_t *randomness,
                      apr_pool_t *pool)
{
    sweep_row_t *rows = apr_pcalloc(pool, paths->ports * sizeof *rows);
    unsigned sum = 0;

    for (unsigned sweep = 0; sweep < sweeps; sweep++) {
        unsigned right = 0;

        for (unsigned i = 0; i < paths->ports; i++) {
            rows[i].port = (apr_port_t)(1024 + i);
            rows[i].is_suspect = 0;
            ping(&rows[i], paths->rounds, i < paths->bad ? paths->bad_loss : paths->loss,
                 randomness);
        }
        sweep_result_t result = sweep_judge(rows, paths->ports, pool);

        for (unsigned i = 0; i < result.suspects; i++) {
            right += result.rows[i].port < 1024 + paths->bad;
        }
        sum += paths->bad == 0 ? result.suspects > 0
                               : right * 2 >= paths->bad && result.suspects - right <= right / 4;
    }
    print_message("%u ports, %u datagrams each, %g %% lost, %u ports %g %%: %u of %u sweeps\n",
                  paths->ports, paths->rounds, 100 * paths->loss, paths->bad, 100 * paths->bad_loss,
                  sum, sweeps);
    return sum;
}

static void clean_and_evenly_lossy_sweeps_name_nobody(void **state)
{
    static const paths_t clean[] = {
        {2, 10, 0, 0, 0}, {16, 5, 0, 0, 0}, {64, 10, 0, 0, 0}, {64, 1, 0, 0, 0}, {256, 3, 0, 0, 0}};
    static const paths_t lossy[] = {
        {2, 10, 0.2, 0, 0},  {16, 10, 0.5, 0, 0},  {64, 10, 0.05, 0, 0}, {64, 10, 0.005, 0, 0},
        {64, 40, 0.3, 0, 0}, {256, 3, 0.02, 0, 0}, {256, 2, 0.5, 0, 0},  {64, 2, 0.95, 0, 0},
        {16, 3, 0.01, 0, 0}, {64, 1, 0.1, 0, 0}};
    apr_uint64_t randomness = 1;
    unsigned false_alarms = 0;

    for (unsigned i = 0; i < sizeof clean / sizeof clean[0]; i++) {
        false_alarms += named(&clean[i], 200, &randomness, *state);
    }
    assert_in_range(false_alarms, 0, 9); /* of 1,000 */
    false_alarms = 0;
    for (unsigned i = 0; i < sizeof lossy / sizeof lossy[0]; i++) {
        false_alarms += named(&lossy[i], 100, &randomness, *state);
    }
    assert_in_range(false_alarms, 0, 9);

    paths_t many = {4096, 1, 0.01, 0, 0};

    assert_int_equal(named(&many, 5, &randomness, *state), 0);
}

static void bad_paths_are_seen_as_the_manual_says(void **state)
{
    static const paths_t paths[] = {
        {16, 10, 0, 8, 1},      {16, 10, 0.02, 8, 1}, {64, 10, 0, 16, 0.25}, {64, 40, 0, 16, 0.1},
        {64, 10, 0, 1, 1},      {64, 10, 0.05, 1, 1}, {4096, 2, 0, 2048, 1}, {64, 10, 0, 32, 0.3},
        {64, 10, 0.01, 8, 0.5}, {2, 10, 0, 1, 1},     {16, 2, 0, 8, 1}};
    apr_uint64_t randomness = 1;

    for (unsigned i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        unsigned sweeps = paths[i].ports > 1000 ? 2 : 100;

        assert_true(named(&paths[i], sweeps, &randomness, *state) * 10 >= sweeps * 9);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(ports_that_are_alike_are_all_right),
        scene(too_few_datagrams_tell_nothing),
        scene(a_path_that_loses_everything_shows_first),
        scene(losses_that_hit_all_alike_make_no_suspect),
        scene(one_or_two_lost_are_chance),
        scene(a_slow_path_shows),
        scene(a_port_that_was_fast_once_is_on_no_slow_path),
        scene(no_answer_at_all_blames_no_port),
        scene(the_bad_half_is_named),
        scene(the_slow_half_is_named),
        scene(ports_may_be_bad_in_two_ways),
        scene(clean_and_evenly_lossy_sweeps_name_nobody),
        scene(bad_paths_are_seen_as_the_manual_says),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
