#ifndef UDPECHO_WINDOWS_EVENT_LOG_H
#define UDPECHO_WINDOWS_EVENT_LOG_H

/* The Windows event log ("Event Logging" in Microsoft's documentation), where a service has
 * neither a console nor standard error. */

#include <apr_errno.h>
#include <apr_pools.h>
#include <wchar.h>

#include "udpecho/log_sink.h"

/* Room for the longest text that event_text() makes, its end included: less than the 31,839
 * characters that ReportEventW() takes. */
#define EVENT_TEXT_MAX 20001

/* A sink whose lines become events; those of level debug are left out. Main thread; any
 * thread may write to it. */
log_sink_t event_log_open(void);

/* Makes one line the text of an event. `text` has room for EVENT_TEXT_MAX. One
 * thread at a time. */
void event_text(wchar_t *text, const char *line, apr_size_t length);

/* Tells Windows where the messages of these events are, in this program's file, or that there are
 * none any more. Errors: those of RegCreateKeyExW(), RegSetValueExW() and RegDeleteKeyW(). */
apr_status_t event_source_add(apr_pool_t *pool);
apr_status_t event_source_remove(apr_pool_t *pool);

#endif
