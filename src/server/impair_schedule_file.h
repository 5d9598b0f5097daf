#ifndef UDPECHO_IMPAIR_SCHEDULE_FILE_H
#define UDPECHO_IMPAIR_SCHEDULE_FILE_H

/* The file that --impair=schedule=FILE names. Main thread. */

#include <apr_pools.h>

#include "core/impair_schedule.h"

/*
 * Reads a schedule, of at least one line and at most IMPAIR_STEPS_MAX. Each line begins later than
 * the one before it:
 *
 *     after=TIME,KEY=VALUE,...           what is done to replies from then on, or none
 *     after-replies=N,KEY=VALUE,...      the same; a file has one of both
 *     after=TIME,repeat                  only the last line: the first begins again
 *
 * Nothing follows # on a line. Steps have the seed of `whose`. Returns NULL, or the error as a
 * sentence that begins with the file and, if it is about one, the line; `refusal` is set if the
 * error is one of the system, as for lines_read(). Memory from `pool`.
 */
const char *impair_schedule_file_read(impair_schedule_t *schedule, const impair_profile_t *whose,
                                      const char *path, apr_status_t *refusal, apr_pool_t *pool);

#endif
