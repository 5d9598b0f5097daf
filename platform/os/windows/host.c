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
    volatile LONG lame_duck_ms; /* 0: a request to end is HOST_STOP at once */
    volatile LONG is_lame_duck; /* HOST_LAME_DUCK was raised */
    apr_time_t lame_duck_until; /* by clock_now(); 0: it has not begun, or is over */
};

static struct host the_host;

void host_raise(host_event_t event)
{
    SetEvent(the_host.events[event]);
}

/* Returns 0 if there is none, or it has begun before. */
static int begin_lame_duck(void)
{
    if (the_host.lame_duck_ms == 0 || InterlockedExchange(&the_host.is_lame_duck, 1) != 0) {
        return 0;
    }
    host_raise(HOST_LAME_DUCK);
    return 1;
}

void host_ask_to_stop(void)
{
    if (!begin_lame_duck()) {
        host_raise(HOST_STOP);
    }
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
    int is_of_user = control == CTRL_C_EVENT || control == CTRL_BREAK_EVENT;

    if (is_of_user && !the_host.asked && begin_lame_duck()) {
        return TRUE;
    }
    if (InterlockedExchange(&the_host.asked, 1) != 0) {
        /* A user who asks again does not want to wait: the next handler is Windows' own, which
         * ends the process and calls nothing of atexit(). */
        console_restore();
        return FALSE;
    }
    host_raise(HOST_STOP);
    if (!is_of_user) {
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
    the_host.is_lame_duck = 0;
    the_host.lame_duck_until = 0;
    for (unsigned i = 0; i < EVENT_KINDS; i++) {
        the_host.events[i] = CreateEventW(NULL, FALSE, FALSE, NULL);
        if (the_host.events[i] == NULL) {
            return (apr_status_t)apr_get_os_error();
        }
    }
    /* A service that handled console events would receive every logoff, and stop. */
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

/* The thread that takes the request has reported it. */
void host_stopping(host_t *host, apr_interval_time_t duration)
{
    assert(is_main_thread());
    (void)host;
    if (duration > 0) {
        service_stopping((unsigned)(duration / 1000));
    }
}

void host_set_lame_duck(host_t *host, apr_interval_time_t duration)
{
    assert(is_main_thread());
    InterlockedExchange(&host->lame_duck_ms, (LONG)((duration + 999) / 1000));
}

/* Nobody wants to hear it; HOST_LOOK never comes. */
void host_tell(host_t *host, const char *status, int is_alive)
{
    assert(is_main_thread());
    assert(strlen(status) <= 100);
    (void)host, (void)status, (void)is_alive;
}

/* Milliseconds until the lame-duck time is over. */
static DWORD until_drained(const host_t *host)
{
    apr_interval_time_t left = host->lame_duck_until - clock_now();

    if (host->lame_duck_until == 0) {
        return INFINITE;
    }
    return left > 0 ? (DWORD)((left + 999) / 1000) : 0;
}

host_event_t host_wait(host_t *host)
{
    assert(is_main_thread());

    DWORD number = WaitForMultipleObjects(EVENT_KINDS, host->events, FALSE, until_drained(host));
    host_event_t event;

    if (number < WAIT_OBJECT_0 + EVENT_KINDS) {
        event = (host_event_t)(number - WAIT_OBJECT_0);
    } else {
        /* The lame-duck time is over. Or the wait fails, as it would each time: to end is better
         * than to spin. A user who asks again ends the process. */
        event = HOST_STOP;
        InterlockedExchange(&host->asked, 1);
    }
    if (event == HOST_LAME_DUCK) {
        host->lame_duck_until = clock_now() + (apr_interval_time_t)host->lame_duck_ms * 1000;
    } else if (event == HOST_STOP) {
        host->lame_duck_until = 0;
    }
    return event;
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
