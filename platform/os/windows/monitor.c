#include "udpecho/monitor.h"

#include <assert.h>

struct monitor {
    SRWLOCK lock;
    CONDITION_VARIABLE changed;
    DWORD owner; /* the thread that holds the lock; 0: none */
};

apr_status_t monitor_create(monitor_t **created, apr_pool_t *pool)
{
    monitor_t *monitor = apr_palloc(pool, sizeof *monitor);

    InitializeSRWLock(&monitor->lock);
    InitializeConditionVariable(&monitor->changed);
    monitor->owner = 0;
    *created = monitor;
    return APR_SUCCESS;
}

void monitor_lock(monitor_t *monitor)
{
    AcquireSRWLockExclusive(&monitor->lock);
    monitor->owner = GetCurrentThreadId();
}

void monitor_unlock(monitor_t *monitor)
{
    assert(monitor->owner == GetCurrentThreadId());
    monitor->owner = 0;
    ReleaseSRWLockExclusive(&monitor->lock);
}

apr_status_t monitor_wait(monitor_t *monitor, apr_interval_time_t timeout)
{
    assert(timeout >= -1);
    assert(monitor->owner == GetCurrentThreadId());

    DWORD milliseconds = timeout < 0 ? INFINITE : (DWORD)((timeout + 999) / 1000);

    monitor->owner = 0;
    int is_woken = SleepConditionVariableSRW(&monitor->changed, &monitor->lock, milliseconds, 0);
    apr_status_t failure = is_woken ? APR_SUCCESS : (apr_status_t)apr_get_os_error();

    monitor->owner = GetCurrentThreadId();
    return failure == APR_FROM_OS_ERROR(ERROR_TIMEOUT) ? APR_TIMEUP : failure;
}

void monitor_wake_one(monitor_t *monitor)
{
    WakeConditionVariable(&monitor->changed);
}

void monitor_wake_all(monitor_t *monitor)
{
    WakeAllConditionVariable(&monitor->changed);
}
