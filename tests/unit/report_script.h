#ifndef UDPECHO_REPORT_SCRIPT_H
#define UDPECHO_REPORT_SCRIPT_H

/* What happens in a run that the tests of the client's output make up, and what is written of it.
 * The peer is 192.0.2.1:7, and every event takes place at 2026-01-31T12:00:00.000007Z. */

#include <apr_file_io.h>
#include <apr_strings.h>

#include "client/output/report.h"
#include "endpoints.h"

#define WALL_CLOCK (APR_INT64_C(1769860800) * APR_USEC_PER_SEC + 7)

/* 192.0.2.HOST:7 */
static inline endpoint_t script_endpoint(unsigned char host)
{
    return ipv4(0xc0000200U | host, 7);
}

static inline run_t script_run(measurement_t measurement)
{
    return (run_t){.measurement = measurement,
                   .host = "192.0.2.1",
                   .peer = script_endpoint(1),
                   .size = 56,
                   .flows = 1,
                   .timeout = apr_time_from_sec(1)};
}

/* A reply of 56 bytes to the datagram 3 after 312 microseconds. */
static inline reply_t script_reply(reply_verdict_t verdict)
{
    return (reply_t){.verdict = verdict,
                     .has_sequence = verdict != REPLY_UNKNOWN,
                     .sequence = 3,
                     .expected = 56,
                     .round_trip = 312};
}

static inline arrival_t script_arrival(void)
{
    return (arrival_t){.from = script_endpoint(1), .length = 56, .hop_limit = -1};
}

/* Every number of it is another one. */
static inline probe_summary_t script_summary(void)
{
    return (probe_summary_t){.sent = 1000,
                             .received = 985,
                             .timed = 985,
                             .corrupted = 2,
                             .lost = 11,
                             .outstanding = 2,
                             .not_sent = 4,
                             .refused = 3,
                             .late = 5,
                             .reordered = 6,
                             .bytes = 55160,
                             .replies = {[REPLY_ANSWER] = 980,
                                         [REPLY_LATE] = 5,
                                         [REPLY_DUPLICATE] = 7,
                                         [REPLY_CORRUPT] = 8,
                                         [REPLY_MISDELIVERED] = 9,
                                         [REPLY_ELSEWHERE] = 10,
                                         [REPLY_UNKNOWN] = 12},
                             .elapsed = 2000000,
                             .minimum = 101,
                             .mean = 312,
                             .maximum = 1204113,
                             .deviation = 20,
                             .p50 = 305,
                             .p90 = 400,
                             .p99 = 1001,
                             .p999 = 999999,
                             .jitter = 17};
}

static inline event_t script_event(event_kind_t kind, const run_t *run)
{
    return (event_t){.kind = kind, .run = run, .wall_clock = WALL_CLOCK, .now = WALL_CLOCK};
}

/* ---- What is written ---- */

typedef report_t *report_format_t(const report_options_t *, apr_pool_t *);

static inline apr_file_t *script_file(apr_pool_t *pool)
{
    char *path = apr_pstrdup(pool, "udpecho-report-XXXXXX");
    apr_file_t *file;

    assert_int_equal(apr_file_mktemp(&file, path, 0, pool), APR_SUCCESS);
    return file;
}

/* All that is in the file. */
static inline const char *script_written(apr_file_t *file, apr_pool_t *pool)
{
    apr_off_t length = 0;
    apr_off_t start = 0;

    apr_file_seek(file, APR_END, &length);
    apr_file_seek(file, APR_SET, &start);
    char *text = apr_pcalloc(pool, (apr_size_t)length + 1);

    assert_int_equal(apr_file_read_full(file, text, (apr_size_t)length, NULL), APR_SUCCESS);
    return text;
}

/* What a format makes of these events. */
static inline const char *script_report(report_format_t *format, report_options_t options,
                                        const event_t *events, unsigned count, apr_pool_t *pool)
{
    apr_file_t *file = script_file(pool);

    options.output = output_create(file, 0, pool);
    report_t *report = format(&options, pool);

    for (unsigned i = 0; i < count; i++) {
        report->tell(report->context, &events[i]);
    }
    return script_written(file, pool);
}

#endif
