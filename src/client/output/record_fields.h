#ifndef UDPECHO_RECORD_FIELDS_H
#define UDPECHO_RECORD_FIELDS_H

/* How records are made of fields. */

#include <apr_strings.h>

#include "client/output/format.h"
#include "client/output/record.h"

/* A record of this type, with its first fields. */
record_t record_begin(const event_t *event, const char *type, apr_pool_t *pool);

static inline void add(record_t *record, const char *name, const char *text, int is_string)
{
    *(field_t *)apr_array_push(record->fields) = (field_t){name, text, is_string};
}

static inline void add_text(record_t *record, const char *name, const char *text)
{
    add(record, name, text, 1);
}

static inline void add_number(record_t *record, const char *name, apr_uint64_t number)
{
    add(record, name, apr_psprintf(record->fields->pool, "%" APR_UINT64_T_FMT, number), 0);
}

/* A number that may not be known. */
static inline void add_optional(record_t *record, const char *name, apr_uint64_t number,
                                int is_known)
{
    if (is_known) {
        add_number(record, name, number);
    } else {
        add(record, name, NULL, 0);
    }
}

/* One that may be negative. */
static inline void add_signed(record_t *record, const char *name, apr_int64_t number, int is_known)
{
    add(record, name,
        is_known ? apr_psprintf(record->fields->pool, "%" APR_INT64_T_FMT, number) : NULL, 0);
}

static inline void add_truth(record_t *record, const char *name, int truth)
{
    add(record, name, truth ? "true" : "false", 0);
}

static inline void add_port(record_t *record, const event_t *event, unsigned flow)
{
    apr_port_t port = source_port(event->run, flow);

    add_optional(record, "source_port", port, port != 0);
}

/* Non-zero unless the time of the summary is only that of one round trip. That of an interval never
 * is. */
static inline int summary_has_rate(const probe_summary_t *summary)
{
    return summary->received != 1;
}

/* The counts, rates, if it has some, and round trips of a summary. */
void add_summary(record_t *record, const probe_summary_t *summary, int has_rate, apr_pool_t *pool);

/* How many datagrams were due, and how many of these were missed. */
void add_due(record_t *record, const probe_summary_t *summary);

/* ---- record_peers.c ---- */

record_t address_record(const event_t *event, apr_pool_t *pool);
record_t lookup_record(const event_t *event, apr_pool_t *pool);
record_t not_asked_record(const event_t *event, apr_pool_t *pool);
record_t interval_record(const event_t *event, apr_pool_t *pool);
record_t total_record(const event_t *event, apr_pool_t *pool);

/* ---- record_load.c ---- */

record_t load_record(const event_t *event, apr_pool_t *pool);

/* ---- record_one_way.c ---- */

/* What a reply tells of each way. */
record_t one_way_record(const event_t *event, apr_pool_t *pool);

/* What all of them came to. */
record_t directions_record(const event_t *event, apr_pool_t *pool);

#endif
