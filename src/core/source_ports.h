#ifndef UDPECHO_SOURCE_PORTS_H
#define UDPECHO_SOURCE_PORTS_H

/*
 * Source ports that no client has, but services that answer whatever they are sent: an echo to such
 * a port never comes to rest, and a forger needs one datagram to start it (CERT CA-1996-01,
 * CVE-2024-2169). Some services have ports that a client can have by chance; these are answered,
 * but a few times a second only.
 */

#include <apr_network_io.h>
#include <apr_pools.h>
#include <apr_time.h>

typedef struct source_ports source_ports_t;

/* Refused unless another list is given: echo, discard, daytime, qotd, chargen, time, domain, tftp,
 * sunrpc, ntp, netbios-ns, netbios-dgm, snmp, ldap, kpasswd, isakmp, rip. */
#define SOURCE_PORTS_DEFAULT "0,7,9,13,17,19,37,53,69,111,123,137,138,161,389,464,500,520"

/* How often each of the throttled ports is answered in a second, and at once. */
#define THROTTLED_PER_SECOND 4

/*
 * Reads a list of ports and ranges, "7,9,1000-1010"; "below-1024", which is the rule of OpenBSD's
 * inetd; or "none", which refuses and throttles nothing. Port 0 is always refused: nobody can be
 * answered there. Returns NULL, or what would have been right, in words that can follow "expected".
 * Lives as long as `pool`.
 */
const char *source_ports_create(source_ports_t **ports, const char *list, apr_pool_t *pool);

/* Non-zero if the port is on the list. Any thread. */
int source_ports_refuse(const source_ports_t *ports, apr_port_t port);

/* Non-zero if the port is throttled and has been answered often enough; otherwise this counts as an
 * answer. All workers share the count, without a lock. Any thread; `now` is that of clock_now(). */
int source_ports_throttle(source_ports_t *ports, apr_port_t port, apr_time_t now);

#endif
