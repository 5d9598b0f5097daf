#include "core/access_list.h"

#include <apr_strings.h>
#include <assert.h>

#include "common/sort.h"

/* All addresses in ranges that do not overlap, one behind the other. Neighbours with the same
 * answer are one range, so that the answers alternate. */
struct access_list {
    address_key_t *starts; /* ascending; the first is 0 */
    unsigned count;
    int first_allowed;

    /* Those that start behind the first IPv4 address and before the last: most of what is asked
     * for, in a quarter of the memory. */
    unsigned before_ipv4; /* how many lie before these */
    unsigned ipv4_count;
    apr_uint32_t *ipv4_starts;
};

static const cidr_t everything = {{0, 0}, {~APR_UINT64_C(0), ~APR_UINT64_C(0)}};
static const cidr_t all_of_ipv4 = {{0, ADDRESS_KEY_IPV4}, {0, ADDRESS_KEY_IPV4 | 0xffffffff}};

/* ---- The rules in order ---- */

static int same_network(const access_rule_t *one, const access_rule_t *other)
{
    return address_key_equal(one->network.first, other->network.first) &&
           address_key_equal(one->network.last, other->network.last);
}

/* A network before those that lie in it; of the same, what holds without a rule comes first, and
 * then what is allowed. */
static int compare_rules(const void *one, const void *other)
{
    const access_rule_t *left = one;
    const access_rule_t *right = other;

    if (!address_key_equal(left->network.first, right->network.first)) {
        return address_key_less(left->network.first, right->network.first) ? -1 : 1;
    }
    if (!address_key_equal(left->network.last, right->network.last)) {
        return address_key_less(right->network.last, left->network.last) ? -1 : 1;
    }
    if ((left->origin == NULL) != (right->origin == NULL)) {
        return left->origin == NULL ? -1 : 1;
    }
    return right->allowed - left->allowed;
}

/* The numbers of IPv4 addresses lie among those of IPv6, so what holds without a rule is said of
 * IPv4 by itself: no network of IPv6 that is wider reaches in there. */
static apr_array_header_t *sort_rules(const apr_array_header_t *rules, int otherwise,
                                      void (*work_on)(void))
{
    apr_array_header_t *sorted = apr_array_copy(rules->pool, rules);

    APR_ARRAY_PUSH(sorted, access_rule_t) = (access_rule_t){everything, otherwise, NULL};
    APR_ARRAY_PUSH(sorted, access_rule_t) = (access_rule_t){all_of_ipv4, otherwise, NULL};
    sort_items(sorted->elts, (apr_size_t)sorted->nelts, sizeof(access_rule_t), compare_rules,
               work_on);
    return sorted;
}

static const char *find_contradiction(const access_rule_t *sorted, int count, apr_pool_t *pool)
{
    for (int i = 1; i < count; i++) {
        const access_rule_t *one = &sorted[i - 1];
        const access_rule_t *other = &sorted[i];

        if (one->origin != NULL && one->allowed != other->allowed && same_network(one, other)) {
            return apr_psprintf(pool, "%s and %s contradict each other", one->origin,
                                other->origin);
        }
    }
    return NULL;
}

/* ---- From rules to ranges ---- */

static int range_allows(const access_list_t *list, unsigned range)
{
    return list->first_allowed ^ (int)(range & 1);
}

/* From `start` on, this is the answer. It replaces an earlier answer from there on. */
static void add_range(access_list_t *list, address_key_t start, int allowed)
{
    if (list->count > 0 && address_key_equal(list->starts[list->count - 1], start)) {
        list->count--;
    }
    if (list->count == 0) {
        list->first_allowed = allowed;
    } else if (range_allows(list, list->count - 1) == allowed) {
        return;
    }
    list->starts[list->count++] = start;
}

/* Ends the innermost network that is open: behind it, the one around it holds. */
static int close_network(access_list_t *list, const access_rule_t *sorted, const int *around,
                         int inner)
{
    int outer = around[inner];
    address_key_t last = sorted[inner].network.last;

    /* Where both end, the outer one says what comes next. */
    if (outer >= 0 && !address_key_equal(last, sorted[outer].network.last)) {
        address_key_t next = {last.high + (last.low == ~APR_UINT64_C(0)), last.low + 1};

        add_range(list, next, sorted[outer].allowed);
    }
    return outer;
}

static void add_ranges(access_list_t *list, const access_rule_t *sorted, int count,
                       apr_pool_t *scratch)
{
    int *around = apr_palloc(scratch, (apr_size_t)count * sizeof *around); /* -1: none */
    int inner = -1;

    for (int i = 0; i < count; i++) {
        while (inner >= 0 &&
               address_key_less(sorted[inner].network.last, sorted[i].network.first)) {
            inner = close_network(list, sorted, around, inner);
        }
        add_range(list, sorted[i].network.first, sorted[i].allowed);
        around[i] = inner;
        inner = i;
    }
    while (inner >= 0) {
        inner = close_network(list, sorted, around, inner);
    }
}

static void single_out_ipv4(access_list_t *list, apr_pool_t *pool)
{
    list->before_ipv4 = address_key_rank(list->starts, list->count, all_of_ipv4.first);
    list->ipv4_count =
        address_key_rank(list->starts, list->count, all_of_ipv4.last) - list->before_ipv4;
    list->ipv4_starts = apr_palloc(pool, list->ipv4_count * sizeof *list->ipv4_starts);
    for (unsigned i = 0; i < list->ipv4_count; i++) {
        list->ipv4_starts[i] = (apr_uint32_t)list->starts[list->before_ipv4 + i].low;
    }
}

const char *access_list_create(access_list_t **created, const apr_array_header_t *rules,
                               int otherwise, void (*work_on)(void), apr_pool_t *pool)
{
    assert(rules->elt_size == sizeof(access_rule_t));
    const apr_array_header_t *array = sort_rules(rules, otherwise, work_on);
    const access_rule_t *sorted = (const access_rule_t *)array->elts;
    access_list_t *list = apr_pcalloc(pool, sizeof *list);
    const char *error = find_contradiction(sorted, array->nelts, pool);

    if (error != NULL) {
        return error;
    }
    /* A network begins one range and its end another. */
    list->starts = apr_palloc(pool, 2 * (apr_size_t)array->nelts * sizeof *list->starts);
    add_ranges(list, sorted, array->nelts, rules->pool);
    single_out_ipv4(list, pool);
    *created = list;
    return NULL;
}

/* ---- Asking ---- */

/* As address_key_rank(). */
static unsigned rank_of_ipv4(const access_list_t *list, apr_uint32_t address)
{
    const apr_uint32_t *start = list->ipv4_starts;

    for (unsigned count = list->ipv4_count, half; count > 0; count -= half) {
        half = (count + 1) / 2;
        start += start[half - 1] <= address ? half : 0;
    }
    return list->before_ipv4 + (unsigned)(start - list->ipv4_starts);
}

int access_list_allows(const access_list_t *list, const endpoint_t *source)
{
    address_key_t key = address_key_of(source);
    unsigned rank = address_key_is_ipv4(key) ? rank_of_ipv4(list, (apr_uint32_t)key.low)
                                             : address_key_rank(list->starts, list->count, key);

    return range_allows(list, rank - 1);
}
