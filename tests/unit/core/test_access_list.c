#include "unit.h"

#include <apr_strings.h>

#include "common/endpoint_text.h"
#include "core/access_list.h"
#include "endpoints.h"

/* ---- Lists ---- */

static void add(apr_array_header_t *rules, const char *text, int allowed)
{
    access_rule_t rule = {.allowed = allowed, .origin = text};
    const char *expected = cidr_parse(&rule.network, text, rules->pool);

    if (expected != NULL) {
        fail_msg("%s: expected %s", text, expected);
    }
    APR_ARRAY_PUSH(rules, access_rule_t) = rule;
}

/* Words with + before what is allowed and - before what is denied. */
static apr_array_header_t *rules_of(const char *words, apr_pool_t *pool)
{
    apr_array_header_t *rules = apr_array_make(pool, 8, sizeof(access_rule_t));
    char *state;

    for (char *word = apr_strtok(apr_pstrdup(pool, words), " ", &state); word != NULL;
         word = apr_strtok(NULL, " ", &state)) {
        add(rules, word + 1, *word == '+');
    }
    return rules;
}

static int any_allowed(const apr_array_header_t *rules)
{
    int any = 0;

    for (int i = 0; i < rules->nelts; i++) {
        any |= APR_ARRAY_IDX(rules, i, access_rule_t).allowed;
    }
    return any;
}

static access_list_t *create(const apr_array_header_t *rules, apr_pool_t *pool)
{
    access_list_t *list;
    const char *error = access_list_create(&list, rules, !any_allowed(rules), NULL, pool);

    if (error != NULL) {
        fail_msg("%s", error);
    }
    return list;
}

static endpoint_t endpoint_at(address_key_t key)
{
    endpoint_t endpoint = ipv6(0, 0, 0, 9999);

    if (address_key_is_ipv4(key)) {
        return ipv4((apr_uint32_t)key.low, 9999);
    }
    for (unsigned i = 0; i < 8; i++) {
        endpoint.sa.v6.sin6_addr.s6_addr[i] = (unsigned char)(key.high >> (56 - 8 * i));
        endpoint.sa.v6.sin6_addr.s6_addr[i + 8] = (unsigned char)(key.low >> (56 - 8 * i));
    }
    return endpoint;
}

/* What the list says of the hosts, words with + and - for what is right. */
static void check(const char *rules, const char *hosts, apr_pool_t *pool)
{
    access_list_t *list = create(rules_of(rules, pool), pool);
    apr_array_header_t *expected = rules_of(hosts, pool);

    for (int i = 0; i < expected->nelts; i++) {
        const access_rule_t *host = &APR_ARRAY_IDX(expected, i, access_rule_t);
        endpoint_t source = endpoint_at(host->network.first);

        if (access_list_allows(list, &source) != host->allowed) {
            fail_msg("\"%s\" says something else of %s", rules, host->origin);
        }
    }
}

static void who_is_not_denied_is_allowed(void **state)
{
    check("-10.0.0.0/8", "-10.0.0.0 -10.255.255.255 +9.255.255.255 +11.0.0.0 +::1", *state);
}

static void an_allow_list_denies_everyone_else(void **state)
{
    check("+10.0.0.0/8", "+10.1.2.3 -11.0.0.0 -::1", *state);
    check("+10.0.0.0/8 -10.1.0.0/16", "+10.2.0.0 -10.1.0.0 -192.0.2.1", *state);
    check("-10.0.0.0/8 +10.1.0.0/16", "-10.2.0.0 +10.1.0.0 -192.0.2.1", *state);
}

static void a_list_without_networks_gives_one_answer_to_all(void **state)
{
    const apr_array_header_t *none = rules_of("", *state);
    const endpoint_t source = ipv4(0x0a000001, 7);
    access_list_t *list;

    for (int otherwise = 0; otherwise < 2; otherwise++) {
        assert_null(access_list_create(&list, none, otherwise, NULL, *state));
        assert_int_equal(access_list_allows(list, &source), otherwise);
    }
}

static void the_most_specific_network_decides(void **state)
{
    const char *hosts = "+10.0.0.1 -10.1.0.0 -10.1.1.255 +10.1.2.0 +10.1.2.2 -10.1.2.3 +10.1.2.4 "
                        "-10.1.3.0 +10.2.0.0 -11.0.0.0";

    check("+10.0.0.0/8 -10.1.0.0/16 +10.1.2.0/24 -10.1.2.3", hosts, *state);
    check("-10.1.2.3 +10.1.2.0/24 -10.1.0.0/16 +10.0.0.0/8", hosts, *state);
}

static void networks_that_begin_or_end_together_are_told_apart(void **state)
{
    check("-0.0.0.0/0 +0.0.0.0/8 -0.0.0.0", "-0.0.0.0 +0.0.0.1 -1.0.0.0", *state);
    check("-0.0.0.0/0 +255.0.0.0/8 -255.255.255.255",
          "-254.255.255.255 +255.0.0.0 +255.255.255.254 -255.255.255.255 -::1", *state);
    check("-ffff::/16 +ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
          "+ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff -ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe -::",
          *state);
    check("-2001:db8:0:0:8000::/65 +2001:db8:0:1::/64", "-2001:db8:0:0:8000:: +2001:db8:0:1::",
          *state); /* where the lower half of the number overflows */
}

static void ipv4_and_ipv6_have_nothing_to_do_with_each_other(void **state)
{
    check("+::/0", "+::1 +2001:db8::1 -127.0.0.1", *state);
    check("-::/0", "-::1 +127.0.0.1", *state);
    check("-::/64 +::1", "+::1 -::2 -::fffe:0:1 -127.0.0.1", *state);
    check("+0.0.0.0/0", "+127.0.0.1 -::1", *state);
    check("+::/0 -0.0.0.0/0", "+::1 -127.0.0.1", *state);
    check("+::/0 +0.0.0.0/0 -10.0.0.0/8", "+::1 +127.0.0.1 -10.0.0.1", *state);
}

static void a_mapped_source_is_the_ipv4_source_in_it(void **state)
{
    access_list_t *list = create(rules_of("-10.0.0.0/8", *state), *state);
    endpoint_t denied = mapped(0x0a000001, 7);
    endpoint_t allowed = mapped(0x0b000001, 7);

    assert_false(access_list_allows(list, &denied));
    assert_true(access_list_allows(list, &allowed));
}

static void the_scope_of_a_source_does_not_matter(void **state)
{
    access_list_t *list = create(rules_of("-fe80::/10", *state), *state);
    endpoint_t source = ipv6(0xfe, 0x80, 1, 7);

    source.sa.v6.sin6_scope_id = 2;
    assert_false(access_list_allows(list, &source));
}

static void the_same_network_twice_is_once(void **state)
{
    check("+10.0.0.0/8 +10.0.0.0/8 +10.0.0.0/8", "+10.0.0.1 -11.0.0.1", *state);
}

static void the_same_network_allowed_and_denied_is_an_error(void **state)
{
    apr_array_header_t *rules = rules_of("+10.0.0.0/8 +192.0.2.0/24 -10.0.0.0/8", *state);
    access_list_t *list;
    const char *error = access_list_create(&list, rules, 0, NULL, *state);

    assert_string_equal(error, "10.0.0.0/8 and 10.0.0.0/8 contradict each other");
}

/* ---- Against a plain reading of the same rules ---- */

static apr_uint64_t random_state;

static apr_uint64_t random_bits(void) /* xorshift64, Marsaglia 2003 */
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    return random_state ^= random_state << 17;
}

static unsigned random_below(unsigned bound)
{
    return (unsigned)(random_bits() % bound);
}

/* Few distinct bits, so that networks lie in each other. */
static address_key_t random_key(void)
{
    /* NOLINTNEXTLINE(misc-redundant-expression): they differ from call to call */
    apr_uint64_t few = random_bits() & random_bits() & random_bits();

    if (random_below(2) == 0) {
        return (address_key_t){0, ADDRESS_KEY_IPV4 | (few & 0xffffffff)};
    }
    return (address_key_t){few & 0xf00000000000000f, random_bits() & 0x800000000000000f};
}

static access_rule_t random_rule(void)
{
    address_key_t key = random_key();
    unsigned bits = address_key_is_ipv4(key) ? 96 + random_below(33) : random_below(129);
    apr_uint64_t high = bits == 0 ? 0 : bits < 64 ? ~(UINT64_MAX >> bits) : UINT64_MAX;
    apr_uint64_t low = bits <= 64 ? 0 : bits < 128 ? ~(UINT64_MAX >> (bits - 64)) : UINT64_MAX;

    return (access_rule_t){{{key.high & high, key.low & low}, {key.high | ~high, key.low | ~low}},
                           (int)random_below(2),
                           "random"};
}

static int holds(const cidr_t *network, address_key_t key)
{
    return !address_key_less(key, network->first) && !address_key_less(network->last, key) &&
           /* A network of IPv6 that is wider than IPv4 holds none of it. */
           address_key_is_ipv4(network->first) == address_key_is_ipv4(key);
}

static int lies_in(const cidr_t *inner, const cidr_t *outer)
{
    return !address_key_less(inner->first, outer->first) &&
           !address_key_less(outer->last, inner->last);
}

static int allowed_by(const apr_array_header_t *rules, address_key_t key)
{
    const access_rule_t *best = NULL;

    for (int i = 0; i < rules->nelts; i++) {
        const access_rule_t *rule = &APR_ARRAY_IDX(rules, i, access_rule_t);

        if (holds(&rule->network, key) &&
            (best == NULL || lies_in(&rule->network, &best->network))) {
            best = rule;
        }
    }
    return best != NULL ? best->allowed : !any_allowed(rules);
}

static void check_at(const access_list_t *list, const apr_array_header_t *rules, address_key_t key)
{
    endpoint_t source = endpoint_at(key);

    if (access_list_allows(list, &source) != allowed_by(rules, key)) {
        char text[ENDPOINT_TEXT_MAX];

        endpoint_format(text, &source);
        fail_msg("%d rules do not agree about %s", rules->nelts, text);
    }
}

/* At random, and where an answer may change. */
static void compare(const access_list_t *list, const apr_array_header_t *rules)
{
    for (int i = 0; i < rules->nelts; i++) {
        cidr_t network = APR_ARRAY_IDX(rules, i, access_rule_t).network;

        check_at(list, rules, random_key());
        check_at(list, rules, network.first);
        check_at(list, rules, network.last);
        network.first.high -= network.first.low-- == 0;
        network.last.high += ++network.last.low == 0;
        check_at(list, rules, network.first);
        check_at(list, rules, network.last);
    }
}

static void random_lists_say_what_their_rules_say(void **state)
{
    unsigned compared = 0;

    random_state = 862;
    for (int round = 0; round < 2000; round++) {
        apr_array_header_t *rules = apr_array_make(*state, 8, sizeof(access_rule_t));
        access_list_t *list;

        for (unsigned count = 1 + random_below(round % 100 == 0 ? 300 : 12); count > 0; count--) {
            APR_ARRAY_PUSH(rules, access_rule_t) = random_rule();
        }
        if (access_list_create(&list, rules, !any_allowed(rules), NULL, *state) == NULL) {
            compare(list, rules);
            compared++;
        }
    }
    assert_true(compared > 1000); /* the others contradict themselves */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(who_is_not_denied_is_allowed),
        scene(an_allow_list_denies_everyone_else),
        scene(a_list_without_networks_gives_one_answer_to_all),
        scene(the_most_specific_network_decides),
        scene(networks_that_begin_or_end_together_are_told_apart),
        scene(ipv4_and_ipv6_have_nothing_to_do_with_each_other),
        scene(a_mapped_source_is_the_ipv4_source_in_it),
        scene(the_scope_of_a_source_does_not_matter),
        scene(the_same_network_twice_is_once),
        scene(the_same_network_allowed_and_denied_is_an_error),
        scene(random_lists_say_what_their_rules_say),
    };

    return cmocka_run_group_tests_name("access list", tests, NULL, NULL);
}
