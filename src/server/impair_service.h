#ifndef UDPECHO_IMPAIR_SERVICE_H
#define UDPECHO_IMPAIR_SERVICE_H

/* What the settings say of --impair, for the core, and the memory for delayed replies. Main thread.
 */

#include <apr_pools.h>

#include "core/impair.h"
#include "server/log/log.h"
#include "server/settings.h"

/* The most --impair. */
#define IMPAIRS_MAX 64

/* The memory for delayed replies. It outlives reloads that leave its size as it is. */
typedef struct impair_lines {
    delay_line_t **of_worker;
    apr_int64_t bytes; /* of each */
    apr_pool_t *pool;
} impair_lines_t;

/* Sets `lines` to memory of the configured size for each of `workers`: to `current`, which may
 * be NULL, if that has the size or the settings impair no reply; otherwise to new memory below
 * `pool`. If there is no memory, `lines` must still be freed. */
void impair_lines_take(impair_lines_t **lines, impair_lines_t *current, const settings_t *settings,
                       unsigned workers, apr_pool_t *pool);

/* Frees `lines`, which may be NULL, unless they are `kept`. Once no worker uses them. */
void impair_lines_free(impair_lines_t *lines, const impair_lines_t *kept);

/* Reads what the values of --impair say, an array of const char * that may be NULL, the files of
 * their schedules included. Sets `profiles` to an array of impair_profile_t; NULL: there are none.
 * Returns NULL, or the error as a sentence that begins with the file; `refusal` is set if it is one
 * of the system, as for lines_read(). Memory from `pool`. */
const char *impair_read(apr_array_header_t **profiles, const apr_array_header_t *values,
                        apr_status_t *refusal, apr_pool_t *pool);

/* Appends to `files`, an array of const char *, the names of the schedules in those values. Memory
 * from `pool`. */
void impair_add_schedules(apr_array_header_t *files, const apr_array_header_t *values,
                          apr_pool_t *pool);

/* Returns NULL if the --impair go together with each other and with --allow, or else what is wrong,
 * as a sentence from `pool`. */
const char *impair_check(const settings_t *settings, apr_pool_t *pool);

/* How replies are impaired; NULL: they are not. A line in the log warns of each --impair. `lines`,
 * which are taken for these settings, have to outlive it; otherwise it lives as long as `pool`. */
impair_policy_t *impair_policy_of(const settings_t *settings, const impair_lines_t *lines,
                                  log_t *log, apr_pool_t *pool);

/* Has the datagrams of those listeners, an array of listener_t *, tell their listener whose replies
 * the policy, which may be NULL, impairs, and no others. */
void impair_listeners(const impair_policy_t *policy, const apr_array_header_t *listeners);

#endif
