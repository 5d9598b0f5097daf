#ifndef UDPECHO_WORKERS_H
#define UDPECHO_WORKERS_H

/* All workers of a server, which begin, change and end together. Main thread. */

#include <stdatomic.h>

#include "server/worker.h"

typedef struct workers {
    unsigned count;
    worker_t **at;
    apr_uint64_t *turns; /* of each, when they were last looked at */
    atomic_uint running;
    void (*ended)(void *context);
    void *context;
} workers_t;

/* Makes `count` workers by these options, of which it sets `index`, `ended` and `context` itself.
 * The thread of the last that ends calls `ended` with `context`. `workers` stays where it is as
 * long as they live. Errors: those of worker_create(). */
apr_status_t workers_create(workers_t *workers, const worker_options_t *options, unsigned count,
                            void (*ended)(void *context), void *context, apr_pool_t *pool);

/* Starts their threads, which wait at the gate. Where one cannot be started there are as many as
 * were started before it. Errors: those of worker_start(). */
apr_status_t workers_start(workers_t *workers);

/* Has them have all sockets of the listeners, an array of listener_t *, so that none is no
 * worker's. Before the gate is open. Errors: those of worker_listen_again(). */
apr_status_t workers_share(const workers_t *workers, const apr_array_header_t *listeners);

/* Has them go by `next` and receive from these listeners, and returns once none of them reads
 * `old`: their batches are short. They never wait for it. */
void workers_change(const workers_t *workers, const echo_policy_t *old, const echo_policy_t *next,
                    const apr_array_header_t *listeners);

/* Returns whether each has moved since they were last looked at, and sets what they have echoed. */
int workers_look(workers_t *workers, apr_uint64_t *echoed);

/* Has them all drain and end. Any thread. */
void workers_stop(const workers_t *workers);

/* Waits until all have ended. */
void workers_join(const workers_t *workers);

/* Why they ended. */
echo_end_t workers_end(const workers_t *workers);

#endif
