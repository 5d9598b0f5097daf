#include "unit.h"

#include <apr_strings.h>

#include "metrics.h"
#include "stream_socket.h"

static void an_address_needs_its_port(void **state)
{
    static const char *const right[] = {"127.0.0.1:9000", "[::1]:9000", "localhost:0",
                                        "unix:/run/metrics"};
    static const char *const wrong[] = {"",      "127.0.0.1", "[::1]", "9000",   "*:9000",
                                        "unix:", "unix:run",  ":9000", "::1:90", "127.0.0.1:99999"};

    for (unsigned i = 0; i < sizeof right / sizeof right[0]; i++) {
        assert_null(metrics_check(right[i], *state));
    }
    for (unsigned i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_non_null(metrics_check(wrong[i], *state));
    }
}

static void a_path_must_fit_into_an_address(void **state)
{
    char path[STREAM_PATH_MAX + 2] = {0};

    memset(path, '/', STREAM_PATH_MAX);
    assert_null(metrics_check(apr_pstrcat(*state, "unix:", path, NULL), *state));
    path[STREAM_PATH_MAX] = '/';
    assert_non_null(metrics_check(apr_pstrcat(*state, "unix:", path, NULL), *state));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(an_address_needs_its_port),
        scene(a_path_must_fit_into_an_address),
    };

    return cmocka_run_group_tests_name("where metrics are", tests, NULL, NULL);
}
