#include "loop_detector.h"

#include <string.h>

typedef enum phase {
    WATCHED,  /* answered and counted */
    SILENCED, /* not answered */
    TRUSTED   /* answered: it came although it was not answered */
} phase_t;

/* A datagram that came again and again. */
typedef struct stream {
    apr_uint64_t name; /* a hash of the datagram */
    apr_time_t last;   /* when it came last */
    apr_time_t since;  /* when this phase began */
    phase_t phase;
    unsigned rounds; /* times when it came in this phase; once in a batch, however often */
} stream_t;

/* A stream is looked for in one row only. */
#define ROW_BITS   8
#define ROW_LENGTH 4

#define HEAD  24
#define TAIL  8
#define WORDS (4 + 1 + (HEAD + TAIL) / 4) /* address, port and length, payload */

struct loop_detector {
    apr_uint64_t factors[WORDS];
    stream_t rows[1 << ROW_BITS][ROW_LENGTH];
};

loop_detector_t *loop_detector_create(const unsigned char key[APR_SIPHASH_KSIZE], apr_pool_t *pool)
{
    loop_detector_t *detector = apr_pcalloc(pool, sizeof *detector);

    for (unsigned i = 0; i < WORDS; i++) {
        detector->factors[i] = apr_siphash24(&i, sizeof i, key) | 1;
    }
    return detector;
}

/* Of 32-bit words, each multiplied by a factor of its own. */
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

/* A sum whose factors are secret random numbers of 64 bits: two different datagrams have the same
 * one hardly more often than if it were random. SipHash of as many bytes takes several times as
 * long. */
static apr_uint64_t hash(const loop_detector_t *detector, const datagram_t *datagram)
{
    const apr_uint64_t *factors = detector->factors;
    apr_uint32_t rest = (apr_uint32_t)endpoint_port(&datagram->from) << 16;

    rest |= (apr_uint32_t)datagram->length;
    return (datagram->from.sa.any.sa_family == APR_INET6
                ? sum(factors, &datagram->from.sa.v6.sin6_addr, 4)
                : sum(factors, &datagram->from.sa.v4.sin_addr, 1)) +
           rest * factors[4] + sum_payload(factors + 5, datagram);
}

/* The stream of this name; if there is none, a new one in place of that which came longest ago. */
static stream_t *find_stream(loop_detector_t *detector, apr_uint64_t name)
{
    stream_t *row = detector->rows[name >> (64 - ROW_BITS)];
    stream_t *oldest = row;

    for (unsigned i = 0; i < ROW_LENGTH; i++) {
        if (row[i].name == name) {
            return &row[i];
        }
        oldest = row[i].last < oldest->last ? &row[i] : oldest;
    }
    *oldest = (stream_t){.name = name, .last = -LOOP_PAUSE_US};
    return oldest;
}

static void enter(stream_t *stream, phase_t phase, apr_time_t now)
{
    stream->phase = phase;
    stream->since = now;
    stream->rounds = 0;
}

static void change_phase(stream_t *stream, apr_time_t now)
{
    static const apr_interval_time_t duration[] = {
        [WATCHED] = LOOP_WATCH_US, [SILENCED] = LOOP_SILENCE_US, [TRUSTED] = LOOP_TRUST_US};
    apr_interval_time_t elapsed = now - stream->since;

    if (elapsed < duration[stream->phase]) {
        return;
    }
    if (stream->phase == SILENCED) {
        enter(stream, TRUSTED, now);
    } else if (stream->phase == WATCHED &&
               stream->rounds > elapsed * LOOP_RATE / APR_USEC_PER_SEC) {
        enter(stream, SILENCED, now);
    } else {
        enter(stream, WATCHED, now);
    }
}

int loop_detector_passes(loop_detector_t *detector, const datagram_t *datagram, apr_time_t now)
{
    stream_t *stream = find_stream(detector, hash(detector, datagram));

    if (now - stream->last >= LOOP_PAUSE_US) {
        enter(stream, WATCHED, now);
    } else {
        change_phase(stream, now);
    }
    stream->rounds += now != stream->last;
    stream->last = now;
    return stream->phase != SILENCED;
}
