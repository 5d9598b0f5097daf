#ifndef UDPECHO_REPORT_H
#define UDPECHO_REPORT_H

/* The formats of the output. Each lives as long as `pool`, and writes a whole line with one call of
 * output_write(), so that two of them can share a file. One thread at a time. */

#include "client/output/event.h"
#include "client/output/timed_lines.h"

typedef struct report_options {
    int lines;          /* a line for each datagram, not only the summary */
    int lines_of_many;  /* the same where several peers are asked */
    int table;          /* of several peers; on a terminal only */
    int has_keys;       /* it says which keys there are */
    int histogram;      /* draw the round trips */
    line_times_t times; /* in front of each line of text that stays */
    protocol_t protocol;
    output_t *output;
} report_options_t;

/* Why the first of the reports that cannot go on cannot; APR_SUCCESS: all can. `reports` is an
 * array of report_t *. */
apr_status_t reports_status(const apr_array_header_t *reports);

/* Tells all of them of an event; sets its times. */
void reports_tell(const apr_array_header_t *reports, event_t event);

/* Non-zero if one of them is live. */
int reports_are_live(const apr_array_header_t *reports);

/* For people. On a terminal it shows how a long run goes on, in its last lines, which it writes
 * over. */
report_t *report_text(const report_options_t *options, apr_pool_t *pool);

/* One JSON object (RFC 8259) to a line; udpecho(1) has the schema. */
report_t *report_json(const report_options_t *options, apr_pool_t *pool);

/* Comma-separated values (RFC 4180, with LF), one table; udpecho(1) describes the columns. */
report_t *report_csv(const report_options_t *options, apr_pool_t *pool);

#endif
