#ifndef UDPECHO_WORKER_H
#define UDPECHO_WORKER_H

/* A worker: a thread with a transport and a core of its own, and the loop that joins them. */

#include <apr_pools.h>
#include <apr_tables.h>

#include "core/echo.h"
#include "server/gate.h"
#include "server/log/log.h"
#include "server/observe/service_times.h"
#include "server/stamp_service.h"
#include "udpecho/transport.h"

typedef struct worker worker_t;

typedef struct worker_options {
    unsigned index;                      /* from 0; picks the worker's socket of each listener */
    const apr_array_header_t *listeners; /* of listener_t *; see worker_listen() */
    apr_size_t payload_max;
    apr_interval_time_t spin; /* to look for more after a batch before it sleeps, microseconds */
    int is_pinned;            /* to a processor, by its index */
    const echo_policy_t *policy;
    stamp_basis_t *stamp; /* whose clock it looks at for batches that are not all plain echo */
    log_t *log;
    gate_t *gate;                 /* passed before the first datagram is received */
    void (*ended)(void *context); /* called by the worker's thread as its last act */
    void *context;
} worker_options_t;

/* Makes a worker ready to start; its time begins now. Errors: those of transport_open(). */
apr_status_t worker_create(worker_t **worker, const worker_options_t *options, apr_pool_t *pool);

/* Starts the thread. Errors: those of apr_thread_create(). */
apr_status_t worker_start(worker_t *worker);

/* Listens again to its listeners, after listener_share(). Errors: those of transport_listen().
 * Before the gate is open. */
apr_status_t worker_listen_again(worker_t *worker);

/* Makes the worker receive from these listeners, an array of listener_t *, and from no others at
 * its next turn. The array stays as it is until it is replaced by another, and what this replaces
 * until worker_listens() says so. Main thread. */
void worker_listen(worker_t *worker, const apr_array_header_t *listeners);

/* Non-zero once the worker does what worker_listen() said last, or has ended. Any thread. */
int worker_listens(const worker_t *worker);

/* Wakes the worker, so that an idle one completes its loop too, and returns the number of its
 * present turn, for worker_has_moved(). Any thread. */
apr_uint64_t worker_wake(worker_t *worker);

/* Non-zero if the worker has come to a later turn than this, or has ended. Any thread. */
int worker_has_moved(const worker_t *worker, apr_uint64_t turn);

/* Asks the worker to drain and end. Any thread, at any time after worker_create(). */
void worker_stop(worker_t *worker);

/* Non-zero from then on until the worker has ended. Any thread. */
int worker_is_draining(const worker_t *worker);

/* Waits until the thread has ended. */
void worker_join(worker_t *worker);

/* The worker's core and transport, for what any thread may ask of them. */
echo_t *worker_echo(worker_t *worker);
const transport_t *worker_transport(const worker_t *worker);

/* How long its datagrams took. Any thread. */
const service_times_t *worker_service_times(const worker_t *worker);

#endif
