/* A daemon on Windows: its requests come in on threads that Windows starts. Those of a console are
 * here, those of the service control manager in service.c. */

#include <apr_errno.h>
#include <apr_portable.h>
#include <apr_strings.h>

#include "os/windows/events.h"
#include "os/windows/service.h"
#include "udpecho/clock.h"
#include "udpecho/handover.h"
#include "udpecho/machine.h"

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

static BOOL WINAPI on_control(DWORD control)
{
    if (InterlockedExchange(&the_host.asked, 1) != 0) {
        /* Whoever asks twice does not want to wait: the next handler is Windows' own, which ends
         * the process. */
        return FALSE;
    }
    host_raise(HOST_STOP);
    if (control != CTRL_C_EVENT && control != CTRL_BREAK_EVENT) {
        /* The window was closed, the user logs off, the machine shuts down: Windows ends the
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

apr_status_t host_bind_stream(apr_socket_t *socket, apr_sockaddr_t *address)
{
    DWORD on = 1;
    apr_os_sock_t handle;

    apr_os_sock_get(&handle, socket);
    return setsockopt(handle, SOL_SOCKET, SO_EXCLUSIVEADDRUSE, (const char *)&on, sizeof on) == 0
               ? apr_socket_bind(socket, address)
               : apr_get_netos_error();
}

apr_status_t host_start(host_t **host, int reloads, apr_pool_t *pool)
{
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

const char *host_inherited_sockets(apr_array_header_t *sockets, apr_array_header_t *groups,
                                   apr_pool_t *pool)
{
    (void)sockets, (void)groups, (void)pool;
    return NULL;
}

int host_has_store(void)
{
    return 0;
}

apr_status_t host_store(const endpoint_t *address, const char *device,
                        const apr_array_header_t *sockets)
{
    (void)address, (void)device, (void)sockets;
    return APR_SUCCESS;
}

void host_forget(const endpoint_t *address, const char *device)
{
    (void)address, (void)device;
}

int host_await_forgetting(void)
{
    return 0;
}

int host_pause(apr_interval_time_t duration)
{
    clock_pause(duration);
    return 1;
}

/* The service control manager waits for no sign of life of a service that runs. */
void host_work_on(void)
{
}

apr_status_t host_clear_path(const char *path, const char **step)
{
    (void)path;
    *step = "make a socket with a path";
    return APR_ENOTIMPL;
}

apr_status_t host_take_over(apr_array_header_t *groups, apr_array_header_t *streams,
                            const char *path, const char **step, apr_pool_t *pool)
{
    (void)groups, (void)streams, (void)path, (void)pool;
    *step = "hand sockets from process to process";
    return APR_ENOTIMPL;
}

apr_status_t host_hand_over(const apr_array_header_t *groups, const apr_array_header_t *streams,
                            apr_pool_t *pool)
{
    (void)groups, (void)streams, (void)pool;
    return APR_ENOTIMPL;
}

void host_refuse_successor(void)
{
}

apr_status_t host_ready(host_t *host)
{
    (void)host;
    service_ready();
    return APR_SUCCESS;
}

void host_reloading(host_t *host)
{
    (void)host;
}

void host_reloaded(host_t *host)
{
    (void)host;
}

/* The thread that takes the request tells of it at once. */
void host_stopping(host_t *host)
{
    (void)host;
}

/* Nobody wants to hear it; HOST_LOOK never comes. */
void host_tell(host_t *host, const char *status, int is_alive)
{
    (void)host, (void)status, (void)is_alive;
}

host_event_t host_wait(host_t *host)
{
    return (host_event_t)(WaitForMultipleObjects(EVENT_KINDS, host->events, FALSE, INFINITE) -
                          WAIT_OBJECT_0);
}

void host_finish(host_t *host)
{
    (void)host;
    host_raise(HOST_FINISHED);
}

unsigned host_processors(void)
{
    DWORD_PTR allowed = 0;
    DWORD_PTR existing = 0;
    unsigned count = 0;

    /* The mask covers the first 64 processors; a process that may use all of these may use those
     * of the other groups too. */
    if (!GetProcessAffinityMask(GetCurrentProcess(), &allowed, &existing) || allowed == existing) {
        return GetActiveProcessorCount(ALL_PROCESSOR_GROUPS);
    }
    for (; allowed != 0; allowed &= allowed - 1) {
        count++;
    }
    return count;
}

apr_status_t host_pin(unsigned number)
{
    DWORD_PTR allowed = 0;
    DWORD_PTR existing = 0;

    if (!GetProcessAffinityMask(GetCurrentProcess(), &allowed, &existing) || allowed == 0) {
        return (apr_status_t)apr_get_os_error();
    }
    DWORD_PTR rest = allowed;

    for (unsigned i = 0; i < number; i++) {
        rest &= rest - 1;
        rest = rest == 0 ? allowed : rest; /* all have one: begin anew */
    }
    return SetThreadAffinityMask(GetCurrentThread(), rest & (~rest + 1)) != 0
               ? APR_SUCCESS
               : (apr_status_t)apr_get_os_error();
}

const char *host_system(apr_pool_t *pool)
{
    /* GetVersionEx() tells a program without a manifest that it runs on Windows 8. */
    typedef LONG WINAPI get_version_t(OSVERSIONINFOW * version);

    OSVERSIONINFOW version = {.dwOSVersionInfoSize = sizeof version};
    FARPROC get_version = GetProcAddress(GetModuleHandleW(L"ntdll"), "RtlGetVersion");

    if (get_version == NULL || ((get_version_t *)(INT_PTR)get_version)(&version) != 0) {
        return "Windows";
    }
    return apr_psprintf(pool, "Windows %lu.%lu.%lu x86_64", version.dwMajorVersion,
                        version.dwMinorVersion, version.dwBuildNumber);
}

apr_uint64_t host_thread_id(void)
{
    return GetCurrentThreadId();
}
