#include "core/sessions.h"

#include <stdatomic.h>
#include <string.h>

/*
 * A place is three words that workers change without a lock. `state` has the tag that tells whose
 * it is above, and below how many replies were sent, so that both change at once. `sent` has the
 * number of the last reply whose time is known above, and that time below, modulo 2^44 nanoseconds,
 * almost five hours.
 *
 * A session is looked for in two rows, and goes to the one with more free places: so three in four
 * places can be taken before a session finds none, and not a few dozen sessions that share a row by
 * chance take it from each other (Azar, Broder, Karlin, Upfal, Balanced Allocations, 1994).
 * Sessions with the same tag in the same row would share their numbers: one pair in 2^41.
 */
#define ROW_LENGTH 8
#define ROWS       (SESSIONS_MAX / ROW_LENGTH)

#define SENT_BITS   44
#define SENT_MASK   ((APR_UINT64_C(1) << SENT_BITS) - 1)
#define NUMBER_MASK ((APR_UINT64_C(1) << (64 - SENT_BITS)) - 1)

/* The number of a departure is that of a place above, and the lower bits of the reply's below. */
#define DEPARTURE_BITS 18
#define DEPARTURE_MASK ((1U << DEPARTURE_BITS) - 1)

_Static_assert(SESSIONS_MAX <= 1U << (32 - DEPARTURE_BITS), "a place fits beside the number");

/* How much less the idle time of a session counts that had more than one packet: 2 to this power.
 */
#define ESTABLISHED_SHIFT 6

typedef struct row {
    _Atomic apr_uint64_t state[ROW_LENGTH]; /* 0: free */
    _Atomic apr_int64_t used[ROW_LENGTH];   /* when it was last taken */
    _Atomic apr_uint64_t sent[ROW_LENGTH];
} row_t;

struct sessions {
    unsigned char key[APR_SIPHASH_KSIZE];
    _Atomic apr_uint64_t evicted;
    row_t rows[ROWS];
};

sessions_t *sessions_create(const unsigned char key[APR_SIPHASH_KSIZE], apr_pool_t *pool)
{
    sessions_t *sessions = apr_pcalloc(pool, sizeof *sessions);

    memcpy(sessions->key, key, sizeof sessions->key);
    return sessions;
}

/* ---- Finding ---- */

/* Appends what distinguishes an endpoint. An IPv4 address is not mistaken for an IPv6 one, since
 * both ends of a session are of one kind and the whole differs in length. */
static apr_size_t put_endpoint(unsigned char *bytes, const endpoint_t *endpoint)
{
    if (endpoint->sa.any.sa_family == APR_INET6) {
        memcpy(bytes, &endpoint->sa.v6.sin6_addr, 16);
        memcpy(bytes + 16, &endpoint->sa.v6.sin6_port, 2);
        return 18;
    }
    memcpy(bytes, &endpoint->sa.v4.sin_addr, 4);
    memcpy(bytes + 4, &endpoint->sa.v4.sin_port, 2);
    return 6;
}

static apr_uint64_t hash_of(const sessions_t *sessions, const endpoint_t *from,
                            const endpoint_t *to, unsigned ssid)
{
    unsigned char bytes[2 * 18 + 2];
    apr_size_t length = put_endpoint(bytes, from);

    length += put_endpoint(bytes + length, to);
    bytes[length++] = (unsigned char)(ssid >> 8);
    bytes[length++] = (unsigned char)(ssid & 0xff);
    return apr_siphash24(bytes, length, sessions->key);
}

static int is_of(apr_uint64_t state, apr_uint32_t tag)
{
    return state >> 32 == tag;
}

static apr_time_t idle_time(const row_t *row, unsigned index, apr_time_t now)
{
    apr_time_t used = atomic_load_explicit(&row->used[index], memory_order_relaxed);

    return now > used ? now - used : 0; /* workers read their clocks at different times */
}

static int is_idle(const row_t *row, unsigned index, apr_time_t now)
{
    return idle_time(row, index, now) > SESSION_IDLE_US;
}

/* How gladly a place is given up. */
static apr_time_t worth_evicting(const row_t *row, unsigned index, apr_uint64_t state,
                                 apr_time_t now)
{
    if (state == 0 || is_idle(row, index, now)) {
        return APR_INT64_MAX;
    }
    apr_time_t idle = idle_time(row, index, now);

    return (state & 0xffffffff) > 1 ? idle >> ESTABLISHED_SHIFT : idle;
}

/* What a row has for a session: its place, or else the one that it would take over. */
typedef struct found {
    row_t *row;
    unsigned index;     /* of the place in its row */
    apr_uint64_t state; /* what is there */
    int is_own;
    unsigned free; /* places of the row that are, or whose sessions are idle */
    apr_time_t worth;
} found_t;

static found_t look(row_t *row, apr_uint32_t tag, apr_time_t now)
{
    found_t found = {.row = row, .worth = -1};

    for (unsigned i = 0; i < ROW_LENGTH; i++) {
        apr_uint64_t there = atomic_load_explicit(&row->state[i], memory_order_relaxed);

        if (is_of(there, tag)) {
            return (found_t){.row = row, .index = i, .state = there, .is_own = 1};
        }
        apr_time_t worth = worth_evicting(row, i, there, now);

        found.free += worth == APR_INT64_MAX;
        if (worth > found.worth) {
            found.worth = worth;
            found.index = i;
            found.state = there;
        }
    }
    return found;
}

/* The place of a session, or the one that it will take over: in the row with more that are free.
 * Where there is none, whichever of both is given up most gladly. */
static found_t find(sessions_t *sessions, apr_uint64_t hash, apr_uint32_t tag, apr_time_t now)
{
    found_t first = look(&sessions->rows[hash % ROWS], tag, now);

    if (first.is_own) {
        return first;
    }
    found_t second = look(&sessions->rows[hash / ROWS % ROWS], tag, now);

    if (second.is_own || second.free > first.free) {
        return second;
    }
    return first.free == 0 && second.worth > first.worth ? second : first;
}

/* ---- Taking ---- */

/* What the place holds after a packet of this session. */
static apr_uint64_t next_state(apr_uint64_t state, apr_uint32_t tag, int is_new)
{
    apr_uint32_t count = is_new ? 0 : (apr_uint32_t)(state & 0xffffffff);

    return (apr_uint64_t)tag << 32 | (apr_uint32_t)(count + 1);
}

session_turn_t session_take(sessions_t *sessions, const endpoint_t *from, const endpoint_t *to,
                            unsigned ssid, apr_time_t now)
{
    apr_uint64_t hash = hash_of(sessions, from, to, ssid);
    apr_uint32_t tag = (apr_uint32_t)(hash >> 32);
    found_t found;
    int was_idle;
    int is_new;

    tag += tag == 0; /* which would be a free place */
    do {
        found = find(sessions, hash, tag, now);
        was_idle = is_idle(found.row, found.index, now);
        is_new = !found.is_own || was_idle;
        /* First, so that no worker that finds the new state takes it for idle. */
        atomic_store(&found.row->used[found.index], now);
    } while (!atomic_compare_exchange_strong(&found.row->state[found.index], &found.state,
                                             next_state(found.state, tag, is_new)));
    if (!found.is_own && found.state != 0 && !was_idle) {
        atomic_fetch_add_explicit(&sessions->evicted, 1, memory_order_relaxed);
    }
    return (session_turn_t){
        .sessions = sessions,
        .place = (unsigned)(found.row - sessions->rows) * ROW_LENGTH + found.index,
        .sequence = is_new ? 0 : (apr_uint32_t)(found.state & 0xffffffff),
    };
}

/* ---- When replies left ---- */

static _Atomic apr_uint64_t *sent_at(sessions_t *sessions, unsigned place)
{
    return &sessions->rows[place / ROW_LENGTH].sent[place % ROW_LENGTH];
}

void session_sent(const session_turn_t *turn, apr_int64_t sent_ns)
{
    apr_uint64_t sent =
        (apr_uint64_t)turn->sequence << SENT_BITS | ((apr_uint64_t)sent_ns & SENT_MASK);

    atomic_store_explicit(sent_at(turn->sessions, turn->place), sent, memory_order_relaxed);
}

apr_uint32_t session_departure_id(const session_turn_t *turn)
{
    return turn->place << DEPARTURE_BITS | (turn->sequence & DEPARTURE_MASK);
}

/* If another session has the place now, the reply was sent later. */
void session_departed(sessions_t *sessions, const departure_t *departure)
{
    _Atomic apr_uint64_t *place = sent_at(sessions, departure->id >> DEPARTURE_BITS);
    apr_uint64_t sent = atomic_load_explicit(place, memory_order_relaxed);
    apr_uint64_t number = sent >> SENT_BITS;
    apr_uint64_t later = ((apr_uint64_t)departure->left - sent) & SENT_MASK;

    if ((number & DEPARTURE_MASK) == (departure->id & DEPARTURE_MASK) && later <= SENT_MASK / 2) {
        atomic_compare_exchange_strong(place, &sent,
                                       number << SENT_BITS | ((sent + later) & SENT_MASK));
    }
}

apr_int64_t session_last_sent(const session_turn_t *turn, apr_int64_t near_ns)
{
    apr_uint64_t sent =
        atomic_load_explicit(sent_at(turn->sessions, turn->place), memory_order_relaxed);

    if (turn->sequence == 0 || sent >> SENT_BITS != ((turn->sequence - 1) & NUMBER_MASK)) {
        return 0;
    }
    /* The time modulo 2^44, counted from half of that before `near_ns`. */
    apr_uint64_t from = (apr_uint64_t)near_ns - (APR_UINT64_C(1) << (SENT_BITS - 1));

    return (apr_int64_t)(from + ((sent - from) & SENT_MASK));
}

/* ---- What there is ---- */

unsigned sessions_count(const sessions_t *sessions, apr_time_t now)
{
    unsigned count = 0;

    for (unsigned i = 0; i < SESSIONS_MAX; i++) {
        const row_t *row = &sessions->rows[i / ROW_LENGTH];

        count += atomic_load_explicit(&row->state[i % ROW_LENGTH], memory_order_relaxed) != 0 &&
                 !is_idle(row, i % ROW_LENGTH, now);
    }
    return count;
}

apr_uint64_t sessions_evicted(const sessions_t *sessions)
{
    return atomic_load_explicit(&sessions->evicted, memory_order_relaxed);
}
