#include "core/loop_detector.h"

#include <string.h>

typedef enum phase {
    WATCHED,  /* answered and counted */
    SILENCED, /* not answered */
    SPARED,   /* answered: what comes in long bursts pauses before it is thinned */
    THINNED,  /* one in LOOP_THIN is not answered */
    ENDED,    /* not answered: it shrank while it was thinned */
    TRUSTED   /* answered: it came although it was not answered */
} phase_t;

/* A datagram that came again. */
typedef struct stream {
    apr_uint32_t tag;
    unsigned count;   /* of what came in this phase */
    apr_time_t last;  /* when it came last */
    apr_time_t since; /* when this phase began */
    unsigned char phase;
    unsigned char excess; /* times the rate, over the last periods, if all were above it */
    unsigned char mark;   /* of its source */
    unsigned early;       /* of `count`: what came in the first half, while it is thinned */
} stream_t;

/* A datagram and a source are looked for in one row only. */
#define ROW_BITS        10
#define SOURCE_ROW_BITS 8
#define ROW_LENGTH      8

#define HEAD  24
#define TAIL  8
#define WORDS (4 + 1 + (HEAD + TAIL) / 4) /* address, port and length, payload */

/* What most clients send comes once: it costs a tag, in a table that fits the first cache. */
struct loop_detector {
    apr_uint64_t factors[WORDS];
    apr_uint32_t tags[1 << ROW_BITS][ROW_LENGTH];
    unsigned char latest[1 << ROW_BITS]; /* of a row */
    unsigned replaced;
    unsigned char sources_met;
    stream_t streams[1 << ROW_BITS][ROW_LENGTH];
    loop_source_t sources[1 << SOURCE_ROW_BITS][ROW_LENGTH];
};

loop_detector_t *loop_detector_create(const unsigned char key[APR_SIPHASH_KSIZE], apr_pool_t *pool)
{
    loop_detector_t *detector = apr_pcalloc(pool, sizeof *detector);

    for (unsigned i = 0; i < WORDS; i++) {
        detector->factors[i] = apr_siphash24(&i, sizeof i, key) | 1;
    }
    return detector;
}

/* A hash of 32-bit words, each multiplied by its own factor. */
static apr_uint64_t sum(const apr_uint64_t *factors, const void *data, unsigned words)
{
    const unsigned char *bytes = data;
    apr_uint64_t total = 0;

    for (unsigned i = 0; i < words; i++) {
        apr_uint32_t word;

        memcpy(&word, bytes + i * sizeof word, sizeof word);
        total += word * factors[i];
    }
    return total;
}

static apr_uint64_t sum_payload(const apr_uint64_t *factors, const datagram_t *datagram)
{
    unsigned char payload[HEAD + TAIL] = {0};

    if (datagram->length >= HEAD + TAIL) {
        return sum(factors, datagram->data, HEAD / 4) +
               sum(factors + HEAD / 4, datagram->data + datagram->length - TAIL, TAIL / 4);
    }
    if (datagram->length > 0) {
        memcpy(payload, datagram->data, datagram->length);
    }
    return sum(factors, payload, (HEAD + TAIL) / 4);
}

typedef struct names {
    apr_uint64_t source;
    apr_uint64_t stream;
} names_t;

/* Sums of numbers that follow each other lie side by side where a factor is unfortunate. */
static apr_uint64_t mix(apr_uint64_t total)
{
    return (total ^ total >> 32) * APR_UINT64_C(0x9e3779b97f4a7c15);
}

/* Sums whose factors are secret random numbers of 64 bits: two different datagrams have the same
 * one hardly more often than if it were random. SipHash of as many bytes takes several times as
 * long. */
static names_t name(const loop_detector_t *detector, const datagram_t *datagram)
{
    const apr_uint64_t *factors = detector->factors;
    apr_uint64_t address = datagram->from.sa.any.sa_family == APR_INET6
                               ? sum(factors, &datagram->from.sa.v6.sin6_addr, 4)
                               : sum(factors, &datagram->from.sa.v4.sin_addr, 1);
    apr_uint64_t source =
        address + ((apr_uint64_t)endpoint_port(&datagram->from) << 16) * factors[4];

    return (names_t){mix(source), mix(source + datagram->length * factors[4] +
                                      sum_payload(factors + 5, datagram))};
}

/* The place of a row that gets the datagram: its own, or one that it replaces. Any but the
 * latest: if it were always the oldest, the datagrams of a loop would displace one another
 * without end if one more than ROW_LENGTH share a row. */
static unsigned find_place(loop_detector_t *detector, unsigned row, apr_uint32_t tag)
{
    for (unsigned i = 0; i < ROW_LENGTH; i++) {
        if (detector->tags[row][i] == tag) {
            return i;
        }
    }
    return (detector->latest[row] + 1 + detector->replaced++ % (ROW_LENGTH - 1)) % ROW_LENGTH;
}

/* The stream of a datagram; NULL if it is not known to have come before. */
static stream_t *find_stream(loop_detector_t *detector, apr_uint64_t name, apr_time_t now)
{
    unsigned row = (unsigned)(name >> (64 - ROW_BITS));
    apr_uint32_t tag = (apr_uint32_t)(name >> (32 - ROW_BITS));
    unsigned place = find_place(detector, row, tag);
    stream_t *stream = &detector->streams[row][place];

    detector->latest[row] = (unsigned char)place;
    if (detector->tags[row][place] != tag) {
        detector->tags[row][place] = tag;
        return NULL;
    }
    if (stream->tag != tag) { /* it came once before, and nobody knows when */
        *stream = (stream_t){.tag = tag, .last = now - LOOP_REPEAT_US, .since = now};
    }
    return stream;
}

/* The source of this name; if there is none, a new one in place of that which came longest ago. */
static loop_source_t *find_source(loop_detector_t *detector, apr_uint64_t name)
{
    loop_source_t *row = detector->sources[name >> (64 - SOURCE_ROW_BITS)];
    loop_source_t *oldest = row;

    for (unsigned i = 0; i < ROW_LENGTH; i++) {
        if (row[i].name == name) {
            return &row[i];
        }
        oldest = row[i].last < oldest->last ? &row[i] : oldest;
    }
    *oldest = (loop_source_t){.name = name, .group = detector->sources_met++};
    return oldest;
}

static void enter(stream_t *stream, phase_t phase, apr_time_t now)
{
    stream->phase = (unsigned char)phase;
    stream->since = now;
    stream->count = 0;
    stream->early = 0;
}

/* A client that was held up sends what it is behind with at once: that is one period above the
 * rate, and the next is not. */
static int is_above_rate(stream_t *stream, apr_interval_time_t elapsed)
{
    unsigned times = (unsigned)(stream->count / (elapsed / (APR_USEC_PER_SEC / LOOP_RATE) + 1));

    stream->excess = (unsigned char)(times == 0 ? 0 : stream->excess + (times < 4 ? times : 4));
    return stream->excess >= LOOP_PERIODS;
}

/* Copies of a loop become fewer by one in LOOP_THIN each round; a client's do not. */
static int has_shrunk(const stream_t *stream)
{
    return stream->count - stream->early < stream->early / 4 * 3;
}

static phase_t next_phase(stream_t *stream, apr_interval_time_t elapsed)
{
    switch (stream->phase) {
    case WATCHED:
        return is_above_rate(stream, elapsed) ? SILENCED : WATCHED;
    case SILENCED: /* for itself, or for its source */
        return stream->excess > 0 ? SPARED : WATCHED;
    case SPARED:
        stream->excess = 0;
        return THINNED;
    case THINNED:
        return has_shrunk(stream) ? ENDED : TRUSTED;
    case ENDED:
        return TRUSTED;
    default:
        return WATCHED;
    }
}

static void change_phase(stream_t *stream, apr_time_t now)
{
    static const apr_interval_time_t duration[] = {
        [WATCHED] = LOOP_WATCH_US, [SILENCED] = LOOP_SILENCE_US, [SPARED] = LOOP_SPARE_US,
        [THINNED] = LOOP_THIN_US,  [ENDED] = LOOP_WATCH_US,      [TRUSTED] = LOOP_STREAM_TRUST_US};
    apr_interval_time_t elapsed = now - stream->since;

    if (elapsed >= duration[stream->phase]) {
        enter(stream, next_phase(stream, elapsed), now);
    }
}

/* As loop_detector_passes(), from the stream alone, whatever its source is. */
static int stream_passes(stream_t *stream, apr_time_t now)
{
    if (now - stream->last >= LOOP_PAUSE_US && stream->phase != TRUSTED) {
        enter(stream, WATCHED, now);
        stream->excess = 0;
    } else {
        change_phase(stream, now);
    }
    stream->count++;
    switch (stream->phase) {
    case THINNED:
        stream->early += now - stream->since < LOOP_THIN_US / 2 ? 1 : 0;
        return stream->count % LOOP_THIN != 0 ? LOOP_SUSPECTED : 0;
    case SPARED:
        return LOOP_SUSPECTED;
    case SILENCED:
    case ENDED:
        return 0;
    default:
        return LOOP_PASSES;
    }
}

int loop_detector_passes(loop_detector_t *detector, const datagram_t *datagram, apr_time_t now)
{
    names_t names = name(detector, datagram);
    stream_t *stream = find_stream(detector, names.stream, now);

    if (stream == NULL) {
        return LOOP_PASSES;
    }
    apr_interval_time_t pause = now - stream->last;
    int passes = stream_passes(stream, now);

    stream->last = now;
    if (passes && pause >= LOOP_REPEAT_US) {
        loop_source_t *source = find_source(detector, names.source);

        source->last = now;
        if (!loop_source_passes(source, stream->tag, &stream->mark, now)) {
            passes = 0;
            enter(stream, SILENCED, now); /* copies of it, too */
            stream->excess = 0;
        }
    }
    return passes;
}
