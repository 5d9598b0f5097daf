/* What STAMP replies tell of the path. */

#include "unit.h"

#include "client/core/path_facts.h"

static reflection_t reflection_of(int hop_limit, int traffic_class)
{
    return (reflection_t){.hop_limit = hop_limit, .tlvs = {.traffic_class = traffic_class}};
}

static void what_is_not_told_is_not_known(void **state)
{
    path_facts_t facts = {.replies = 0};
    reflection_t reflection = reflection_of(-1, -1);

    (void)state;
    path_facts_add(&facts, 0, &reflection, -1, -1);
    assert_int_equal(facts.replies, 1);
    assert_false(facts.there.hop_limit.is_known);
    assert_false(facts.there.dscp.is_known);
    assert_false(facts.here.ecn.is_known);
    assert_int_equal(facts.source_port, 0);
}

static void the_least_and_the_most_are_kept(void **state)
{
    static const int there[] = {60, 61, 59}, here[] = {250, 250, 250};
    path_facts_t facts = {.replies = 0};

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        reflection_t reflection = reflection_of(there[i], 46 << 2 | (int)i);

        path_facts_add(&facts, 0, &reflection, here[i], 0);
    }
    assert_int_equal(facts.there.hop_limit.minimum, 59);
    assert_int_equal(facts.there.hop_limit.maximum, 61);
    assert_int_equal(facts.there.dscp.minimum, 46);
    assert_int_equal(facts.there.dscp.maximum, 46);
    assert_int_equal(facts.there.ecn.minimum, 0);
    assert_int_equal(facts.there.ecn.maximum, 2);
    assert_int_equal(facts.here.hop_limit.minimum, 250);
    assert_int_equal(facts.here.dscp.maximum, 0);
}

static void tlvs_are_summed_up(void **state)
{
    path_facts_t facts = {.replies = 0};
    reflection_t reflection = reflection_of(-1, -1);

    (void)state;
    reflection.is_changed = 1;
    reflection.tlvs.unrecognised = 4;
    reflection.tlvs.is_dscp_refused = 1;
    path_facts_add(&facts, 0, &reflection, -1, -1);
    reflection = reflection_of(-1, -1);
    reflection.tlvs.unrecognised = 8;
    reflection.tlvs.malformed = 16;
    reflection.tlvs.is_untrusted = 1;
    reflection.tlvs.source_port = 4000;
    reflection.tlvs.source_in = STAMP_SYNC_PTP;
    path_facts_add(&facts, 3, &reflection, -1, -1);
    assert_int_equal(facts.changed, 1);
    assert_int_equal(facts.unrecognised, 12);
    assert_int_equal(facts.malformed, 16);
    assert_int_equal(facts.untrusted, 1);
    assert_int_equal(facts.refused_dscp, 1);
    assert_int_equal(facts.source_port, 4000);
    assert_int_equal(facts.flow, 3);
    assert_int_equal(facts.sync_source, STAMP_SYNC_PTP);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(what_is_not_told_is_not_known),
        scene(the_least_and_the_most_are_kept),
        scene(tlvs_are_summed_up),
    };

    return cmocka_run_group_tests_name("path_facts", tests, NULL, NULL);
}
