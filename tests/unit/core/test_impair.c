#include "unit.h"

#include "core/impair.h"
#include "core/impair_schedule.h"
#include "echo_batches.h"

#define PEER     0xc0000201
#define LISTENER (struct listener *)1

typedef struct scene {
    impair_policy_t *policy;
    delay_line_t *line;
    echo_quota_t *quota;
    counters_t counters;
} scene_t;

static void begin_many(scene_t *scene, const impair_profile_t *profiles, int count,
                       apr_pool_t *pool)
{
    apr_array_header_t *array = apr_array_make(pool, count, sizeof *profiles);

    memset(scene, 0, sizeof *scene);
    for (int i = 0; i < count; i++) {
        APR_ARRAY_PUSH(array, impair_profile_t) = profiles[i];
    }
    apr_array_header_t *lines = apr_array_make(pool, 1, sizeof(delay_line_t *));

    APR_ARRAY_PUSH(lines, delay_line_t *) = delay_line_create(DELAY_LINE_MIN, pool);
    scene->policy = impair_policy_create(array, (delay_line_t **)(void *)lines->elts, NOW, pool);
    scene->line = impair_policy_line(scene->policy, 0);
    scene->quota = echo_quota_create(0, pool);
}

static void begin(scene_t *scene, impair_profile_t profile, apr_pool_t *pool)
{
    profile.is_for_all = profile.from.last.low == 0;
    begin_many(scene, &profile, 1, pool);
}

static apr_uint64_t count_of(const scene_t *scene, impairment_t impairment)
{
    counter_totals_t totals = {{0}};

    counters_sum(&totals, &scene->counters);
    return totals.value[COUNTER_IMPAIRED + impairment];
}

static int claim(void *context, const datagram_t *reply, apr_time_t now)
{
    const scene_t *scene = context;

    (void)reply;
    (void)now;
    return echo_quota_claim(scene->quota);
}

static void impair(scene_t *scene, const batch_t *batch, apr_time_t now)
{
    const impair_limits_t limits = {scene->quota, claim, scene};

    impair_batch(scene->policy, scene->line, &limits, &scene->counters, batch, now);
}

/* Impairs one reply to this peer; returns non-zero if it leaves with its batch. */
static int leaves(scene_t *scene, endpoint_t peer, apr_time_t now)
{
    batch_t batch = batch_of(1);

    batch.at[0]->from = peer;
    batch.at[0]->listener = LISTENER;
    batch.at[0]->verdict = VERDICT_ECHO;
    impair(scene, &batch, now);
    return batch.at[0]->verdict == VERDICT_ECHO;
}

static void every_nth_is_dropped(void **state)
{
    scene_t scene;
    unsigned left = 0;

    begin(&scene, (impair_profile_t){.chance[IMPAIR_DROP].every = 7}, *state);
    for (unsigned i = 0; i < 100000; i++) {
        left += leaves(&scene, ipv4(PEER, 1), NOW) != 0;
    }
    assert_int_equal(left, 100000 - 100000 / 7);
    assert_int_equal(count_of(&scene, IMPAIR_DROP), 100000 / 7);
}

static void the_most_specific_network_decides(void **state)
{
    impair_profile_t profiles[4] = {
        {.is_for_all = 1, .chance[IMPAIR_DROP].every = 1},
        {.chance[IMPAIR_DUPLICATE].every = 1},
        {.chance[IMPAIR_CORRUPT].every = 1},
        {.port = 7, .chance[IMPAIR_REORDER].every = 1},
    };
    scene_t scene;

    cidr_parse(&profiles[1].from, "192.0.2.0/24", *state);
    cidr_parse(&profiles[2].from, "192.0.2.128/25", *state);
    cidr_parse(&profiles[3].from, "192.0.2.128/25", *state);
    begin_many(&scene, profiles, 4, *state);
    leaves(&scene, ipv4(0xc0000301, 1), NOW);
    leaves(&scene, ipv6(0x20, 1, 1, 1), NOW);
    leaves(&scene, ipv4(0xc0000201, 1), NOW);
    leaves(&scene, mapped(0xc0000281, 1), NOW);
    assert_int_equal(count_of(&scene, IMPAIR_DROP), 2);
    assert_int_equal(count_of(&scene, IMPAIR_DUPLICATE), 1);
    assert_int_equal(count_of(&scene, IMPAIR_REORDER), 1); /* of the port, before that of all */
    assert_int_equal(count_of(&scene, IMPAIR_CORRUPT), 0);
}

static void datagrams_without_a_profile_are_not_impaired(void **state)
{
    impair_profile_t profile = {.port = 8, .chance[IMPAIR_DROP].every = 1};
    scene_t scene;

    begin(&scene, profile, *state);
    assert_true(impair_policy_is_for(scene.policy, 8) && !impair_policy_is_for(scene.policy, 7));
    assert_true(leaves(&scene, ipv4(PEER, 1), NOW));

    /* Datagrams without a listener and dropped ones are not impaired either. */
    begin(&scene, (impair_profile_t){.chance[IMPAIR_DROP].every = 1}, *state);
    batch_t batch = batch_of(2);

    batch.at[0]->verdict = VERDICT_ECHO;
    batch.at[1]->verdict = VERDICT_ACCESS;
    batch.at[1]->listener = LISTENER;
    impair(&scene, &batch, NOW);
    assert_int_equal(batch.at[0]->verdict, VERDICT_ECHO);
    assert_int_equal(batch.at[1]->verdict, VERDICT_ACCESS);
    assert_int_equal(count_of(&scene, IMPAIR_DROP), 0);
}

static void one_bit_is_inverted(void **state)
{
    scene_t scene;

    begin(&scene, (impair_profile_t){.chance[IMPAIR_CORRUPT].every = 1}, *state);
    for (unsigned i = 0; i < 1000; i++) {
        unsigned bits = 0;

        memset(payload, 0, sizeof payload);
        assert_true(leaves(&scene, ipv4(PEER, 1), NOW));
        for (unsigned bit = 0; bit < 8 * sizeof payload; bit++) {
            bits += payload[bit / 8] >> bit % 8 & 1;
        }
        assert_int_equal(bits, 1);
    }
    assert_int_equal(count_of(&scene, IMPAIR_CORRUPT), 1000);
}

static void a_duplicate_leaves_behind_its_reply(void **state)
{
    scene_t scene;
    batch_t batch;

    begin(&scene, (impair_profile_t){.chance[IMPAIR_DUPLICATE].every = 2}, *state);
    assert_true(leaves(&scene, ipv4(PEER, 1), NOW));
    assert_int_equal(delay_line_next(scene.line), -1);
    assert_true(leaves(&scene, ipv4(PEER, 1), NOW));
    assert_int_equal(delay_line_take(scene.line, &batch, NOW), 1);
    assert_int_equal(count_of(&scene, IMPAIR_DUPLICATE), 1);
    assert_int_equal(count_of(&scene, IMPAIR_DELAY), 0);
}

static void a_reordered_reply_leaves_behind_the_next(void **state)
{
    scene_t scene;
    batch_t batch;

    begin(&scene, (impair_profile_t){.chance[IMPAIR_REORDER].every = 1}, *state);
    assert_false(leaves(&scene, ipv4(PEER, 1), NOW));
    assert_false(leaves(&scene, ipv4(PEER, 2), NOW)); /* which is another peer */
    assert_int_equal(delay_line_take(scene.line, &batch, NOW + 10), 0);
    assert_true(leaves(&scene, ipv4(PEER, 1), NOW + 10));
    assert_int_equal(delay_line_take(scene.line, &batch, NOW + 10), 1);
    assert_int_equal(endpoint_port(&batch.at[0]->from), 1);
    assert_int_equal(delay_line_take(scene.line, &batch, NOW + APR_USEC_PER_SEC), 1);
    assert_int_equal(count_of(&scene, IMPAIR_REORDER), 2);
}

static void a_delay_is_kept(void **state)
{
    scene_t scene;

    begin(&scene, (impair_profile_t){.delay = 5000}, *state);
    assert_false(leaves(&scene, ipv4(PEER, 1), NOW));
    assert_int_equal(delay_line_next(scene.line), NOW + 5000);
    assert_int_equal(count_of(&scene, IMPAIR_DELAY), 1);
}

/* Ten bytes at 8 kbit/s take ten milliseconds. */
static void a_rate_queues_and_drops(void **state)
{
    scene_t scene;
    batch_t batch;

    begin(&scene, (impair_profile_t){.rate = 8000, .queue = 50}, *state);
    for (unsigned i = 0; i < 8; i++) {
        assert_false(leaves(&scene, ipv4(PEER, 1), NOW));
    }
    assert_int_equal(count_of(&scene, IMPAIR_QUEUE), 3);
    assert_int_equal(delay_line_take(scene.line, &batch, NOW + 10000 - 1), 0);
    for (unsigned i = 1; i <= 5; i++) {
        assert_int_equal(delay_line_take(scene.line, &batch, NOW + 10000 * i), 1);
    }
    assert_false(leaves(&scene, ipv4(PEER, 1), NOW + 1000000));
    assert_int_equal(delay_line_next(scene.line), NOW + 1010000);
}

static void replies_without_room_use_up_no_rate(void **state)
{
    scene_t scene;
    unsigned held = 0;

    begin(&scene, (impair_profile_t){.rate = 8000, .queue = 1 << 30}, *state);
    for (unsigned i = 0; i < 10000; i++) {
        leaves(&scene, ipv4(PEER, 1), NOW);
    }
    held = (unsigned)count_of(&scene, IMPAIR_DELAY);
    assert_int_equal(count_of(&scene, IMPAIR_BUFFER), 10000 - held);
    assert_int_equal(delay_line_discard(scene.line, NULL, NULL), held);
    leaves(&scene, ipv4(PEER, 1), NOW);
    assert_int_equal(delay_line_next(scene.line), NOW + 10000 * (held + 1));
}

static void another_rate_of_a_schedule_begins_with_an_empty_queue(void **state)
{
    const impair_step_t steps[] = {{0, {.rate = 8000, .queue = 1000}},
                                   {1000, {.rate = 8000000, .queue = 1000}}};
    const impair_schedule_t schedule = {.count = 2, .steps = steps};
    scene_t scene;

    begin(&scene, (impair_profile_t){.schedule = &schedule}, *state);
    for (unsigned i = 0; i < 50; i++) {
        leaves(&scene, ipv4(PEER, 1), NOW);
    }
    assert_int_equal(delay_line_discard(scene.line, NULL, NULL), 50);
    leaves(&scene, ipv4(PEER, 1), NOW + 1000);
    assert_int_equal(delay_line_next(scene.line), NOW + 1000 + 10);
}

static void what_the_buffer_has_no_room_for_is_lost(void **state)
{
    scene_t scene;

    begin(&scene, (impair_profile_t){.delay = 5000}, *state);
    for (unsigned i = 0; i < 10000; i++) {
        assert_false(leaves(&scene, ipv4(PEER, 1), NOW));
    }
    assert_true(count_of(&scene, IMPAIR_BUFFER) > 0);
    assert_int_equal(count_of(&scene, IMPAIR_BUFFER) + count_of(&scene, IMPAIR_DELAY), 10000);
    assert_int_equal(delay_line_discard(scene.line, NULL, NULL), count_of(&scene, IMPAIR_DELAY));
}

static void what_is_lost_overtakes_nothing_and_has_no_duplicate(void **state)
{
    static const impair_step_t steps[] = {
        {.after = 0, .profile.chance[IMPAIR_REORDER].every = 1},
        {.after = 1, .profile = {.delay = 5000, .chance[IMPAIR_DUPLICATE].every = 1}},
    };
    static const impair_schedule_t schedule = {.counts_replies = 1, .count = 2, .steps = steps};
    datagram_t reply = {.from = ipv4(PEER, 1), .to = batch_of(1).at[0]->to};
    scene_t scene;

    begin(&scene, (impair_profile_t){.schedule = &schedule}, *state);
    assert_false(leaves(&scene, ipv4(PEER, 1), NOW));
    while (count_of(&scene, IMPAIR_BUFFER) == 0) {
        leaves(&scene, ipv4(PEER, 2), NOW);
    }
    apr_uint64_t lost = count_of(&scene, IMPAIR_BUFFER);
    apr_uint64_t duplicates = count_of(&scene, IMPAIR_DUPLICATE);

    assert_false(leaves(&scene, ipv4(PEER, 1), NOW));
    assert_int_equal(count_of(&scene, IMPAIR_BUFFER), lost + 1);
    assert_int_equal(count_of(&scene, IMPAIR_DUPLICATE), duplicates);
    assert_true(delay_line_holds_back(scene.line, &reply));
}

static void what_is_lost_gives_its_part_of_the_count_back(void **state)
{
    scene_t scene;

    begin(&scene, (impair_profile_t){.chance[IMPAIR_DROP].every = 1}, *state);
    scene.quota = echo_quota_create(1, *state);
    assert_true(echo_quota_claim(scene.quota));
    leaves(&scene, ipv4(PEER, 1), NOW);
    assert_true(echo_quota_claim(scene.quota));

    begin(&scene, (impair_profile_t){.chance[IMPAIR_DUPLICATE].every = 1}, *state);
    scene.quota = echo_quota_create(1, *state);
    assert_true(echo_quota_claim(scene.quota));
    leaves(&scene, ipv4(PEER, 1), NOW);
    assert_int_equal(count_of(&scene, IMPAIR_DUPLICATE), 0); /* nothing is left for it */
}

static void a_schedule_of_replies_is_exact(void **state)
{
    static const impair_step_t steps[] = {
        {.after = 10, .profile.chance[IMPAIR_DROP].every = 1},
        {.after = 15, .profile = {.port = 0}},
        {.after = 90, .profile.chance[IMPAIR_CORRUPT].every = 1},
    };
    static const impair_schedule_t schedule = {
        .counts_replies = 1, .period = 100, .count = 3, .steps = steps};
    scene_t scene;

    begin(&scene, (impair_profile_t){.schedule = &schedule}, *state);
    for (unsigned i = 0; i < 1000; i++) {
        assert_int_equal(leaves(&scene, ipv4(PEER, 1), NOW), i % 100 < 10 || i % 100 >= 15);
    }
    assert_int_equal(count_of(&scene, IMPAIR_DROP), 50);
    assert_int_equal(count_of(&scene, IMPAIR_CORRUPT), 100);
}

static void a_schedule_of_times_begins_with_its_policy(void **state)
{
    static const impair_step_t steps[] = {
        {.after = 0, .profile.chance[IMPAIR_DROP].every = 1},
        {.after = 1000, .profile.delay = 5},
    };
    static const impair_schedule_t schedule = {.count = 2, .steps = steps};
    scene_t scene;

    begin(&scene, (impair_profile_t){.schedule = &schedule}, *state);
    assert_false(leaves(&scene, ipv4(PEER, 1), NOW - 1)); /* a batch from before the policy */
    assert_false(leaves(&scene, ipv4(PEER, 1), NOW + 999));
    assert_int_equal(count_of(&scene, IMPAIR_DROP), 2);
    assert_false(leaves(&scene, ipv4(PEER, 1), NOW + 1000));
    assert_int_equal(delay_line_next(scene.line), NOW + 1005);
    assert_false(leaves(&scene, ipv4(PEER, 1), NOW + 999)); /* a worker whose batch is older */
    assert_int_equal(count_of(&scene, IMPAIR_DROP), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(every_nth_is_dropped),
        scene(the_most_specific_network_decides),
        scene(datagrams_without_a_profile_are_not_impaired),
        scene(one_bit_is_inverted),
        scene(a_duplicate_leaves_behind_its_reply),
        scene(a_reordered_reply_leaves_behind_the_next),
        scene(a_delay_is_kept),
        scene(a_rate_queues_and_drops),
        scene(replies_without_room_use_up_no_rate),
        scene(another_rate_of_a_schedule_begins_with_an_empty_queue),
        scene(what_the_buffer_has_no_room_for_is_lost),
        scene(what_is_lost_overtakes_nothing_and_has_no_duplicate),
        scene(what_is_lost_gives_its_part_of_the_count_back),
        scene(a_schedule_of_replies_is_exact),
        scene(a_schedule_of_times_begins_with_its_policy),
    };

    return cmocka_run_group_tests_name("impair", tests, NULL, NULL);
}
