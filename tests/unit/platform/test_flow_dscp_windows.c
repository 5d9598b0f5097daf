/* How the code point of flows is set by qwave.dll, which the test plays. */

#include "unit.h"

#include "iocp/qwave.h"
#include "udpecho/flows.h"

#define HANDLE_PLAYED ((HANDLE)&played)

static struct played {
    DWORD load_error;
    DWORD create_error;
    DWORD add_error;
    DWORD set_error;
    unsigned open; /* handles */
    unsigned added;
    unsigned removed;
    unsigned set;
    DWORD dscp;
    struct sockaddr_in peer;
    struct sockaddr_in local; /* of the socket added last */
} played;

static BOOL answer(DWORD error)
{
    SetLastError(error);
    return error == 0;
}

static BOOL WINAPI play_create(qwave_version_t *version, HANDLE *handle)
{
    assert_int_equal(version->major, 1);
    assert_int_equal(version->minor, 0);
    *handle = HANDLE_PLAYED;
    played.open += played.create_error == 0;
    return answer(played.create_error);
}

static BOOL WINAPI play_close(HANDLE handle)
{
    assert_ptr_equal(handle, HANDLE_PLAYED);
    played.open--;
    return TRUE;
}

static BOOL WINAPI play_add(HANDLE handle, SOCKET socket, struct sockaddr *peer, int traffic,
                            DWORD flags, UINT32 *flow)
{
    int length = sizeof played.local;

    assert_ptr_equal(handle, HANDLE_PLAYED);
    assert_int_equal(traffic, QWAVE_BEST_EFFORT);
    assert_int_equal(flags, QWAVE_NON_ADAPTIVE);
    assert_int_equal(*flow, 0);
    memcpy(&played.peer, peer, sizeof played.peer);
    assert_int_equal(getsockname(socket, (struct sockaddr *)&played.local, &length), 0);
    if (played.add_error == 0) {
        *flow = ++played.added;
    }
    return answer(played.add_error);
}

static BOOL WINAPI play_remove(HANDLE handle, SOCKET socket, UINT32 flow, DWORD flags)
{
    struct sockaddr_in local;
    int length = sizeof local;

    assert_ptr_equal(handle, HANDLE_PLAYED);
    assert_int_equal(played.open, 1);
    assert_in_range(flow, 1, played.added);
    assert_int_equal(flags, 0);
    assert_int_equal(getsockname(socket, (struct sockaddr *)&local, &length), 0); /* still open */
    played.removed++;
    return TRUE;
}

static BOOL WINAPI play_set(HANDLE handle, UINT32 flow, int operation, ULONG size, void *value,
                            DWORD flags, OVERLAPPED *overlapped)
{
    assert_ptr_equal(handle, HANDLE_PLAYED);
    assert_int_equal(flow, played.added);
    assert_int_equal(operation, QWAVE_SET_DSCP);
    assert_int_equal(size, sizeof played.dscp);
    assert_int_equal(flags, 0);
    assert_null(overlapped);
    played.set++;
    memcpy(&played.dscp, value, sizeof played.dscp);
    return answer(played.set_error);
}

/* In place of the one that loads the DLL. */
DWORD qwave_load(qwave_t *calls)
{
    *calls = (qwave_t){play_create, play_close, play_add, play_remove, play_set};
    return played.load_error;
}

static apr_status_t open_flows(flows_t **flows, int dscp, flows_error_t *error, apr_pool_t *pool)
{
    static platform_t platform;
    flows_options_t options = {.platform = &platform, .count = 3, .payload_max = 100, .dscp = dscp};
    apr_sockaddr_t *peer;

    assert_int_equal(platform_probe(&platform, pool), APR_SUCCESS);
    assert_int_equal(apr_sockaddr_info_get(&peer, "127.0.0.1", APR_INET, 7, 0, pool), APR_SUCCESS);
    return flows_open(flows, peer, &options, error, pool);
}

static void all_sockets_of_a_run_have_the_code_point(void **state)
{
    flows_error_t error;
    flows_t *flows;
    apr_pool_t *own;

    played = (struct played){.dscp = 0};
    assert_int_equal(apr_pool_create(&own, *state), APR_SUCCESS);
    assert_int_equal(open_flows(&flows, 46, &error, own), APR_SUCCESS);
    assert_int_equal(played.added, 3);
    assert_int_equal(played.set, 3);
    assert_int_equal(played.dscp, 46);
    assert_int_equal(ntohs(played.peer.sin_port), 7);
    assert_int_not_equal(played.local.sin_port, 0);
    assert_int_equal(played.open, 1);
    flows_remove(flows, 1);
    assert_int_equal(played.removed, 1);
    apr_pool_destroy(own);
    assert_int_equal(played.removed, 3);
    assert_int_equal(played.open, 0);
}

static void nothing_is_asked_for_without_one(void **state)
{
    flows_error_t error;
    flows_t *flows;

    played = (struct played){.load_error = ERROR_MOD_NOT_FOUND};
    assert_int_equal(open_flows(&flows, -1, &error, *state), APR_SUCCESS);
    assert_int_equal(played.added, 0);
}

static void a_refusal_says_what_it_is_of(void **state)
{
    static const struct {
        struct played played;
        DWORD error;
        const char *part;
    } cases[] = {
        {{.load_error = ERROR_MOD_NOT_FOUND}, ERROR_MOD_NOT_FOUND, "qwave.dll"},
        {{.create_error = ERROR_SERVICE_DEPENDENCY_FAIL},
         ERROR_SERVICE_DEPENDENCY_FAIL,
         "QOSCreateHandle"},
        {{.add_error = ERROR_NOT_SUPPORTED}, ERROR_NOT_SUPPORTED, "QOSAddSocketToFlow"},
        {{.set_error = ERROR_ACCESS_DENIED},
         ERROR_ACCESS_DENIED,
         "Network Configuration Operators"},
        {{.set_error = ERROR_NOT_FOUND}, ERROR_NOT_FOUND, "QOSSetFlow"},
    };

    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        flows_error_t error;
        flows_t *flows;

        played = cases[i].played;
        assert_int_equal(open_flows(&flows, 46, &error, *state),
                         APR_FROM_OS_ERROR((apr_status_t)cases[i].error));
        assert_non_null(strstr(error.step, "set the DSCP"));
        assert_non_null(strstr(error.step, cases[i].part));
        assert_int_equal(played.open, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(all_sockets_of_a_run_have_the_code_point),
        scene(nothing_is_asked_for_without_one),
        scene(a_refusal_says_what_it_is_of),
    };

    return cmocka_run_group_tests_name("dscp", tests, NULL, NULL);
}
