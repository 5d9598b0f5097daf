#ifndef UDPECHO_PACE_H
#define UDPECHO_PACE_H

/* How many datagrams make a bitrate. Pure functions; any thread. */

#include <apr.h>
#include <apr_time.h>

/* `burst` datagrams in each interval, as schedule_make() takes them. */
typedef struct pace {
    unsigned burst;
    apr_interval_time_t interval; /* microseconds */
} pace_t;

/* The pace at which datagrams of `length` bytes, headers included, make so many bits per second:
 * exact where the schedule can express it, otherwise within a millionth. `bits_per_second` is from
 * 1 to 10^12, `length` from 1 to 2^17. */
pace_t pace_of_bitrate(apr_int64_t bits_per_second, apr_size_t length);

#endif
