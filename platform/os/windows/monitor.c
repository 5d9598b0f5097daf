#include "udpecho/monitor.h"

struct monitor {
    SRWLOCK lock;
    CONDITION_VARIABLE changed;
};

apr_status_t monitor_create(monitor_t **created, apr_pool_t *pool)
{
    monitor_t *monitor = apr_palloc(pool, sizeof *monitor);

    InitializeSRWLock(&monitor->lock);
    InitializeConditionVariable(&monitor->changed);
    *created = monitor;
    return APR_SUCCESS;
}

void monitor_lock(monitor_t *monitor)
{
    AcquireSRWLockExclusive(&monitor->lock);
}

void monitor_unlock(monitor_t *monitor)
{
    ReleaseSRWLockExclusive(&monitor->lock);
}

apr_status_t monitor_wait(monitor_t *monitor, apr_interval_time_t timeout)
{
    DWORD milliseconds = timeout < 0 ? INFINITE : (DWORD)((timeout + 999) / 1000);

    if (SleepConditionVariableSRW(&monitor->changed, &monitor->lock, milliseconds, 0)) {
        return APR_SUCCESS;
    }
    return GetLastError() == ERROR_TIMEOUT ? APR_TIMEUP : (apr_status_t)apr_get_os_error();
}

void monitor_wake_one(monitor_t *monitor)
{
    WakeConditionVariable(&monitor->changed);
}

void monitor_wake_all(monitor_t *monitor)
{
    WakeAllConditionVariable(&monitor->changed);
}
