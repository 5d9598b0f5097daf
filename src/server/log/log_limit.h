#ifndef UDPECHO_LOG_LIMIT_H
#define UDPECHO_LOG_LIMIT_H

/*
 * How much a log may say: ten lines in any second, whatever happens. Between log.c, whose writer is
 * the only thread that calls this, and log_limit.c. Time is an argument, microseconds of a clock
 * that never goes back.
 *
 * A line that is written holds one of nine slots for a second. One that says the same in this time
 * is only counted, and when the second is over the slot's line is written again with the count,
 * which holds the slot for another second. Where no slot is free, a line is left out. How many were
 * is the tenth line, once a second.
 */

#include <apr_time.h>

#include "server/log/log_line.h"

#define LOG_LIMIT        10
#define LOG_LIMIT_PERIOD APR_USEC_PER_SEC

typedef struct log_slot {
    apr_time_t free_at;
    unsigned repeated; /* how often the line came again and was not written */
    log_line_t line;
} log_slot_t;

/* All zeros is a limit that nothing was written under. */
typedef struct log_limit {
    log_slot_t slots[LOG_LIMIT - 1];
    log_line_t told; /* the line that is written again */
    unsigned left_out;
    apr_time_t next_notice; /* of how many were left out */
} log_limit_t;

/* Non-zero if a finished line is to be written now. Otherwise it was counted. */
int log_limit_admit(log_limit_t *limit, const log_line_t *line, apr_time_t now);

/* Counts lines that were left out elsewhere. */
void log_limit_leave_out(log_limit_t *limit, unsigned count);

/* A line to write again, finished, with how often it was `repeated`, stamped with `time`; NULL if
 * there is none. To be asked until there is none, and before log_limit_admit(). Valid until then.
 */
const log_line_t *log_limit_repeat(log_limit_t *limit, apr_time_t now, apr_time_t time);

/* How many lines were left out since it was last told, if it is time to tell, otherwise 0. */
unsigned log_limit_notice(log_limit_t *limit, apr_time_t now);

/* How long it is until one of the two above has something to tell, microseconds; -1: without limit.
 */
apr_interval_time_t log_limit_wait(const log_limit_t *limit, apr_time_t now);

/* The log ends: all there is to tell is told now, which may be ten lines more. */
void log_limit_end(log_limit_t *limit);

#endif
