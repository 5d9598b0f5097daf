/* What the settings make of STAMP, and how often the system is asked for its clock, by a script. */

#include "unit.h"

#include "common/authentication.h"
#include "core/stamp_keys.h"
#include "endpoints.h"
#include "server/stamp_key_file.h"
#include "server/stamp_service.h"
#include "skip.h"
#include "udpecho/clock.h"

static clock_quality_t told;
static unsigned looks;

clock_quality_t clock_quality(void)
{
    looks++;
    return told;
}

apr_time_t clock_now(void)
{
    return 0;
}

apr_int64_t clock_wall(void)
{
    return 0;
}

void clock_pause(apr_interval_time_t time)
{
    (void)time;
}

static const unsigned char key[APR_SIPHASH_KSIZE];
static platform_t platform; /* that has everything */

static stamp_basis_t *begin(apr_pool_t *pool)
{
    told = (clock_quality_t){.is_synchronised = 0};
    looks = 0;
    return stamp_basis_create(key, &platform, pool);
}

static unsigned estimate_of(const stamp_basis_t *basis)
{
    return atomic_load(&basis->quality.error_estimate);
}

static unsigned source_of(const stamp_basis_t *basis)
{
    return atomic_load(&basis->quality.sync_source);
}

/* ---- The policy ---- */

static void what_is_not_said_is_stateless_lenient_and_without_keys(void **state)
{
    settings_t settings = settings_default(*state);
    stamp_basis_t *basis = begin(*state);

    assert_null(stamp_check(&settings));
    const stamp_policy_t *policy = stamp_policy_create(&settings, basis, *state);

    assert_null(policy->sessions);
    assert_ptr_equal(policy->quality, &basis->quality);
    assert_false(policy->is_stateful || policy->is_authenticated || policy->is_strict);
    assert_true(policy->answers_short && policy->reads_tlvs);
    assert_null(policy->keys);
    assert_int_equal(policy->clock, STAMP_CLOCK_NTP);
    assert_true(policy->permitted_dscps == 0);
}

static void sessions_are_made_once_and_when_they_are_needed(void **state)
{
    settings_t settings = settings_default(*state);
    stamp_basis_t *basis = begin(*state);

    stamp_basis_take_sessions(basis);
    const stamp_policy_t *first = stamp_policy_create(&settings, basis, *state);

    assert_non_null(first->sessions);
    stamp_basis_take_sessions(basis);
    assert_ptr_equal(stamp_policy_create(&settings, basis, *state)->sessions, first->sessions);
}

static void a_system_may_send_all_replies_with_its_own_dscp(void **state)
{
    settings_t settings = settings_default(*state);

    assert_false(stamp_policy_create(&settings, begin(*state), *state)->lacks_dscp);
    platform.features[FEATURE_REPLY_TRAFFIC_CLASS].status = APR_ENOTIMPL;
    assert_true(stamp_policy_create(&settings, begin(*state), *state)->lacks_dscp);
    platform.features[FEATURE_REPLY_TRAFFIC_CLASS].status = APR_SUCCESS;
}

static void authenticated_packets_want_keys(void **state)
{
    settings_t settings = settings_default(*state);

    settings.stamp_mode = STAMP_MODE_AUTHENTICATED;
    assert_string_equal(stamp_check(&settings),
                        "--stamp-mode=authenticated goes with --stamp-key-file");
    settings.stamp_key_file = "file";
    if (authentication_is_available()) {
        assert_null(stamp_check(&settings));
    } else {
        assert_non_null(strstr(stamp_check(&settings), "has no libsodium"));
    }
}

static void keys_mean_authenticated_packets_unless_it_is_said_otherwise(void **state)
{
    static const struct {
        stamp_mode_t mode;
        int is_authenticated;
    } cases[] = {
        {STAMP_MODE_AUTO, 1}, {STAMP_MODE_UNAUTHENTICATED, 0}, {STAMP_MODE_AUTHENTICATED, 1}};
    settings_t settings = settings_default(*state);
    endpoint_t from = ipv4(0x0a000001, 1000);
    endpoint_t other = ipv4(0x0b000001, 1000);

    if (!authentication_is_available()) {
        skip_test("built without libsodium");
    }
    settings.stamp_key_file = "file";
    settings.stamp_keys = apr_array_make(*state, 2, sizeof(stamp_key_line_t));
    stamp_key_line_t *line = apr_array_push(settings.stamp_keys);

    *line = (stamp_key_line_t){
        .scope = STAMP_KEY_SSID, .ssid = 7, .key = (const unsigned char *)"7", .length = 1};
    line = apr_array_push(settings.stamp_keys);
    *line = (stamp_key_line_t){
        .scope = STAMP_KEY_NETWORK, .key = (const unsigned char *)"n", .length = 1};
    assert_null(cidr_parse(&line->network, "10.0.0.0/8", *state));
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        settings.stamp_mode = cases[i].mode;
        const stamp_policy_t *policy = stamp_policy_create(&settings, NULL, *state);

        assert_int_equal(policy->is_authenticated, cases[i].is_authenticated);
        assert_non_null(stamp_keys_find(policy->keys, &other, 7));
        assert_non_null(stamp_keys_find(policy->keys, &from, 1));
        assert_ptr_not_equal(stamp_keys_find(policy->keys, &from, 7),
                             stamp_keys_find(policy->keys, &from, 1));
        assert_null(stamp_keys_find(policy->keys, &other, 1));
    }
}

/* ---- The clock ---- */

static void the_system_is_asked_once_in_four_seconds(void **state)
{
    stamp_basis_t *basis = begin(*state);
    apr_time_t now = 100 * APR_USEC_PER_SEC;

    stamp_look_at_clock(basis, now);
    assert_int_equal(looks, 1);
    stamp_look_at_clock(basis, now + 4 * APR_USEC_PER_SEC - 1);
    assert_int_equal(looks, 1);
    stamp_look_at_clock(basis, now + 4 * APR_USEC_PER_SEC);
    assert_int_equal(looks, 2);
}

static void what_it_says_is_told(void **state)
{
    stamp_basis_t *basis = begin(*state);

    assert_int_equal(estimate_of(basis), STAMP_ERROR_UNKNOWN);
    stamp_look_at_clock(basis, APR_USEC_PER_SEC);
    assert_int_equal(estimate_of(basis), STAMP_ERROR_UNKNOWN);
    assert_int_equal(source_of(basis), STAMP_SYNC_FREE_RUNNING);
    told = (clock_quality_t){.is_synchronised = 1, .error_ns = 100000};
    stamp_look_at_clock(basis, 10 * APR_USEC_PER_SEC);
    assert_int_equal(estimate_of(basis), 0x8bd2);
    assert_int_equal(source_of(basis), STAMP_SYNC_NTP);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(what_is_not_said_is_stateless_lenient_and_without_keys),
        scene(sessions_are_made_once_and_when_they_are_needed),
        scene(a_system_may_send_all_replies_with_its_own_dscp),
        scene(authenticated_packets_want_keys),
        scene(keys_mean_authenticated_packets_unless_it_is_said_otherwise),
        scene(the_system_is_asked_once_in_four_seconds),
        scene(what_it_says_is_told),
    };

    return cmocka_run_group_tests_name("stamp_service", tests, NULL, NULL);
}
