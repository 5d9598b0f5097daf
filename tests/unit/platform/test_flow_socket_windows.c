/* What a flow's socket asks of Windows so that nothing is cut into fragments; the test plays what
 * Windows knows. */

#include "unit.h"

#include <winsock2.h>
#include <ws2tcpip.h>

#include "readiness/flow.h"

/* The linker has all calls of setsockopt() go by this pointer, in place of that to the DLL. */
typedef int WSAAPI set_t(SOCKET, int, int, const char *, int);
extern set_t *__wrap___imp_setsockopt;

static struct system {
    int knows_discovery; /* IP_MTU_DISCOVER */
    int knows_fragments; /* IP_DONTFRAGMENT */
    int discovery;       /* what was set; -1: nothing */
    int fragments;
    int level;
} played;

static int WSAAPI play_setsockopt(SOCKET socket, int level, int option, const char *value,
                                  int length)
{
    int is_discovery = option == (level == IPPROTO_IP ? IP_MTU_DISCOVER : IPV6_MTU_DISCOVER);
    int is_known = is_discovery ? played.knows_discovery : played.knows_fragments;
    DWORD given;

    (void)socket;
    assert_true(is_discovery || option == (level == IPPROTO_IP ? IP_DONTFRAGMENT : IPV6_DONTFRAG));
    assert_int_equal(length, sizeof given);
    memcpy(&given, value, sizeof given);
    played.level = level;
    if (!is_known) {
        WSASetLastError(WSAENOPROTOOPT);
        return SOCKET_ERROR;
    }
    *(is_discovery ? &played.discovery : &played.fragments) = (int)given;
    return 0;
}

set_t *__wrap___imp_setsockopt = play_setsockopt;

static apr_status_t keep_whole(int family, int dont_fragment, int knows_discovery,
                               int knows_fragments)
{
    played = (struct system){.knows_discovery = knows_discovery,
                             .knows_fragments = knows_fragments,
                             .discovery = -1,
                             .fragments = -1};
    apr_status_t status = flow_socket_keep_whole(1, family, dont_fragment);

    assert_int_equal(played.level, family == AF_INET6 ? IPPROTO_IPV6 : IPPROTO_IP);
    return status;
}

static const int families[] = {AF_INET, AF_INET6};

static void what_windows_remembers_of_the_path_does_not_matter(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(keep_whole(families[i], 1, 1, 1), APR_SUCCESS);
        assert_int_equal(played.discovery, IP_PMTUDISC_PROBE);
        assert_int_equal(played.fragments, -1);
        assert_int_equal(keep_whole(families[i], 0, 1, 1), APR_SUCCESS);
        assert_int_equal(played.discovery, IP_PMTUDISC_DONT);
    }
}

static void an_older_windows_forbids_fragments_all_the_same(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        for (int whole = 0; whole < 2; whole++) {
            assert_int_equal(keep_whole(families[i], whole, 0, 1), APR_SUCCESS);
            assert_int_equal(played.fragments, whole);
        }
        assert_int_equal(keep_whole(families[i], 1, 0, 0), APR_ENOTIMPL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(what_windows_remembers_of_the_path_does_not_matter),
        scene(an_older_windows_forbids_fragments_all_the_same),
    };

    return cmocka_run_group_tests_name("flow_socket", tests, NULL, NULL);
}
