#include "turns.h"

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
