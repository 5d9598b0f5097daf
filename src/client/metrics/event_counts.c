#include "client/metrics/event_counts.h"

#include <apr_hash.h>
#include <apr_strings.h>
#include <apr_thread_mutex.h>
#include <string.h>

#define KEY_LENGTH ((apr_ssize_t)sizeof(void *)) /* of a run_t * */

typedef struct entry {
    const run_t *run;    /* the key */
    struct entry *spare; /* the next one that is in no use */
    peer_events_t events;
} entry_t;

struct event_counts {
    report_t report;
    apr_thread_mutex_t *lock; /* of all that follows */
    apr_hash_t *entries;      /* of run_t * to entry_t * */
    entry_t *spare;
    apr_array_header_t *lookups; /* of target_lookups_t */
    apr_pool_t *pool;
};

/* ---- Peers ---- */

/* Peers come and go for as long as the process runs: what one leaves another one uses. */
static void add_entry(event_counts_t *counts, const run_t *run)
{
    entry_t *entry = counts->spare;

    if (entry != NULL) {
        counts->spare = entry->spare;
    } else {
        entry = apr_palloc(counts->pool, sizeof *entry);
    }
    *entry = (entry_t){.run = run};
    apr_hash_set(counts->entries, &entry->run, KEY_LENGTH, entry);
}

static entry_t *find_entry(const event_counts_t *counts, const run_t *run)
{
    return apr_hash_get(counts->entries, &run, KEY_LENGTH);
}

static void remove_entry(event_counts_t *counts, entry_t *entry)
{
    apr_hash_set(counts->entries, &entry->run, KEY_LENGTH, NULL);
    entry->spare = counts->spare;
    counts->spare = entry;
}

static void count_time(peer_events_t *events, metric_t metric, apr_int64_t us)
{
    time_counts_add(&events->one_way[metric - METRIC_FORWARD_VARIATION], us);
}

/* What came twice is counted once. */
static void count_one_way(peer_events_t *events, const one_way_t *one_way)
{
    if (!one_way->has_delays || one_way->reflection->is_repeated) {
        return;
    }
    count_time(events, METRIC_FORWARD_VARIATION, one_way->forward_above);
    count_time(events, METRIC_BACKWARD_VARIATION, one_way->backward_above);
    if (one_way->is_true) {
        count_time(events, METRIC_FORWARD_DELAY, one_way->forward);
        count_time(events, METRIC_BACKWARD_DELAY, one_way->backward);
    }
}

static void count_peer(event_counts_t *counts, entry_t *entry, const event_t *event)
{
    if (event->kind == EVENT_REFUSED) {
        entry->events.refused[refusal_of(event->arrival->refused)]++;
    } else if (event->kind == EVENT_REPLY) {
        count_one_way(&entry->events, event->one_way);
    } else {
        remove_entry(counts, entry);
    }
}

/* ---- Lookups ---- */

static void count_failure(event_counts_t *counts, const char *target)
{
    for (int i = 0; i < counts->lookups->nelts; i++) {
        target_lookups_t *lookups = &APR_ARRAY_IDX(counts->lookups, i, target_lookups_t);

        if (strcmp(lookups->target, target) == 0) {
            lookups->failures++;
            return;
        }
    }
    APR_ARRAY_PUSH(counts->lookups, target_lookups_t) =
        (target_lookups_t){apr_pstrdup(counts->pool, target), 1};
}

/* ---- Events ---- */

/* Most replies tell nothing that is counted here. */
static int is_counted(const event_t *event)
{
    return event->kind == EVENT_START || event->kind == EVENT_REFUSED ||
           (event->kind == EVENT_LOOKUP && !event->is_found) ||
           (event->kind == EVENT_REPLY && event->one_way != NULL) ||
           (event->kind == EVENT_SUMMARY && !event->is_interim);
}

static void tell(void *context, const event_t *event)
{
    event_counts_t *counts = context;

    if (!is_counted(event)) {
        return;
    }
    apr_thread_mutex_lock(counts->lock);
    entry_t *entry = find_entry(counts, event->run);

    if (event->kind == EVENT_LOOKUP) {
        count_failure(counts, event->run->host);
    } else if (event->kind == EVENT_START && entry == NULL) {
        add_entry(counts, event->run);
    } else if (event->kind != EVENT_START && entry != NULL) {
        count_peer(counts, entry, event);
    }
    apr_thread_mutex_unlock(counts->lock);
}

apr_status_t event_counts_create(event_counts_t **counts, apr_pool_t *pool)
{
    event_counts_t *created = apr_pcalloc(pool, sizeof *created);

    created->report = (report_t){.tell = tell, .context = created};
    created->entries = apr_hash_make(pool);
    created->lookups = apr_array_make(pool, 8, sizeof(target_lookups_t));
    created->pool = pool;
    *counts = created;
    return apr_thread_mutex_create(&created->lock, APR_THREAD_MUTEX_DEFAULT, pool);
}

const report_t *event_counts_report(const event_counts_t *counts)
{
    return &counts->report;
}

/* ---- Reading ---- */

int event_counts_read(event_counts_t *counts, const run_t *run, peer_events_t *events)
{
    apr_thread_mutex_lock(counts->lock);
    const entry_t *entry = find_entry(counts, run);

    if (entry != NULL) {
        *events = entry->events;
    }
    apr_thread_mutex_unlock(counts->lock);
    return entry != NULL;
}

static int count_lookups(const event_counts_t *counts)
{
    apr_thread_mutex_lock(counts->lock);
    int count = counts->lookups->nelts;

    apr_thread_mutex_unlock(counts->lock);
    return count;
}

apr_array_header_t *event_counts_lookups(event_counts_t *counts, apr_pool_t *pool)
{
    int count = count_lookups(counts); /* there may be more later, and none is taken away */
    apr_array_header_t *lookups = apr_array_make(pool, count, sizeof(target_lookups_t));

    apr_thread_mutex_lock(counts->lock);
    for (int i = 0; i < count; i++) {
        APR_ARRAY_PUSH(lookups, target_lookups_t) =
            APR_ARRAY_IDX(counts->lookups, i, target_lookups_t);
    }
    apr_thread_mutex_unlock(counts->lock);
    return lookups;
}
