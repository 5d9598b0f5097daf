#ifndef UDPECHO_SCENES_H
#define UDPECHO_SCENES_H

/* Every scene is run over every variant, which is its state. cmocka.h comes before this. */

#include <apr_network_io.h>

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
int run_scenes(const scene_t *scenes, unsigned scene_count, const void *all, unsigned count,
               size_t size);

/* Lives as long as a scene, also one that fails and closes nothing. */
extern apr_pool_t *scene_pool;

/* Has a socket of the test hold as much as it may, up to 1 MiB. Kernels refuse what is more than
 * they grant. */
void widen_buffers(apr_socket_t *socket);

#endif
