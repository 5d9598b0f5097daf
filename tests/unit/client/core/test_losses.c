/* Which way datagrams were lost. The path and the peer, which counts, are scripts. */

#include "unit.h"

#include "client/core/losses.h"
#include "random.h"

/* A peer that counts, and what became of what was sent. */
typedef struct scene {
    losses_t losses;
    apr_uint32_t next;   /* the peer's next number */
    apr_uint32_t number; /* the sender's next number */
    int is_shared;
} scene_state_t;

static void take(scene_state_t *scene, apr_uint32_t number, apr_uint32_t peer_number)
{
    losses_add(&scene->losses, &(reply_number_t){.number = number,
                                                 .peer_number = peer_number,
                                                 .is_shared = scene->is_shared});
}

/* Sends a request that gets there, and is answered. */
static void answered(scene_state_t *scene)
{
    take(scene, scene->number++, scene->next++);
}

static void lost_there(scene_state_t *scene)
{
    scene->number++;
}

static void lost_back(scene_state_t *scene)
{
    scene->number++;
    scene->next++;
}

static void assert_lost(const scene_state_t *scene, apr_uint64_t forward, apr_uint64_t backward)
{
    loss_counts_t counts = losses_count(&scene->losses);

    assert_int_equal(counts.forward, forward);
    assert_int_equal(counts.backward, backward);
    assert_false(counts.is_disturbed);
}

static void nothing_is_lost_where_nothing_came(void **state)
{
    scene_state_t scene = {.next = 0};

    (void)state;
    assert_lost(&scene, 0, 0);
    assert_false(losses_count(&scene.losses).differs);
}

/* Every tenth request and every seventh reply. */
static void the_way_of_every_loss_is_known(void **state)
{
    scene_state_t scene = {.next = 0};
    apr_uint64_t forward = 0, backward = 0;

    (void)state;
    for (unsigned i = 1; i <= 1001; i++) {
        if (i % 10 == 0) {
            lost_there(&scene);
            forward++;
        } else if ((scene.next + 1) % 7 == 0) {
            lost_back(&scene);
            backward++;
        } else {
            answered(&scene);
        }
    }
    assert_int_equal(forward, 100);
    assert_int_equal(backward, 128);
    assert_lost(&scene, 100, 128);
    assert_true(losses_count(&scene.losses).differs);
}

static void what_is_lost_before_the_first_reply_is_known_in_a_new_session(void **state)
{
    scene_state_t scene = {.next = 0};

    (void)state;
    lost_back(&scene);
    lost_there(&scene);
    lost_there(&scene);
    answered(&scene);
    assert_lost(&scene, 2, 1);
}

static void a_session_that_the_peer_knew_before_counts_from_its_first_reply(void **state)
{
    scene_state_t scene = {.next = 5000};

    (void)state;
    lost_there(&scene);
    answered(&scene);
    lost_there(&scene);
    lost_back(&scene);
    answered(&scene);
    assert_lost(&scene, 1, 1);
}

static void what_follows_the_last_answer_is_not_known(void **state)
{
    scene_state_t scene = {.next = 0};

    (void)state;
    answered(&scene);
    lost_there(&scene);
    lost_back(&scene);
    assert_lost(&scene, 0, 0);
}

static void numbers_go_on_with_0_behind_the_largest(void **state)
{
    scene_state_t scene = {.next = 0xffffffff, .number = 0xfffffffe};

    (void)state;
    answered(&scene);
    lost_there(&scene);
    lost_back(&scene);
    answered(&scene);
    answered(&scene);
    assert_lost(&scene, 1, 1);
}

/* No difference of two numbers is larger; the sanitizer watches. */
static void a_number_may_be_as_far_from_another_as_there_are(void **state)
{
    scene_state_t scene = {.next = 0};

    (void)state;
    answered(&scene);
    take(&scene, scene.number++, 0x80000000);
    assert_true(losses_count(&scene.losses).differs);
}

static void a_stateless_peer_never_differs(void **state)
{
    scene_state_t scene = {.next = 0};

    (void)state;
    take(&scene, 0, 0);
    take(&scene, 7, 7);
    assert_false(losses_count(&scene.losses).differs);
}

static void reordering_is_no_loss(void **state)
{
    scene_state_t there = {.next = 0}, back = {.next = 0}, both = {.next = 0};

    (void)state;
    take(&there, 0, 0);
    take(&there, 2, 1);
    take(&there, 1, 2);
    take(&there, 3, 3);
    assert_lost(&there, 0, 0);

    take(&back, 2, 2);
    take(&back, 0, 0);
    take(&back, 1, 1);
    assert_lost(&back, 0, 0);

    take(&both, 0, 0);
    take(&both, 1, 2);
    take(&both, 2, 1);
    assert_lost(&both, 0, 0);
    assert_int_equal(both.losses.restarts, 0);
}

static void a_reply_that_comes_twice_was_sent_once(void **state)
{
    scene_state_t scene = {.next = 0};

    (void)state;
    answered(&scene);
    losses_add(&scene.losses, &(reply_number_t){.is_repeated = 1});
    lost_back(&scene);
    answered(&scene);
    assert_lost(&scene, 0, 1);
}

static void a_request_that_gets_there_twice_is_answered_twice(void **state)
{
    scene_state_t scene = {.next = 0};

    (void)state;
    answered(&scene);
    losses_add(&scene.losses,
               &(reply_number_t){.number = 0, .peer_number = scene.next++, .is_repeated = 1});
    answered(&scene);
    lost_there(&scene);
    lost_back(&scene);
    answered(&scene);
    assert_lost(&scene, 1, 1);
}

static void a_peer_that_forgets_the_session_begins_another_stretch(void **state)
{
    scene_state_t scene = {.next = 0};

    (void)state;
    for (unsigned i = 0; i < 10; i++) {
        answered(&scene);
    }
    lost_there(&scene);
    answered(&scene);
    scene.next = 0;
    answered(&scene);
    lost_back(&scene);
    answered(&scene);
    assert_lost(&scene, 1, 1);
    assert_int_equal(scene.losses.restarts, 1);
}

static void a_restart_is_found_though_its_first_numbers_were_never_seen(void **state)
{
    scene_state_t scene = {.next = 0};

    (void)state;
    lost_back(&scene);
    answered(&scene);
    answered(&scene);
    scene.next = 0;
    answered(&scene); /* this may be the reply that was missing */
    assert_int_equal(scene.losses.restarts, 0);
    answered(&scene);
    answered(&scene);
    assert_int_equal(scene.losses.restarts, 1);
}

static void a_peer_that_counts_failures_says_what_it_did_not_answer(void **state)
{
    losses_t losses = {.restarts = 0};
    loss_counts_t counts;

    (void)state;
    losses_add(&losses,
               &(reply_number_t){.number = 0, .peer_number = 40, .failures = 2, .is_shared = 1});
    /* Request 1 was lost, 2 not answered, the reply to 3 lost. */
    losses_add(&losses,
               &(reply_number_t){.number = 4, .peer_number = 42, .failures = 3, .is_shared = 1});
    counts = losses_count(&losses);
    assert_int_equal(counts.forward, 1);
    assert_int_equal(counts.peer, 1);
    assert_int_equal(counts.backward, 1);
    assert_false(counts.is_disturbed);
}

static void others_that_ask_the_same_peer_are_noticed(void **state)
{
    losses_t losses = {.restarts = 0};

    (void)state;
    losses_add(&losses, &(reply_number_t){.number = 0, .peer_number = 0, .is_shared = 1});
    losses_add(&losses, &(reply_number_t){.number = 1, .peer_number = 9, .is_shared = 1});
    assert_true(losses_count(&losses).is_disturbed);
}

/* Up to the last answer, the counts equal those of the script for any losses. */
static void the_counts_are_those_of_any_script(void **state)
{
    apr_uint64_t random = 1;

    (void)state;
    for (unsigned run = 0; run < 200; run++) {
        scene_state_t scene = {.next = 0};
        apr_uint64_t forward = 0, backward = 0;

        for (unsigned i = 0; i < 300; i++) {
            unsigned dice = next_random(&random) % 10;

            if (dice == 0) {
                lost_there(&scene);
                forward++;
            } else if (dice == 1) {
                lost_back(&scene);
                backward++;
            } else {
                answered(&scene);
            }
        }
        answered(&scene);
        assert_lost(&scene, forward, backward);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(nothing_is_lost_where_nothing_came),
        scene(the_way_of_every_loss_is_known),
        scene(what_is_lost_before_the_first_reply_is_known_in_a_new_session),
        scene(a_session_that_the_peer_knew_before_counts_from_its_first_reply),
        scene(what_follows_the_last_answer_is_not_known),
        scene(numbers_go_on_with_0_behind_the_largest),
        scene(a_number_may_be_as_far_from_another_as_there_are),
        scene(a_stateless_peer_never_differs),
        scene(reordering_is_no_loss),
        scene(a_reply_that_comes_twice_was_sent_once),
        scene(a_request_that_gets_there_twice_is_answered_twice),
        scene(a_peer_that_forgets_the_session_begins_another_stretch),
        scene(a_restart_is_found_though_its_first_numbers_were_never_seen),
        scene(a_peer_that_counts_failures_says_what_it_did_not_answer),
        scene(others_that_ask_the_same_peer_are_noticed),
        scene(the_counts_are_those_of_any_script),
    };

    return cmocka_run_group_tests_name("losses", tests, NULL, NULL);
}
