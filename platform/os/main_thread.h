#ifndef UDPECHO_MAIN_THREAD_H
#define UDPECHO_MAIN_THREAD_H

/* Which thread is the main thread, for the assertions of what only that one may call: the one that
 * runs the body of host_run(), which Windows chooses for a service. Internal to platform/. */

/* Makes the calling thread the main thread. Once. */
void main_thread_begin(void);

/* Non-zero if the calling thread is the main thread, or if none has begun. Any thread. */
int is_main_thread(void);

#endif
