/* What is answered to a scrape, by an HTTP server that a test asks in place of a network. */

#include "unit.h"

#include <apr_strings.h>

#include "client/metrics/metrics_server.h"
#include "common/prometheus.h"
#include "served_http.h"

static apr_status_t lacks_memory = APR_SUCCESS;

static apr_status_t read_nothing(void *context, scrape_t *scrape, apr_pool_t *pool)
{
    unsigned *count = context;

    (*count)++;
    *scrape = (scrape_t){.peers = apr_array_make(pool, 1, sizeof(peer_reading_t *)),
                         .lookups = apr_array_make(pool, 1, sizeof(target_lookups_t)),
                         .targets = *count};
    return lacks_memory;
}

static unsigned reads;
static const metrics_source_t source = {read_nothing, &reads};

static const char *open_at(const char *where, apr_pool_t *pool)
{
    metrics_server_t *server;

    return metrics_server_open(&server, where, &source, pool);
}

static void each_scrape_reads_anew(void **state)
{
    served.status = APR_SUCCESS;
    reads = 0;
    assert_null(open_at("127.0.0.1:0", *state));
    assert_int_equal(reads, 0);
    http_answer_t answer = get("/metrics", *state);

    assert_int_equal(answer.status, 200);
    assert_string_equal(answer.type, PROMETHEUS_TYPE);
    assert_non_null(strstr(answer.body, "\nudpecho_targets 1\n"));
    assert_non_null(strstr(get("/metrics", *state).body, "\nudpecho_targets 2\n"));
}

static void without_memory_the_page_says_so(void **state)
{
    served.status = APR_SUCCESS;
    assert_null(open_at("127.0.0.1:0", *state));
    lacks_memory = APR_ENOMEM;
    http_answer_t answer = get("/metrics", *state);

    lacks_memory = APR_SUCCESS;
    assert_int_equal(answer.status, 503);
    assert_string_equal(answer.body, "no memory\n");
}

static void another_path_is_not_found(void **state)
{
    served.status = APR_SUCCESS;
    assert_null(open_at("127.0.0.1:0", *state));
    assert_int_equal(get("/", *state).status, 404);
    assert_int_equal(get("/metrics/", *state).status, 404);
}

static void an_address_in_use_is_told(void **state)
{
    apr_sockaddr_t *address;
    apr_socket_t *listening = NULL;
    const char *where, *error;

    served.status = APR_SUCCESS;
    assert_null(open_at("127.0.0.1:0", *state));
    assert_int_equal(apr_os_sock_put(&listening, &served.listening, *state), APR_SUCCESS);
    assert_int_equal(apr_socket_addr_get(&address, APR_LOCAL, listening), APR_SUCCESS);
    where = apr_psprintf(*state, "127.0.0.1:%d", address->port);
    error = open_at(where, *state);
    assert_non_null(error);
    assert_non_null(
        strstr(error, apr_psprintf(*state, "--metrics-listen=%s: cannot bind: ", where)));
}

static void a_build_without_http_is_told(void **state)
{
    served.status = APR_ENOTIMPL;
    assert_string_equal(open_at("127.0.0.1:0", *state),
                        "--metrics-listen: expected an udpecho that is built with libmicrohttpd");
}

static void other_failures_are_reported(void **state)
{
    const char *error;

    served.status = APR_ENOMEM;
    error = open_at("127.0.0.1:0", *state);
    assert_non_null(strstr(error, "--metrics-listen=127.0.0.1:0: cannot start HTTP: "));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(each_scrape_reads_anew),          scene(another_path_is_not_found),
        scene(without_memory_the_page_says_so), scene(an_address_in_use_is_told),
        scene(a_build_without_http_is_told),    scene(other_failures_are_reported),
    };

    return cmocka_run_group_tests_name("metrics server", tests, NULL, NULL);
}
