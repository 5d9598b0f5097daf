/* Socket options of a system that writes less than it is asked for. It stands in for the real one:
 * the linker takes this getsockopt(2) first. */

#include "unit.h"

#include <errno.h>
#include <sys/socket.h>

#include "readiness/socket_options.h"
#include "readiness/system.h"

static socklen_t writes;
static int fails;

int getsockopt(int descriptor, int level, int option, void *restrict value,
               socklen_t *restrict length)
{
    (void)descriptor, (void)level, (void)option;
    if (fails) {
        errno = EBADF;
        return -1;
    }
    *length = writes < *length ? writes : *length;
    memset(value, 7, *length);
    return 0;
}

static void an_option_is_read_whole_or_not(void **state)
{
    int value = 0;

    (void)state;
    fails = 0;
    writes = sizeof value;
    assert_int_equal(read_option(0, 0, 0, &value, sizeof value), APR_SUCCESS);
    assert_int_equal(value, 0x07070707);
    for (writes = 0; writes < sizeof value; writes++) {
        assert_int_equal(read_option(0, 0, 0, &value, sizeof value), ENOPROTOOPT);
    }
    fails = 1;
    assert_int_equal(read_option(0, 0, 0, &value, sizeof value), EBADF);
}

/* qemu-user knows SO_MEMINFO and tells less by it. */
static void no_drops_are_read_of_too_little(void **state)
{
    apr_uint32_t drops = 42;

    (void)state;
    fails = 0;
    for (writes = 0; writes < 9 * sizeof drops; writes += sizeof drops) {
        assert_int_equal(system_read_drops(0, &drops), -1);
        assert_int_equal(errno, ENOPROTOOPT);
        assert_int_equal(drops, 42);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(an_option_is_read_whole_or_not),
        scene(no_drops_are_read_of_too_little),
    };

    return cmocka_run_group_tests_name("read_option", tests, NULL, NULL);
}
