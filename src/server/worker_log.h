#ifndef UDPECHO_WORKER_LOG_H
#define UDPECHO_WORKER_LOG_H

/* What a worker logs: each datagram at level debug, and at most one line a second of each
 * problem. The thread of the worker. */

#include "server/log/log.h"
#include "udpecho/datagram.h"

/* How many sources of loops are remembered. */
#define LOOPS_MAX 16

typedef struct told_loop {
    endpoint_t from;
    apr_time_t at;
} told_loop_t;

/* All zero at the start, except the fields of the worker. */
typedef struct worker_log {
    log_t *log;
    const char *thread; /* the name of the worker, */
    apr_uint64_t thread_id;
    apr_time_t next_failure_warning;
    apr_time_t next_limit_warning;
    told_loop_t told_loops[LOOPS_MAX];
    unsigned next_told; /* the index of the one that was logged longest ago */
} worker_log_t;

/* Tells what services received, of which their replies are made in place: before echo_step(). */
void worker_log_requests(worker_log_t *log, const batch_t *batch);

/* Tells all else of a batch, replies as they leave. */
void worker_log_batch(worker_log_t *log, const batch_t *batch);

/* Tells of delayed replies as they leave. */
void worker_log_replies(worker_log_t *log, const batch_t *batch);

/* Tells of a datagram that met a limit. */
void worker_log_limit(worker_log_t *log, const datagram_t *datagram, apr_time_t now);

/* Tells that replies were not sent. */
void worker_log_failures(worker_log_t *log, const send_outcome_t *outcome, apr_time_t now);

/* Tells that a receive failed. */
void worker_log_receive_failed(worker_log_t *log, apr_status_t status, apr_time_t now);

/* Tells that the worker does not receive from all listeners. */
void worker_log_listen_failed(const worker_log_t *log, apr_status_t status);

#endif
