#include "core/delay_line.h"

#include <assert.h>
#include <string.h>

/* Payload of one block, bytes: short replies waste little of it, and long ones need few. */
#define BLOCK_DATA 512

/* Where payloads that leave together lie side by side, bytes. */
#define STAGE_SIZE (128 << 10)

#define NONE (~0u)

typedef struct block {
    unsigned next; /* of the same reply, or of those that are free */
    unsigned char data[BLOCK_DATA];
} block_t;

typedef struct held {
    apr_time_t due;
    apr_uint64_t order; /* among those that are due at the same time */
    datagram_t reply;   /* its data is in the blocks */
    unsigned first;     /* block */
    unsigned position;  /* in the heap; of those that are free, the next */
} held_t;

struct delay_line {
    unsigned capacity; /* of replies, and of blocks */
    unsigned count;
    apr_uint64_t orders;
    held_t *held;
    unsigned *heap; /* indices of `held`, the next to leave first */
    block_t *blocks;
    unsigned free_held, free_block;
    unsigned free_blocks;
    unsigned back[OVERTAKEN_MAX]; /* indices of those that wait to be overtaken */
    unsigned back_count;
    datagram_t taken[BATCH_MAX];
    unsigned char stage[STAGE_SIZE];
};

delay_line_t *delay_line_create(apr_size_t bytes, apr_pool_t *pool)
{
    delay_line_t *line = apr_pcalloc(pool, sizeof *line);

    assert(bytes >= DELAY_LINE_MIN);
    line->capacity = (unsigned)(bytes / (sizeof(held_t) + sizeof(block_t) + sizeof(unsigned)));
    line->held = apr_palloc(pool, line->capacity * sizeof(held_t));
    line->heap = apr_palloc(pool, line->capacity * sizeof *line->heap);
    line->blocks = apr_palloc(pool, line->capacity * sizeof(block_t));
    line->free_blocks = line->capacity;
    for (unsigned i = 0; i < line->capacity; i++) {
        line->held[i].position = i + 1 < line->capacity ? i + 1 : NONE;
        line->blocks[i].next = i + 1 < line->capacity ? i + 1 : NONE;
    }
    return line;
}

/* ---- The heap ---- */

static int is_before(const delay_line_t *line, unsigned one, unsigned other)
{
    const held_t *a = &line->held[one];
    const held_t *b = &line->held[other];

    return a->due != b->due ? a->due < b->due : a->order < b->order;
}

static void put(delay_line_t *line, unsigned position, unsigned index)
{
    line->heap[position] = index;
    line->held[index].position = position;
}

static void sift_up(delay_line_t *line, unsigned position, unsigned index)
{
    while (position > 0 && is_before(line, index, line->heap[(position - 1) / 2])) {
        put(line, position, line->heap[(position - 1) / 2]);
        position = (position - 1) / 2;
    }
    put(line, position, index);
}

static void sift_down(delay_line_t *line, unsigned position, unsigned index)
{
    unsigned child;

    while ((child = 2 * position + 1) < line->count) {
        if (child + 1 < line->count && is_before(line, line->heap[child + 1], line->heap[child])) {
            child++;
        }
        if (!is_before(line, line->heap[child], index)) {
            break;
        }
        put(line, position, line->heap[child]);
        position = child;
    }
    put(line, position, index);
}

static void move(delay_line_t *line, unsigned position, unsigned index)
{
    if (position > 0 && is_before(line, index, line->heap[(position - 1) / 2])) {
        sift_up(line, position, index);
    } else {
        sift_down(line, position, index);
    }
}

/* ---- Holding ---- */

static unsigned take_block(delay_line_t *line)
{
    unsigned block = line->free_block;

    line->free_block = line->blocks[block].next;
    line->free_blocks--;
    return block;
}

static void store(delay_line_t *line, held_t *held, const unsigned char *data, apr_size_t length)
{
    unsigned *link = &held->first;

    while (length > 0) {
        apr_size_t part = length < BLOCK_DATA ? length : BLOCK_DATA;
        unsigned block = take_block(line);

        memcpy(line->blocks[block].data, data, part);
        data += part;
        length -= part;
        *link = block;
        link = &line->blocks[block].next;
    }
    *link = NONE;
}

int delay_line_has_room(const delay_line_t *line, apr_size_t length)
{
    return line->count < line->capacity &&
           (length + BLOCK_DATA - 1) / BLOCK_DATA <= line->free_blocks;
}

int delay_line_hold(delay_line_t *line, const datagram_t *reply, apr_time_t due)
{
    if (!delay_line_has_room(line, reply->length)) {
        return 0;
    }
    unsigned index = line->free_held;
    held_t *held = &line->held[index];

    line->free_held = held->position;
    held->due = due;
    held->order = line->orders++;
    held->reply = *reply;
    held->reply.data = NULL;
    store(line, held, reply->data, reply->length);
    sift_up(line, line->count++, index);
    return 1;
}

/* ---- Overtaking ---- */

int delay_line_hold_back(delay_line_t *line, const datagram_t *reply, apr_time_t due)
{
    if (line->back_count == OVERTAKEN_MAX) {
        return -1;
    }
    unsigned index = line->free_held;

    if (!delay_line_hold(line, reply, due + OVERTAKE_MAX_US)) {
        return 0;
    }
    line->back[line->back_count++] = index;
    return 1;
}

/* OVERTAKEN_MAX: there is none. */
static unsigned find_back(const delay_line_t *line, const datagram_t *reply)
{
    for (unsigned i = 0; i < line->back_count; i++) {
        const datagram_t *other = &line->held[line->back[i]].reply;

        if (endpoint_equal(&other->from, &reply->from) && endpoint_equal(&other->to, &reply->to)) {
            return i;
        }
    }
    return OVERTAKEN_MAX;
}

int delay_line_holds_back(const delay_line_t *line, const datagram_t *reply)
{
    return find_back(line, reply) < OVERTAKEN_MAX;
}

void delay_line_release(delay_line_t *line, const datagram_t *reply, apr_time_t due)
{
    unsigned found = find_back(line, reply);

    if (found == OVERTAKEN_MAX) {
        return;
    }
    unsigned index = line->back[found];

    apr_time_t latest = line->held[index].due;
    apr_time_t earliest = latest - OVERTAKE_MAX_US;

    line->back[found] = line->back[--line->back_count];
    line->held[index].due = due < earliest ? earliest : due < latest ? due : latest;
    line->held[index].order = line->orders++;
    move(line, line->held[index].position, index);
}

/* ---- Leaving ---- */

static void forget_back(delay_line_t *line, unsigned index)
{
    for (unsigned i = 0; i < line->back_count; i++) {
        if (line->back[i] == index) {
            line->back[i] = line->back[--line->back_count];
            return;
        }
    }
}

static void free_blocks(delay_line_t *line, unsigned block)
{
    while (block != NONE) {
        unsigned next = line->blocks[block].next;

        line->blocks[block].next = line->free_block;
        line->free_block = block;
        line->free_blocks++;
        block = next;
    }
}

/* Frees a reply that is no longer in the heap. */
static void free_held(delay_line_t *line, unsigned index)
{
    held_t *held = &line->held[index];

    forget_back(line, index);
    free_blocks(line, held->first);
    held->position = line->free_held;
    line->free_held = index;
}

static void free_next(delay_line_t *line)
{
    unsigned index = line->heap[0];
    unsigned last = line->heap[--line->count];

    if (last != index) {
        sift_down(line, 0, last);
    }
    free_held(line, index);
}

static void copy_out(const delay_line_t *line, const held_t *held, unsigned char *data)
{
    apr_size_t left = held->reply.length;

    for (unsigned block = held->first; block != NONE; block = line->blocks[block].next) {
        apr_size_t part = left < BLOCK_DATA ? left : BLOCK_DATA;

        memcpy(data, line->blocks[block].data, part);
        data += part;
        left -= part;
    }
}

apr_time_t delay_line_next(const delay_line_t *line)
{
    return line->count > 0 ? line->held[line->heap[0]].due : -1;
}

unsigned delay_line_take(delay_line_t *line, batch_t *batch, apr_time_t now)
{
    apr_size_t staged = 0;

    batch->count = 0;
    while (line->count > 0 && batch->count < BATCH_MAX) {
        const held_t *held = &line->held[line->heap[0]];
        datagram_t *taken = &line->taken[batch->count];

        if (held->due > now || held->reply.length > STAGE_SIZE - staged ||
            (batch->count > 0 && held->reply.listener != batch->at[0]->listener)) {
            break;
        }
        *taken = held->reply;
        taken->data = &line->stage[staged];
        taken->verdict = VERDICT_ECHO;
        copy_out(line, held, taken->data);
        staged += taken->length;
        batch->at[batch->count++] = taken;
        free_next(line);
    }
    return batch->count;
}

static int is_held_back(const delay_line_t *line, unsigned index)
{
    for (unsigned i = 0; i < line->back_count; i++) {
        if (line->back[i] == index) {
            return 1;
        }
    }
    return 0;
}

unsigned delay_line_move(delay_line_t *line, delay_line_t *from)
{
    unsigned lost = 0;

    assert(line->count == 0);
    while (from->count > 0) {
        unsigned index = from->heap[0];
        const held_t *held = &from->held[index];
        datagram_t reply = held->reply;

        reply.data = from->stage;
        copy_out(from, held, reply.data);
        int is_held = is_held_back(from, index)
                          ? delay_line_hold_back(line, &reply, held->due - OVERTAKE_MAX_US)
                          : delay_line_hold(line, &reply, held->due);

        lost += is_held == 0;
        free_next(from);
    }
    return lost;
}

unsigned delay_line_discard(delay_line_t *line,
                            int (*is_kept)(void *context, const struct listener *listener),
                            void *context)
{
    unsigned before = line->count;
    unsigned kept = 0;

    for (unsigned i = 0; i < before; i++) {
        unsigned index = line->heap[i];

        if (is_kept != NULL && is_kept(context, line->held[index].reply.listener)) {
            put(line, kept++, index);
        } else {
            free_held(line, index);
        }
    }
    line->count = kept;
    for (unsigned i = kept / 2; i-- > 0;) {
        sift_down(line, i, line->heap[i]);
    }
    return before - kept;
}
