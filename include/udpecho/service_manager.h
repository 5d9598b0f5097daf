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
 * Installs the service of host_name_service(): this program file, with --service and `options`,
 * an array of const char *, at every start of the system, under an account with few rights. It
 * is not started. With `open_firewall`, a rule of the system's firewall permits datagrams to it.
 *
 * An existing service of this name is changed if it belongs to this file or to a file that no
 * longer exists; the options take effect when it starts. NULL for `options`: keep its options,
 * or none.
 *
 * Errors: APR_EEXIST if the service belongs to another file; APR_EBADPATH if the path of this
 * file or an option contains a name that Windows would replace by an environment variable,
 * %NAME%; those of OpenSCManagerW(), CreateServiceW(), OpenServiceW(), QueryServiceConfigW() and
 * ChangeServiceConfigW(), APR_STATUS_IS_EACCES() without the rights of an administrator.
 */
apr_status_t service_install(const apr_array_header_t *options, int open_firewall,
                             apr_array_header_t *notes, apr_pool_t *pool);

/*
 * Stops the service, waits until its process has ended, up to half a minute longer than the
 * service says that it takes, and removes it and the rule of the firewall. This takes as long
 * again if another service keeps the service control manager busy (ControlService()). Errors:
 * APR_ENOENT if it is not installed, APR_TIMEUP if it does not end; those of OpenSCManagerW(),
 * OpenServiceW(), QueryServiceStatusEx(), ControlService() and DeleteService().
 */
apr_status_t service_uninstall(apr_array_header_t *notes, apr_pool_t *pool);

#endif
