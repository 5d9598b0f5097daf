/* The agenda: what is due first, however things are set, moved and removed. */

#include "unit.h"

#include "client/core/agenda.h"
#include "random.h"

#define NUMBERS 100
#define STEPS   20000

static void an_empty_agenda_is_never_due(void **state)
{
    agenda_t *agenda = agenda_create(4, *state);

    assert_int_equal(agenda_count(agenda), 0);
    assert_true(agenda_time(agenda) == APR_INT64_MAX);
    agenda_remove(agenda, 2); /* which is not in it */
    assert_int_equal(agenda_count(agenda), 0);
}

static void a_thing_is_due_at_its_last_time_only(void **state)
{
    agenda_t *agenda = agenda_create(4, *state);

    agenda_set(agenda, 1, 50);
    agenda_set(agenda, 3, 40);
    agenda_set(agenda, 1, 30);
    assert_int_equal(agenda_count(agenda), 2);
    assert_int_equal(agenda_first(agenda), 1);
    agenda_set(agenda, 1, 60);
    assert_int_equal(agenda_first(agenda), 3);
    agenda_hasten(agenda, 1, 70);
    assert_int_equal(agenda_first(agenda), 3);
    agenda_hasten(agenda, 1, 35);
    assert_int_equal(agenda_first(agenda), 1);
    agenda_set(agenda, 1, 60);
    assert_true(agenda_time(agenda) == 40);
    agenda_remove(agenda, 3);
    assert_int_equal(agenda_first(agenda), 1);
}

/* The earliest of all; -1: none is set. */
static int find_first(const apr_time_t *times)
{
    int first = -1;

    for (int i = 0; i < NUMBERS; i++) {
        if (times[i] >= 0 && (first < 0 || times[i] < times[first])) {
            first = i;
        }
    }
    return first;
}

static void it_agrees_with_a_search_of_all(void **state)
{
    agenda_t *agenda = agenda_create(NUMBERS, *state);
    apr_time_t times[NUMBERS];
    apr_uint64_t random = 1;

    for (unsigned i = 0; i < NUMBERS; i++) {
        times[i] = -1;
    }
    for (unsigned i = 0; i < STEPS; i++) {
        unsigned number = next_random(&random) % 128;
        apr_time_t time = next_random(&random) % 65536;

        if (number >= NUMBERS) {
            continue;
        }
        if (time & 1) {
            agenda_set(agenda, number, time);
            times[number] = time;
        } else {
            agenda_remove(agenda, number);
            times[number] = -1;
        }
        int first = find_first(times);

        assert_true(agenda_time(agenda) == (first < 0 ? APR_INT64_MAX : times[first]));
        if (first >= 0) {
            assert_true(times[agenda_first(agenda)] == times[first]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(an_empty_agenda_is_never_due),
        scene(a_thing_is_due_at_its_last_time_only),
        scene(it_agrees_with_a_search_of_all),
    };

    return cmocka_run_group_tests_name("agenda", tests, NULL, NULL);
}
