#ifndef UDPECHO_STOP_H
#define UDPECHO_STOP_H

/* Whether a signal has asked this process to stop, for code of the main thread that waits for
 * another process. Internal to platform/os/posix. */

#include <signal.h>

/* A signal handler may call both. */
void stop_ask(void);
int stop_is_asked(void);

/* While the process starts, signals wait for host_wait(). This lets those that ask for the end in
 * around something that takes long; `before` is set to the signals that were blocked, or NULL where
 * they are let in from now on. */
void stop_unblock(sigset_t *before);

/* The end of stop_unblock(). Does not return if the process was asked to end while it starts. */
void stop_block(const sigset_t *before);

#endif
