/* A daemon on a Windows console: its control events come in on threads that Windows starts. */

#include "udpecho/host.h"

#include <apr_errno.h>

struct host {
    HANDLE stop;     /* set when the process is asked to stop */
    HANDLE finished; /* set by host_finish() */
    volatile LONG asked;
};

static struct host the_host;

static BOOL WINAPI on_control(DWORD control)
{
    if (InterlockedExchange(&the_host.asked, 1) != 0) {
        /* Whoever asks twice does not want to wait: the next handler is Windows' own, which ends
         * the process. */
        return FALSE;
    }
    SetEvent(the_host.stop);
    if (control != CTRL_C_EVENT && control != CTRL_BREAK_EVENT) {
        /* The window was closed, the user logs off, the machine shuts down: Windows ends the
         * process as soon as this returns. Draining takes a second at most, and main() ends the
         * process, this thread included. */
        Sleep(INFINITE);
    }
    return TRUE;
}

apr_status_t host_start(host_t **host, apr_pool_t *pool)
{
    (void)pool;
    *host = &the_host;
    the_host.asked = 0;
    the_host.stop = CreateEventW(NULL, FALSE, FALSE, NULL);
    the_host.finished = CreateEventW(NULL, FALSE, FALSE, NULL);
    if (the_host.stop == NULL || the_host.finished == NULL ||
        !SetConsoleCtrlHandler(on_control, TRUE)) {
        return (apr_status_t)apr_get_os_error();
    }
    return APR_SUCCESS;
}

host_event_t host_wait(host_t *host)
{
    HANDLE events[] = {host->stop, host->finished};

    return WaitForMultipleObjects(2, events, FALSE, INFINITE) == WAIT_OBJECT_0 ? HOST_STOP
                                                                               : HOST_FINISHED;
}

void host_finish(host_t *host)
{
    SetEvent(host->finished);
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

apr_uint64_t host_thread_id(void)
{
    return GetCurrentThreadId();
}
