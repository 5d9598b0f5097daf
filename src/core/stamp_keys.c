#include "core/stamp_keys.h"

#include <assert.h>

#include "common/address_key.h"

struct stamp_keys {
    unsigned count;
    const stamp_key_t *at; /* the most special ones first */
};

static int goes_before(const stamp_key_t *one, const stamp_key_t *other)
{
    if ((one->ssid >= 0) != (other->ssid >= 0)) {
        return one->ssid >= 0;
    }
    if (one->has_network != other->has_network) {
        return one->has_network;
    }
    return one->has_network && cidr_is_smaller(&one->network, &other->network);
}

stamp_keys_t *stamp_keys_create(const apr_array_header_t *keys, apr_pool_t *pool)
{
    stamp_keys_t *created = apr_palloc(pool, sizeof *created);
    stamp_key_t *at = apr_palloc(pool, (apr_size_t)keys->nelts * sizeof *at);

    assert(keys->elt_size == sizeof(stamp_key_t) && keys->nelts <= STAMP_KEYS_MAX);
    created->count = (unsigned)keys->nelts;
    created->at = at;
    for (int i = 0; i < keys->nelts; i++) { /* each to its place: there are few */
        const stamp_key_t *key = &APR_ARRAY_IDX(keys, i, stamp_key_t);
        int place = i;

        for (; place > 0 && goes_before(key, &at[place - 1]); place--) {
            at[place] = at[place - 1];
        }
        at[place] = *key;
    }
    return created;
}

const authentication_key_t *stamp_keys_find(const stamp_keys_t *keys, const endpoint_t *from,
                                            unsigned ssid)
{
    address_key_t address = address_key_of(from);

    for (unsigned i = 0; i < keys->count; i++) {
        const stamp_key_t *key = &keys->at[i];

        if ((key->ssid < 0 || (unsigned)key->ssid == ssid) &&
            (!key->has_network || cidr_contains(&key->network, address))) {
            return key->key;
        }
    }
    return NULL;
}
