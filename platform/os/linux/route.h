#ifndef UDPECHO_LINUX_ROUTE_H
#define UDPECHO_LINUX_ROUTE_H

/* What Linux' routing table says, by rtnetlink(7). Internal to platform/. */

#include <netinet/in.h>

/* Non-zero if datagrams to this address are delivered on this host. Main thread, also after
 * sandbox_enter() if host_addresses() was called before. */
int route_is_local(const struct in6_addr *address);

#endif
