#ifndef UDPECHO_WINDOWS_CONFIG_FILE_H
#define UDPECHO_WINDOWS_CONFIG_FILE_H

/* Where the configuration file of the service is, see host_config_file(). */

#include <apr_pools.h>

/*
 * Makes the directory for it, which only administrators may write to. One that exists is left as
 * it is, and never removed, also without a service: in the meantime any user could make another.
 * Returns NULL, or why there is none or one that others may write to, in words that can follow a
 * colon. From `pool`; any thread.
 */
const char *config_directory_create(apr_pool_t *pool);

#endif
