/* What control groups leave a process, read from a made-up tree of them. */

#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/linux/processors.h"

static char root[64];
static char made[16][128];
static unsigned made_count;

static const char *note(const char *name)
{
    char path[128];

    snprintf(path, sizeof path, "%s%s", root, name);
    for (unsigned i = 0; i < made_count; i++) {
        if (strcmp(made[i], path) == 0) {
            return made[i];
        }
    }
    memcpy(made[made_count], path, sizeof path);
    return made[made_count++];
}

static void make(const char *directory)
{
    assert_int_equal(mkdir(note(directory), 0700), 0);
}

static void put(const char *name, const char *content)
{
    FILE *file = fopen(note(name), "w");

    assert_non_null(file);
    fputs(content, file);
    fclose(file);
}

static void plant(void)
{
    strcpy(root, "groupsXXXXXX");
    assert_non_null(mkdtemp(root));
    note("");
}

/* What was made, the latest first. */
static void fell(void)
{
    while (made_count > 0) {
        assert_int_equal(remove(made[--made_count]), 0);
    }
}

static unsigned processors(const char *list)
{
    char path[256];

    put("/list", list);
    snprintf(path, sizeof path, "%s/list", root);
    return processors_of_groups(path, root);
}

static void a_quota_is_rounded_up_to_whole_processors(void **state)
{
    (void)state;
    plant();
    make("/service");
    put("/service/cpu.max", "150000 100000\n");
    assert_int_equal(processors("0::/service\n"), 2);
    put("/service/cpu.max", "100000 100000\n");
    assert_int_equal(processors("0::/service\n"), 1);
    put("/service/cpu.max", "5000 100000\n");
    assert_int_equal(processors("0::/service\n"), 1);
    fell();
}

static void the_tightest_group_around_it_counts(void **state)
{
    (void)state;
    plant();
    make("/slice");
    make("/slice/service");
    put("/slice/cpu.max", "300000 100000\n");
    put("/slice/service/cpu.max", "max 100000\n");
    assert_int_equal(processors("0::/slice/service\n"), 3);
    put("/slice/service/cpu.max", "200000 100000\n");
    assert_int_equal(processors("0::/slice/service\n"), 2);
    put("/slice/service/cpu.max", "900000 100000\n");
    assert_int_equal(processors("0::/slice/service\n"), 3);
    fell();
}

static void version_1_has_a_tree_for_processors(void **state)
{
    (void)state;
    plant();
    make("/cpu");
    make("/cpu/service");
    put("/cpu/cpu.cfs_quota_us", "-1\n");
    put("/cpu/cpu.cfs_period_us", "100000\n");
    put("/cpu/service/cpu.cfs_quota_us", "250000\n");
    put("/cpu/service/cpu.cfs_period_us", "100000\n");
    assert_int_equal(processors("12:memory:/other\n5:cpu,cpuacct:/service\n"), 3);
    assert_int_equal(processors("5:cpuset:/service\n"), 0);
    assert_int_equal(processors("5:cpu,cpuacct:/\n"), 0);
    fell();
}

/* In a container the list names a group that is not below what is mounted there. */
static void a_group_that_is_not_there_is_passed_by(void **state)
{
    (void)state;
    plant();
    put("/cpu.max", "200000 100000\n");
    assert_int_equal(processors("0::/gone/service\n"), 2);
    assert_int_equal(processors(""), 0);
    assert_int_equal(processors("0\nnonsense:\n::\n"), 2);
    fell();
    assert_int_equal(processors_of_groups("/nonexistent", "/nonexistent"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(a_quota_is_rounded_up_to_whole_processors),
        scene(the_tightest_group_around_it_counts),
        scene(version_1_has_a_tree_for_processors),
        scene(a_group_that_is_not_there_is_passed_by),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
