/* Uses memory of a pool as nobody must. In a build with the address sanitizer that has to end the
 * program: the sanitizer sees malloc(3), and has to be shown what a pool makes of it. */

#include <apr_general.h>
#include <apr_pools.h>
#include <string.h>

int main(int argc, const char *const *argv)
{
    apr_size_t length = 16;
    apr_pool_t *pool;

    apr_initialize();
    apr_pool_create(&pool, NULL);

    /* Volatile, so that no compiler finds out what is wrong, or leaves it away. */
    volatile char *block = apr_palloc(pool, length);

    if (argc == 2 && strcmp(argv[1], "overflow") == 0) {
        block[length] = 1;
    } else {
        apr_pool_clear(pool);
        block[0] = 1;
    }
    return 0;
}
