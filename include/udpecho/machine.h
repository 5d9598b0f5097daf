#ifndef UDPECHO_MACHINE_H
#define UDPECHO_MACHINE_H

/*
 * What a process may know of the machine that it runs on, and of its own place there: addresses,
 * network interfaces, processors, descriptors, the system's name.
 */

#include <apr_pools.h>
#include <apr_tables.h>

#include "udpecho/datagram.h"

/*
 * Sets `addresses` to an array of host_address_t: every IPv4 and IPv6 address of this host as it
 * is now, the loopback's included, also on interfaces that are down, in no order. It shows the
 * network namespace of the process, which a socket that was handed over need not be from.
 *
 * The broadcast address is the last one of the network (RFC 919 section 7), whatever else may be
 * configured, and a network of fewer than four addresses has none (RFC 3021): there are hosts where
 * the one configured for a /32 is the host's own address.
 *
 * Main thread, also after sandbox_enter() if it was called before; memory from `pool`. Errors:
 * those of getifaddrs(3), of a netlink(7) socket or of GetAdaptersAddresses().
 */
apr_status_t host_addresses(apr_array_header_t **addresses, apr_pool_t *pool);

/* Writes the name of the network interface of this index to `name`, cut to `size` bytes, the
 * terminating zero included. Returns 0 if it is not known, as are on POSIX those that came up after
 * sandbox_enter(). Any thread. Sources: if_indextoname(3), if_nameindex(3). */
int host_interface_name(char *name, apr_size_t size, unsigned network_interface);

/* The number of CPUs that this process may use, at least 1: on Linux limited by the cgroup CPU
 * quota, rounded up (sched_getaffinity(2), cgroups(7)). Any thread. */
unsigned host_processors(void);

/* Binds the calling thread to one of the CPUs that the process may use: number `number` of them,
 * counted from 0 and again from the first after the last. Errors: APR_ENOTIMPL if the system has
 * no such function, otherwise those of pthread_setaffinity_np(3) or SetThreadAffinityMask(). */
apr_status_t host_pin(unsigned number);

/*
 * Lets this process have at least `needed` descriptors in all, sockets and files: raises the soft
 * limit, at most to the hard one, and never lowers it. Windows has no such limit. `allowed` becomes
 * how many there may be now. Any thread; the limit is the process's. Source: getrlimit(2),
 * RLIMIT_NOFILE. Errors: APR_EMFILE if `needed` is above the hard limit, otherwise those of
 * getrlimit(2), with `allowed` 0, and setrlimit(2).
 */
apr_status_t host_raise_descriptors(unsigned needed, unsigned *allowed);

/* The name and version of this operating system and its machine, as uname(2) has them: "Linux 6.1.0
 * x86_64"; less than that where it does not tell. From `pool` or static; any thread. */
const char *host_system(apr_pool_t *pool);

/* The system's number for the calling thread, as its debuggers and tools show it: gettid(2) on
 * Linux, GetCurrentThreadId() on Windows. Any thread. */
apr_uint64_t host_thread_id(void);

#endif
