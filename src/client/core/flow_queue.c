#include "client/core/flow_queue.h"

turns_t turns_create(unsigned flows, apr_pool_t *pool)
{
    turns_t turns = {.capacity = flows};

    turns.queue = apr_palloc(pool, flows * sizeof *turns.queue);
    for (unsigned i = 0; i < flows; i++) {
        turns_add(&turns, i);
    }
    return turns;
}

/* A place after the first one. Not by the remainder, as division is slow. */
static unsigned place_after(const turns_t *turns, unsigned distance)
{
    unsigned place = turns->first + distance;

    return place < turns->capacity ? place : place - turns->capacity;
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
void turns_draw(turns_t *turns, apr_uint64_t *random)
{
    unsigned to_come = turns->capacity - turns->first;
    unsigned drawn = turns->first + (unsigned)(next_random(random) % to_come);
    unsigned flow = turns->queue[drawn];

    turns->queue[drawn] = turns->queue[turns->first];
    turns->queue[turns->first] = flow;
}

unsigned turns_first(const turns_t *turns)
{
    return turns->queue[turns->first];
}

void turns_take(turns_t *turns)
{
    turns->first = place_after(turns, 1);
    turns->left--;
}

void turns_add(turns_t *turns, unsigned flow)
{
    turns->queue[place_after(turns, turns->left++)] = flow;
}
