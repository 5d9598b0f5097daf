#include "common/stream_address.h"
#include "common/stream_socket.h"
#include "unit.h"

#include <apr_file_io.h>
#include <apr_portable.h>
#include <apr_strings.h>

/* What a process before this one listened by, at `address`, among others that it had. Here they are
 * closed by both, one right after the other. */
static apr_array_header_t *inherit(apr_sockaddr_t *address, apr_pool_t *pool)
{
    apr_array_header_t *inherited = apr_array_make(pool, 3, sizeof(apr_os_sock_t));
    apr_array_header_t *none = apr_array_make(pool, 1, sizeof(apr_os_sock_t));
    apr_sockaddr_t *other;
    const char *step;

    apr_sockaddr_info_get(&other, "127.0.0.1", APR_INET, 0, 0, pool);
    apr_sockaddr_t *addresses[] = {other, address, other};

    for (unsigned i = 0; i < 3; i++) {
        apr_socket_t *socket;

        assert_int_equal(stream_listen(&socket, addresses[i], none, &step, pool), APR_SUCCESS);
        apr_os_sock_get(&APR_ARRAY_PUSH(inherited, apr_os_sock_t), socket);
    }
    return inherited;
}

static apr_os_sock_t descriptor_of(apr_socket_t *socket)
{
    apr_os_sock_t descriptor;

    apr_os_sock_get(&descriptor, socket);
    return descriptor;
}

static void assert_taken(apr_sockaddr_t *address, apr_array_header_t *inherited, apr_pool_t *pool)
{
    apr_os_sock_t first = APR_ARRAY_IDX(inherited, 0, apr_os_sock_t);
    apr_os_sock_t wanted = APR_ARRAY_IDX(inherited, 1, apr_os_sock_t);
    apr_os_sock_t last = APR_ARRAY_IDX(inherited, 2, apr_os_sock_t);
    apr_socket_t *listening;
    apr_socket_t *asker;
    apr_socket_t *accepted;
    const char *step;

    assert_int_equal(stream_listen(&listening, address, inherited, &step, pool), APR_SUCCESS);
    assert_true(descriptor_of(listening) == wanted);
    assert_int_equal(inherited->nelts, 2);
    assert_true(APR_ARRAY_IDX(inherited, 0, apr_os_sock_t) == first);
    assert_true(APR_ARRAY_IDX(inherited, 1, apr_os_sock_t) == last);
    assert_int_equal(stream_connect(&asker, address, APR_USEC_PER_SEC, pool), APR_SUCCESS);
    assert_int_equal(apr_socket_accept(&accepted, listening, pool), APR_SUCCESS);
}

/* Returns an address with a free port, which the kernel chooses. */
static apr_sockaddr_t *free_address(const char *host, int family, apr_pool_t *pool)
{
    apr_sockaddr_t *address;
    apr_sockaddr_t *bound;
    apr_socket_t *socket;

    apr_sockaddr_info_get(&address, host, family, 0, 0, pool);
    apr_socket_create(&socket, family, SOCK_STREAM, APR_PROTO_TCP, pool);
    apr_socket_bind(socket, address);
    apr_socket_addr_get(&bound, APR_LOCAL, socket);
    apr_sockaddr_info_get(&address, host, family, bound->port, 0, pool);
    apr_socket_close(socket);
    return address;
}

static void a_port_that_was_inherited_is_used(void **state)
{
    apr_sockaddr_t *address = free_address("127.0.0.1", APR_INET, *state);

    assert_taken(address, inherit(address, *state), *state);
}

/* Skips the scene if there are no sockets with a path. */
static apr_sockaddr_t *address_of_path(apr_pool_t *pool)
{
    char *path = apr_pstrdup(pool, "/tmp/udpecho-XXXXXX");
    apr_sockaddr_t *address;
    apr_file_t *file;

    if (stream_address_find(&address, path, pool) != APR_SUCCESS) {
        skip_test("this system has no sockets with paths");
    }
    assert_int_equal(apr_file_mktemp(&file, path, 0, pool), APR_SUCCESS);
    apr_file_close(file); /* which removes it */
    assert_int_equal(stream_address_find(&address, path, pool), APR_SUCCESS);
    return address;
}

static void a_path_that_was_inherited_is_used_and_stays(void **state)
{
    apr_sockaddr_t *address = address_of_path(*state);
    apr_pool_t *process;
    apr_pool_t *next;
    apr_finfo_t info;

    apr_pool_create(&process, *state);
    apr_pool_create(&next, *state);
    assert_taken(address, inherit(address, process), next);
    apr_pool_destroy(process);
    assert_int_equal(apr_stat(&info, address->hostname, APR_FINFO_TYPE, *state), APR_SUCCESS);
    apr_file_remove(address->hostname, *state);
}

static void what_was_inherited_from_elsewhere_is_left(void **state)
{
    apr_array_header_t *inherited = inherit(free_address("127.0.0.1", APR_INET, *state), *state);
    apr_socket_t *listening;
    const char *step;

    assert_int_equal(stream_listen(&listening, free_address("127.0.0.1", APR_INET, *state),
                                   inherited, &step, *state),
                     APR_SUCCESS);
    assert_int_equal(inherited->nelts, 3);
}

static void accept_does_not_wait_without_a_client(void **state)
{
    apr_sockaddr_t *address = free_address("127.0.0.1", APR_INET, *state);
    apr_socket_t *listening;
    apr_socket_t *accepted;
    const char *step;

    assert_int_equal(stream_listen(&listening, address, inherit(address, *state), &step, *state),
                     APR_SUCCESS);
    apr_status_t status = apr_socket_accept(&accepted, listening, *state);

    assert_true(APR_STATUS_IS_EAGAIN(status));
}

static void who_is_closed_is_not_there_any_more(void **state)
{
    apr_sockaddr_t *address = free_address("127.0.0.1", APR_INET, *state);
    apr_pool_t *pool;
    apr_socket_t *asker;

    apr_pool_create(&pool, *state);
    stream_close(inherit(address, pool), *state);
    assert_int_not_equal(stream_connect(&asker, address, APR_USEC_PER_SEC, *state), APR_SUCCESS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(a_port_that_was_inherited_is_used),
        scene(a_path_that_was_inherited_is_used_and_stays),
        scene(what_was_inherited_from_elsewhere_is_left),
        scene(accept_does_not_wait_without_a_client),
        scene(who_is_closed_is_not_there_any_more),
    };

    return run_group("sockets with paths", tests);
}
