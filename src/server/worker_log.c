#include "server/worker_log.h"

#include "core/counters.h"
#include "core/service.h"
#include "server/observe/counter_table.h"

/* At most one line in this time tells of failed calls, and one of limits that were met; the
 * counters tell of all. */
#define WARNING_INTERVAL_US APR_USEC_PER_SEC

/* A loop is logged once in this time. */
#define LOOP_WARNING_INTERVAL_US (60 * APR_USEC_PER_SEC)

/* `reason` is why it was dropped; NULL: it was not. */
static void log_datagram(worker_log_t *log, const char *message, const char *reason,
                         const endpoint_t *from, const endpoint_t *to, const datagram_t *datagram)
{
    log_line_t *line = log_begin(log->log, LOG_LEVEL_DEBUG, message);

    log_text(line, "thread", log->thread);
    log_number(line, "thread_id", (apr_int64_t)log->thread_id);
    log_endpoint(line, "from", from);
    log_endpoint(line, "to", to);
    log_number(line, "length", (apr_int64_t)datagram->length);
    if (reason != NULL) {
        log_text(line, "reason", reason);
    }
    log_payload(line, "payload", datagram->data, datagram->length);
    log_end(line);
}

static void log_received(worker_log_t *log, const datagram_t *datagram)
{
    log_datagram(log, "received", NULL, &datagram->from, &datagram->to, datagram);
}

void worker_log_requests(worker_log_t *log, const batch_t *batch)
{
    int is_told = log_enabled(log->log, LOG_LEVEL_DEBUG);

    for (unsigned i = 0; is_told && i < batch->count; i++) {
        if (batch->at[i]->service != NULL) {
            log_received(log, batch->at[i]);
        }
    }
}

void worker_log_batch(worker_log_t *log, const batch_t *batch)
{
    int is_told = log_enabled(log->log, LOG_LEVEL_DEBUG);

    for (unsigned i = 0; is_told && i < batch->count; i++) {
        const datagram_t *datagram = batch->at[i];

        if (datagram->verdict < DROP_KINDS) {
            log_datagram(log, "dropped", verdict_name(datagram->verdict), &datagram->from,
                         &datagram->to, datagram);
            continue;
        }
        if (datagram->service == NULL) {
            log_received(log, datagram);
        }
        log_datagram(log, datagram->verdict == VERDICT_WITHHELD ? "reply withheld" : "reply", NULL,
                     &datagram->to, &datagram->from, datagram);
    }
}

void worker_log_replies(worker_log_t *log, const batch_t *batch)
{
    int is_told = log_enabled(log->log, LOG_LEVEL_DEBUG);

    for (unsigned i = 0; is_told && i < batch->count; i++) {
        const datagram_t *reply = batch->at[i];

        log_datagram(log, "reply", NULL, &reply->to, &reply->from, reply);
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
static int is_logged_loop(const worker_log_t *log, const datagram_t *datagram, apr_time_t now)
{
    for (unsigned i = 0; datagram->verdict == VERDICT_LOOP && i < LOOPS_MAX; i++) {
        const told_loop_t *told = &log->told_loops[i];

        if (told->at > 0 && now - told->at < LOOP_WARNING_INTERVAL_US &&
            endpoint_equal(&told->from, &datagram->from)) {
            return 1;
        }
    }
    return 0;
}

static void keep_told(worker_log_t *log, const datagram_t *datagram, apr_time_t now)
{
    if (datagram->verdict == VERDICT_LOOP) {
        log->told_loops[log->next_told++ % LOOPS_MAX] = (told_loop_t){datagram->from, now};
    }
}

void worker_log_limit(worker_log_t *log, const datagram_t *datagram, apr_time_t now)
{
    if (!is_logged_loop(log, datagram, now) && may_warn(&log->next_limit_warning, now)) {
        log_line_t *line = log_begin(log->log, LOG_LEVEL_WARNING, "not answered");

        log_text(line, "thread", log->thread);
        log_text(line, "reason", verdict_name(datagram->verdict));
        log_endpoint(line, "from", &datagram->from);
        log_endpoint(line, "to", &datagram->to);
        log_end(line);
        keep_told(log, datagram, now);
    }
}

void worker_log_failures(worker_log_t *log, const send_outcome_t *outcome, apr_time_t now)
{
    for (unsigned i = 0; i < SEND_ERROR_KINDS; i++) {
        if (outcome->failed[i] > 0 && may_warn(&log->next_failure_warning, now)) {
            log_line_t *line = log_begin(log->log, LOG_LEVEL_WARNING, "reply not sent");

            log_text(line, "thread", log->thread);
            log_text(line, "reason", counter_row(COUNTER_FAILED + i)->name);
            log_end(line);
        }
    }
}

void worker_log_receive_failed(worker_log_t *log, apr_status_t status, apr_time_t now)
{
    if (may_warn(&log->next_failure_warning, now)) {
        log_line_t *line = log_begin(log->log, LOG_LEVEL_WARNING, "cannot receive");

        log_text(line, "thread", log->thread);
        log_status(line, "error", status);
        log_end(line);
    }
}

void worker_log_listen_failed(const worker_log_t *log, apr_status_t status)
{
    log_line_t *line =
        log_begin(log->log, LOG_LEVEL_ERROR, "worker cannot receive from a listener");

    log_text(line, "thread", log->thread);
    log_status(line, "error", status);
    log_end(line);
}
