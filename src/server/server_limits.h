#ifndef UDPECHO_SERVER_LIMITS_H
#define UDPECHO_SERVER_LIMITS_H

/* The limits that settings ask for, made ready for the cores. Main thread. */

#include <apr_pools.h>
#include <apr_siphash.h>

#include "server/settings.h"
#include "udpecho/echo.h"

/* Adds to `rules` what limits are set; all of it lives as long as `pool`. `key` is random and
 * secret, and outlives the rules. */
void server_limits_set(echo_policy_t *rules, const settings_t *settings,
                       const unsigned char key[APR_SIPHASH_KSIZE], apr_pool_t *pool);

#endif
