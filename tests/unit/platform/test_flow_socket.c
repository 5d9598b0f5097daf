/* What the kernel says of a flow's socket, by every option that can be asked for. */

#include "unit.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "os/posix/sanitizer.h"
#include "readiness/flow.h"

static platform_t platform;

static int open_flow_socket(int family, const flows_options_t *wanted, apr_pool_t *pool)
{
    flows_options_t options = *wanted;
    apr_socket_t *socket;
    int tells_fragments = 1;
    const char *step;
    int descriptor;

    platform_probe(&platform, pool);
    options.platform = &platform;
    assert_int_equal(flow_socket_create(&socket, family, &options, &tells_fragments, &step, pool),
                     APR_SUCCESS);
    assert_int_equal(apr_os_sock_get(&descriptor, socket), APR_SUCCESS);
    return descriptor;
}

static int option_of(int descriptor, int level, int option)
{
    int value = 0;
    socklen_t length = sizeof value;

    assert_int_equal(getsockopt(descriptor, level, option, &value, &length), 0);
    /* Some are a byte on some systems. */
    return length == 1 ? *(unsigned char *)&value : value;
}

static void the_dscp_is_the_upper_six_bits(void **state)
{
    flows_options_t options = {.dscp = 46};
    int ipv4 = open_flow_socket(AF_INET, &options, *state);
    int ipv6 = open_flow_socket(AF_INET6, &options, *state);

    assert_int_equal(option_of(ipv4, IPPROTO_IP, IP_TOS), 0xb8);
    assert_int_equal(option_of(ipv6, IPPROTO_IPV6, IPV6_TCLASS), 0xb8);
    options.dscp = 0;
    ipv4 = open_flow_socket(AF_INET, &options, *state);
    assert_int_equal(option_of(ipv4, IPPROTO_IP, IP_TOS), 0);
}

static void the_hop_limit_holds_for_hosts_and_groups(void **state)
{
    flows_options_t options = {.dscp = -1, .hop_limit = 255};
    int ipv4 = open_flow_socket(AF_INET, &options, *state);
    int ipv6 = open_flow_socket(AF_INET6, &options, *state);

    assert_int_equal(option_of(ipv4, IPPROTO_IP, IP_TTL), 255);
    assert_int_equal(option_of(ipv4, IPPROTO_IP, IP_MULTICAST_TTL), 255);
    assert_int_equal(option_of(ipv6, IPPROTO_IPV6, IPV6_UNICAST_HOPS), 255);
    assert_int_equal(option_of(ipv6, IPPROTO_IPV6, IPV6_MULTICAST_HOPS), 255);
}

static void broadcasts_are_allowed_if_asked_for(void **state)
{
    flows_options_t options = {.dscp = -1};

    assert_int_equal(
        option_of(open_flow_socket(AF_INET, &options, *state), SOL_SOCKET, SO_BROADCAST), 0);
    options.broadcast = 1;
    assert_int_not_equal(
        option_of(open_flow_socket(AF_INET, &options, *state), SOL_SOCKET, SO_BROADCAST), 0);
}

static void ipv6_takes_no_ipv4(void **state)
{
    flows_options_t options = {.dscp = -1};

    assert_int_not_equal(
        option_of(open_flow_socket(AF_INET6, &options, *state), IPPROTO_IPV6, IPV6_V6ONLY), 0);
}

static void the_buffers_are_asked_for(void **state)
{
    flows_options_t options = {.dscp = -1, .buffer = 100000};
    int descriptor = open_flow_socket(AF_INET, &options, *state);

    /* Linux doubles what was asked for (socket(7)). */
    assert_in_range(option_of(descriptor, SOL_SOCKET, SO_RCVBUF), 100000, 200000);
    assert_in_range(option_of(descriptor, SOL_SOCKET, SO_SNDBUF), 100000, 200000);
}

static void fragments_are_forbidden_if_asked_for(void **state)
{
#ifdef IP_MTU_DISCOVER
    flows_options_t options = {.dscp = -1};

    if (is_under_qemu()) {
        skip_test("qemu-user has no IPV6_DONTFRAG");
    }
    int ipv4 = open_flow_socket(AF_INET, &options, *state);
    int ipv6 = open_flow_socket(AF_INET6, &options, *state);

    assert_int_equal(option_of(ipv4, IPPROTO_IP, IP_MTU_DISCOVER), IP_PMTUDISC_DONT);
    assert_int_equal(option_of(ipv6, IPPROTO_IPV6, IPV6_MTU_DISCOVER), IPV6_PMTUDISC_WANT);
    assert_int_equal(option_of(ipv6, IPPROTO_IPV6, IPV6_DONTFRAG), 0);
    options.dont_fragment = 1;
    ipv4 = open_flow_socket(AF_INET, &options, *state);
    ipv6 = open_flow_socket(AF_INET6, &options, *state);
    assert_int_equal(option_of(ipv4, IPPROTO_IP, IP_MTU_DISCOVER), IP_PMTUDISC_PROBE);
    assert_int_equal(option_of(ipv6, IPPROTO_IPV6, IPV6_MTU_DISCOVER), IPV6_PMTUDISC_PROBE);
    assert_int_equal(option_of(ipv6, IPPROTO_IPV6, IPV6_DONTFRAG), 1);
#else
    (void)state;
    skip_test("only Linux has IP_MTU_DISCOVER");
#endif
}

/* ---- What adding and removing flows takes of the process ---- */

static flows_t *open_no_flows(apr_sockaddr_t **peer, apr_pool_t *pool)
{
    flows_options_t options = {.platform = &platform, .payload_max = 100, .dscp = -1};
    flows_error_t error;
    flows_t *flows;

    platform_probe(&platform, pool);
    assert_int_equal(apr_sockaddr_info_get(peer, "127.0.0.1", APR_INET, 7, 0, pool), APR_SUCCESS);
    assert_int_equal(flows_open(&flows, NULL, &options, &error, pool), APR_SUCCESS);
    return flows;
}

static void a_flow_without_a_descriptor_is_refused(void **state)
{
    apr_sockaddr_t *peer;
    flows_t *flows = open_no_flows(&peer, *state);
    flows_error_t error;
    struct rlimit before;
    struct rlimit low;
    unsigned flow;

    assert_int_equal(flows_add(flows, peer, NULL, NULL, &flow, &error), APR_SUCCESS);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    low = before;
    low.rlim_cur = 1;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
    assert_int_equal(flows_add(flows, peer, NULL, NULL, &flow, &error), EMFILE);
    assert_string_equal(error.step, "open a socket");
    assert_int_equal(error.flow, 1);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_int_equal(flows_add(flows, peer, NULL, NULL, &flow, &error), APR_SUCCESS);
    assert_int_equal(flow, 1);
}

static long largest_size(void)
{
    struct rusage usage;

    assert_int_equal(getrusage(RUSAGE_SELF, &usage), 0);
    return usage.ru_maxrss; /* of a unit that differs between systems */
}

static void add_and_remove(flows_t *flows, const apr_sockaddr_t *peer, unsigned times)
{
    while (times-- > 0) {
        flows_error_t error;
        unsigned flow;

        assert_int_equal(flows_add(flows, peer, NULL, NULL, &flow, &error), APR_SUCCESS);
        assert_int_equal(flow, 0);
        flows_remove(flows, flow);
    }
}

static void a_removed_flow_leaves_no_memory_behind(void **state)
{
    apr_sockaddr_t *peer;
    flows_t *flows = open_no_flows(&peer, *state);
    long before;

    if (HAS_SANITIZER) {
        skip_test("a sanitizer keeps what was freed for a while");
    }
    add_and_remove(flows, peer, 100);
    before = largest_size();
    add_and_remove(flows, peer, 10000);
    assert_in_range(largest_size(), before, before + before / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(the_dscp_is_the_upper_six_bits),
        scene(the_hop_limit_holds_for_hosts_and_groups),
        scene(broadcasts_are_allowed_if_asked_for),
        scene(ipv6_takes_no_ipv4),
        scene(the_buffers_are_asked_for),
        scene(fragments_are_forbidden_if_asked_for),
        scene(a_flow_without_a_descriptor_is_refused),
        scene(a_removed_flow_leaves_no_memory_behind),
    };

    return run_group("sockets of flows", tests);
}
