#ifndef UDPECHO_SCENES_H
#define UDPECHO_SCENES_H

/* Every scene is run over every variant, which is its state. cmocka.h comes before this. */

#include <apr_general.h>

#define SCENES_MAX 32

typedef struct scene {
    const char *name;
    CMUnitTestFunction function;
} scene_t;

#define SCENE(function)     \
    {                       \
#function, function \
    }

/* The whole of main(). The variants lie side by side, `size` bytes each, and each begins with a
 * pointer to its name. */
static inline int run_scenes(const scene_t *scenes, unsigned scene_count, const void *all,
                             unsigned count, size_t size)
{
    int failed = 0;

    if (apr_initialize() != APR_SUCCESS || scene_count > SCENES_MAX) {
        return 1;
    }
    for (unsigned v = 0; v < count; v++) {
        const void *variant = (const char *)all + v * size;
        const char *name = *(const char *const *)variant;
        struct CMUnitTest tests[SCENES_MAX] = {{.name = NULL}};

        for (unsigned s = 0; s < scene_count; s++) {
            tests[s].name = scenes[s].name;
            tests[s].test_func = scenes[s].function;
            tests[s].initial_state = (void *)variant;
        }
        print_message("---- %s ----\n", name);
        failed += cmocka_run_group_tests_name(name, tests, NULL, NULL);
    }
    apr_terminate();
    return exit_code(failed, count * scene_count);
}

#endif
