#ifndef UDPECHO_STORE_H
#define UDPECHO_STORE_H

/*
 * Sockets in the file descriptor store of a service manager, sd_notify(3), which hands them to the
 * service's next process with the names that they were given. A name says that a socket is from
 * there and not from a socket unit, which protocol is spoken there unless it is plain echo, and
 * where it is bound: so all sockets of a listener have the same, and can be taken out again by it.
 * Internal to platform/os/posix; main thread only.
 */

#include <apr_hash.h>
#include <apr_tables.h>

/* Non-zero if this is a name of ours. */
int store_has_name(const char *name);

/* Adds a socket that came back under a name of ours to the group of that name in `groups`, an
 * array of socket_group_t; `named` holds the sockets of each by name. One that is not bound where
 * its name says is closed, and the name forgotten: nobody could take it out later. */
void store_take_back(apr_array_header_t *groups, apr_hash_t *named, int descriptor,
                     const char *name, apr_pool_t *pool);

#endif
