#include "os/windows/event_log.h"

#include <apr.h>
#include <apr_strings.h>
#include <assert.h>

#include "messages.h"
#include "os/main_thread.h"
#include "os/windows/service.h"
#include "os/windows/wide.h"

#define SOURCES_KEY L"SYSTEM\\CurrentControlSet\\Services\\EventLog\\Application\\"

/* More than the longest line of the log. */
#define LINE_MAX 10000

/* ---- Writing ---- */

void event_text(wchar_t *text, const char *line, apr_size_t length)
{
    static wchar_t utf16[LINE_MAX];

    if (length > 0 && line[length - 1] == '\n') {
        length--;
    }
    int count = MultiByteToWideChar(CP_UTF8, 0, line, (int)(length < LINE_MAX ? length : LINE_MAX),
                                    utf16, LINE_MAX);

    for (int i = 0; i < count; i++) {
        *text++ = utf16[i];
        /* Event viewers fill in what looks like %1 even within what they filled in, and an IPv6
         * address can contain it (ReportEventW(), remarks on lpStrings). */
        if (utf16[i] == L'%' && i + 1 < count && utf16[i + 1] >= L'0' && utf16[i + 1] <= L'9') {
            *text++ = L' ';
        }
    }
    *text = L'\0';
}

/* With the lock. */
static apr_status_t report_event(WORD type, DWORD id, const char *line, apr_size_t length)
{
    static wchar_t text[EVENT_TEXT_MAX];
    static HANDLE source;
    const wchar_t *strings[] = {text};

    event_text(text, line, length);
    if (source == NULL) {
        source = RegisterEventSourceW(NULL, service_name());
    }
    if (source != NULL && ReportEventW(source, type, 0, id, NULL, 1, 0, strings, NULL)) {
        return APR_SUCCESS;
    }
    apr_status_t status = (apr_status_t)apr_get_os_error(); /* mingw-w64's is unsigned */

    /* The next line tries anew: the event log's service starts again on its own. */
    if (source != NULL) {
        DeregisterEventSource(source);
        source = NULL;
    }
    return status;
}

static apr_status_t write_event(void *context, log_level_t level, const char *line,
                                apr_size_t length, apr_interval_time_t timeout)
{
    static const struct {
        WORD type;
        DWORD id;
    } events[] = {
        [LOG_LEVEL_ERROR] = {EVENTLOG_ERROR_TYPE, EVENT_ERROR},
        [LOG_LEVEL_WARNING] = {EVENTLOG_WARNING_TYPE, EVENT_WARNING},
        [LOG_LEVEL_INFO] = {EVENTLOG_INFORMATION_TYPE, EVENT_INFO},
    };
    /* udpecho writes its report and its errors in two threads. */
    static SRWLOCK lock = SRWLOCK_INIT;

    (void)context, (void)timeout;
    if (level > LOG_LEVEL_INFO) {
        return APR_SUCCESS;
    }
    AcquireSRWLockExclusive(&lock);
    apr_status_t status = report_event(events[level].type, events[level].id, line, length);

    ReleaseSRWLockExclusive(&lock);
    return status;
}

log_sink_t event_log_open(void)
{
    assert(is_main_thread());
    return (log_sink_t){write_event, NULL};
}

/* ---- The source ---- */

static const wchar_t *source_key(apr_pool_t *pool)
{
    return wide(apr_pstrcat(pool, narrow(SOURCES_KEY, pool), service_identity()->name, NULL), pool);
}

apr_status_t event_source_add(apr_pool_t *pool)
{
    const wchar_t *file = program_path(pool);
    DWORD types = EVENTLOG_ERROR_TYPE | EVENTLOG_WARNING_TYPE | EVENTLOG_INFORMATION_TYPE;
    HKEY key;
    LSTATUS error = RegCreateKeyExW(HKEY_LOCAL_MACHINE, source_key(pool), 0, NULL, 0, KEY_SET_VALUE,
                                    NULL, &key, NULL);

    if (error == ERROR_SUCCESS) {
        error = RegSetValueExW(key, L"EventMessageFile", 0, REG_EXPAND_SZ, (const BYTE *)file,
                               (DWORD)((wcslen(file) + 1) * sizeof *file));
        if (error == ERROR_SUCCESS) {
            error = RegSetValueExW(key, L"TypesSupported", 0, REG_DWORD, (const BYTE *)&types,
                                   sizeof types);
        }
        RegCloseKey(key);
    }
    return APR_FROM_OS_ERROR(error);
}

apr_status_t event_source_remove(apr_pool_t *pool)
{
    LSTATUS error = RegDeleteKeyW(HKEY_LOCAL_MACHINE, source_key(pool));

    return error == ERROR_FILE_NOT_FOUND ? APR_SUCCESS : APR_FROM_OS_ERROR(error);
}
