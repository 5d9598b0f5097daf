/* Sessions: each reply has a number of its own, also between threads, and forged ones cost an
 * honest one nothing. */

#include "unit.h"

#include <apr_thread_proc.h>

#include "core/sessions.h"
#include "endpoints.h"

#define NOW     apr_time_from_sec(100000)
#define SENT_NS APR_INT64_C(1767225600251520000)

static const unsigned char key[APR_SIPHASH_KSIZE] = "not a secret";

static endpoint_t to;

static apr_uint32_t number(sessions_t *sessions, unsigned sender, unsigned ssid, apr_time_t now)
{
    endpoint_t from = ipv4(0x0a000000 + sender, 40000);

    to = ipv4(0xc0000201, 862);
    return session_take(sessions, &from, &to, ssid, now).sequence;
}

static void every_session_is_numbered_from_zero(void **state)
{
    sessions_t *sessions = sessions_create(key, *state);
    endpoint_t from = ipv6(0x20, 1, 1, 40000);
    endpoint_t here = ipv6(0x20, 1, 2, 862);

    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(number(sessions, 1, 0, NOW), i);
        assert_int_equal(number(sessions, 1, 7, NOW), i);
        assert_int_equal(number(sessions, 2, 0, NOW), i);
        assert_int_equal(session_take(sessions, &from, &here, 0, NOW).sequence, i);
    }
    assert_int_equal(sessions_count(sessions, NOW), 4);
    assert_int_equal(sessions_evicted(sessions), 0);
}

static void an_idle_session_starts_anew(void **state)
{
    sessions_t *sessions = sessions_create(key, *state);

    assert_int_equal(number(sessions, 1, 0, NOW), 0);
    assert_int_equal(number(sessions, 1, 0, NOW + SESSION_IDLE_US), 1);
    assert_int_equal(number(sessions, 1, 0, NOW + 2 * SESSION_IDLE_US + 1), 0);
    assert_int_equal(number(sessions, 1, 0, NOW + 2 * SESSION_IDLE_US + 2), 1);
    assert_int_equal(sessions_count(sessions, NOW + 3 * SESSION_IDLE_US + 3), 0);
    assert_int_equal(sessions_evicted(sessions), 0);
}

/* Not all places can be taken before a session finds none, but three in four. */
static void many_sessions_leave_each_other_in_peace(void **state)
{
    sessions_t *sessions = sessions_create(key, *state);

    for (unsigned i = 0; i < 5; i++) {
        for (unsigned sender = 0; sender < 12000; sender++) {
            assert_int_equal(number(sessions, sender, 0, NOW + i), i);
        }
    }
    assert_int_equal(sessions_evicted(sessions), 0);
}

/* A packet a second, and 100,000 forged ones between any two. */
static void an_honest_session_outlives_forged_ones(void **state)
{
    sessions_t *sessions = sessions_create(key, *state);
    apr_time_t now = NOW;

    assert_int_equal(number(sessions, 0, 0, now), 0);
    assert_int_equal(number(sessions, 0, 0, now), 1);
    for (unsigned second = 0; second < 10; second++) {
        for (unsigned i = 1; i <= 100000; i++) {
            now += 10;
            number(sessions, second * 100000 + i, 0, now);
        }
        assert_int_equal(number(sessions, 0, 0, now), second + 2);
    }
    assert_int_equal(sessions_count(sessions, now), SESSIONS_MAX);
    assert_int_equal(sessions_evicted(sessions), 1000001 - SESSIONS_MAX);
}

static void the_reply_before_is_remembered(void **state)
{
    sessions_t *sessions = sessions_create(key, *state);
    endpoint_t from = ipv4(0x0a000001, 40000);
    apr_int64_t sent = SENT_NS;

    to = ipv4(0xc0000201, 862);
    for (unsigned i = 0; i < 2000000; i += i < 10 ? 1 : 99991) { /* past what a place can count */
        session_turn_t turn = session_take(sessions, &from, &to, 0, NOW);

        assert_int_equal(session_last_sent(&turn, sent + 900000000000), i == 0 ? 0 : sent);
        sent += 1234567890;
        session_sent(&turn, sent);
    }
    session_take(sessions, &from, &to, 0, NOW); /* in another worker's hands */

    session_turn_t turn = session_take(sessions, &from, &to, 0, NOW);

    assert_int_equal(session_last_sent(&turn, sent), 0);
}

static void a_reply_left_when_the_kernel_says(void **state)
{
    sessions_t *sessions = sessions_create(key, *state);
    endpoint_t from = ipv4(0x0a000001, 40000);
    apr_int64_t sent = SENT_NS;

    to = ipv4(0xc0000201, 862);
    session_turn_t last = session_take(sessions, &from, &to, 0, NOW);

    session_sent(&last, sent);
    for (unsigned i = 1; i < 600000; i += i < 10 ? 1 : 99991) { /* past what the number holds */
        session_turn_t turn = session_take(sessions, &from, &to, 0, NOW);
        departure_t departure = {session_departure_id(&last), sent + 3000};

        session_departed(sessions, &departure);
        assert_int_equal(session_last_sent(&turn, sent), sent + 3000);

        departure.left = sent - 1; /* of another session that had the place */
        session_departed(sessions, &departure);
        departure = (departure_t){session_departure_id(&turn), sent + 4000};
        session_departed(sessions, &departure); /* nothing is known of it yet */
        assert_int_equal(session_last_sent(&turn, sent), sent + 3000);

        sent += 1234567890;
        session_sent(&turn, sent);
        departure = (departure_t){session_departure_id(&last), sent + 5000};
        session_departed(sessions, &departure); /* too late to tell */
        last = turn;
    }
    session_turn_t turn = session_take(sessions, &from, &to, 0, NOW);

    assert_int_equal(session_last_sent(&turn, sent), sent);
}

/* ---- Threads ---- */

#define THREADS  4
#define PACKETS  20000
#define SESSIONS 4

typedef struct crowd {
    sessions_t *sessions;
    unsigned char seen[SESSIONS][THREADS * PACKETS];
} crowd_t;

static void *APR_THREAD_FUNC take_many(apr_thread_t *thread, void *data)
{
    crowd_t *crowd = data;

    (void)thread;
    for (unsigned i = 0; i < SESSIONS * PACKETS; i++) {
        endpoint_t from = ipv4(0x0a000000 + i % SESSIONS, 40000);
        endpoint_t here = ipv4(0xc0000201, 862);
        apr_uint32_t sequence = session_take(crowd->sessions, &from, &here, 0, NOW).sequence;

        crowd->seen[i % SESSIONS][sequence]++; /* nobody else has this number */
    }
    return NULL;
}

static void no_two_replies_have_the_same_number(void **state)
{
    crowd_t *crowd = apr_pcalloc(*state, sizeof *crowd);
    apr_thread_t *threads[THREADS];
    apr_status_t status;

    crowd->sessions = sessions_create(key, *state);
    for (unsigned i = 0; i < THREADS; i++) {
        assert_int_equal(apr_thread_create(&threads[i], NULL, take_many, crowd, *state),
                         APR_SUCCESS);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        apr_thread_join(&status, threads[i]);
    }
    for (unsigned i = 0; i < SESSIONS; i++) {
        for (unsigned sequence = 0; sequence < THREADS * PACKETS; sequence++) {
            assert_int_equal(crowd->seen[i][sequence], 1);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(every_session_is_numbered_from_zero),
        scene(an_idle_session_starts_anew),
        scene(many_sessions_leave_each_other_in_peace),
        scene(an_honest_session_outlives_forged_ones),
        scene(the_reply_before_is_remembered),
        scene(a_reply_left_when_the_kernel_says),
        scene(no_two_replies_have_the_same_number),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
