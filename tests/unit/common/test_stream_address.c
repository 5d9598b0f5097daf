#include "unit.h"

#include <apr_strings.h>

#include "common/stream_address.h"

static void an_address_needs_its_port(void **state)
{
    static const char *const right[] = {"127.0.0.1:9000", "[::1]:9000", "localhost:0",
                                        "/run/metrics", "unix:/run/metrics"};
    static const char *const wrong[] = {"",      "127.0.0.1", "[::1]", "9000",   "*:9000",
                                        "unix:", "unix:run",  ":9000", "::1:90", "127.0.0.1:99999"};

    for (unsigned i = 0; i < sizeof right / sizeof right[0]; i++) {
        assert_null(stream_address_check(right[i], *state));
    }
    for (unsigned i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_non_null(stream_address_check(wrong[i], *state));
    }
}

static void a_path_must_fit_into_an_address(void **state)
{
    char path[STREAM_PATH_MAX + 2] = {0};

    memset(path, '/', STREAM_PATH_MAX);
    assert_null(stream_address_check(apr_pstrcat(*state, "unix:", path, NULL), *state));
    path[STREAM_PATH_MAX] = '/';
    assert_non_null(stream_address_check(apr_pstrcat(*state, "unix:", path, NULL), *state));
}

static void only_what_others_cannot_reach_is_local(void **state)
{
    static const char *const right[] = {"127.0.0.1:9001", "127.1.2.3:0", "[::1]:9001",
                                        "/run/control", "unix:/run/control"};
    static const char *const wrong[] = {"0.0.0.0:9001",   "[fe80::1%lo]:9001", "192.0.2.1:9001",
                                        "localhost:9001", "[::]:9001",         "127.0.0.1",
                                        "run/control"};

    for (unsigned i = 0; i < sizeof right / sizeof right[0]; i++) {
        assert_null(stream_address_check_local(right[i], *state));
    }
    for (unsigned i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_non_null(stream_address_check_local(wrong[i], *state));
    }
}

static void a_path_is_the_same_with_its_scheme_and_without(void **state)
{
    apr_sockaddr_t *one;
    apr_sockaddr_t *other;

    if (stream_address_find(&one, "/run/control", *state) != APR_SUCCESS) {
        skip_test("this system has no sockets with paths");
    }
    assert_int_equal(stream_address_find(&other, "unix:/run/control", *state), APR_SUCCESS);
    assert_string_equal(one->hostname, "/run/control");
    assert_string_equal(other->hostname, one->hostname);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(an_address_needs_its_port),
        scene(a_path_must_fit_into_an_address),
        scene(only_what_others_cannot_reach_is_local),
        scene(a_path_is_the_same_with_its_scheme_and_without),
    };

    return run_group("where connections are taken", tests);
}
