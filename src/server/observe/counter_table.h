#ifndef UDPECHO_COUNTER_TABLE_H
#define UDPECHO_COUNTER_TABLE_H

/* What the counters are called where they are told: in the log, by udpechod --status, in the
 * metrics. Any thread. */

#include "core/counters.h"

/* The counters of the service as a whole. They follow those of the workers. */
enum {
    COUNTER_KERNEL_DROPS = COUNTER_KINDS, /* datagrams that the kernel dropped at the listeners */
    COUNTER_RELOAD_FAILURES,              /* settings that could not be read again */
    COUNTERS_TOLD
};

/* How a counter is told. Everything that it points to is static. */
typedef struct counter_row {
    const char *name;       /* in the log and by --status: "dropped_truncated" */
    const char *metric;     /* for Prometheus: "udpechod_dropped_datagrams_total" */
    const char *label;      /* which tells the counters of one metric apart: "reason"; or NULL */
    const char *value;      /* of the label: "truncated"; or NULL */
    const char *help;       /* what the metric counts, as a sentence; the same for a whole metric */
    int is_shown_when_zero; /* also by text, which leaves out what tells nothing */
} counter_row_t;

/* `counter` is an index of counters_t or one of those above. Never NULL. The counters of one metric
 * follow each other. */
const counter_row_t *counter_row(unsigned counter);

/* The counter that has this name, or NULL. */
const counter_row_t *counter_row_named(const char *name);

/* The name of a verdict that drops: "truncated". Never NULL, static. */
const char *verdict_name(verdict_t verdict);

#endif
