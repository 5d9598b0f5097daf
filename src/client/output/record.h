#ifndef UDPECHO_RECORD_H
#define UDPECHO_RECORD_H

/*
 * An event as names and values, for programs. Every format for programs writes the same records, so
 * they have the same names and numbers, which udpecho(1) lists. Times are in microseconds. A record
 * of a type always has the same fields in the same order.
 */

#include <apr_pools.h>
#include <apr_tables.h>

#include "client/output/report.h"

typedef struct field {
    const char *name;
    const char *text; /* NULL: there is no such value */
    int is_string;    /* else a number, true or false */
} field_t;

/* Its first fields are "record", which is its type, "time", "target" and "address". */
typedef struct record {
    apr_array_header_t *fields; /* of field_t */
    int is_datagram;            /* of a single datagram; otherwise of the run, or a result */
} record_t;

/* The records of an event, an array of record_t: none of progress, several of a sweep; `lines`: of
 * single datagrams too. Memory from `pool`. */
apr_array_header_t *records_of(const event_t *event, int lines, apr_pool_t *pool);

/* A report that writes `heading`, then what `format` makes of each record: whole lines. */
typedef const char *record_format_t(const record_t *record, protocol_t protocol, apr_pool_t *pool);
report_t *report_records(const report_options_t *options, const char *heading,
                         record_format_t *format, apr_pool_t *pool);

#endif
