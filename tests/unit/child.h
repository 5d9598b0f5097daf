#ifndef UDPECHO_CHILD_H
#define UDPECHO_CHILD_H

/* Scenes that run in a child, because what they change is the whole process's: signal handlers,
 * the environment, descriptors. */

#include <sys/wait.h>
#include <unistd.h>

static int status_of_child(void (*scene_in_child)(apr_pool_t *pool), apr_pool_t *pool)
{
    int status = 0;
    pid_t child = fork();

    if (child == 0) {
        scene_in_child(pool);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

/* The assertion of a child process. */
static void require(int condition)
{
    if (!condition) {
        _exit(1);
    }
}

#endif
