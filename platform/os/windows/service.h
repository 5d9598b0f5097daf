#ifndef UDPECHO_WINDOWS_SERVICE_H
#define UDPECHO_WINDOWS_SERVICE_H

/* The process as a service. The source of all that Windows wants of it is "Service Programs" in
 * Microsoft's documentation. */

#define SERVICE_NAME L"udpechod"

/* The user-defined control that asks for the counters: sc control udpechod 128. */
#define SERVICE_CONTROL_REPORT 128

/* Non-zero if the service control manager started the process. Main thread. */
int service_is_running(void);

/* Tells the service control manager that the service serves, and takes its controls from now on.
 * Does nothing in a console. Main thread, after host_start(). */
void service_ready(void);

#endif
