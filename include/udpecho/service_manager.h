#ifndef UDPECHO_SERVICE_MANAGER_H
#define UDPECHO_SERVICE_MANAGER_H

/*
 * Making this program a service of the machine, where programs do that themselves: on Windows
 * ("Service Programs" in Microsoft's documentation). Elsewhere a package does it, and everything
 * here returns APR_ENOTIMPL.
 *
 * Main thread only. What failed but does not matter to the rest is appended to `notes`, an array of
 * const char *, as a sentence for the operator. Memory comes from `pool`.
 */

#include <apr_errno.h>
#include <apr_pools.h>
#include <apr_tables.h>

/*
 * Installs the service of host_name_service(): this very file, with --service and `options`, an
 * array of const char *, at every start of the system, under an account that may do next to
 * nothing. It is not started. With `open_firewall`, a rule of the system's firewall lets datagrams
 * in to it.
 *
 * A service of this name that is there already is changed, if it is that of this file or of one
 * that is no more; it learns of its options when it starts. NULL for `options`: those that it has,
 * or none.
 *
 * Errors: APR_EEXIST if the service is that of another file; APR_EBADPATH if the path of this file
 * or an option has what Windows would replace by an environment variable, %NAME%; those of
 * OpenSCManagerW(), CreateServiceW(), OpenServiceW(), QueryServiceConfigW() and
 * ChangeServiceConfigW(), APR_STATUS_IS_EACCES() without the rights of an administrator.
 */
apr_status_t service_install(const apr_array_header_t *options, int open_firewall,
                             apr_array_header_t *notes, apr_pool_t *pool);

/*
 * Stops the service, waits up to half a minute longer than the service says that it takes until its
 * process has ended, and removes it, the rule of the firewall too. It takes as long again where
 * another service holds up the service control manager (ControlService()). Errors: APR_ENOENT if it
 * is not installed, APR_TIMEUP if it does not end; those of OpenSCManagerW(), OpenServiceW(),
 * QueryServiceStatusEx(), ControlService() and DeleteService().
 */
apr_status_t service_uninstall(apr_array_header_t *notes, apr_pool_t *pool);

#endif
