#ifndef UDPECHO_WINDOWS_FIREWALL_H
#define UDPECHO_WINDOWS_FIREWALL_H

/* The rule of Windows' firewall that has the name of the service, made by netsh ("Netsh AdvFirewall
 * Firewall Commands" in Microsoft's documentation). Memory from `pool`; any thread. */

#include <apr_pools.h>

/* Each returns NULL, or why it could not be done, in words that can follow a colon.
 *
 * open   lets datagrams in to this program, from anywhere and on every port
 * close  removes the rule if there is one */
const char *firewall_open(apr_pool_t *pool);
const char *firewall_close(apr_pool_t *pool);

/* What firewall_open() has `netsh`, a path, do for `program`, another: a command line. */
const char *firewall_open_command(const char *netsh, const char *program, apr_pool_t *pool);

#endif
