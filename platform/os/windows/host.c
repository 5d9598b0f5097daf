/* A daemon on Windows: its requests come in on threads that Windows starts. Those of a console are
 * here, those of the service control manager in service.c. */

#include <apr_errno.h>
#include <assert.h>
#include <string.h>

#include "os/main_thread.h"
#include "os/windows/console.h"
#include "os/windows/events.h"
#include "os/windows/service.h"
#include "udpecho/clock.h"

#define EVENT_KINDS (HOST_FINISHED + 1)

struct host {
    HANDLE events[EVENT_KINDS]; /* by host_event_t; set while it is on its way */
    volatile LONG asked;
};

static struct host the_host;

void host_raise(host_event_t event)
{
    SetEvent(the_host.events[event]);
}

/* Not that of any user: tasks and services run there. */
static int is_in_session_of_services(void)
{
    DWORD session;

    return ProcessIdToSessionId(GetCurrentProcessId(), &session) && session == 0;
}

static BOOL WINAPI on_control(DWORD control)
{
    /* The log-off of any user is told to all programs with a console there. */
    if (control == CTRL_LOGOFF_EVENT && is_in_session_of_services()) {
        return TRUE;
    }
    if (InterlockedExchange(&the_host.asked, 1) != 0) {
        /* A user who asks twice does not want to wait: the next handler is Windows' own, which
         * ends the process and calls nothing of atexit(). */
        console_restore();
        return FALSE;
    }
    host_raise(HOST_STOP);
    if (control != CTRL_C_EVENT && control != CTRL_BREAK_EVENT) {
        /* The window was closed, or the user logs off, or the system shuts down: Windows ends the
         * process as soon as this returns. Draining takes a second at most, and main() ends the
         * process, this thread included. */
        Sleep(INFINITE);
    }
    return TRUE;
}

/* Handles have no such numbers. */
apr_status_t host_fill_standard_files(void)
{
    return APR_SUCCESS;
}

void host_ignore_hang_ups(void)
{
}

apr_status_t host_start(host_t **host, int reloads, apr_pool_t *pool)
{
    assert(is_main_thread());
    (void)reloads, (void)pool;
    *host = &the_host;
    the_host.asked = 0;
    for (unsigned i = 0; i < EVENT_KINDS; i++) {
        the_host.events[i] = CreateEventW(NULL, FALSE, FALSE, NULL);
        if (the_host.events[i] == NULL) {
            return (apr_status_t)apr_get_os_error();
        }
    }
    /* A service that handles console events would be told of every user who logs off, and end. */
    if (!service_is_running() && !SetConsoleCtrlHandler(on_control, TRUE)) {
        return (apr_status_t)apr_get_os_error();
    }
    return APR_SUCCESS;
}

int host_pause(apr_interval_time_t duration)
{
    assert(is_main_thread());
    clock_pause(duration);
    return 1;
}

/* The service control manager waits for no sign of life of a service that runs. */
void host_work_on(void)
{
    assert(is_main_thread());
}

apr_status_t host_ready(host_t *host)
{
    assert(is_main_thread());
    (void)host;
    service_ready();
    return APR_SUCCESS;
}

void host_reloading(host_t *host)
{
    assert(is_main_thread());
    (void)host;
}

void host_reloaded(host_t *host)
{
    assert(is_main_thread());
    (void)host;
}

/* The thread that takes the request tells of it at once. */
void host_stopping(host_t *host)
{
    assert(is_main_thread());
    (void)host;
}

/* Nobody wants to hear it; HOST_LOOK never comes. */
void host_tell(host_t *host, const char *status, int is_alive)
{
    assert(is_main_thread());
    assert(strlen(status) <= 100);
    (void)host, (void)status, (void)is_alive;
}

host_event_t host_wait(host_t *host)
{
    assert(is_main_thread());

    DWORD event = WaitForMultipleObjects(EVENT_KINDS, host->events, FALSE, INFINITE);

    /* A wait that fails would fail each time: to end is better than to spin. */
    return event < WAIT_OBJECT_0 + EVENT_KINDS ? (host_event_t)(event - WAIT_OBJECT_0) : HOST_STOP;
}

void host_stop(host_t *host)
{
    (void)host;
    host_raise(HOST_STOP);
}

void host_finish(host_t *host)
{
    (void)host;
    host_raise(HOST_FINISHED);
}
