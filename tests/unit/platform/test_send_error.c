#include "unit.h"

#include <errno.h>

#include "offload/gather_limits.h"
#include "readiness/readiness.h"

static void errors_are_counted_under_their_names(void **state)
{
    (void)state;
    assert_int_equal(send_error_kind(EAGAIN), SEND_EAGAIN);
    assert_int_equal(send_error_kind(EWOULDBLOCK), SEND_EAGAIN);
    assert_int_equal(send_error_kind(ENOBUFS), SEND_ENOBUFS);
    assert_int_equal(send_error_kind(ENOMEM), SEND_ENOBUFS);
    assert_int_equal(send_error_kind(EPERM), SEND_EPERM);
    assert_int_equal(send_error_kind(EACCES), SEND_EPERM);
    assert_int_equal(send_error_kind(EHOSTUNREACH), SEND_EHOSTUNREACH);
    assert_int_equal(send_error_kind(ENETUNREACH), SEND_ENETUNREACH);
    assert_int_equal(send_error_kind(ENETDOWN), SEND_ENETUNREACH);
    assert_int_equal(send_error_kind(EMSGSIZE), SEND_EMSGSIZE);
    assert_int_equal(send_error_kind(EINVAL), SEND_EINVAL);
    assert_int_equal(send_error_kind(EADDRNOTAVAIL), SEND_EINVAL);
    assert_int_equal(send_error_kind(ECONNREFUSED), SEND_ECONNREFUSED);
    assert_int_equal(send_error_kind(ENOTSOCK), SEND_OTHER);
    assert_int_equal(send_error_kind(0), SEND_OTHER);
}

static void some_errors_may_be_for_the_sake_of_gathering(void **state)
{
    (void)state;
    assert_true(gather_limits_may_cause(EMSGSIZE));
    assert_true(gather_limits_may_cause(EINVAL));
    assert_true(gather_limits_may_cause(EIO));
    assert_false(gather_limits_may_cause(EAGAIN));
    assert_false(gather_limits_may_cause(EPERM));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(errors_are_counted_under_their_names),
        scene(some_errors_may_be_for_the_sake_of_gathering),
    };

    return cmocka_run_group_tests_name("send_error", tests, NULL, NULL);
}
