#ifndef UDPECHO_HEX_TEXT_H
#define UDPECHO_HEX_TEXT_H

#include <apr_pools.h>

/* The bytes that `text` writes as pairs of hexadecimal digits, between which there may be one
 * colon, dash or space: 00ff1e, 00:ff:1e; `length` is how many they are. NULL if it is no such
 * text. Any thread; memory from `pool`. */
unsigned char *hex_read(const char *text, apr_size_t *length, apr_pool_t *pool);

#endif
