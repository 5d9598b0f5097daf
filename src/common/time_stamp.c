#include "common/time_stamp.h"

#include <apr_strings.h>

void time_stamp(char stamp[TIME_STAMP_LENGTH + 1], apr_time_t time)
{
    apr_time_exp_t utc;

    apr_time_exp_gmt(&utc, time);
    apr_snprintf(stamp, TIME_STAMP_LENGTH + 1, "%04d-%02d-%02dT%02d:%02d:%02d.%06dZ",
                 utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min,
                 utc.tm_sec, utc.tm_usec);
}
