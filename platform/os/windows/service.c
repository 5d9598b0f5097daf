#include "os/windows/service.h"

#include <apr_errno.h>
#include <apr_strings.h>
#include <assert.h>
#include <string.h>

#include "os/main_thread.h"
#include "os/windows/event_log.h"
#include "os/windows/events.h"
#include "udpecho/error_text.h"

/* How long Windows should think that nothing is wrong while a state is left, milliseconds. A start
 * may ask the name service; draining takes a second at most, and the log may be slow. */
#define START_WAIT_MS 60000
#define STOP_WAIT_MS  10000

/* Not SERVICE_ACCEPT_PRESHUTDOWN, which holds up the end of the system, and with which the other
 * never comes (HandlerEx): draining takes no longer than the system waits after it. */
#define CONTROLS (SERVICE_ACCEPT_STOP | SERVICE_ACCEPT_SHUTDOWN | SERVICE_ACCEPT_PARAMCHANGE)

/* With the end of the text. */
#define NAME_MAX 32

static const host_service_t *identity;
static wchar_t wide_name[NAME_MAX];

static struct service {
    int (*body)(void *context);
    int (*is_final)(int code);
    void *context;
    int code;
    SERVICE_STATUS_HANDLE handle; /* NULL outside the service control manager */
    DWORD state;
    DWORD waits;  /* that were told */
    SRWLOCK lock; /* of these and of telling them */
} service = {.lock = SRWLOCK_INIT};

void host_name_service(const host_service_t *named)
{
    apr_size_t length = strlen(named->name);

    assert(length < NAME_MAX);
    for (apr_size_t i = 0; i <= length; i++) {
        wide_name[i] = (wchar_t)named->name[i]; /* ASCII */
    }
    identity = named;
}

const host_service_t *service_identity(void)
{
    return identity;
}

wchar_t *service_name(void)
{
    return identity != NULL ? wide_name : NULL;
}

/* Any thread: stopping is told by the one that controls come in on, the rest by the main thread. */
static void tell(DWORD state, DWORD wait_ms)
{
    SERVICE_STATUS status = {
        .dwServiceType = SERVICE_WIN32_OWN_PROCESS,
        .dwCurrentState = state,
        /* While it starts, no control comes in that host_start() is not ready for. */
        .dwControlsAccepted = state == SERVICE_RUNNING ? CONTROLS : 0,
        /* An error makes Windows restart the service (SERVICE_FAILURE_ACTIONS_FLAG), so what
         * only a person can correct is not reported as one. sc query still shows the code. */
        .dwWin32ExitCode = service.code == 0 || service.is_final(service.code)
                               ? NO_ERROR
                               : ERROR_SERVICE_SPECIFIC_ERROR,
        .dwServiceSpecificExitCode = (DWORD)service.code,
        .dwWaitHint = wait_ms,
    };

    AcquireSRWLockExclusive(&service.lock);
    /* A service that ends by itself may be asked to stop at the same time; nothing may be told
     * after SERVICE_STOPPED. */
    if (service.state != SERVICE_STOPPED) {
        service.state = state;
        /* A wait that is told anew is one only with another number. */
        status.dwCheckPoint = wait_ms > 0 ? ++service.waits : 0;
        SetServiceStatus(service.handle, &status);
    }
    ReleaseSRWLockExclusive(&service.lock);
}

static DWORD WINAPI on_control(DWORD control, DWORD event, LPVOID data, LPVOID context)
{
    (void)event, (void)data, (void)context;
    switch (control) {
    case SERVICE_CONTROL_STOP:
        /* No second request comes: Windows takes none for a service that is stopping. */
        tell(SERVICE_STOP_PENDING, STOP_WAIT_MS);
        host_ask_to_stop();
        return NO_ERROR;
    case SERVICE_CONTROL_SHUTDOWN:
        /* Windows does not wait for the lame-duck time (WaitToKillServiceTimeout). */
        tell(SERVICE_STOP_PENDING, STOP_WAIT_MS);
        host_raise(HOST_STOP);
        return NO_ERROR;
    case SERVICE_CONTROL_PARAMCHANGE:
        host_raise(HOST_RELOAD);
        return NO_ERROR;
    case SERVICE_CONTROL_REPORT:
        host_raise(HOST_REPORT);
        return NO_ERROR;
    case SERVICE_CONTROL_INTERROGATE:
        return NO_ERROR;
    default:
        return ERROR_CALL_NOT_IMPLEMENTED;
    }
}

/* Without a handle no state can be told: Windows learns from the end of the process that the
 * service failed, and a person from the event log why. */
_Noreturn static void end_unheard(DWORD error)
{
    char reason[128];
    char line[256];
    log_sink_t log = event_log_open();

    error_text((apr_status_t)APR_FROM_OS_ERROR(error), reason, sizeof reason);
    apr_snprintf(line, sizeof line, "%s: Windows takes no handler of controls: %s", identity->name,
                 reason);
    log.write(log.context, LOG_LEVEL_ERROR, line, strlen(line), 0);
    ExitProcess(error);
}

/* Its arguments are those of StartService(), as a rule the name alone; the options are on the
 * command line that the service was installed with. */
static void WINAPI service_main(DWORD argc, LPWSTR *argv)
{
    (void)argc, (void)argv;
    service.handle = RegisterServiceCtrlHandlerExW(service_name(), on_control, NULL);
    if (service.handle == NULL) {
        end_unheard(GetLastError());
    }
    tell(SERVICE_START_PENDING, START_WAIT_MS);
    main_thread_begin();
    service.code = service.body(service.context);
    /* The last act: main() may now end the process, and this thread with it. */
    tell(SERVICE_STOPPED, 0);
}

int service_is_running(void)
{
    assert(is_main_thread());
    return service.handle != NULL;
}

void service_ready(void)
{
    assert(is_main_thread());
    if (service_is_running()) {
        tell(SERVICE_RUNNING, 0);
    }
}

void service_stopping(unsigned duration_ms)
{
    assert(is_main_thread());
    if (service_is_running()) {
        tell(SERVICE_STOP_PENDING, STOP_WAIT_MS + duration_ms);
    }
}

apr_status_t host_run(int as_service, int (*body)(void *context), int (*is_final)(int code),
                      void *context, int *code)
{
    const SERVICE_TABLE_ENTRYW services[] = {{service_name(), service_main}, {NULL, NULL}};

    if (!as_service) {
        main_thread_begin();
        *code = body(context);
        return APR_SUCCESS;
    }
    assert(identity != NULL);
    service.body = body;
    service.is_final = is_final;
    service.context = context;
    /* It returns once the service has stopped. */
    if (!StartServiceCtrlDispatcherW(services)) {
        return (apr_status_t)apr_get_os_error();
    }
    *code = service.code;
    return APR_SUCCESS;
}

const log_sink_t *host_log(void)
{
    assert(is_main_thread());

    static log_sink_t sink;

    if (!service_is_running()) {
        return NULL;
    }
    if (sink.write == NULL) {
        sink = event_log_open();
    }
    return &sink;
}
