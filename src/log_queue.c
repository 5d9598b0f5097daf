#include "log_queue.h"

#include <apr_thread_cond.h>
#include <apr_thread_mutex.h>

#include "log_line.h"

struct log_queue {
    apr_thread_mutex_t *lock;
    apr_thread_cond_t *grown;
    log_line_t *first; /* the oldest */
    log_line_t **last; /* where the next one is hung */
};

apr_status_t log_queue_create(log_queue_t **created, apr_pool_t *pool)
{
    log_queue_t *queue = apr_pcalloc(pool, sizeof *queue);
    apr_status_t status = apr_thread_mutex_create(&queue->lock, APR_THREAD_MUTEX_DEFAULT, pool);

    queue->last = &queue->first;
    *created = queue;
    return status == APR_SUCCESS ? apr_thread_cond_create(&queue->grown, pool) : status;
}

void log_queue_push(log_queue_t *queue, log_line_t *line)
{
    line->next = NULL;
    apr_thread_mutex_lock(queue->lock);
    *queue->last = line;
    queue->last = &line->next;
    apr_thread_cond_signal(queue->grown);
    apr_thread_mutex_unlock(queue->lock);
}

static apr_status_t wait_grown(log_queue_t *queue, apr_interval_time_t timeout)
{
    return timeout < 0 ? apr_thread_cond_wait(queue->grown, queue->lock)
                       : apr_thread_cond_timedwait(queue->grown, queue->lock, timeout);
}

log_line_t *log_queue_pop(log_queue_t *queue, apr_interval_time_t timeout)
{
    log_line_t *line;

    apr_thread_mutex_lock(queue->lock);
    while (queue->first == NULL && timeout != 0 && wait_grown(queue, timeout) == APR_SUCCESS) {
    }
    line = queue->first;
    if (line != NULL) {
        queue->first = line->next;
        if (queue->first == NULL) {
            queue->last = &queue->first;
        }
    }
    apr_thread_mutex_unlock(queue->lock);
    return line;
}
