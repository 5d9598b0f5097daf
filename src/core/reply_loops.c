#include "core/reply_loops.h"

#include <string.h>

#include "common/address_key.h"

#define PLACES 1024

typedef struct place {
    apr_time_t since; /* when its present second began */
    unsigned answers; /* in it */
} place_t;

struct reply_loops {
    unsigned char key[APR_SIPHASH_KSIZE];
    place_t places[PLACES];
};

reply_loops_t *reply_loops_create(const unsigned char key[APR_SIPHASH_KSIZE], apr_pool_t *pool)
{
    reply_loops_t *loops = apr_pcalloc(pool, sizeof *loops);

    memcpy(loops->key, key, sizeof loops->key);
    return loops;
}

int reply_loops_pass(reply_loops_t *loops, const endpoint_t *from, apr_time_t now)
{
    address_key_t address = address_key_of(from);
    apr_uint64_t source[] = {address.high, address.low, endpoint_port(from)};
    place_t *place = &loops->places[apr_siphash24(source, sizeof source, loops->key) % PLACES];

    if (now - place->since >= APR_USEC_PER_SEC) {
        *place = (place_t){.since = now};
    }
    return place->answers++ < REPLY_LOOP_RATE;
}
