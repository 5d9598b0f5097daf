#include "os/posix/stop.h"

#include <pthread.h>

static volatile sig_atomic_t is_asked;

void stop_ask(void)
{
    is_asked = 1;
}

int stop_is_asked(void)
{
    return is_asked != 0;
}

void stop_unblock(sigset_t *before)
{
    sigset_t stops;

    sigemptyset(&stops);
    sigaddset(&stops, SIGTERM);
    sigaddset(&stops, SIGINT);
    sigaddset(&stops, SIGHUP);
    pthread_sigmask(SIG_UNBLOCK, &stops, before);
}

void stop_block(const sigset_t *before)
{
    /* The host handles it only once. A process that does not serve yet has nothing to drain. */
    if (is_asked && sigismember(before, SIGTERM)) {
        raise(SIGTERM);
    }
    pthread_sigmask(SIG_SETMASK, before, NULL);
}
