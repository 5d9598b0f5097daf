#include "unit.h"

#include "common/sort.h"

#define COUNT_MAX 3000

/* Three bytes wide, so that no item is where a number could lie. */
typedef struct item {
    unsigned char key[2];
    unsigned char mark;
} item_t;

static int compare(const void *one, const void *other)
{
    return memcmp(((const item_t *)one)->key, ((const item_t *)other)->key, 2);
}

static unsigned key_of(const item_t *item)
{
    return (unsigned)item->key[0] << 8 | item->key[1];
}

/* Every item is still there, and none is behind a larger one. */
static void check(unsigned count, unsigned (*key)(unsigned index, unsigned count))
{
    static item_t items[COUNT_MAX];
    static unsigned before[65536], after[65536];

    memset(before, 0, sizeof before);
    memset(after, 0, sizeof after);
    for (unsigned i = 0; i < count; i++) {
        unsigned value = key(i, count);

        items[i] = (item_t){{(unsigned char)(value >> 8), (unsigned char)value},
                            (unsigned char)(value * 7)};
        before[value]++;
    }
    sort_items(items, count, sizeof items[0], compare, NULL);
    for (unsigned i = 0; i < count; i++) {
        after[key_of(&items[i])]++;
        assert_int_equal(items[i].mark, (unsigned char)(key_of(&items[i]) * 7));
        assert_true(i == 0 || key_of(&items[i - 1]) <= key_of(&items[i]));
    }
    assert_memory_equal(before, after, sizeof before);
}

static unsigned ascending(unsigned index, unsigned count)
{
    (void)count;
    return index;
}

static unsigned descending(unsigned index, unsigned count)
{
    return count - index;
}

static unsigned equal(unsigned index, unsigned count)
{
    (void)index, (void)count;
    return 7;
}

static unsigned scattered(unsigned index, unsigned count)
{
    (void)count;
    return index * 40503U % 1000U;
}

static void items_are_put_in_order(void **state)
{
    (void)state;
    for (unsigned count = 0; count < COUNT_MAX; count += count < 20 ? 1 : 331) {
        check(count, ascending);
        check(count, descending);
        check(count, equal);
        check(count, scattered);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(items_are_put_in_order),
    };

    return cmocka_run_group_tests_name("sort", tests, NULL, NULL);
}
