/* Writes a scrape of a client that asks one peer, to which nothing has happened but that a delay
 * was measured: for metric_names.py. */

#include <apr_general.h>
#include <stdio.h>

#include "client/metrics/scrape.h"

int main(void)
{
    apr_pool_t *pool;
    static peer_reading_t peer = {.labels = "", .has_directions = 1, .has_losses = 1};

    apr_initialize();
    apr_pool_create(&pool, NULL);
    scrape_t scrape = {.peers = apr_array_make(pool, 1, sizeof(peer_reading_t *)),
                       .lookups = apr_array_make(pool, 1, sizeof(target_lookups_t))};

    for (unsigned i = 0; i < METRIC_TIMES; i++) {
        peer.times[i].counts[0] = 1;
    }
    APR_ARRAY_PUSH((apr_array_header_t *)scrape.peers, const peer_reading_t *) = &peer;
    APR_ARRAY_PUSH((apr_array_header_t *)scrape.lookups, target_lookups_t) =
        (target_lookups_t){"localhost", 0};
    fputs(scrape_text(&scrape, pool), stdout);
    apr_terminate();
    return 0;
}
