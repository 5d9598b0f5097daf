/* One worker's wait at the port of all: a packet posted there could be taken by another. */

#include "iocp/iocp.h"

apr_status_t wake_know_thread(wake_t *wake)
{
    HANDLE thread;

    if (atomic_load(&wake->thread) != NULL) {
        return APR_SUCCESS;
    }
    if (!DuplicateHandle(GetCurrentProcess(), GetCurrentThread(), GetCurrentProcess(), &thread, 0,
                         FALSE, DUPLICATE_SAME_ACCESS)) {
        return APR_FROM_OS_ERROR((apr_status_t)GetLastError());
    }
    atomic_store(&wake->thread, thread);
    return APR_SUCCESS;
}

/* The kernel may have no memory for it right now; what waits here does not wait for long. */
void wake_end_wait(wake_t *wake)
{
    HANDLE thread = atomic_load(&wake->thread);

    if (thread != NULL) {
        call_end_wait(thread);
    }
}

void wake_set(wake_t *wake)
{
    if (!atomic_exchange(&wake->is_set, 1)) {
        wake_end_wait(wake);
    }
}

int wake_take(wake_t *wake)
{
    return atomic_load_explicit(&wake->is_set, memory_order_relaxed) &&
           atomic_exchange(&wake->is_set, 0);
}

void wake_close(wake_t *wake)
{
    HANDLE thread = atomic_load(&wake->thread);

    if (thread != NULL) {
        CloseHandle(thread);
    }
}
