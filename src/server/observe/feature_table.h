#ifndef UDPECHO_FEATURE_TABLE_H
#define UDPECHO_FEATURE_TABLE_H

/* What becomes of the service where the system lacks a feature, told to the operator. */

#include "server/log/log.h"
#include "udpecho/platform.h"

/* The feature in words: "batched receive". Static. Any thread. */
const char *feature_name(feature_t feature);

/* What happens without it: "every datagram costs a call". Static. Any thread. */
const char *feature_instead(feature_t feature);

/* Why a feature is missing, in words; NULL if it works. From `pool`. Any thread. */
const char *feature_missing(const platform_t *platform, feature_t feature, apr_pool_t *pool);

/* How datagrams are moved, for the log: "recvmmsg/sendmmsg", "single" in place of what is missing.
 * From `pool`. Any thread. */
const char *features_batching(const platform_t *platform, apr_pool_t *pool);

/* Logs what this system lacks: one line for each feature that its kernel refused, and one debug
 * line with those that it never has. `pool` is for temporary memory. Main thread. */
void features_log(const platform_t *platform, log_t *log, apr_pool_t *pool);

#endif
