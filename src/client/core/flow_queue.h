#ifndef UDPECHO_FLOW_QUEUE_H
#define UDPECHO_FLOW_QUEUE_H

/* A queue of flows, each of which is in it at most once. */

#include <apr_pools.h>

typedef struct flow_queue {
    unsigned *flows;
    unsigned capacity;
    unsigned first;
    unsigned left;
} flow_queue_t;

/* All of `flows` flows, in their order. */
flow_queue_t flow_queue_create(unsigned flows, apr_pool_t *pool);

/* The first of the queue, which must not be empty. */
unsigned flow_queue_first(const flow_queue_t *queue);

/* Puts one of those first whose turn is still to come in this round, each with the same
 * probability. `random` is the state of the generator, which it advances. All flows must be in the
 * queue, and must have been since it was created. */
void flow_queue_draw(flow_queue_t *queue, apr_uint64_t *random);

/* Takes the first out of the queue. */
void flow_queue_take(flow_queue_t *queue);

/* Puts `flow`, which is not in it, at the end. */
void flow_queue_add(flow_queue_t *queue, unsigned flow);

#endif
