#include "offload/segment_runs.h"

#include <string.h>

/*
 * Where to look for a flow, which is a peer and the local address that it asked: at its own place
 * and at the few behind it. There is the number of the run that was begun for it last, plus one; 0:
 * none yet. A flow that finds all of them taken pushes another one out, which costs that one the
 * gathering and nothing else: its earlier run gets nothing more, so replies stay in order. And so
 * there is no need for a hash that nobody can aim at.
 */
#define PLACE_BITS 8
#define PLACES     (1U << PLACE_BITS)
#define LOOKS      4

_Static_assert(BATCH_MAX < 256, "the number of a run fits its place");

/* Consecutive ports, which the clients of one host often have, fall on different places: the
 * multiplier is 2^32 divided by the golden ratio (Knuth, The Art of Computer Programming, volume 3,
 * section 6.4). */
static unsigned place_of(const endpoint_t *peer)
{
    apr_uint32_t words[4];
    apr_uint32_t mixed = peer->sa.v4.sin_port; /* the same place in both families */

    if (peer->sa.any.sa_family == AF_INET6) {
        memcpy(words, &peer->sa.v6.sin6_addr, sizeof words);
        mixed ^= words[0] ^ words[1] ^ words[2] ^ words[3];
    } else {
        mixed ^= peer->sa.v4.sin_addr.s_addr;
    }
    return (mixed * 0x9e3779b1U) >> (32 - PLACE_BITS);
}

static int is_same_flow(const datagram_t *one, const datagram_t *other)
{
    return endpoint_equal(&one->from, &other->from) && endpoint_equal(&one->to, &other->to) &&
           one->arrival_interface == other->arrival_interface;
}

/* The flow's place; in it is 0 if nothing of this flow is known. */
static unsigned char *find_place(unsigned char *places, const segment_runs_t *runs,
                                 const batch_t *batch, const datagram_t *datagram)
{
    unsigned own = place_of(&datagram->from);

    for (unsigned look = 0; look < LOOKS; look++) {
        unsigned char *place = &places[(own + look) % PLACES];

        if (*place == 0 || is_same_flow(batch->at[runs->at[*place - 1].first], datagram)) {
            return place;
        }
    }
    places[own] = 0;
    return &places[own];
}

static int takes(const segment_run_t *run, const datagram_t *datagram)
{
    apr_size_t length = datagram->length;

    return length > 0 && length <= run->segment && length <= run->room &&
           run->count < SEGMENT_RUN_MAX && run->traffic_class == datagram->reply_traffic_class;
}

static void begin(segment_run_t *run, unsigned index, const datagram_t *datagram,
                  gather_limits_t *limits)
{
    apr_size_t room =
        datagram->from.sa.any.sa_family == AF_INET6 ? PAYLOAD_MAX_IPV6 : PAYLOAD_MAX_IPV4;
    int is_open =
        datagram->length > 0 && gather_limits_allow(limits, &datagram->from, datagram->length);

    run->count = 1;
    run->first = index;
    run->last = index;
    run->traffic_class = datagram->reply_traffic_class;
    run->segment = datagram->length;
    run->room = is_open ? room - datagram->length : 0;
}

static void append(segment_run_t *run, unsigned char *next, unsigned index,
                   const datagram_t *datagram)
{
    next[run->last] = (unsigned char)index;
    run->count++;
    run->last = index;
    run->room = datagram->length == run->segment ? run->room - datagram->length : 0;
}

void segment_runs_form(segment_runs_t *runs, const batch_t *batch, gather_limits_t *limits)
{
    unsigned char places[PLACES] = {0};

    runs->count = 0;
    for (unsigned i = 0; i < batch->count; i++) {
        const datagram_t *datagram = batch->at[i];

        if (datagram->verdict != VERDICT_ECHO) {
            continue;
        }
        unsigned char *place = find_place(places, runs, batch, datagram);

        if (*place > 0 && takes(&runs->at[*place - 1], datagram)) {
            append(&runs->at[*place - 1], runs->next, i, datagram);
        } else {
            begin(&runs->at[runs->count++], i, datagram, limits);
            *place = (unsigned char)runs->count;
        }
    }
}
