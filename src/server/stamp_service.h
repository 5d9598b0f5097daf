#ifndef UDPECHO_STAMP_SERVICE_H
#define UDPECHO_STAMP_SERVICE_H

/* What the settings say of STAMP, for the core, and what a process knows for all its STAMP
 * listeners as long as it lives. */

#include <apr_pools.h>
#include <apr_siphash.h>
#include <apr_time.h>

#include "core/stamp.h"
#include "server/settings.h"
#include "udpecho/platform.h"

/* What outlives reloads, as the present settings may or may not use it. */
typedef struct stamp_basis {
    sessions_t *_Atomic sessions; /* NULL until they are first needed */
    stamp_quality_t quality;
    _Atomic apr_time_t next_look; /* at the clock, when it is time to */
    int lacks_dscp;               /* the system sends all replies with its own */
    const unsigned char *key;
    apr_pool_t *pool;
} stamp_basis_t;

/* Makes one without sessions. `key`, which is not copied, is for theirs. Main thread. */
stamp_basis_t *stamp_basis_create(const unsigned char key[APR_SIPHASH_KSIZE],
                                  const platform_t *platform, apr_pool_t *pool);

/* Allocates the memory of its sessions, unless it has it: a server without STAMP needs none.
 * Before a policy is made that counts them. Main thread. */
void stamp_basis_take_sessions(stamp_basis_t *basis);

/* Returns NULL if this program can do what the settings say of STAMP, or else what it cannot, as a
 * sentence. Static. */
const char *stamp_check(const settings_t *settings);

/* How STAMP is to be answered. The basis, which may be NULL where nothing is answered, has to
 * outlive it; otherwise it lives as long as `pool`. Main thread. */
const stamp_policy_t *stamp_policy_create(const settings_t *settings, const stamp_basis_t *basis,
                                          apr_pool_t *pool);

/* Asks the system how good its clock is, if that was long ago; `now` is that of clock_now(). Any
 * thread. */
void stamp_look_at_clock(stamp_basis_t *basis, apr_time_t now);

#endif
