#include "client/metrics/client_metrics.h"

#include <apr_hash.h>

#include "client/failure.h"
#include "common/memory.h"
#include "udpecho/clock.h"

struct client_metrics {
    event_counts_t *events;
    metrics_server_t *server;
    prober_t *prober;
    unsigned (*targets)(void *context);
    void *context;
    apr_time_t started; /* by the wall clock */
};

/* ---- Reading ---- */

/* Peers as far as they are read. */
typedef struct peers {
    event_counts_t *events;
    apr_array_header_t *readings; /* of peer_reading_t * */
    apr_hash_t *by_labels;
    const peer_t *peer; /* to be read */
    apr_status_t status;
    apr_pool_t *pool;
} peers_t;

/* A target that was removed and added again may have two peers of the same address for a moment, of
 * which one only waits for answers. Two samples of the same labels would make a scrape void. */
static void try_peer(void *context)
{
    peers_t *peers = context;
    const peer_options_t *options = peer_options(peers->peer);
    peer_reading_t *reading = peer_reading_take(&options->run, options->probe, options->directions,
                                                peers->events, clock_now(), peers->pool);

    if (reading == NULL) {
        return;
    }
    peer_reading_t *same = apr_hash_get(peers->by_labels, reading->labels, APR_HASH_KEY_STRING);

    if (same != NULL) {
        peer_reading_merge(same, reading);
    } else {
        APR_ARRAY_PUSH(peers->readings, peer_reading_t *) = reading;
        apr_hash_set(peers->by_labels, reading->labels, APR_HASH_KEY_STRING, reading);
    }
}

/* The loop of the peers is locked: this must return even if there is no memory. */
static void read_peer(void *context, const peer_t *peer)
{
    peers_t *peers = context;

    peers->peer = peer;
    if (peers->status == APR_SUCCESS) {
        peers->status = memory_try(try_peer, peers);
    }
}

/* The targets whose lookup failed, and, with 0, those of the peers whose did not. */
static apr_array_header_t *read_lookups(event_counts_t *events, const apr_array_header_t *readings,
                                        apr_pool_t *pool)
{
    apr_array_header_t *lookups = event_counts_lookups(events, pool);
    apr_hash_t *known = apr_hash_make(pool);

    for (int i = 0; i < lookups->nelts; i++) {
        const char *target = APR_ARRAY_IDX(lookups, i, target_lookups_t).target;

        apr_hash_set(known, target, APR_HASH_KEY_STRING, target);
    }
    for (int i = 0; i < readings->nelts; i++) {
        const char *target = APR_ARRAY_IDX(readings, i, peer_reading_t *)->target;

        if (apr_hash_get(known, target, APR_HASH_KEY_STRING) == NULL) {
            APR_ARRAY_PUSH(lookups, target_lookups_t) = (target_lookups_t){target, 0};
            apr_hash_set(known, target, APR_HASH_KEY_STRING, target);
        }
    }
    return lookups;
}

static apr_status_t read_all(void *context, scrape_t *scrape, apr_pool_t *pool)
{
    client_metrics_t *metrics = context;
    peers_t peers = {.events = metrics->events,
                     .readings = apr_array_make(pool, 16, sizeof(peer_reading_t *)),
                     .by_labels = apr_hash_make(pool),
                     .pool = pool};
    lateness_t lateness;

    prober_visit(metrics->prober, read_peer, &peers);
    if (peers.status != APR_SUCCESS) {
        return peers.status;
    }
    prober_lateness(metrics->prober, &lateness);
    *scrape = (scrape_t){.peers = peers.readings,
                         .lookups = read_lookups(metrics->events, peers.readings, pool),
                         .targets = metrics->targets(metrics->context),
                         .started = metrics->started};
    time_counts_add_histogram(&scrape->lateness, &lateness.histogram, lateness.sum);
    return APR_SUCCESS;
}

/* ---- ---- */

const char *client_metrics_open(client_metrics_t **opened, const char *where, apr_pool_t *pool)
{
    client_metrics_t *metrics = apr_pcalloc(pool, sizeof *metrics);
    const metrics_source_t source = {read_all, metrics};
    apr_status_t status = event_counts_create(&metrics->events, memory_pool(pool));

    metrics->started = apr_time_now();
    *opened = metrics;
    return status == APR_SUCCESS
               ? metrics_server_open(&metrics->server, where, &source, memory_pool(pool))
               : cannot("count events", status, pool);
}

const report_t *client_metrics_report(const client_metrics_t *metrics)
{
    return event_counts_report(metrics->events);
}

apr_status_t client_metrics_start(client_metrics_t *metrics, prober_t *prober,
                                  unsigned (*targets)(void *context), void *context)
{
    metrics->prober = prober;
    metrics->targets = targets;
    metrics->context = context;
    return metrics_server_start(metrics->server);
}

void client_metrics_stop(client_metrics_t *metrics)
{
    metrics_server_stop(metrics->server);
}
