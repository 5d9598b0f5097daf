#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "skip.h"

/* SKIP_RETURN_CODE in tests/CMakeLists.txt. */
#define EXIT_SKIPPED 77

/* cmocka prints how many tests skipped themselves, but its interface does not tell. */
static unsigned skipped;

void skip_test(const char *reason)
{
    print_message("skipped: %s\n", reason);
    skipped++;
    skip();
}

int is_under_qemu(void)
{
    return getenv("UDPECHO_TEST_UNDER_QEMU") != NULL; /* of tests/CMakeLists.txt */
}

int exit_code(int failed, unsigned count)
{
    if (failed != 0) {
        return 1;
    }
    return skipped == count ? EXIT_SKIPPED : 0;
}
