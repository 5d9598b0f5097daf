#ifndef UDPECHO_IMPAIR_H
#define UDPECHO_IMPAIR_H

/*
 * Impairs replies, between their verdict and the transport, as --impair requests: drops,
 * corrupts, delays, reorders and duplicates them. Replies are already complete, with the numbers
 * and time stamps of their protocols: what happens to them is what a network could do.
 */

#include <apr_pools.h>
#include <apr_tables.h>

#include "core/counters.h"
#include "core/delay_line.h"
#include "core/echo_quota.h"
#include "core/impair_schedule.h"

typedef struct impair_policy impair_policy_t;

/*
 * Makes the policy of `profiles`, an array of impair_profile_t that are copied; their schedules,
 * which it keeps, begin `now`, microseconds of clock_now(). The profile with the
 * smallest network that holds the peer is for a reply, and of those with the same network one for
 * the listener's port. Several workers count replies and share the rate of a profile; `lines`,
 * which the policy keeps, has the delay line of each by its index. Lives as long as `pool`.
 */
impair_policy_t *impair_policy_create(const apr_array_header_t *profiles,
                                      delay_line_t *const *lines, apr_time_t now, apr_pool_t *pool);

/* The limits of replies. */
typedef struct impair_limits {
    echo_quota_t *quota;
    /* Non-zero if a duplicate may be sent, which is then counted towards the limits and has claimed
     * its part of the quota. */
    int (*admits_duplicate)(void *context, const datagram_t *reply, apr_time_t now);
    void *context;
} impair_limits_t;

/* Non-zero if a profile is for listeners at this port. Any thread. */
int impair_policy_is_for(const impair_policy_t *policy, apr_port_t port);

/* The delay line of a worker. Any thread. */
delay_line_t *impair_policy_line(const impair_policy_t *policy, unsigned worker);

/*
 * Impairs the replies of a batch whose datagrams tell their listener, as the worker that has the
 * line; what is done is counted. Those that do not leave with the batch get VERDICT_WITHHELD. A
 * duplicate is only made if `limits` admits it, and a reply that is lost gives its part of the
 * quota back. Several workers may call it at once, each with its own line, limits and counters.
 */
void impair_batch(impair_policy_t *policy, delay_line_t *line, const impair_limits_t *limits,
                  counters_t *counters, const batch_t *batch, apr_time_t now);

#endif
