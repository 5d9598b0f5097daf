#include "client/core/flow_queue.h"

#include <assert.h>

flow_queue_t flow_queue_create(unsigned flows, apr_pool_t *pool)
{
    flow_queue_t queue = {.capacity = flows};

    queue.flows = apr_palloc(pool, flows * sizeof *queue.flows);
    for (unsigned i = 0; i < flows; i++) {
        flow_queue_add(&queue, i);
    }
    return queue;
}

/* A place after the first one. Not by the remainder, as division is slow. */
static unsigned place_after(const flow_queue_t *queue, unsigned distance)
{
    unsigned place = queue->first + distance;

    return place < queue->capacity ? place : place - queue->capacity;
}

/* The next number of splitmix64: Steele, Lea and Flood, "Fast splittable pseudorandom number
 * generators", OOPSLA 2014. */
static apr_uint64_t next_random(apr_uint64_t *state)
{
    apr_uint64_t number = *state += APR_UINT64_C(0x9e3779b97f4a7c15);

    number = (number ^ number >> 30) * APR_UINT64_C(0xbf58476d1ce4e5b9);
    number = (number ^ number >> 27) * APR_UINT64_C(0x94d049bb133111eb);
    return number ^ number >> 31;
}

/* One step of the Fisher-Yates shuffle. Its whole would hold up the first datagram of each round.
 */
void flow_queue_draw(flow_queue_t *queue, apr_uint64_t *random)
{
    assert(queue->left == queue->capacity);
    unsigned to_come = queue->capacity - queue->first;
    unsigned drawn = queue->first + (unsigned)(next_random(random) % to_come);
    unsigned flow = queue->flows[drawn];

    queue->flows[drawn] = queue->flows[queue->first];
    queue->flows[queue->first] = flow;
}

unsigned flow_queue_first(const flow_queue_t *queue)
{
    assert(queue->left > 0);
    return queue->flows[queue->first];
}

void flow_queue_take(flow_queue_t *queue)
{
    assert(queue->left > 0);
    queue->first = place_after(queue, 1);
    queue->left--;
}

void flow_queue_add(flow_queue_t *queue, unsigned flow)
{
    assert(flow < queue->capacity && queue->left < queue->capacity);
    queue->flows[place_after(queue, queue->left++)] = flow;
}
