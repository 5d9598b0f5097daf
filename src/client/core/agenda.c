#include "client/core/agenda.h"

#include <assert.h>

typedef struct entry {
    apr_time_t time;
    unsigned number;
} entry_t;

struct agenda {
    unsigned capacity;
    unsigned count;
    entry_t *heap;      /* no entry is due before its parent, the one at half its index */
    unsigned *position; /* of each number in the heap, which begins at 1; 0: not in it */
};

agenda_t *agenda_create(unsigned capacity, apr_pool_t *pool)
{
    agenda_t *agenda = apr_pcalloc(pool, sizeof *agenda);

    agenda->capacity = capacity;
    agenda->heap = apr_palloc(pool, (capacity + 1) * sizeof *agenda->heap);
    agenda->position = apr_pcalloc(pool, capacity * sizeof *agenda->position);
    return agenda;
}

static void put(agenda_t *agenda, unsigned index, entry_t entry)
{
    agenda->heap[index] = entry;
    agenda->position[entry.number] = index;
}

/* Moves entries down from `index` on until `entry`, which is to go up, has its place. */
static void rise(agenda_t *agenda, unsigned index, entry_t entry)
{
    for (; index > 1 && agenda->heap[index / 2].time > entry.time; index /= 2) {
        put(agenda, index, agenda->heap[index / 2]);
    }
    put(agenda, index, entry);
}

static unsigned earlier_child(const agenda_t *agenda, unsigned index)
{
    unsigned child = 2 * index;

    return child < agenda->count && agenda->heap[child + 1].time < agenda->heap[child].time
               ? child + 1
               : child;
}

static void sink(agenda_t *agenda, unsigned index, entry_t entry)
{
    while (2 * index <= agenda->count) {
        unsigned child = earlier_child(agenda, index);

        if (agenda->heap[child].time >= entry.time) {
            break;
        }
        put(agenda, index, agenda->heap[child]);
        index = child;
    }
    put(agenda, index, entry);
}

static void place(agenda_t *agenda, unsigned index, entry_t entry)
{
    if (index > 1 && agenda->heap[index / 2].time > entry.time) {
        rise(agenda, index, entry);
    } else {
        sink(agenda, index, entry);
    }
}

void agenda_set(agenda_t *agenda, unsigned number, apr_time_t time)
{
    assert(number < agenda->capacity);
    entry_t entry = {time, number};

    if (agenda->position[number] == 0) {
        rise(agenda, ++agenda->count, entry);
    } else {
        place(agenda, agenda->position[number], entry);
    }
}

void agenda_hasten(agenda_t *agenda, unsigned number, apr_time_t time)
{
    assert(number < agenda->capacity);
    unsigned index = agenda->position[number];

    if (index == 0 || agenda->heap[index].time > time) {
        agenda_set(agenda, number, time);
    }
}

void agenda_remove(agenda_t *agenda, unsigned number)
{
    assert(number < agenda->capacity);
    unsigned index = agenda->position[number];

    if (index == 0) {
        return;
    }
    entry_t last = agenda->heap[agenda->count--];

    agenda->position[number] = 0;
    if (last.number != number) {
        place(agenda, index, last);
    }
}

unsigned agenda_count(const agenda_t *agenda)
{
    return agenda->count;
}

apr_time_t agenda_time(const agenda_t *agenda)
{
    return agenda->count > 0 ? agenda->heap[1].time : APR_INT64_MAX;
}

unsigned agenda_first(const agenda_t *agenda)
{
    assert(agenda->count > 0);
    return agenda->heap[1].number;
}
