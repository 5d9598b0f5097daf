#include "common/memory.h"

#include <apr_allocator.h>
#include <assert.h>
#include <setjmp.h>
#include <stddef.h>

static void (*end_program)(void);

/* Where memory_try() goes on in this thread; NULL outside of it. */
static _Thread_local jmp_buf *way_out;

/* An abort function that returns has the caller go on with NULL. APR calls it without holding any
 * lock of its own (1.7, apr_pools.c), so that it may be left by a jump. */
static int on_no_memory(int status)
{
    if (way_out != NULL) {
        longjmp(*way_out, 1);
    }
    assert(end_program != NULL);
    end_program();
    return status;
}

apr_pool_t *memory_start(void (*give_up)(void))
{
    apr_pool_t *pool;

    end_program = give_up;
    apr_pool_create_ex(&pool, NULL, on_no_memory, NULL);
    apr_pool_abort_set(on_no_memory, apr_pool_parent_get(pool)); /* for pools without a parent */
    return pool;
}

apr_pool_t *memory_pool(apr_pool_t *parent)
{
    apr_pool_t *pool;

    apr_pool_create(&pool, parent); /* its abort function is the parent's */
    return pool;
}

apr_pool_t *memory_pool_apart(apr_pool_t *parent)
{
    apr_allocator_t *allocator;
    apr_pool_t *pool;

    if (apr_allocator_create(&allocator) != APR_SUCCESS) {
        on_no_memory(APR_ENOMEM);
    }
    apr_allocator_max_free_set(allocator, 1); /* bytes that it keeps; 0 is without limit */
    apr_pool_create_ex(&pool, parent, NULL, allocator);
    apr_allocator_owner_set(allocator, pool);
    return pool;
}

apr_status_t memory_try(void (*attempt)(void *context), void *context)
{
    jmp_buf *outer = way_out;
    jmp_buf here;

    if (setjmp(here) != 0) {
        way_out = outer;
        return APR_ENOMEM;
    }
    way_out = &here;
    attempt(context);
    way_out = outer;
    return APR_SUCCESS;
}

typedef struct with_scratch {
    void (*attempt)(void *context, apr_pool_t *scratch);
    void *context;
    apr_pool_t *parent;
    apr_pool_t *scratch; /* NULL: there was no memory for it */
} with_scratch_t;

static void attempt_with_scratch(void *context)
{
    with_scratch_t *with = context;

    with->scratch = memory_pool(with->parent);
    with->attempt(with->context, with->scratch);
}

apr_status_t memory_try_scratch(void (*attempt)(void *context, apr_pool_t *scratch), void *context,
                                apr_pool_t *parent)
{
    with_scratch_t with = {attempt, context, parent, NULL};
    apr_status_t status = memory_try(attempt_with_scratch, &with);

    if (with.scratch != NULL) {
        apr_pool_destroy(with.scratch);
    }
    return status;
}
