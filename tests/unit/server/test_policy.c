/* What a core makes of datagrams by the policy of settings. A script tells this host's addresses.
 */

#include "unit.h"

#include <errno.h>

#include "captured_log.h"
#include "endpoints.h"
#include "server/policy.h"
#include "udpecho/clock.h"
#include "udpecho/machine.h"
#include "udpecho/transport.h"

#define LOOPBACK 0x7f000001
#define OURS     0xc0000201 /* 192.0.2.1 */
#define CLIENT   0xcb007101 /* 203.0.113.1 */
#define PORT     4000

/* How many datagrams a batch has, of ten bytes each. */
#define DATAGRAMS 8

struct listener {
    listener_info_t info;
};

static listener_t listener;
static apr_status_t answer; /* to who asks for this host's addresses */
static policy_basis_t basis;

const listener_info_t *listener_describe(const listener_t *asked)
{
    return &asked->info;
}

void listener_tell_itself(listener_t *asked, int tells)
{
    (void)asked, (void)tells;
}

apr_status_t host_addresses(apr_array_header_t **addresses, apr_pool_t *pool)
{
    *addresses = apr_array_make(pool, 1, sizeof(host_address_t));
    APR_ARRAY_PUSH(*addresses, host_address_t) = (host_address_t){.address = ipv4(OURS, 0)};
    return answer;
}

/* A policy for one listener. */
static const echo_policy_t *create(const settings_t *settings, const char **text, apr_pool_t *pool)
{
    captured_log_t captured = capture_log(pool);
    apr_array_header_t *listeners = apr_array_make(pool, 1, sizeof(listener_t *));

    APR_ARRAY_PUSH(listeners, listener_t *) = &listener;
    const echo_policy_t *policy =
        policy_create(settings, &basis, listeners, NULL, captured.log, pool);

    *text = captured_text(&captured);
    return policy;
}

/* How many datagrams of a batch from this source a new core echoes. */
static unsigned echoes(const echo_policy_t *policy, apr_time_t now, endpoint_t from,
                       apr_pool_t *pool)
{
    static unsigned char payload[10];
    datagram_t datagrams[DATAGRAMS];
    batch_t batch = {.count = DATAGRAMS};
    unsigned count = 0;

    memset(datagrams, 0, sizeof datagrams);
    for (unsigned i = 0; i < DATAGRAMS; i++) {
        datagrams[i].data = payload;
        datagrams[i].length = sizeof payload;
        datagrams[i].from = from;
        datagrams[i].to = listener.info.local;
        batch.at[i] = &datagrams[i];
    }
    echo_step(echo_create(policy, now, pool), &batch, now);
    for (unsigned i = 0; i < DATAGRAMS; i++) {
        count += datagrams[i].verdict == VERDICT_ECHO;
    }
    return count;
}

/* The same for a policy that is made of these settings. No time passes meanwhile. */
static unsigned echoes_by(const settings_t *settings, endpoint_t from, apr_pool_t *pool)
{
    const char *log;
    apr_time_t now = clock_now();

    return echoes(create(settings, &log, pool), now, from, pool);
}

static int set_up(void **state)
{
    int result = make_pool(state);

    listener.info.local = ipv4(LOOPBACK, PORT);
    answer = APR_SUCCESS;
    basis = (policy_basis_t){.quota = echo_quota_create(0, *state)};
    return result;
}

#undef scene
#define scene(function) cmocka_unit_test_setup_teardown(function, set_up, destroy_pool)

/* ---- Addresses ---- */

static void a_forged_source_of_the_server_itself_is_not_answered(void **state)
{
    settings_t settings = settings_default(*state);

    assert_int_equal(echoes_by(&settings, ipv4(LOOPBACK, PORT), *state), 0);
    assert_int_equal(echoes_by(&settings, ipv4(LOOPBACK, PORT + 1), *state), DATAGRAMS);
    assert_int_equal(echoes_by(&settings, ipv4(OURS, PORT), *state), DATAGRAMS);
    listener.info.local = ipv4(0, PORT); /* all that the host has */
    assert_int_equal(echoes_by(&settings, ipv4(OURS, PORT), *state), 0);
    assert_int_equal(echoes_by(&settings, ipv4(CLIENT, PORT), *state), DATAGRAMS);
}

static void a_host_that_cannot_be_asked_is_told_and_the_listeners_are_known(void **state)
{
    settings_t settings = settings_default(*state);
    const char *log;

    create(&settings, &log, *state);
    assert_string_equal(log, "");
    answer = EPERM;
    create(&settings, &log, *state);
    assert_non_null(strstr(log, " warning cannot list this host's addresses error="));
    assert_int_equal(echoes_by(&settings, ipv4(LOOPBACK, PORT), *state), 0);
    assert_int_equal(echoes_by(&settings, ipv4(CLIENT, PORT), *state), DATAGRAMS);
}

/* ---- Limits ---- */

static void each_limit_counts_what_it_is_a_limit_of(void **state)
{
    settings_t settings = settings_default(*state);
    endpoint_t client = ipv4(CLIENT, PORT);

    settings.rate_limit = 0;
    settings.max_rate = 4;
    assert_int_equal(echoes_by(&settings, client, *state), 4);
    settings.max_rate = 0;
    settings.max_bandwidth = 40; /* bytes */
    assert_int_equal(echoes_by(&settings, client, *state), 4);
    settings.max_bandwidth = 0;
    assert_int_equal(echoes_by(&settings, client, *state), DATAGRAMS);
}

static void the_limit_of_a_source_drops_unless_it_is_a_dry_run(void **state)
{
    settings_t settings = settings_default(*state);
    endpoint_t client = ipv4(CLIENT, PORT);

    settings.rate_limit = 1;
    assert_true(echoes_by(&settings, client, *state) < DATAGRAMS);
    settings.rate_limit_dry_run = 1;
    assert_int_equal(echoes_by(&settings, client, *state), DATAGRAMS);
}

static void ports_of_services_are_not_answered_unless_asked(void **state)
{
    settings_t settings = settings_default(*state);

    assert_int_equal(echoes_by(&settings, ipv4(CLIENT, 19), *state), 0);
    settings.deny_source_ports = "none";
    assert_int_equal(echoes_by(&settings, ipv4(CLIENT, 19), *state), DATAGRAMS);
}

/* ---- What all policies share ---- */

static void the_quota_goes_on_from_one_policy_to_the_next(void **state)
{
    settings_t settings = settings_default(*state);
    endpoint_t client = ipv4(CLIENT, PORT);

    basis.quota = echo_quota_create(DATAGRAMS + 2, *state);
    assert_int_equal(echoes_by(&settings, client, *state), DATAGRAMS);
    assert_int_equal(echoes_by(&settings, client, *state), 2);
}

static void a_core_has_a_loop_detector_unless_it_is_off(void **state)
{
    settings_t settings = settings_default(*state);
    const char *log;

    assert_ptr_equal(create(&settings, &log, *state)->loop_key, basis.key);
    settings.loop_detector = 0;
    assert_null(create(&settings, &log, *state)->loop_key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(a_forged_source_of_the_server_itself_is_not_answered),
        scene(a_host_that_cannot_be_asked_is_told_and_the_listeners_are_known),
        scene(each_limit_counts_what_it_is_a_limit_of),
        scene(the_limit_of_a_source_drops_unless_it_is_a_dry_run),
        scene(ports_of_services_are_not_answered_unless_asked),
        scene(the_quota_goes_on_from_one_policy_to_the_next),
        scene(a_core_has_a_loop_detector_unless_it_is_off),
    };

    return cmocka_run_group_tests_name("policy", tests, NULL, NULL);
}
