#include "udpecho/monitor.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <time.h>

#include "udpecho/clock.h"

#ifdef NDEBUG
#define MUTEX_TYPE PTHREAD_MUTEX_NORMAL
#else
#define MUTEX_TYPE PTHREAD_MUTEX_ERRORCHECK
#endif

struct monitor {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
};

static apr_status_t destroy(void *data)
{
    monitor_t *monitor = data;

    pthread_cond_destroy(&monitor->changed);
    return pthread_mutex_destroy(&monitor->mutex);
}

/* A mutex that knows which thread holds it, for assertions. */
static int create_mutex(pthread_mutex_t *mutex)
{
    pthread_mutexattr_t attributes;
    int error = pthread_mutexattr_init(&attributes);

    if (error != 0) {
        return error;
    }
    error = pthread_mutexattr_settype(&attributes, MUTEX_TYPE);
    if (error == 0) {
        error = pthread_mutex_init(mutex, &attributes);
    }
    pthread_mutexattr_destroy(&attributes);
    return error;
}

static void expect_done(int error)
{
    assert(error == 0);
    (void)error;
}

#if defined(__APPLE__) /* which has no pthread_condattr_setclock() */

static int create_condition(pthread_cond_t *condition)
{
    return pthread_cond_init(condition, NULL);
}

static int timed_wait(monitor_t *monitor, apr_interval_time_t timeout)
{
    struct timespec left = {.tv_sec = apr_time_sec(timeout),
                            .tv_nsec = apr_time_usec(timeout) * 1000};

    return pthread_cond_timedwait_relative_np(&monitor->changed, &monitor->mutex, &left);
}

#else

static int create_condition(pthread_cond_t *condition)
{
    pthread_condattr_t attributes;
    int error = pthread_condattr_init(&attributes);

    if (error != 0) {
        return error;
    }
    error = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    if (error == 0) {
        error = pthread_cond_init(condition, &attributes);
    }
    pthread_condattr_destroy(&attributes);
    return error;
}

static int timed_wait(monitor_t *monitor, apr_interval_time_t timeout)
{
    apr_time_t until = clock_now() + timeout;
    struct timespec deadline = {.tv_sec = (time_t)apr_time_sec(until),
                                .tv_nsec = (long)apr_time_usec(until) * 1000};

    return pthread_cond_timedwait(&monitor->changed, &monitor->mutex, &deadline);
}

#endif

apr_status_t monitor_create(monitor_t **created, apr_pool_t *pool)
{
    monitor_t *monitor = apr_palloc(pool, sizeof *monitor);
    int error = create_mutex(&monitor->mutex);

    if (error != 0) {
        return error;
    }
    error = create_condition(&monitor->changed);
    if (error != 0) {
        pthread_mutex_destroy(&monitor->mutex);
        return error;
    }
    apr_pool_cleanup_register(pool, monitor, destroy, apr_pool_cleanup_null);
    *created = monitor;
    return APR_SUCCESS;
}

void monitor_lock(monitor_t *monitor)
{
    expect_done(pthread_mutex_lock(&monitor->mutex));
}

void monitor_unlock(monitor_t *monitor)
{
    expect_done(pthread_mutex_unlock(&monitor->mutex));
}

apr_status_t monitor_wait(monitor_t *monitor, apr_interval_time_t timeout)
{
    assert(timeout >= -1);

    int error = timeout < 0 ? pthread_cond_wait(&monitor->changed, &monitor->mutex)
                            : timed_wait(monitor, timeout);

    return error == ETIMEDOUT ? APR_TIMEUP : error;
}

void monitor_wake_one(monitor_t *monitor)
{
    pthread_cond_signal(&monitor->changed);
}

void monitor_wake_all(monitor_t *monitor)
{
    pthread_cond_broadcast(&monitor->changed);
}
