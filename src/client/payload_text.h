#ifndef UDPECHO_PAYLOAD_TEXT_H
#define UDPECHO_PAYLOAD_TEXT_H

/* A payload that the user wrote. Each function returns NULL, or what is wrong as a sentence that
 * names the option. Memory comes from `pool`. */

#include <apr_pools.h>

/* From hexadecimal digits, in pairs that spaces, colons or dashes may part: --payload-hex. */
const char *payload_from_hex(const unsigned char **payload, apr_size_t *length, const char *text,
                             apr_pool_t *pool);

/* From a file: --payload-file. More than a datagram holds is an error. */
const char *payload_from_file(const unsigned char **payload, apr_size_t *length, const char *path,
                              apr_pool_t *pool);

#endif
