#include "server/observe/counter_table.h"

#include <assert.h>
#include <string.h>

#define DROPPED_ROW(reason)                                                      \
    {                                                                            \
        "dropped_" reason, "udpechod_dropped_datagrams_total", "reason", reason, \
            "Datagrams received and not answered, by reason.", 0                 \
    }
#define FAILED_ROW(error)                                                   \
    {                                                                       \
        "failed_" error, "udpechod_send_errors_total", "error", error,      \
            "Replies that the kernel refused, by the name of its error.", 0 \
    }
#define IMPAIRED_ROW(impairment)                                                               \
    {                                                                                          \
        "impaired_" impairment, "udpechod_impaired_datagrams_total", "impairment", impairment, \
            "Replies that --impair dropped, delayed or changed, by impairment.", 0             \
    }

static const counter_row_t table[COUNTERS_TOLD] = {
    [COUNTER_RECEIVED] = {"received", "udpechod_received_datagrams_total", NULL, NULL,
                          "Datagrams received from the kernel.", 1},
    [COUNTER_RECEIVED_BYTES] = {"received_bytes", "udpechod_received_bytes_total", NULL, NULL,
                                "Their payload.", 1},
    [COUNTER_ECHOED] = {"echoed", "udpechod_sent_datagrams_total", NULL, NULL,
                        "Replies that the kernel accepted.", 1},
    [COUNTER_ECHOED_BYTES] = {"echoed_bytes", "udpechod_sent_bytes_total", NULL, NULL,
                              "Their payload.", 1},
    [COUNTER_WOULD_RATE_LIMIT] = {"would_rate_limit", "udpechod_rate_limit_dry_run_datagrams_total",
                                  NULL, NULL,
                                  "Datagrams echoed that --rate-limit would have dropped.", 0},
    [COUNTER_RECEIVE_ERRORS] = {"receive_errors", "udpechod_receive_errors_total", NULL, NULL,
                                "Failed calls to receive datagrams or to wait for them.", 0},
    [COUNTER_DROPPED + VERDICT_TRUNCATED] = DROPPED_ROW("truncated"),
    [COUNTER_DROPPED + VERDICT_CONTROL_TRUNCATED] = DROPPED_ROW("control_truncated"),
    [COUNTER_DROPPED + VERDICT_NOT_UNICAST] = DROPPED_ROW("not_unicast"),
    [COUNTER_DROPPED + VERDICT_SOURCE_INVALID] = DROPPED_ROW("source_invalid"),
    [COUNTER_DROPPED + VERDICT_SOURCE_SELF] = DROPPED_ROW("source_self"),
    [COUNTER_DROPPED + VERDICT_SOURCE_PORT] = DROPPED_ROW("source_port"),
    [COUNTER_DROPPED + VERDICT_ACCESS] = DROPPED_ROW("access"),
    [COUNTER_DROPPED + VERDICT_THROTTLED_PORT] = DROPPED_ROW("throttled_port"),
    [COUNTER_DROPPED + VERDICT_STAMP_LENGTH] = DROPPED_ROW("stamp_length"),
    [COUNTER_DROPPED + VERDICT_STAMP_SHORT] = DROPPED_ROW("stamp_short"),
    [COUNTER_DROPPED + VERDICT_STAMP_ERROR_ESTIMATE] = DROPPED_ROW("stamp_error_estimate"),
    [COUNTER_DROPPED + VERDICT_LOOP] = DROPPED_ROW("loop"),
    [COUNTER_DROPPED + VERDICT_REPLY_LOOP] = DROPPED_ROW("reply_loop"),
    [COUNTER_DROPPED + VERDICT_RATE_LIMITED] = DROPPED_ROW("rate_limited"),
    [COUNTER_DROPPED + VERDICT_MAX_RATE] = DROPPED_ROW("max_rate"),
    [COUNTER_DROPPED + VERDICT_MAX_BANDWIDTH] = DROPPED_ROW("max_bandwidth"),
    [COUNTER_DROPPED + VERDICT_STAMP_KEY] = DROPPED_ROW("stamp_key"),
    [COUNTER_DROPPED + VERDICT_STAMP_HMAC] = DROPPED_ROW("stamp_hmac"),
    [COUNTER_DROPPED + VERDICT_PAST_COUNT] = DROPPED_ROW("past_count"),
    [COUNTER_FAILED + SEND_EAGAIN] = FAILED_ROW("EAGAIN"),
    [COUNTER_FAILED + SEND_ENOBUFS] = FAILED_ROW("ENOBUFS"),
    [COUNTER_FAILED + SEND_EPERM] = FAILED_ROW("EPERM"),
    [COUNTER_FAILED + SEND_EHOSTUNREACH] = FAILED_ROW("EHOSTUNREACH"),
    [COUNTER_FAILED + SEND_ENETUNREACH] = FAILED_ROW("ENETUNREACH"),
    [COUNTER_FAILED + SEND_EMSGSIZE] = FAILED_ROW("EMSGSIZE"),
    [COUNTER_FAILED + SEND_EINVAL] = FAILED_ROW("EINVAL"),
    [COUNTER_FAILED + SEND_ECONNREFUSED] = FAILED_ROW("ECONNREFUSED"),
    [COUNTER_FAILED + SEND_OTHER] = FAILED_ROW("other"),
    [COUNTER_IMPAIRED + IMPAIR_DROP] = IMPAIRED_ROW("drop"),
    [COUNTER_IMPAIRED + IMPAIR_DUPLICATE] = IMPAIRED_ROW("duplicate"),
    [COUNTER_IMPAIRED + IMPAIR_REORDER] = IMPAIRED_ROW("reorder"),
    [COUNTER_IMPAIRED + IMPAIR_CORRUPT] = IMPAIRED_ROW("corrupt"),
    [COUNTER_IMPAIRED + IMPAIR_DELAY] = IMPAIRED_ROW("delay"),
    [COUNTER_IMPAIRED + IMPAIR_QUEUE] = IMPAIRED_ROW("queue"),
    [COUNTER_IMPAIRED + IMPAIR_BUFFER] = IMPAIRED_ROW("buffer"),
    [COUNTER_IMPAIRED + IMPAIR_END] = IMPAIRED_ROW("end"),
    [COUNTER_KERNEL_DROPS] =
        {"kernel_drops", "udpechod_kernel_dropped_datagrams_total", NULL, NULL,
         "Datagrams that the kernel dropped: the receive buffer was full or the checksum wrong.",
         0},
    [COUNTER_RELOAD_FAILURES] = {"reload_failures", "udpechod_reload_failures_total", NULL, NULL,
                                 "Failed reloads.", 0},
};

const counter_row_t *counter_row(unsigned counter)
{
    assert(counter < COUNTERS_TOLD);
    return &table[counter];
}

const counter_row_t *counter_row_named(const char *name)
{
    for (unsigned i = 0; i < COUNTERS_TOLD; i++) {
        if (strcmp(table[i].name, name) == 0) {
            return &table[i];
        }
    }
    return NULL;
}

const char *verdict_name(verdict_t verdict)
{
    assert(verdict < DROP_KINDS);
    return table[COUNTER_DROPPED + verdict].value;
}
