/*
 * Access lists: the list answers as one does who looks at every rule. An input is a row of rules:
 * a byte whose bits say whether it allows and whether it is of IPv6, a byte for its prefix, and the
 * address.
 */

#include "fuzz.h"

#include <apr_tables.h>

#include "core/access_list.h"

#define RULES_MAX 48

static int is_set(unsigned char byte, unsigned bit)
{
    return byte >> bit & 1;
}

static access_rule_t take_rule(input_t *input)
{
    unsigned flags = take_byte(input);
    access_rule_t rule = {.allowed = is_set((unsigned char)flags, 0), .origin = "a rule"};
    int is_ipv6 = is_set((unsigned char)flags, 1);
    unsigned bits = is_ipv6 ? take_byte(input) % 129 : 96 + take_byte(input) % 33;
    unsigned char first[16] = {[10] = 0xff, [11] = 0xff};
    unsigned char last[16];
    endpoint_t endpoint = {.length = sizeof endpoint.sa.v6};

    take_bytes(input, is_ipv6 ? first : first + 12, is_ipv6 ? 16 : 4);
    memcpy(last, first, sizeof last);
    for (unsigned i = bits; i < 128; i++) {
        first[i / 8] &= (unsigned char)~(0x80 >> i % 8);
        last[i / 8] |= (unsigned char)(0x80 >> i % 8);
    }
    endpoint.sa.v6.sin6_family = APR_INET6;
    memcpy(&endpoint.sa.v6.sin6_addr, first, sizeof first);
    rule.network.first = address_key_of(&endpoint);
    memcpy(&endpoint.sa.v6.sin6_addr, last, sizeof last);
    rule.network.last = address_key_of(&endpoint);
    return rule;
}

/* ---- The list as it is defined ---- */

static int is_ipv4_network(const cidr_t *network)
{
    return address_key_is_ipv4(network->first) && address_key_is_ipv4(network->last);
}

static int holds(const cidr_t *network, address_key_t key)
{
    return !address_key_less(key, network->first) && !address_key_less(network->last, key) &&
           is_ipv4_network(network) == address_key_is_ipv4(key);
}

/* If two networks contain the same address, one contains the other. */
static int is_smaller(const cidr_t *one, const cidr_t *other)
{
    return address_key_less(other->first, one->first) || address_key_less(one->last, other->last);
}

static int expect_allowed(const apr_array_header_t *rules, int otherwise, address_key_t key)
{
    const access_rule_t *best = NULL;

    for (int i = 0; i < rules->nelts; i++) {
        const access_rule_t *rule = &APR_ARRAY_IDX(rules, i, access_rule_t);

        if (holds(&rule->network, key) &&
            (best == NULL || is_smaller(&rule->network, &best->network))) {
            best = rule;
        }
    }
    return best != NULL ? best->allowed : otherwise;
}

static int expect_contradiction(const apr_array_header_t *rules)
{
    for (int i = 0; i < rules->nelts; i++) {
        for (int j = 0; j < i; j++) {
            const access_rule_t *one = &APR_ARRAY_IDX(rules, i, access_rule_t);
            const access_rule_t *other = &APR_ARRAY_IDX(rules, j, access_rule_t);

            if (address_key_equal(one->network.first, other->network.first) &&
                address_key_equal(one->network.last, other->network.last) &&
                one->allowed != other->allowed) {
                return 1;
            }
        }
    }
    return 0;
}

/* ---- Asking ---- */

static endpoint_t endpoint_of_key(address_key_t key)
{
    endpoint_t endpoint = {.length = sizeof endpoint.sa.v6};

    endpoint.sa.v6.sin6_family = APR_INET6;
    for (int i = 7; i >= 0; i--) {
        endpoint.sa.v6.sin6_addr.s6_addr[i] = (unsigned char)key.high;
        endpoint.sa.v6.sin6_addr.s6_addr[i + 8] = (unsigned char)key.low;
        key.high >>= 8;
        key.low >>= 8;
    }
    return endpoint;
}

static void ask(const access_list_t *list, const apr_array_header_t *rules, int otherwise,
                address_key_t key)
{
    endpoint_t source = endpoint_of_key(key);
    int expected = expect_allowed(rules, otherwise, key);

    require(access_list_allows(list, &source) == expected);
    if (address_key_is_ipv4(key)) {
        endpoint_t ipv4 = {.length = sizeof ipv4.sa.v4};

        ipv4.sa.v4.sin_family = APR_INET;
        ipv4.sa.v4.sin_addr.s_addr = htonl((apr_uint32_t)key.low);
        require(access_list_allows(list, &ipv4) == expected);
    }
}

static void ask_around(const access_list_t *list, const apr_array_header_t *rules, int otherwise,
                       address_key_t key)
{
    ask(list, rules, otherwise, key);
    ask(list, rules, otherwise, (address_key_t){key.high + (key.low + 1 == 0), key.low + 1});
    ask(list, rules, otherwise, (address_key_t){key.high - (key.low == 0), key.low - 1});
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    input_t input = {data, size};
    apr_pool_t *pool = pool_create();
    apr_array_header_t *rules = apr_array_make(pool, RULES_MAX, sizeof(access_rule_t));
    access_list_t *list;
    int otherwise = (int)(size % 2);

    while (input.size > 0 && rules->nelts < RULES_MAX) {
        APR_ARRAY_PUSH(rules, access_rule_t) = take_rule(&input);
    }
    const char *error = access_list_create(&list, rules, otherwise, NULL, pool);

    require((error != NULL) == expect_contradiction(rules));
    for (int i = 0; error == NULL && i < rules->nelts; i++) {
        ask_around(list, rules, otherwise, APR_ARRAY_IDX(rules, i, access_rule_t).network.first);
        ask_around(list, rules, otherwise, APR_ARRAY_IDX(rules, i, access_rule_t).network.last);
    }
    apr_pool_destroy(pool);
    return 0;
}
