#ifndef UDPECHO_WINDOWS_SERVICE_H
#define UDPECHO_WINDOWS_SERVICE_H

/* The process as a service. The source of all that Windows wants of it is "Service Programs" in
 * Microsoft's documentation. */

#include <wchar.h>

#include "udpecho/host.h"

/* The user-defined control that asks for the counters: sc control udpechod 128. */
#define SERVICE_CONTROL_REPORT 128

/* What host_name_service() was given, and its name in UTF-16; NULL before. Any thread. */
const host_service_t *service_identity(void);
wchar_t *service_name(void);

/* Non-zero if the service control manager started the process. Main thread. */
int service_is_running(void);

/* Tells the service control manager that the service serves, and takes its controls from now on.
 * Does nothing in a console. Main thread, after host_start(). */
void service_ready(void);

/* Tells it that the service stops, and that this may take `duration_ms` longer than a few seconds.
 * Does nothing in a console. Main thread. */
void service_stopping(unsigned duration_ms);

#endif
