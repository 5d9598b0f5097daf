/* What a program tells CTest when its tests skip themselves. Run once for each expected exit code,
 * with the number of tests that skip. */

#include "unit.h"

#include <stdlib.h>

static int to_skip;

static void may_skip(void **state)
{
    (void)state;
    if (to_skip-- > 0) {
        skip_test("this is what the test is about");
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        scene(may_skip),
        scene(may_skip),
    };

    to_skip = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 0;
    return run_group("skipping", tests);
}
