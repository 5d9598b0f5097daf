#ifndef UDPECHO_LOG_QUEUE_H
#define UDPECHO_LOG_QUEUE_H

/* Lines on their way between threads, first in, first out. APR-util's queue cannot wait for a time
 * before version 1.7. */

#include <apr_pools.h>
#include <apr_time.h>

#include "server/log/log.h"

typedef struct log_queue log_queue_t;

/* Errors: those of monitor_create(). */
apr_status_t log_queue_create(log_queue_t **queue, apr_pool_t *pool);

/* Adds a line, which must not be in another queue. Any thread; waits only for the short time in
 * which other threads add a line. */
void log_queue_push(log_queue_t *queue, log_line_t *line);

/* Takes the oldest line, or returns NULL if none comes for `timeout` microseconds (-1: without
 * limit, 0: not at all). Any thread. */
log_line_t *log_queue_pop(log_queue_t *queue, apr_interval_time_t timeout);

#endif
