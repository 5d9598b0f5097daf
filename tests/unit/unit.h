#ifndef UDPECHO_UNIT_H
#define UDPECHO_UNIT_H

/* What every unit test starts from: cmocka with the headers it wants, and a pool for each test. */

#include <apr_general.h>
#include <apr_pools.h>

#include "cmocka_versions.h"
#include "skip.h"

static int make_pool(void **state)
{
    return apr_initialize() == APR_SUCCESS &&
                   apr_pool_create((apr_pool_t **)state, NULL) == APR_SUCCESS
               ? 0
               : -1;
}

static int destroy_pool(void **state)
{
    apr_pool_destroy(*state);
    apr_terminate();
    return 0;
}

/* A test that is handed a pool as its state. */
#define scene(function) cmocka_unit_test_setup_teardown(function, make_pool, destroy_pool)

#endif
