#ifndef UDPECHO_AUTHENTICATION_H
#define UDPECHO_AUTHENTICATION_H

/*
 * HMAC-SHA-256 (RFC 2104, RFC 4868), cut to its first 16 bytes (RFC 8762 section 4.4), by
 * libsodium, or not at all where the program was built without it. No function makes a system call.
 */

#include <apr_pools.h>

#define AUTHENTICATION_LENGTH 16 /* bytes of a code */

/* A key, with the two states of SHA-256 that its schedule leads to. Never changes. */
typedef struct authentication_key authentication_key_t;

/* Non-zero if this program was built with libsodium. */
int authentication_is_available(void);

/* A key of `length` bytes, 1 or more, which is not kept; NULL where there is no libsodium. Lives as
 * long as `pool`. */
authentication_key_t *authentication_key_create(const unsigned char *key, apr_size_t length,
                                                apr_pool_t *pool);

/* Bytes to authenticate. */
typedef struct authentication_part {
    const unsigned char *bytes;
    apr_size_t length;
} authentication_part_t;

/* The code of `count` parts in a row. Any thread. */
void authentication_code(const authentication_key_t *key, const authentication_part_t *parts,
                         unsigned count, unsigned char code[AUTHENTICATION_LENGTH]);

/* Non-zero if `code` is that of the parts. Takes the same time wherever they differ. Any thread. */
int authentication_verifies(const authentication_key_t *key, const authentication_part_t *parts,
                            unsigned count, const unsigned char code[AUTHENTICATION_LENGTH]);

#endif
