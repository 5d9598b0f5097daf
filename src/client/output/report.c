#include "client/output/report.h"

#include <assert.h>

#include "udpecho/clock.h"

void reports_tell(const apr_array_header_t *reports, event_t event)
{
    assert(event_is_whole(&event));
    event.wall_clock = apr_time_now();
    event.now = clock_now();
    for (int i = 0; i < reports->nelts; i++) {
        const report_t *report = APR_ARRAY_IDX(reports, i, const report_t *);

        report->tell(report->context, &event);
    }
}

int reports_are_live(const apr_array_header_t *reports)
{
    for (int i = 0; i < reports->nelts; i++) {
        if (APR_ARRAY_IDX(reports, i, const report_t *)->is_live) {
            return 1;
        }
    }
    return 0;
}

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
