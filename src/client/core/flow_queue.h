#ifndef UDPECHO_FLOW_QUEUE_H
#define UDPECHO_FLOW_QUEUE_H

/* Whose turn it is: a queue of flows, each of which is in it at most once. */

#include <apr_pools.h>

typedef struct turns {
    unsigned *queue;
    unsigned capacity;
    unsigned first;
    unsigned left;
} turns_t;

/* All of `flows` flows, in their order. */
turns_t turns_create(unsigned flows, apr_pool_t *pool);

/* The first of the queue, which must not be empty. */
unsigned turns_first(const turns_t *turns);

/* Puts one of those first whose turn is still to come in this round, each with the same
 * probability. `random` is the state of the generator, which it advances. All flows must be in the
 * queue, and must have been since it was created. */
void turns_draw(turns_t *turns, apr_uint64_t *random);

/* Takes the first out of the queue. */
void turns_take(turns_t *turns);

/* Puts `flow`, which is not in it, at the end. */
void turns_add(turns_t *turns, unsigned flow);

#endif
