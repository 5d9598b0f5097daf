#include "server/worker.h"

#include <apr_strings.h>
#include <apr_thread_proc.h>
#include <assert.h>
#include <stdatomic.h>

#include "common/memory.h"
#include "core/service.h"
#include "server/worker_log.h"
#include "udpecho/clock.h"
#include "udpecho/machine.h"

struct worker {
    worker_options_t options;
    worker_log_t log;
    transport_t *transport;
    echo_t *echo;
    const apr_array_header_t *_Atomic wanted;    /* listeners */
    const apr_array_header_t *_Atomic listening; /* to these, the same except for a while */
    service_times_t service_times;
    int impairs; /* replies, or delayed ones wait */
    atomic_int is_stopping;
    atomic_int has_ended;
    _Atomic apr_uint64_t turns; /* of the loop */
    apr_pool_t *pool;
    apr_thread_t *thread;
};

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

/* Returns the time when it has paused. */
static apr_time_t receive_failed(worker_t *worker, apr_status_t status, apr_time_t now)
{
    apr_interval_time_t pause = echo_receive_failed(worker->echo, now);

    worker_log_receive_failed(&worker->log, status, now);
    sleep_unless_stopping(worker, pause);
    return clock_now();
}

static void take_departures(worker_t *worker)
{
    const departure_t *departures;
    unsigned count = transport_departures(worker->transport, &departures);

    if (count > 0) {
        echo_departed(worker->echo, departures, count);
    }
}

/* Sends the delayed replies that are due. */
static void send_due(worker_t *worker, apr_time_t now)
{
    send_outcome_t outcome;
    batch_t due;

    while (echo_due(worker->echo, &due, now) > 0) {
        worker_log_replies(&worker->log, &due);
        transport_send(worker->transport, due.at[0]->listener, &due, &outcome);
        echo_settle(worker->echo, &outcome);
        worker_log_failures(&worker->log, &outcome, now);
    }
}

/* Returns the time when it is done. */
static apr_time_t answer(worker_t *worker, batch_t *batch, apr_time_t received)
{
    unsigned datagrams = batch->count;
    apr_time_t now = received;
    send_outcome_t outcome;

    /* The sandbox lets nobody else ask how good the clock is. */
    if (datagrams > 0 && is_stamp(batch->at[0])) {
        stamp_look_at_clock(worker->options.stamp, received);
    }
    take_departures(worker);
    worker_log_requests(&worker->log, batch);
    const datagram_t *limited = echo_step(worker->echo, batch, received);

    if (limited != NULL) {
        worker_log_limit(&worker->log, limited, received);
    }
    echo_stamp(worker->echo, batch, clock_wall);
    if (worker->impairs) {
        echo_impair(worker->echo, batch, worker->options.index, received);
    }
    worker_log_batch(&worker->log, batch);
    transport_reply(worker->transport, batch, &outcome);
    echo_settle(worker->echo, &outcome);
    if (datagrams > 0) {
        now = clock_now();
        service_times_add(&worker->service_times, now - received, datagrams);
    }
    worker_log_failures(&worker->log, &outcome, now); /* of earlier replies, too */
    return now;
}

static void count_failure(void *unused, const datagram_t *reply)
{
    (void)unused;
    echo_reply_failed(reply);
}

static int listens_to(void *context, const struct listener *listener)
{
    const apr_array_header_t *listeners = context;

    for (int i = 0; i < listeners->nelts; i++) {
        if (APR_ARRAY_IDX(listeners, i, const listener_t *) == listener) {
            return 1;
        }
    }
    return 0;
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

static void take_listeners(worker_t *worker, const apr_array_header_t *wanted)
{
    listening_t listening = {worker, wanted, APR_ENOMEM};

    if (wanted == atomic_load(&worker->listening)) {
        return;
    }
    echo_discard(worker->echo, listens_to, (void *)wanted);
    memory_try(listen_to, &listening);
    if (listening.status != APR_SUCCESS) {
        worker_log_listen_failed(&worker->log, listening.status);
    }
    atomic_store(&worker->listening, wanted);
}

/* Another thread woke this one, and left word of what is wanted. */
static void act_on_wake(worker_t *worker, apr_time_t now)
{
    const apr_array_header_t *wanted = atomic_load(&worker->wanted);

    /* In this order: a policy is applied before its listeners are wanted, and what earlier ones had
     * may go once the worker has taken these. */
    worker->impairs = echo_impairs(worker->echo, worker->options.index);
    take_listeners(worker, wanted);
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
            now = receive_failed(worker, status, now);
        }
        if (worker->impairs) { /* whatever came of the receive: they wait for nothing else */
            send_due(worker, now);
        }
    }
}

/* Delayed replies leave when they are due, for as long as --impair-drain allows, and those that
 * are due later are dropped. A reload still takes effect, and the worker still shows that it is
 * alive. */
static void finish_delayed(worker_t *worker)
{
    apr_time_t now = clock_now();
    apr_time_t until = now + echo_impair_drain(worker->echo);
    apr_time_t due;

    send_due(worker, now);
    while ((due = echo_next_due(worker->echo)) >= 0 && due <= until) {
        clock_pause(due - now < ECHO_PAUSE_MIN_US ? due - now : ECHO_PAUSE_MIN_US);
        now = clock_now();
        count_turn(worker);
        act_on_wake(worker, now);
        send_due(worker, now);
    }
    echo_discard(worker->echo, NULL, NULL);
}

/* What replies are still under way belongs to the counters that the end of the service tells. */
static void finish(worker_t *worker)
{
    send_outcome_t outcome;

    finish_delayed(worker);
    transport_finish(worker->transport, ECHO_DRAIN_MAX_US, &outcome);
    echo_settle(worker->echo, &outcome);
    worker_log_failures(&worker->log, &outcome, clock_now());
}

/* ---- The thread ---- */

static void pin(const worker_t *worker)
{
    apr_status_t status = worker->options.is_pinned ? host_pin(worker->options.index) : APR_SUCCESS;

    if (status != APR_SUCCESS) {
        log_line_t *line = log_begin(worker->options.log, LOG_LEVEL_WARNING, "not pinned");

        log_text(line, "thread", worker->log.thread);
        log_status(line, "error", status);
        log_end(line);
    }
}

static void *APR_THREAD_FUNC run(apr_thread_t *thread, void *data)
{
    worker_t *worker = data;

    (void)thread;
    worker->log.thread_id = host_thread_id();
    pin(worker);
    if (gate_pass(worker->options.gate)) {
        serve(worker);
        atomic_store(&worker->is_stopping, 1); /* also where the core has ended by itself */
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
    worker->log.log = options->log;
    worker->log.thread = apr_psprintf(own, "worker-%u", options->index);
    worker->echo = echo_create(options->policy, clock_now(), own);
    worker->impairs = echo_impairs(worker->echo, options->index);
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

apr_status_t worker_listen_again(worker_t *worker)
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
