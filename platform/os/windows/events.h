#ifndef UDPECHO_WINDOWS_EVENTS_H
#define UDPECHO_WINDOWS_EVENTS_H

/* Connects host.c, which waits for events, with the code that reports them. */

#include "udpecho/host.h"

/* Makes host_wait() return this event; raised twice before that, it is returned once. After
 * host_start(); any thread. */
void host_raise(host_event_t event);

/* Has the process end: raises HOST_LAME_DUCK the first time, if host_set_lame_duck() says so, else
 * HOST_STOP. After host_start(); any thread. */
void host_ask_to_stop(void);

#endif
