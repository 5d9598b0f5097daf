#include "client/output/report.h"

apr_status_t reports_status(const apr_array_header_t *reports)
{
    for (int i = 0; i < reports->nelts; i++) {
        const report_t *report = APR_ARRAY_IDX(reports, i, const report_t *);

        if (output_status(report->output) != APR_SUCCESS) {
            return output_status(report->output);
        }
    }
    return APR_SUCCESS;
}
