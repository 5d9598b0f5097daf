#ifndef UDPECHO_TIME_STAMP_H
#define UDPECHO_TIME_STAMP_H

/* A time as logs and reports have it. */

#include <apr_time.h>

/* 2026-01-31T12:00:00.000000Z */
#define TIME_STAMP_LENGTH 27

/* Writes the wall-clock time in UTC (RFC 3339), always of the same length. Any thread. */
void time_stamp(char stamp[TIME_STAMP_LENGTH + 1], apr_time_t time);

#endif
