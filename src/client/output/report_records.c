#include "client/output/record.h"

typedef struct records_report {
    report_t report;
    report_options_t options;
    const char *heading; /* "": it is written */
    record_format_t *format;
    apr_pool_t *scratch; /* cleared after each event */
} records_report_t;

static void tell(void *context, const event_t *event)
{
    records_report_t *report = context;
    const apr_array_header_t *records = records_of(event, report->options.lines, report->scratch);

    output_write(report->options.output, report->heading);
    report->heading = "";
    for (int i = 0; i < records->nelts; i++) {
        const record_t *record = &APR_ARRAY_IDX(records, i, record_t);

        output_write(report->options.output,
                     report->format(record, report->options.protocol, report->scratch));
    }
    apr_pool_clear(report->scratch);
}

report_t *report_records(const report_options_t *options, const char *heading,
                         record_format_t *format, apr_pool_t *pool)
{
    records_report_t *report = apr_pcalloc(pool, sizeof *report);

    report->report = (report_t){.tell = tell, .context = report, .output = options->output};
    report->options = *options;
    report->heading = heading;
    report->format = format;
    apr_pool_create(&report->scratch, pool);
    return &report->report;
}
