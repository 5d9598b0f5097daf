#ifndef UDPECHO_STREAM_ADDRESS_H
#define UDPECHO_STREAM_ADDRESS_H

/* Where connections are taken, as people write it: ADDRESS:PORT, or a path in the file system
 * (unix(7)), /PATH or unix:/PATH. Any thread; memory from `pool`. */

#include <apr_network_io.h>

/* The longest path, without its end: what every system has room for in a sockaddr_un. */
#define STREAM_PATH_MAX 103

/* Check what an option is given, without looking anything up. Return NULL, or what would have been
 * right. The second is for what only this host may reach, and takes no names; the third for paths
 * alone. */
const char *stream_address_check(const char *where, apr_pool_t *pool);
const char *stream_address_check_local(const char *where, apr_pool_t *pool);
const char *stream_address_check_path(const char *path, apr_pool_t *pool);

/* The address. Errors: APR_EINVAL for what stream_address_check() does not let through, those of
 * address_resolve(), and others where this system has no sockets with paths. */
apr_status_t stream_address_find(apr_sockaddr_t **address, const char *where, apr_pool_t *pool);

#endif
