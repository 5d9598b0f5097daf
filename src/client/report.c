#include "report.h"

#include <string.h>

void report_write(report_t *report, apr_file_t *file, const char *lines)
{
    if (*lines != '\0' && report->status == APR_SUCCESS) {
        report->status = apr_file_write_full(file, lines, strlen(lines), NULL);
    }
}

apr_status_t reports_status(const apr_array_header_t *reports)
{
    for (int i = 0; i < reports->nelts; i++) {
        const report_t *report = APR_ARRAY_IDX(reports, i, const report_t *);

        if (report->status != APR_SUCCESS) {
            return report->status;
        }
    }
    return APR_SUCCESS;
}
