#include "client/output/timed_lines.h"

#include <apr_strings.h>
#include <apr_tables.h>
#include <string.h>

#include "common/time_stamp.h"

static const char *time_text(line_times_t times, apr_time_t time, apr_pool_t *pool)
{
    char stamp[TIME_STAMP_LENGTH + 1];

    if (times == LINE_TIMES_EPOCH) {
        return apr_psprintf(pool, "[%" APR_TIME_T_FMT ".%06d] ", apr_time_sec(time),
                            (int)apr_time_usec(time));
    }
    time_stamp(stamp, time);
    return apr_pstrcat(pool, stamp, " ", NULL);
}

const char *timed_lines(const char *lines, line_times_t times, apr_time_t time, apr_pool_t *pool)
{
    apr_array_header_t *parts = apr_array_make(pool, 8, sizeof(const char *));

    if (times == LINE_TIMES_NONE || *lines == '\0') {
        return lines;
    }
    const char *text = time_text(times, time, pool);

    while (*lines != '\0') {
        apr_size_t length = strcspn(lines, "\n");

        length += lines[length] == '\n';
        APR_ARRAY_PUSH(parts, const char *) = text;
        APR_ARRAY_PUSH(parts, const char *) = apr_pstrmemdup(pool, lines, length);
        lines += length;
    }
    return apr_array_pstrcat(pool, parts, '\0');
}
