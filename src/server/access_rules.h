#ifndef UDPECHO_ACCESS_RULES_H
#define UDPECHO_ACCESS_RULES_H

/* What --allow and --deny say, as rules for an access list. Main thread. */

#include <apr_pools.h>
#include <apr_tables.h>

#include "core/access_list.h"

/* Returns NULL if `value` is a network, or @ with the name of a file behind it, which is not read
 * here; else what would have been right, in words that can follow "expected". */
const char *access_rules_check(const char *value, apr_pool_t *pool);

/* Non-zero if one of the values of an option, NULL or such an array as below, names a file. */
int access_rules_name_file(const apr_array_header_t *values);

/*
 * Appends to `rules`, an array of access_rule_t, what the values of an option say, an array of
 * const char * or NULL, each of which access_rules_check() found right. A file has a network on
 * each line; what follows # is passed over. Returns NULL, or the error as a sentence with the file
 * and line, from `pool`. `option` is its name without dashes; `refusal` is set if the error is one
 * of the system, as lines_read() has it.
 */
const char *access_rules_read(apr_array_header_t *rules, const char *option, int allowed,
                              const apr_array_header_t *values, apr_status_t *refusal,
                              apr_pool_t *pool);

#endif
