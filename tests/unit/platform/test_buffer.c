/* The buffers of kqueue's systems, over a kernel that is played here. */

#include "unit.h"

#include <errno.h>
#include <sys/socket.h>

#include "readiness/system.h"

#define UNSET 9216

static int limit;
static int buffer;
static unsigned calls;

/* NOLINTBEGIN(bugprone-reserved-identifier): the linker's names (ld(1), --wrap) */
int __wrap_setsockopt(int descriptor, int level, int option, const void *value, socklen_t length);
int __wrap_getsockopt(int descriptor, int level, int option, void *value, socklen_t *length);

int __wrap_setsockopt(int descriptor, int level, int option, const void *value, socklen_t length)
{
    int bytes = *(const int *)value;

    (void)descriptor;
    assert_int_equal(level, SOL_SOCKET);
    assert_int_equal(option, SO_SNDBUF);
    assert_int_equal(length, sizeof bytes);
    calls++;
    if (bytes <= 0 || bytes > limit) {
        errno = ENOBUFS;
        return -1;
    }
    buffer = bytes;
    return 0;
}

int __wrap_getsockopt(int descriptor, int level, int option, void *value, socklen_t *length)
{
    (void)descriptor, (void)level, (void)option;
    assert_int_equal(*length, sizeof buffer);
    *(int *)value = buffer;
    return 0;
}

/* NOLINTEND(bugprone-reserved-identifier) */

static int size_after(int kernel_limit, int bytes)
{
    limit = kernel_limit;
    buffer = UNSET;
    calls = 0;
    system_ask_buffer(0, SO_SNDBUF, bytes);
    return buffer;
}

static void what_is_granted_takes_one_call(void **state)
{
    (void)state;
    assert_int_equal(size_after(1 << 20, 1 << 20), 1 << 20);
    assert_int_equal(calls, 1);
    assert_int_equal(size_after(1 << 20, 4096), 4096);
    assert_int_equal(calls, 1);
}

static void all_that_the_kernel_grants_is_taken(void **state)
{
    static const int limits[] = {UNSET, UNSET + 1, 131071, 233016, 262144, 2097151, 4194303};

    (void)state;
    for (unsigned i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        assert_int_equal(size_after(limits[i], 4 << 20), limits[i]);
        assert_true(calls <= 24);
    }
}

static void a_refusal_never_makes_a_buffer_smaller(void **state)
{
    (void)state;
    assert_int_equal(size_after(4096, 1 << 20), UNSET);
    assert_int_equal(size_after(0, 4096), UNSET);
    assert_int_equal(size_after(1 << 20, 0x7fffffff), 1 << 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(what_is_granted_takes_one_call),
        scene(all_that_the_kernel_grants_is_taken),
        scene(a_refusal_never_makes_a_buffer_smaller),
    };

    return cmocka_run_group_tests_name("buffer", tests, NULL, NULL);
}
