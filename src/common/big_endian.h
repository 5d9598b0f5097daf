#ifndef UDPECHO_BIG_ENDIAN_H
#define UDPECHO_BIG_ENDIAN_H

/* Numbers in packets, in network byte order (RFC 1700, "Data Notations"), wherever they begin. Any
 * thread. */

#include <apr.h>

static inline apr_uint16_t big_endian_16(const unsigned char *bytes)
{
    return (apr_uint16_t)(bytes[0] << 8 | bytes[1]);
}

static inline apr_uint32_t big_endian_32(const unsigned char *bytes)
{
    return (apr_uint32_t)big_endian_16(bytes) << 16 | big_endian_16(bytes + 2);
}

static inline apr_uint64_t big_endian_64(const unsigned char *bytes)
{
    return (apr_uint64_t)big_endian_32(bytes) << 32 | big_endian_32(bytes + 4);
}

static inline void big_endian_put_16(unsigned char *bytes, apr_uint16_t number)
{
    bytes[0] = (unsigned char)(number >> 8);
    bytes[1] = (unsigned char)(number & 0xff);
}

static inline void big_endian_put_32(unsigned char *bytes, apr_uint32_t number)
{
    big_endian_put_16(bytes, (apr_uint16_t)(number >> 16));
    big_endian_put_16(bytes + 2, (apr_uint16_t)(number & 0xffff));
}

static inline void big_endian_put_64(unsigned char *bytes, apr_uint64_t number)
{
    big_endian_put_32(bytes, (apr_uint32_t)(number >> 32));
    big_endian_put_32(bytes + 4, (apr_uint32_t)(number & 0xffffffff));
}

#endif
