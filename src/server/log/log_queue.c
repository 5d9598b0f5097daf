#include "server/log/log_queue.h"

#include "server/log/log_line.h"
#include "udpecho/monitor.h"

struct log_queue {
    monitor_t *monitor;
    log_line_t *first; /* the oldest */
    log_line_t **last; /* where the next one is hung */
};

apr_status_t log_queue_create(log_queue_t **created, apr_pool_t *pool)
{
    log_queue_t *queue = apr_pcalloc(pool, sizeof *queue);

    queue->last = &queue->first;
    *created = queue;
    return monitor_create(&queue->monitor, pool);
}

void log_queue_push(log_queue_t *queue, log_line_t *line)
{
    line->next = NULL;
    monitor_lock(queue->monitor);
    *queue->last = line;
    queue->last = &line->next;
    monitor_wake_one(queue->monitor);
    monitor_unlock(queue->monitor);
}

log_line_t *log_queue_pop(log_queue_t *queue, apr_interval_time_t timeout)
{
    log_line_t *line;

    monitor_lock(queue->monitor);
    while (queue->first == NULL && timeout != 0 &&
           monitor_wait(queue->monitor, timeout) == APR_SUCCESS) {
    }
    line = queue->first;
    if (line != NULL) {
        queue->first = line->next;
        if (queue->first == NULL) {
            queue->last = &queue->first;
        }
    }
    monitor_unlock(queue->monitor);
    return line;
}
