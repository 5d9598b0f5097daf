/* The search for the largest payload, on paths made up here. */

#include "unit.h"

#include "client/core/mtu_search.h"

#define HEADERS 28

/* A path that takes payloads of up to `widest` bytes. */
typedef struct path {
    apr_size_t widest;
    apr_size_t local;     /* what this host's interface takes; 0: anything */
    apr_size_t fragments; /* the way back cuts what is longer than this; 0: it does not */
    int tells;            /* what does not fit is told with the MTU */
    apr_size_t lie;       /* an MTU that is told instead */
    unsigned losses;      /* how many of the first datagrams get lost */
    apr_size_t buffer;    /* the peer sends back no more than this; 0: everything */
    int shortens;         /* the peer sends back all but the last byte */
    int tempts;           /* whatever is asked, an MTU one byte above it is told */
    unsigned asked;
} path_t;

static void ask(mtu_search_t *search, path_t *path)
{
    apr_size_t size = search->size;

    path->asked++;
    if (path->tempts) {
        mtu_search_hint(search, size + 1 + HEADERS);
    }
    if (path->local > 0 && size > path->local) {
        mtu_search_refused(search, size);
    } else if (path->losses > 0) {
        path->losses--;
        mtu_search_missed(search, size);
    } else if (size > path->widest) {
        if (path->tells) {
            mtu_search_hint(search, path->lie > 0 ? path->lie : path->widest + HEADERS);
        }
        mtu_search_missed(search, size);
    } else if (path->buffer > 0 && size > path->buffer) {
        mtu_search_changed(search, size, path->buffer);
    } else if (path->shortens && size > 8) {
        mtu_search_changed(search, size, size - 1);
    } else if (path->fragments > 0 && size > path->fragments) {
        mtu_search_answered(search, size, (path->fragments + 8) / 8 * 8 + 20);
    } else {
        mtu_search_answered(search, size, 0);
    }
}

static mtu_search_t search_path(path_t *path)
{
    mtu_search_t search = mtu_search_begin(65507, HEADERS);

    while (!mtu_search_is_done(&search)) {
        assert_true(path->asked < MTU_SEARCH_DATAGRAMS / 2);
        ask(&search, path);
    }
    return search;
}

static void every_width_is_found_to_the_byte(void **state)
{
    (void)state;
    for (apr_size_t widest = 8; widest <= 65507; widest += widest < 2000 ? 1 : 509) {
        path_t path = {.widest = widest};
        mtu_search_t search = search_path(&path);

        assert_int_equal(search.low, widest);
    }
}

/* search_path() holds how many datagrams that takes against what a run has for it. */
static void claims_do_not_lead_it_step_by_step(void **state)
{
    static const apr_size_t widest[] = {8, 500, 1472, 9000, 65507};

    (void)state;
    for (unsigned i = 0; i < sizeof widest / sizeof widest[0]; i++) {
        path_t tempting = {.widest = widest[i], .tempts = 1};
        path_t shorter = {.widest = widest[i], .shortens = 1};

        assert_int_equal(search_path(&tempting).low, widest[i]);
        assert_int_equal(search_path(&shorter).low, 8);
    }
}

static void a_path_without_limit_takes_the_largest_datagram(void **state)
{
    path_t path = {.widest = 65507};
    mtu_search_t search = search_path(&path);

    (void)state;
    assert_int_equal(search.low, 65507);
    assert_int_equal(search.obstacle, MTU_OBSTACLE_NONE);
}

static void the_usual_mtu_is_found_at_once(void **state)
{
    path_t path = {.widest = 1472, .local = 1472};
    mtu_search_t search = search_path(&path);

    (void)state;
    assert_int_equal(search.low, 1472);
    assert_int_equal(search.obstacle, MTU_OBSTACLE_LOCAL);
    assert_int_equal(path.asked, 3); /* a small one, 1472 and 1473 */
}

static void what_routers_say_saves_questions(void **state)
{
    path_t silent = {.widest = 1400 - HEADERS};
    path_t telling = {.widest = 1400 - HEADERS, .tells = 1};

    (void)state;
    assert_int_equal(search_path(&silent).low, 1400 - HEADERS);
    assert_int_equal(search_path(&telling).low, 1400 - HEADERS);
    assert_true(telling.asked <= 2 + 2 * MTU_SEARCH_TRIES);
    assert_true(telling.asked < silent.asked);
}

static void a_lie_about_the_mtu_is_found_out(void **state)
{
    path_t modest = {.widest = 1400, .tells = 1, .lie = 600};
    path_t boastful = {.widest = 1400, .tells = 1, .lie = 9000};
    path_t absurd = {.widest = 1400, .tells = 1, .lie = 1};

    (void)state;
    assert_int_equal(search_path(&modest).low, 1400);
    assert_int_equal(search_path(&boastful).low, 1400);
    assert_int_equal(search_path(&absurd).low, 1400);
}

static void a_lost_datagram_decides_nothing(void **state)
{
    path_t path = {.widest = 1472, .losses = MTU_SEARCH_TRIES - 1};

    (void)state;
    assert_int_equal(search_path(&path).low, 1472);
}

static void silence_ends_the_search(void **state)
{
    path_t path = {.widest = 0};
    mtu_search_t search = search_path(&path);

    (void)state;
    assert_int_equal(path.asked, MTU_SEARCH_TRIES);
    assert_false(search.is_answered);
}

static void fragments_of_replies_are_an_obstacle_of_their_own(void **state)
{
    path_t path = {.widest = 65507, .fragments = 1372};
    mtu_search_t search = search_path(&path);

    (void)state;
    assert_int_equal(search.low, 1372);
    assert_int_equal(search.obstacle, MTU_OBSTACLE_FRAGMENTS);
}

static void what_a_peer_cuts_off_is_its_limit(void **state)
{
    path_t path = {.widest = 65507, .buffer = 1024};
    mtu_search_t search = search_path(&path);

    (void)state;
    assert_int_equal(search.low, 1024);
    assert_int_equal(search.obstacle, MTU_OBSTACLE_CHANGED);
    assert_true(path.asked <= 2 + 2 * MTU_SEARCH_TRIES);
}

static void replies_that_are_always_changed_end_the_search(void **state)
{
    static const apr_size_t lengths[] = {0, 4, 8, 9, 65507};

    (void)state;
    for (unsigned i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        mtu_search_t search = mtu_search_begin(65507, HEADERS);
        unsigned asked = 0;

        for (; !mtu_search_is_done(&search); asked++) {
            mtu_search_changed(&search, search.size, lengths[i]);
        }
        assert_int_equal(asked, MTU_SEARCH_TRIES);
        assert_false(search.is_answered);
    }
}

static void a_host_that_sends_nothing_at_all_ends_the_search(void **state)
{
    mtu_search_t search = mtu_search_begin(65507, HEADERS);
    unsigned asked = 0;

    (void)state;
    for (; !mtu_search_is_done(&search); asked++) {
        assert_true(asked < MTU_SEARCH_TRIES);
        mtu_search_refused(&search, search.size);
    }
    assert_false(search.is_answered);
}

/* Each datagram ends in a way of its own, by chance. */
static void every_search_ends_whatever_comes(void **state)
{
    apr_uint32_t number = 1;

    (void)state;
    for (unsigned run = 0; run < 10000; run++) {
        mtu_search_t search = mtu_search_begin(65507, HEADERS);

        for (unsigned asked = 0; !mtu_search_is_done(&search); asked++) {
            apr_size_t size = search.size;

            assert_true(asked < MTU_SEARCH_DATAGRAMS);
            number = number * 1664525 + 1013904223;
            switch ((number >> 24) % 5) {
            case 0:
                mtu_search_answered(&search, size, 0);
                break;
            case 1:
                mtu_search_answered(&search, size, (number >> 8) % 1500);
                break;
            case 2:
                mtu_search_missed(&search, size);
                break;
            case 3:
                mtu_search_changed(&search, size, (number >> 8) % 65536);
                break;
            default:
                mtu_search_refused(&search, size);
                break;
            }
        }
    }
}

static void a_late_answer_of_a_size_given_up_changes_nothing(void **state)
{
    mtu_search_t search = mtu_search_begin(65507, HEADERS);

    (void)state;
    mtu_search_answered(&search, 8, 0);
    for (unsigned i = 0; i < MTU_SEARCH_TRIES; i++) {
        mtu_search_missed(&search, 1472);
    }
    assert_int_equal(search.high, 1472);
    mtu_search_answered(&search, 1472, 0);
    mtu_search_missed(&search, 1472);
    assert_int_equal(search.high, 1472);
    assert_int_equal(search.low, 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(every_width_is_found_to_the_byte),
        scene(claims_do_not_lead_it_step_by_step),
        scene(a_path_without_limit_takes_the_largest_datagram),
        scene(the_usual_mtu_is_found_at_once),
        scene(what_routers_say_saves_questions),
        scene(a_lie_about_the_mtu_is_found_out),
        scene(a_lost_datagram_decides_nothing),
        scene(silence_ends_the_search),
        scene(fragments_of_replies_are_an_obstacle_of_their_own),
        scene(what_a_peer_cuts_off_is_its_limit),
        scene(replies_that_are_always_changed_end_the_search),
        scene(a_host_that_sends_nothing_at_all_ends_the_search),
        scene(every_search_ends_whatever_comes),
        scene(a_late_answer_of_a_size_given_up_changes_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
