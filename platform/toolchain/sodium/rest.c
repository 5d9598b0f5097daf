/*
 * The functions of libsodium's utils.c and randombytes.c that its HMAC-SHA-256 refers to: those
 * files would add guarded memory and the system's random numbers. Only the first is ever called;
 * the others belong to functions that are not.
 */

#include <stdlib.h>

#include "sodium/randombytes.h"
#include "sodium/utils.h"

/* Through a volatile pointer, so that no compiler leaves it out. */
void sodium_memzero(void *const memory, const size_t length)
{
    volatile unsigned char *bytes = memory;

    for (size_t i = 0; i < length; i++) {
        bytes[i] = 0;
    }
}

int sodium_memcmp(const void *const one, const void *const other, size_t length)
{
    (void)one;
    (void)other;
    (void)length;
    abort();
}

void randombytes_buf(void *const buffer, const size_t size)
{
    (void)buffer;
    (void)size;
    abort();
}
