#ifndef UDPECHO_STOP_H
#define UDPECHO_STOP_H

/* Whether a signal has asked this process to end, for those of the main thread that wait for
 * another process meanwhile. Internal to platform/posix; a signal handler may call both. */

void stop_ask(void);
int stop_is_asked(void);

#endif
