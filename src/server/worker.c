#include "server/worker.h"

#include <apr_strings.h>
#include <apr_thread_proc.h>
#include <assert.h>
#include <stdatomic.h>

#include "common/memory.h"
#include "core/service.h"
#include "server/observe/counter_table.h"
#include "udpecho/clock.h"
#include "udpecho/machine.h"

/* At most one line in this time tells of failed calls, and one of limits that were met; the
 * counters tell of all. */
#define WARNING_INTERVAL_US APR_USEC_PER_SEC

/* A loop is told of once in this time. The sources of loops that were told of last are kept. */
#define LOOP_WARNING_INTERVAL_US (60 * APR_USEC_PER_SEC)
#define LOOPS_MAX                16

typedef struct told_loop {
    endpoint_t from;
    apr_time_t at;
} told_loop_t;

struct worker {
    worker_options_t options;
    const char *name;
    apr_uint64_t thread_id;
    transport_t *transport;
    echo_t *echo;
    const apr_array_header_t *_Atomic wanted;    /* listeners */
    const apr_array_header_t *_Atomic listening; /* to these, the same but for a while */
    service_times_t service_times;
    atomic_int is_stopping;
    atomic_int has_ended;
    _Atomic apr_uint64_t turns; /* of the loop */
    apr_time_t next_failure_warning;
    apr_time_t next_limit_warning;
    told_loop_t told_loops[LOOPS_MAX];
    unsigned next_told; /* the place of the one that was told of longest ago */
    apr_pool_t *pool;
    apr_thread_t *thread;
};

/* ---- Logging ---- */

/* `reason` is why it was dropped; NULL: it was not. */
static void log_datagram(worker_t *worker, const char *message, const char *reason,
                         const endpoint_t *from, const endpoint_t *to, const datagram_t *datagram)
{
    log_line_t *line = log_begin(worker->options.log, LOG_LEVEL_DEBUG, message);

    log_text(line, "thread", worker->name);
    log_number(line, "thread_id", (apr_int64_t)worker->thread_id);
    log_endpoint(line, "from", from);
    log_endpoint(line, "to", to);
    log_number(line, "length", (apr_int64_t)datagram->length);
    if (reason != NULL) {
        log_text(line, "reason", reason);
    }
    log_payload(line, "payload", datagram->data, datagram->length);
    log_end(line);
}

static void log_received(worker_t *worker, const datagram_t *datagram)
{
    log_datagram(worker, "received", NULL, &datagram->from, &datagram->to, datagram);
}

/* Tells what services received, of which their replies are made in place. */
static void log_requests(worker_t *worker, const batch_t *batch)
{
    int is_told = log_enabled(worker->options.log, LOG_LEVEL_DEBUG);

    for (unsigned i = 0; is_told && i < batch->count; i++) {
        if (batch->at[i]->service != NULL) {
            log_received(worker, batch->at[i]);
        }
    }
}

/* Tells all else, replies as they leave. */
static void log_batch(worker_t *worker, const batch_t *batch)
{
    int is_told = log_enabled(worker->options.log, LOG_LEVEL_DEBUG);

    for (unsigned i = 0; is_told && i < batch->count; i++) {
        const datagram_t *datagram = batch->at[i];

        if (datagram->verdict != VERDICT_ECHO) {
            log_datagram(worker, "dropped", verdict_name(datagram->verdict), &datagram->from,
                         &datagram->to, datagram);
            continue;
        }
        if (datagram->service == NULL) {
            log_received(worker, datagram);
        }
        log_datagram(worker, "reply", NULL, &datagram->to, &datagram->from, datagram);
    }
}

/* Non-zero if it is time for another warning. */
static int may_warn(apr_time_t *next, apr_time_t now)
{
    if (now < *next) {
        return 0;
    }
    *next = now + WARNING_INTERVAL_US;
    return 1;
}

/* The datagrams of one loop are dropped over several seconds. */
static int is_told_loop(const worker_t *worker, const datagram_t *datagram, apr_time_t now)
{
    for (unsigned i = 0; datagram->verdict == VERDICT_LOOP && i < LOOPS_MAX; i++) {
        const told_loop_t *told = &worker->told_loops[i];

        if (told->at > 0 && now - told->at < LOOP_WARNING_INTERVAL_US &&
            endpoint_equal(&told->from, &datagram->from)) {
            return 1;
        }
    }
    return 0;
}

static void keep_told(worker_t *worker, const datagram_t *datagram, apr_time_t now)
{
    if (datagram->verdict == VERDICT_LOOP) {
        worker->told_loops[worker->next_told++ % LOOPS_MAX] = (told_loop_t){datagram->from, now};
    }
}

static void warn_of_limit(worker_t *worker, const datagram_t *datagram, apr_time_t now)
{
    if (!is_told_loop(worker, datagram, now) && may_warn(&worker->next_limit_warning, now)) {
        log_line_t *line = log_begin(worker->options.log, LOG_LEVEL_WARNING, "not answered");

        log_text(line, "thread", worker->name);
        log_text(line, "reason", verdict_name(datagram->verdict));
        log_endpoint(line, "from", &datagram->from);
        log_endpoint(line, "to", &datagram->to);
        log_end(line);
        keep_told(worker, datagram, now);
    }
}

static void warn_of_failures(worker_t *worker, const send_outcome_t *outcome, apr_time_t now)
{
    for (unsigned i = 0; i < SEND_ERROR_KINDS; i++) {
        if (outcome->failed[i] > 0 && may_warn(&worker->next_failure_warning, now)) {
            log_line_t *line = log_begin(worker->options.log, LOG_LEVEL_WARNING, "reply not sent");

            log_text(line, "thread", worker->name);
            log_text(line, "reason", counter_row(COUNTER_FAILED + i)->name);
            log_end(line);
        }
    }
}

/* ---- The loop ---- */

/* In pieces, since a sleep cannot be ended by the thread that stops the worker. Each may take
 * longer than it was asked to, on Windows half as long again. */
static void sleep_unless_stopping(const worker_t *worker, apr_interval_time_t duration_us)
{
    apr_time_t until = clock_now() + duration_us;

    do {
        clock_pause(ECHO_PAUSE_MIN_US);
    } while (clock_now() < until && !atomic_load(&worker->is_stopping));
}

static void receive_failed(worker_t *worker, apr_status_t status, apr_time_t now)
{
    apr_interval_time_t pause = echo_receive_failed(worker->echo, now);

    if (may_warn(&worker->next_failure_warning, now)) {
        log_line_t *line = log_begin(worker->options.log, LOG_LEVEL_WARNING, "cannot receive");

        log_text(line, "thread", worker->name);
        log_status(line, "error", status);
        log_end(line);
    }
    sleep_unless_stopping(worker, pause);
}

/* The sandbox lets only those ask how good the clock is. */
static int speaks_stamp(const datagram_t *datagram)
{
    return datagram->service != NULL && datagram->service->protocol == PROTOCOL_STAMP;
}

static void take_departures(worker_t *worker)
{
    const departure_t *departures;
    unsigned count = transport_departures(worker->transport, &departures);

    if (count > 0) {
        echo_departed(worker->echo, departures, count);
    }
}

/* Returns the time when it is done. */
static apr_time_t answer(worker_t *worker, batch_t *batch, apr_time_t received)
{
    unsigned datagrams = batch->count;
    apr_time_t now = received;
    send_outcome_t outcome;

    if (datagrams > 0 && speaks_stamp(batch->at[0])) {
        stamp_look_at_clock(worker->options.stamp, received);
    }
    take_departures(worker);
    log_requests(worker, batch);
    const datagram_t *limited = echo_step(worker->echo, batch, received);

    if (limited != NULL) {
        warn_of_limit(worker, limited, received);
    }
    echo_stamp(worker->echo, batch, clock_wall);
    log_batch(worker, batch);
    transport_reply(worker->transport, batch, &outcome);
    echo_settle(worker->echo, &outcome);
    if (datagrams > 0) {
        now = clock_now();
        service_times_add(&worker->service_times, now - received, datagrams);
    }
    warn_of_failures(worker, &outcome, now); /* of earlier replies, too */
    return now;
}

static void count_failure(void *unused, const datagram_t *reply)
{
    (void)unused;
    echo_reply_failed(reply);
}

typedef struct listening {
    worker_t *worker;
    const apr_array_header_t *listeners;
    apr_status_t status;
} listening_t;

static void listen_to(void *context)
{
    listening_t *listening = context;

    listening->status = transport_listen(listening->worker->transport,
                                         (listener_t *const *)listening->listeners->elts,
                                         (unsigned)listening->listeners->nelts);
}

static void take_listeners(worker_t *worker)
{
    const apr_array_header_t *wanted = atomic_load(&worker->wanted);
    listening_t listening = {worker, wanted, APR_ENOMEM};

    if (wanted == atomic_load(&worker->listening)) {
        return;
    }
    memory_try(listen_to, &listening);
    if (listening.status != APR_SUCCESS) {
        log_line_t *line = log_begin(worker->options.log, LOG_LEVEL_ERROR,
                                     "a listener is not served by this worker");

        log_text(line, "thread", worker->name);
        log_status(line, "error", listening.status);
        log_end(line);
    }
    atomic_store(&worker->listening, wanted);
}

/* Another thread woke this one, and left word of what is wanted. */
static void act_on_wake(worker_t *worker, apr_time_t now)
{
    take_listeners(worker);
    if (atomic_load(&worker->is_stopping)) {
        echo_drain(worker->echo, now);
    }
}

/* As counters_add(): only this thread writes. */
static void count_turn(worker_t *worker)
{
    apr_uint64_t turns = atomic_load_explicit(&worker->turns, memory_order_relaxed);

    atomic_store_explicit(&worker->turns, turns + 1, memory_order_relaxed);
}

static void serve(worker_t *worker)
{
    echo_t *echo = worker->echo;
    apr_time_t now = clock_now();
    apr_time_t spin_until = now;
    batch_t batch;

    while (!echo_done(echo)) {
        count_turn(worker);
        apr_status_t status = transport_receive(worker->transport, &batch,
                                                now < spin_until ? 0 : echo_timeout(echo, now));

        now = clock_now(); /* for the whole batch */
        if (status == APR_SUCCESS) {
            spin_until = now + worker->options.spin;
        }
        if (status == APR_SUCCESS || APR_STATUS_IS_TIMEUP(status)) {
            now = answer(worker, &batch, now);
        } else if (APR_STATUS_IS_EINTR(status)) {
            act_on_wake(worker, now);
            echo_pass_time(echo, now); /* wakes may come without end */
        } else {
            receive_failed(worker, status, now);
        }
    }
}

/* What replies are still under way belongs to the counters that the end of the service tells. */
static void finish(worker_t *worker)
{
    send_outcome_t outcome;

    transport_finish(worker->transport, ECHO_DRAIN_MAX_US, &outcome);
    echo_settle(worker->echo, &outcome);
    warn_of_failures(worker, &outcome, clock_now());
}

/* ---- The thread ---- */

static void pin(const worker_t *worker)
{
    apr_status_t status = worker->options.is_pinned ? host_pin(worker->options.index) : APR_SUCCESS;

    if (status != APR_SUCCESS) {
        log_line_t *line = log_begin(worker->options.log, LOG_LEVEL_WARNING, "not pinned");

        log_text(line, "thread", worker->name);
        log_status(line, "error", status);
        log_end(line);
    }
}

static void *APR_THREAD_FUNC run(apr_thread_t *thread, void *data)
{
    worker_t *worker = data;

    (void)thread;
    worker->thread_id = host_thread_id();
    pin(worker);
    if (gate_pass(worker->options.gate)) {
        serve(worker);
        finish(worker);
    }
    atomic_store(&worker->has_ended, 1);
    worker->options.ended(worker->options.context);
    return NULL;
}

apr_status_t worker_create(worker_t **created, const worker_options_t *options, apr_pool_t *pool)
{
    apr_pool_t *own = memory_pool(pool);
    worker_t *worker = apr_pcalloc(own, sizeof *worker);
    const apr_array_header_t *listeners = options->listeners;

    assert(listeners->elt_size == sizeof(listener_t *) && listeners->nelts <= LISTENERS_MAX);
    worker->options = *options;
    worker->pool = own;
    worker->name = apr_psprintf(own, "worker-%u", options->index);
    worker->echo = echo_create(options->policy, clock_now(), own);
    atomic_init(&worker->wanted, listeners);
    atomic_init(&worker->listening, listeners);
    apr_status_t status =
        transport_open(&worker->transport, (listener_t *const *)listeners->elts,
                       (unsigned)listeners->nelts, options->index, options->payload_max, own);

    if (status != APR_SUCCESS) {
        apr_pool_destroy(own);
        return status;
    }
    transport_on_failure(worker->transport, count_failure, NULL);
    *created = worker;
    return APR_SUCCESS;
}

apr_status_t worker_start(worker_t *worker)
{
    assert(worker->thread == NULL);
    return apr_thread_create(&worker->thread, NULL, run, worker, worker->pool);
}

apr_status_t worker_listen_anew(worker_t *worker)
{
    const apr_array_header_t *listeners = atomic_load(&worker->listening);

    assert(atomic_load(&worker->turns) == 0); /* it waits at the gate */
    transport_listen(worker->transport, NULL, 0);
    return transport_listen(worker->transport, (listener_t *const *)listeners->elts,
                            (unsigned)listeners->nelts);
}

void worker_stop(worker_t *worker)
{
    atomic_store(&worker->is_stopping, 1);
    transport_wake(worker->transport);
}

void worker_listen(worker_t *worker, const apr_array_header_t *listeners)
{
    assert(listeners->elt_size == sizeof(listener_t *) && listeners->nelts <= LISTENERS_MAX);
    atomic_store(&worker->wanted, listeners);
    transport_wake(worker->transport);
}

int worker_listens(const worker_t *worker)
{
    return atomic_load(&worker->has_ended) ||
           atomic_load(&worker->listening) == atomic_load(&worker->wanted);
}

int worker_is_draining(const worker_t *worker)
{
    return atomic_load(&worker->is_stopping) && !atomic_load(&worker->has_ended);
}

apr_uint64_t worker_wake(worker_t *worker)
{
    apr_uint64_t turn = atomic_load_explicit(&worker->turns, memory_order_relaxed);

    transport_wake(worker->transport);
    return turn;
}

int worker_has_moved(const worker_t *worker, apr_uint64_t turn)
{
    return atomic_load_explicit(&worker->turns, memory_order_relaxed) != turn ||
           atomic_load(&worker->has_ended);
}

void worker_join(worker_t *worker)
{
    apr_status_t status;

    assert(worker->thread != NULL);
    apr_thread_join(&status, worker->thread);
}

echo_t *worker_echo(worker_t *worker)
{
    return worker->echo;
}

const transport_t *worker_transport(const worker_t *worker)
{
    return worker->transport;
}

const service_times_t *worker_service_times(const worker_t *worker)
{
    return &worker->service_times;
}
