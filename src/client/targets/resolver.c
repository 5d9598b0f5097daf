#include "client/targets/resolver.h"

#include <apr_cstr.h>
#include <apr_strings.h>
#include <apr_thread_proc.h>
#include <assert.h>

#include "common/memory.h"
#include "udpecho/monitor.h"

typedef struct job {
    lookup_t lookup;
    address_t address;
    struct job *next; /* in its queue */
} job_t;

typedef struct queue {
    job_t *first;
    job_t **end; /* where the next one is to go */
} queue_t;

typedef struct worker {
    resolver_t *resolver;
    apr_thread_t *thread;
    const job_t *job; /* whose lookup is under way; NULL: none */
} worker_t;

struct resolver {
    resolver_options_t options;
    apr_pool_t *pool;
    monitor_t *monitor; /* of all below */
    queue_t waiting;
    queue_t done;
    unsigned waiting_count;
    unsigned idle; /* threads that wait for a job */
    unsigned count;
    worker_t workers[RESOLVER_THREADS_MAX];
    int is_closed;
    int is_held_up;
};

/* ---- Queues ---- */

static void add_last(queue_t *queue, job_t *job)
{
    job->next = NULL;
    *queue->end = job;
    queue->end = &job->next;
}

/* Takes out the job that `place`, in the queue, points to. */
static job_t *take_at(queue_t *queue, job_t **place)
{
    job_t *job = *place;

    *place = job->next;
    if (job->next == NULL) {
        queue->end = place;
    }
    return job;
}

/* ---- The threads ---- */

static int is_under_way(const resolver_t *resolver, const char *host)
{
    for (unsigned i = 0; i < resolver->count; i++) {
        const job_t *job = resolver->workers[i].job;

        if (job != NULL && apr_cstr_casecmp(job->address.host, host) == 0) {
            return 1;
        }
    }
    return 0;
}

/* Takes the first that waits and may begin, NULL if there is none. Many ports of a name that the
 * name service is silent about must not keep all threads from other names. */
static job_t *take_waiting(resolver_t *resolver)
{
    for (job_t **place = &resolver->waiting.first; *place != NULL; place = &(*place)->next) {
        if (!is_under_way(resolver, (*place)->address.host)) {
            resolver->waiting_count--;
            return take_at(&resolver->waiting, place);
        }
    }
    return NULL;
}

/* Waits for something to do; NULL: the end. */
static job_t *next_job(worker_t *worker)
{
    resolver_t *resolver = worker->resolver;
    job_t *job = NULL;

    while (!resolver->is_closed && (job = take_waiting(resolver)) == NULL) {
        resolver->idle++;
        monitor_wait(resolver->monitor, -1);
        resolver->idle--;
    }
    worker->job = job;
    return job;
}

static void finish_job(worker_t *worker, job_t *job)
{
    resolver_t *resolver = worker->resolver;

    worker->job = NULL;
    add_last(&resolver->done, job);
    if (!resolver->is_closed) {
        resolver->options.wake(resolver->options.context);
    }
}

static void *APR_THREAD_FUNC work(apr_thread_t *thread, void *data)
{
    worker_t *worker = data;
    resolver_t *resolver = worker->resolver;
    job_t *job;

    (void)thread;
    monitor_lock(resolver->monitor);
    while ((job = next_job(worker)) != NULL) {
        lookup_t *lookup = &job->lookup;

        monitor_unlock(resolver->monitor);
        lookup->status = resolver->options.look_up(&lookup->list, &job->address, lookup->pool);
        monitor_lock(resolver->monitor);
        finish_job(worker, job);
    }
    monitor_unlock(resolver->monitor);
    return NULL;
}

/* ---- The thread that asks ---- */

apr_status_t resolver_create(resolver_t **resolver, const resolver_options_t *options,
                             apr_pool_t *pool)
{
    resolver_t *created = apr_pcalloc(pool, sizeof *created);

    created->options = *options;
    created->pool = pool;
    created->waiting.end = &created->waiting.first;
    created->done.end = &created->done.first;
    *resolver = created;
    return monitor_create(&created->monitor, pool);
}

/* Starts one more thread if all are busy. */
static apr_status_t add_worker(resolver_t *resolver)
{
    if (resolver->waiting_count <= resolver->idle || resolver->count == RESOLVER_THREADS_MAX) {
        return APR_SUCCESS;
    }
    worker_t *worker = &resolver->workers[resolver->count];

    *worker = (worker_t){.resolver = resolver};
    apr_status_t status = apr_thread_create(&worker->thread, NULL, work, worker, resolver->pool);

    resolver->count += status == APR_SUCCESS;
    return resolver->count > 0 ? APR_SUCCESS : status;
}

void resolver_ask(resolver_t *resolver, const address_t *address, void *asker)
{
    apr_pool_t *pool = memory_pool(resolver->pool);
    job_t *job = apr_pcalloc(pool, sizeof *job);

    assert(address_is_name(address) && !resolver->is_closed);
    job->lookup = (lookup_t){.asker = asker, .pool = pool};
    job->address = (address_t){.host = apr_pstrdup(pool, address->host), .port = address->port};

    monitor_lock(resolver->monitor);
    resolver->waiting_count++;
    job->lookup.status = add_worker(resolver);
    if (job->lookup.status == APR_SUCCESS) {
        add_last(&resolver->waiting, job);
    } else {
        resolver->waiting_count--;
        add_last(&resolver->done, job);
        resolver->options.wake(resolver->options.context);
    }
    monitor_wake_one(resolver->monitor);
    monitor_unlock(resolver->monitor);
}

lookup_t *resolver_take(resolver_t *resolver)
{
    job_t *job = NULL;

    monitor_lock(resolver->monitor);
    if (resolver->done.first != NULL) {
        job = take_at(&resolver->done, &resolver->done.first);
    }
    monitor_unlock(resolver->monitor);
    return job != NULL ? &job->lookup : NULL;
}

void resolver_close(resolver_t *resolver)
{
    int is_busy[RESOLVER_THREADS_MAX] = {0};
    apr_status_t status;

    monitor_lock(resolver->monitor);
    resolver->is_closed = 1;
    for (unsigned i = 0; i < resolver->count; i++) {
        is_busy[i] = resolver->workers[i].job != NULL;
        resolver->is_held_up |= is_busy[i];
    }
    monitor_wake_all(resolver->monitor);
    monitor_unlock(resolver->monitor);
    for (unsigned i = 0; i < resolver->count; i++) {
        if (is_busy[i]) {
            apr_thread_detach(resolver->workers[i].thread);
        } else {
            apr_thread_join(&status, resolver->workers[i].thread);
        }
    }
}

int resolver_is_held_up(const resolver_t *resolver)
{
    assert(resolver->is_closed);
    return resolver->is_held_up;
}
