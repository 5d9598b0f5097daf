#ifndef UDPECHO_WINDOWS_CONFIG_FILE_H
#define UDPECHO_WINDOWS_CONFIG_FILE_H

/* Where the configuration file of the service is, see host_config_file(). */

#include <apr_errno.h>
#include <apr_pools.h>

/*
 * Makes the directory for it, which only administrators may write to. One that exists is left as
 * it is. Errors: those of CreateDirectoryW() and of
 * ConvertStringSecurityDescriptorToSecurityDescriptorW(). Any thread.
 */
apr_status_t config_directory_create(apr_pool_t *pool);

/* Removes it if nothing is in it. Any thread. */
void config_directory_remove(apr_pool_t *pool);

#endif
