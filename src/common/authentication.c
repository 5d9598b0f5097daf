#include "common/authentication.h"

#include <assert.h>
#include <string.h>

#if HAVE_SODIUM

#include <sodium/crypto_auth_hmacsha256.h>
#include <sodium/crypto_verify_16.h>

/* sodium_init() is not called: it chooses among implementations of what is not used here, and reads
 * random bytes, which is a system call. */

struct authentication_key {
    crypto_auth_hmacsha256_state start;
};

int authentication_is_available(void)
{
    return 1;
}

authentication_key_t *authentication_key_create(const unsigned char *key, apr_size_t length,
                                                apr_pool_t *pool)
{
    authentication_key_t *created = apr_palloc(pool, sizeof *created);

    assert(length > 0);
    crypto_auth_hmacsha256_init(&created->start, key, length);
    return created;
}

void authentication_code(const authentication_key_t *key, const authentication_part_t *parts,
                         unsigned count, unsigned char code[AUTHENTICATION_LENGTH])
{
    crypto_auth_hmacsha256_state state = key->start;
    unsigned char whole[crypto_auth_hmacsha256_BYTES];

    for (unsigned i = 0; i < count; i++) {
        crypto_auth_hmacsha256_update(&state, parts[i].bytes, parts[i].length);
    }
    crypto_auth_hmacsha256_final(&state, whole);
    memcpy(code, whole, AUTHENTICATION_LENGTH);
}

int authentication_verifies(const authentication_key_t *key, const authentication_part_t *parts,
                            unsigned count, const unsigned char code[AUTHENTICATION_LENGTH])
{
    unsigned char due[AUTHENTICATION_LENGTH];

    authentication_code(key, parts, count, due);
    return crypto_verify_16(due, code) == 0;
}

#else

int authentication_is_available(void)
{
    return 0;
}

authentication_key_t *authentication_key_create(const unsigned char *key, apr_size_t length,
                                                apr_pool_t *pool)
{
    (void)key;
    (void)length;
    (void)pool;
    return NULL;
}

/* There is no key to call these with. */

void authentication_code(const authentication_key_t *key, const authentication_part_t *parts,
                         unsigned count, unsigned char code[AUTHENTICATION_LENGTH])
{
    (void)key;
    (void)parts;
    (void)count;
    assert(key != NULL);
    memset(code, 0, AUTHENTICATION_LENGTH);
}

int authentication_verifies(const authentication_key_t *key, const authentication_part_t *parts,
                            unsigned count, const unsigned char code[AUTHENTICATION_LENGTH])
{
    (void)key;
    (void)parts;
    (void)count;
    (void)code;
    assert(key != NULL);
    return 0;
}

#endif
