#include "udpecho/counters.h"

static const char *const names[COUNTER_KINDS] = {
    [COUNTER_RECEIVED] = "received",
    [COUNTER_RECEIVED_BYTES] = "received_bytes",
    [COUNTER_ECHOED] = "echoed",
    [COUNTER_ECHOED_BYTES] = "echoed_bytes",
    [COUNTER_WOULD_RATE_LIMIT] = "would_rate_limit",
    [COUNTER_RECEIVE_ERRORS] = "receive_errors",
    [COUNTER_DROPPED + VERDICT_TRUNCATED] = "dropped_truncated",
    [COUNTER_DROPPED + VERDICT_CONTROL_TRUNCATED] = "dropped_control_truncated",
    [COUNTER_DROPPED + VERDICT_NOT_UNICAST] = "dropped_not_unicast",
    [COUNTER_DROPPED + VERDICT_SOURCE_INVALID] = "dropped_source_invalid",
    [COUNTER_DROPPED + VERDICT_SOURCE_SELF] = "dropped_source_self",
    [COUNTER_DROPPED + VERDICT_SOURCE_PORT] = "dropped_source_port",
    [COUNTER_DROPPED + VERDICT_ACCESS] = "dropped_access",
    [COUNTER_DROPPED + VERDICT_THROTTLED_PORT] = "dropped_throttled_port",
    [COUNTER_DROPPED + VERDICT_LOOP] = "dropped_loop",
    [COUNTER_DROPPED + VERDICT_RATE_LIMITED] = "dropped_rate_limited",
    [COUNTER_DROPPED + VERDICT_MAX_RATE] = "dropped_max_rate",
    [COUNTER_DROPPED + VERDICT_MAX_BANDWIDTH] = "dropped_max_bandwidth",
    [COUNTER_DROPPED + VERDICT_PAST_COUNT] = "dropped_past_count",
    [COUNTER_FAILED + SEND_EAGAIN] = "failed_EAGAIN",
    [COUNTER_FAILED + SEND_ENOBUFS] = "failed_ENOBUFS",
    [COUNTER_FAILED + SEND_EPERM] = "failed_EPERM",
    [COUNTER_FAILED + SEND_EHOSTUNREACH] = "failed_EHOSTUNREACH",
    [COUNTER_FAILED + SEND_ENETUNREACH] = "failed_ENETUNREACH",
    [COUNTER_FAILED + SEND_EMSGSIZE] = "failed_EMSGSIZE",
    [COUNTER_FAILED + SEND_EINVAL] = "failed_EINVAL",
    [COUNTER_FAILED + SEND_ECONNREFUSED] = "failed_ECONNREFUSED",
    [COUNTER_FAILED + SEND_OTHER] = "failed_other",
};

void counters_sum(counter_totals_t *totals, const counters_t *counters)
{
    for (unsigned i = 0; i < COUNTER_KINDS; i++) {
        totals->value[i] += atomic_load_explicit(&counters->value[i], memory_order_relaxed);
    }
}

const char *counter_name(unsigned counter)
{
    return names[counter];
}

const char *verdict_name(verdict_t verdict)
{
    return names[COUNTER_DROPPED + verdict] + sizeof "dropped_" - 1;
}
