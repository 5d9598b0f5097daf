#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <apr_general.h>

#include "cmocka_versions.h"
#include "scenes.h"
#include "skip.h"

#define SCENES_MAX 32

apr_pool_t *scene_pool;

static int close_all(void **state)
{
    (void)state;
    apr_pool_clear(scene_pool);
    return 0;
}

int run_scenes(const scene_t *scenes, unsigned scene_count, const void *all, unsigned count,
               size_t size)
{
    int failed = 0;

    if (apr_initialize() != APR_SUCCESS || apr_pool_create(&scene_pool, NULL) != APR_SUCCESS ||
        scene_count > SCENES_MAX) {
        return 1;
    }
    for (unsigned v = 0; v < count; v++) {
        const void *variant = (const char *)all + v * size;
        const char *name = *(const char *const *)variant;
        struct CMUnitTest tests[SCENES_MAX] = {{.name = NULL}};

        for (unsigned s = 0; s < scene_count; s++) {
            tests[s].name = scenes[s].name;
            tests[s].test_func = scenes[s].function;
            tests[s].teardown_func = close_all;
            tests[s].initial_state = (void *)variant;
        }
        print_message("---- %s ----\n", name);
        failed += cmocka_run_group_tests_name(name, tests, NULL, NULL);
    }
    apr_terminate();
    return exit_code(failed, count * scene_count);
}

static void widen(apr_socket_t *socket, apr_int32_t option)
{
    for (apr_int32_t bytes = 1 << 20; bytes > 1 << 16; bytes -= 1 << 14) {
        if (apr_socket_opt_set(socket, option, bytes) == APR_SUCCESS) {
            return;
        }
    }
}

void widen_buffers(apr_socket_t *socket)
{
    widen(socket, APR_SO_RCVBUF);
    widen(socket, APR_SO_SNDBUF);
}
