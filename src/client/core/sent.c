#include "client/core/sent.h"

#include <assert.h>

static apr_size_t round_capacity(double needed, double wanted)
{
    apr_size_t capacity = SENT_MIN;

    while ((double)capacity < needed || (capacity < SENT_COMFORT && (double)capacity < wanted)) {
        capacity *= 2;
    }
    return capacity;
}

sent_ring_t sent_create(double needed, double wanted, unsigned flows, apr_pool_t *pool)
{
    assert(needed <= (double)SENT_MAX && flows <= FLOWS_MAX);
    sent_ring_t ring = {.capacity = round_capacity(needed, wanted)};

    /* Not zeroed: what is not used takes up no memory. */
    ring.records = apr_palloc(pool, ring.capacity * sizeof *ring.records);
    ring.flows = apr_pcalloc(pool, flows * sizeof *ring.flows);
    for (unsigned i = 0; i < flows; i++) {
        ring.flows[i].newest = ring.flows[i].lost[0] = ring.flows[i].lost[1] = NO_SEQUENCE;
    }
    return ring;
}

static sent_t *record_of(const sent_ring_t *ring, apr_uint64_t sequence)
{
    return &ring->records[sequence & (ring->capacity - 1)];
}

apr_uint64_t sent_add(sent_ring_t *ring, unsigned flow, apr_size_t size, apr_time_t now)
{
    assert(!sent_is_full(ring) && size <= PAYLOAD_MAX_IPV6);
    sent_flow_t *line = &ring->flows[flow];
    apr_uint64_t sequence = ring->next++;

    *record_of(ring, sequence) =
        (sent_t){.at = now, .size = size & 0xffff, .flow = flow & 0xfff, .fate = FATE_OUTSTANDING};
    if (line->outstanding == 0) {
        line->oldest = sequence;
    } else {
        record_of(ring, line->newest)->next = (apr_uint32_t)sequence;
    }
    line->newest = sequence;
    line->outstanding++;
    return sequence;
}

int sent_left(sent_ring_t *ring, apr_uint64_t sequence, apr_time_t now)
{
    sent_t *sent = record_of(ring, sequence);

    if (sent_get(ring, sequence) != sent || sent->fate != FATE_OUTSTANDING) {
        return 0;
    }
    assert(now >= sent->at);
    sent->at = now;
    return 1;
}

int sent_is_full(const sent_ring_t *ring)
{
    return ring->next - ring->oldest == ring->capacity;
}

const sent_t *sent_oldest(const sent_ring_t *ring)
{
    return ring->oldest == ring->next ? NULL : record_of(ring, ring->oldest);
}

const sent_t *sent_get(const sent_ring_t *ring, apr_uint64_t sequence)
{
    int is_remembered = sequence < ring->next && ring->next - sequence <= ring->capacity;

    return is_remembered ? record_of(ring, sequence) : NULL;
}

static int is_outstanding(const sent_ring_t *ring, apr_uint64_t sequence)
{
    return record_of(ring, sequence)->fate == FATE_OUTSTANDING;
}

/* The flow's oldest is no longer outstanding, but some later one is. */
static void advance_flow(sent_ring_t *ring, sent_flow_t *line)
{
    do {
        line->oldest +=
            (apr_uint32_t)(record_of(ring, line->oldest)->next - (apr_uint32_t)line->oldest);
    } while (!is_outstanding(ring, line->oldest));
}

static void note_loss(sent_flow_t *line, apr_uint64_t sequence, fate_t fate)
{
    if (fate == FATE_LOST) {
        line->lost[1] = line->lost[0];
        line->lost[0] = sequence;
    } else if (line->lost[0] == sequence) {
        line->lost[0] = line->lost[1];
        line->lost[1] = NO_SEQUENCE;
    }
}

void sent_settle(sent_ring_t *ring, apr_uint64_t sequence, fate_t fate)
{
    assert(sent_get(ring, sequence) != NULL && fate != FATE_OUTSTANDING);
    sent_t *sent = record_of(ring, sequence);
    sent_flow_t *line = &ring->flows[sent->flow];
    int was_outstanding = sent->fate == FATE_OUTSTANDING;

    sent->fate = fate & 0xf;
    note_loss(line, sequence, fate);
    if (!was_outstanding) {
        return;
    }
    line->outstanding--;
    if (sequence == line->oldest && line->outstanding > 0) {
        advance_flow(ring, line);
    }
    while (ring->oldest < ring->next && !is_outstanding(ring, ring->oldest)) {
        ring->oldest++;
    }
}

/* ---- From a part of the number ---- */

static const sent_t *find_oldest(const sent_ring_t *ring, unsigned flow,
                                 const sequence_part_t *part, apr_uint64_t *sequence)
{
    const sent_flow_t *line = &ring->flows[flow];
    apr_uint64_t step = (apr_uint64_t)1 << part->bits;

    if (line->outstanding == 0) {
        return NULL;
    }
    *sequence = line->oldest + ((part->low - line->oldest) & (step - 1));
    for (; *sequence <= line->newest; *sequence += step) {
        if (record_of(ring, *sequence)->flow == flow && is_outstanding(ring, *sequence)) {
            return record_of(ring, *sequence);
        }
    }
    return NULL;
}

/* The nearest one that has these bits, at or below `newest`. */
static const sent_t *find_newest(const sent_ring_t *ring, apr_uint64_t newest,
                                 const sequence_part_t *part, apr_uint64_t *sequence)
{
    apr_uint64_t mask = ((apr_uint64_t)1 << part->bits) - 1;

    /* Below zero it comes out as a number that was not sent yet. */
    *sequence = newest - ((newest - part->low) & mask);
    return sent_get(ring, *sequence);
}

const sent_t *sent_find(const sent_ring_t *ring, unsigned flow, const sequence_part_t *part,
                        apr_uint64_t *sequence)
{
    if (part->bits == 32) {
        return find_newest(ring, ring->next - 1, part, sequence);
    }
    const sent_t *sent = find_oldest(ring, flow, part, sequence);

    if (sent == NULL) {
        sent = find_newest(ring, ring->flows[flow].newest, part, sequence);
    }
    return sent != NULL && sent->flow == flow ? sent : NULL;
}

/* ---- What else an arrival may be about ---- */

/* If payloads carry nothing of the number, any other will do. */
static int another_was_lost(const sent_ring_t *ring, apr_uint64_t sequence, apr_time_t since)
{
    const sent_flow_t *line = &ring->flows[record_of(ring, sequence)->flow];
    const sent_t *lost = sent_get(ring, line->lost[0] == sequence ? line->lost[1] : line->lost[0]);

    return lost != NULL && lost->at >= since;
}

/*
 * How many earlier datagrams with the same bits are examined. More would slow down a flood of
 * short payloads, which has thousands of them within two timeouts, without a better result:
 * while an older one was outstanding, the answers to later ones were guesses, so all that were
 * sent before now are uncertain. See sent_guessed().
 */
#define EARLIER_MAX 16

static int an_earlier_one_is_unanswered(const sent_ring_t *ring, apr_uint64_t sequence,
                                        unsigned bits, apr_time_t since)
{
    unsigned flow = record_of(ring, sequence)->flow;

    for (unsigned i = 1; i <= EARLIER_MAX; i++) {
        const sent_t *sent = sent_get(ring, sequence - ((apr_uint64_t)i << bits));

        if (sent == NULL || sent->at < since) {
            return 0;
        }
        if (sent->flow == flow && sent->fate != FATE_RECEIVED) {
            return 1;
        }
    }
    return 0;
}

int sent_is_certain(const sent_ring_t *ring, apr_uint64_t sequence, const sequence_part_t *part,
                    apr_time_t since)
{
    assert(sent_get(ring, sequence) != NULL);
    const sent_flow_t *line = &ring->flows[record_of(ring, sequence)->flow];
    apr_uint64_t others = line->outstanding - (is_outstanding(ring, sequence) ? 1 : 0);

    if (part->bits == 32) {
        return 1;
    }
    if (line->guessed_at >= since ||
        (others > 0 && (line->newest - line->oldest) >> part->bits != 0)) {
        return 0;
    }
    return part->bits == 0 ? !another_was_lost(ring, sequence, since)
                           : !an_earlier_one_is_unanswered(ring, sequence, part->bits, since);
}

void sent_guessed(sent_ring_t *ring, unsigned flow)
{
    sent_flow_t *line = &ring->flows[flow];

    assert(sent_get(ring, line->newest) != NULL);
    line->guessed_at = record_of(ring, line->newest)->at;
}
