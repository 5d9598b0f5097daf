/* Want of memory, by an allocation that no machine has room for. */

#include "unit.h"

#include "common/memory.h"

/* No allocation is as long as this. */
#define TOO_MUCH (~(apr_size_t)0 / 2)

static void must_not_end(void)
{
    fail_msg("ends the program though there is a way out");
}

static int open_files;

static apr_status_t close_file(void *data)
{
    (void)data;
    open_files--;
    return APR_SUCCESS;
}

static void allocate(void *context, apr_pool_t *scratch)
{
    open_files++;
    apr_pool_cleanup_register(scratch, NULL, close_file, apr_pool_cleanup_null);
    apr_palloc(scratch, *(const apr_size_t *)context);
    *(apr_size_t *)context = 0;
}

static void an_action_with_enough_memory_runs_to_its_end(void **state)
{
    apr_pool_t *pool = memory_start(must_not_end);
    apr_size_t size = 100;

    (void)state;
    assert_int_equal(memory_try_scratch(allocate, &size, pool), APR_SUCCESS);
    assert_int_equal(size, 0);
    assert_int_equal(open_files, 0);
    apr_pool_destroy(pool);
}

static void an_action_without_memory_is_abandoned_and_its_pool_destroyed(void **state)
{
    apr_pool_t *pool = memory_start(must_not_end);
    apr_size_t size = TOO_MUCH;

    (void)state;
    assert_int_equal(memory_try_scratch(allocate, &size, pool), APR_ENOMEM);
    assert_int_equal(size, TOO_MUCH);
    assert_int_equal(open_files, 0);
    apr_pool_destroy(pool);
}

/* Within another one. */
static void try_in_vain(void *context, apr_pool_t *scratch)
{
    apr_size_t inner = TOO_MUCH;

    assert_int_equal(memory_try_scratch(allocate, &inner, scratch), APR_ENOMEM);
    allocate(context, scratch);
}

static void the_innermost_is_left(void **state)
{
    apr_pool_t *pool = memory_start(must_not_end);
    apr_size_t size = 100;

    (void)state;
    assert_int_equal(memory_try_scratch(try_in_vain, &size, pool), APR_SUCCESS);
    assert_int_equal(size, 0);
    size = TOO_MUCH;
    assert_int_equal(memory_try_scratch(try_in_vain, &size, pool), APR_ENOMEM);
    assert_int_equal(open_files, 0);
    apr_pool_destroy(pool);
}

static jmp_buf ended;

static void end(void)
{
    longjmp(ended, 1);
}

static void outside_of_it_the_program_ends_by_any_pool(void **state)
{
    apr_pool_t *pool = memory_start(end);
    apr_size_t size = TOO_MUCH;
    volatile int ends = 0;

    (void)state;
    memory_try_scratch(allocate, &size, pool);
    if (setjmp(ended) != 0) {
        ends++;
    }
    if (ends < 2) {
        apr_palloc(ends == 0 ? pool : memory_pool(NULL), TOO_MUCH);
    }
    assert_int_equal(ends, 2);
    apr_pool_destroy(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(an_action_with_enough_memory_runs_to_its_end),
        scene(an_action_without_memory_is_abandoned_and_its_pool_destroyed),
        scene(the_innermost_is_left),
        scene(outside_of_it_the_program_ends_by_any_pool),
    };

    return cmocka_run_group_tests_name("memory", tests, NULL, NULL);
}
