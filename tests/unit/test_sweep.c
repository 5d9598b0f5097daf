/* What a sweep says of the paths behind source ports. */

#include "unit.h"

#include "sweep.h"

#define PORTS  64
#define ROUNDS 10

static void fill(sweep_row_t *rows)
{
    for (unsigned i = 0; i < PORTS; i++) {
        rows[i] = (sweep_row_t){
            .port = (apr_port_t)(40000 + i),
            .summary = {.sent = ROUNDS, .received = ROUNDS, .p50 = 1000 + i % 7 * 10}};
    }
}

static void lose(sweep_row_t *row, unsigned lost)
{
    row->summary.lost = lost;
    row->summary.received = ROUNDS - lost;
}

static void ports_that_fare_alike_are_all_right(void **state)
{
    sweep_row_t rows[PORTS];

    fill(rows);
    sweep_result_t result = sweep_judge(rows, PORTS, *state);

    assert_int_equal(result.suspects, 0);
    assert_string_equal(result.verdict, "All 64 source ports fare alike.");
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
        "16 of 64 source ports fare worse than the rest, as if 1 path of 4 were bad.");
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
    rows[9].summary.p50 = 9000;
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(ports_that_fare_alike_are_all_right),
        scene(a_path_that_loses_everything_shows_first),
        scene(losses_that_hit_all_alike_make_no_suspect),
        scene(one_or_two_lost_are_chance),
        scene(a_slow_path_shows),
        scene(a_port_that_was_fast_once_is_on_no_slow_path),
        scene(no_answer_at_all_blames_no_port),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
