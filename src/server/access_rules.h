#ifndef UDPECHO_ACCESS_RULES_H
#define UDPECHO_ACCESS_RULES_H

/* What --allow and --deny say, as rules for an access list. Main thread. */

#include <apr_pools.h>
#include <apr_tables.h>

#include "core/access_list.h"

/* Returns NULL if `value` is a network, or @ with the name of a file behind it, which is not read
 * here; otherwise what would have been right, in words that can follow "expected". */
const char *access_rules_check(const char *value, apr_pool_t *pool);

/* Non-zero if one of the values of an option, NULL or such an array as below, names a file. */
int access_rules_name_file(const apr_array_header_t *values);

/*
 * Appends to `rules`, an array of access_rule_t, the networks in the values of an option, an
 * array of const char * or NULL, each of which access_rules_check() accepted. A file has one
 * network on each line; text after # is ignored. Returns NULL, or the error as a sentence with
 * the file and line, from `pool`. `option` is its name without dashes; `refusal` is set if the
 * error is one of the system, as for lines_read().
 */
const char *access_rules_read(apr_array_header_t *rules, const char *option, int allowed,
                              const apr_array_header_t *values, apr_status_t *refusal,
                              apr_pool_t *pool);

#endif
