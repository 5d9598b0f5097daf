#include "unit.h"

#include "client/output/ranges.h"
#include "random.h"

static histogram_t *make_histogram(apr_pool_t *pool)
{
    return apr_pcalloc(pool, sizeof(histogram_t));
}

static void add(histogram_t *histogram, apr_int64_t value, unsigned times)
{
    for (unsigned i = 0; i < times; i++) {
        histogram_add(histogram, value);
    }
}

static void assert_bounds(const ranges_t *ranges, const apr_int64_t *bounds, unsigned count)
{
    assert_int_equal(ranges->count, count - 1);
    for (unsigned i = 0; i < count; i++) {
        assert_int_equal(ranges->bound[i], bounds[i]);
    }
}

static void a_narrow_distribution_keeps_its_shape(void **state)
{
    static const apr_int64_t bounds[] = {90, 92, 94, 96, 98, 100, 102, 104, 106, 108, 110, 112};
    histogram_t *histogram = make_histogram(*state);

    for (unsigned i = 0; i <= 20; i++) {
        add(histogram, 90 + i, 1 + (i < 10 ? i : 20 - i));
    }
    ranges_t ranges = ranges_of(histogram, 12);

    assert_false(ranges.is_logarithmic);
    assert_bounds(&ranges, bounds, 12);
    assert_int_equal(ranges.in[0], 1 + 2);
    assert_int_equal(ranges.in[5], 11 + 10);
    assert_int_equal(ranges.in[10], 1);
    assert_int_equal(ranges.most, 21);
}

/* A single one far away does not press the others into one range. */
static void what_is_rare_and_far_away_has_one_range(void **state)
{
    histogram_t *histogram = make_histogram(*state);

    for (unsigned i = 0; i < 200; i++) {
        add(histogram, 90 + i / 10, 1);
    }
    add(histogram, 15000, 1);
    add(histogram, 3, 1);
    ranges_t ranges = ranges_of(histogram, 12);

    assert_false(ranges.is_logarithmic);
    assert_true(ranges.count >= 9);
    assert_int_equal(ranges.below, 1);
    assert_int_equal(ranges.above, 1);
    assert_true(ranges.count + 2 <= 12);
}

static void decades_are_divided_alike(void **state)
{
    static const apr_int64_t five_each[] = {63,   100,  160,  250,  400,   630,  1000,
                                            1600, 2500, 4000, 6300, 10000, 16000};
    static const apr_int64_t three_each[] = {50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000};
    static const apr_int64_t one_each[] = {10, 100, 1000, 10000, 100000};
    histogram_t *histogram = make_histogram(*state);

    add(histogram, 80, 9);
    add(histogram, 15000, 1);
    ranges_t ranges = ranges_of(histogram, 12);

    assert_true(ranges.is_logarithmic);
    assert_bounds(&ranges, five_each, 13);
    assert_int_equal(ranges.in[0], 9);
    assert_int_equal(ranges.in[5], 0);
    assert_int_equal(ranges.in[11], 1);
    ranges = ranges_of(histogram, 11);
    assert_bounds(&ranges, three_each, 9);
    ranges = ranges_of(histogram, 4);
    assert_bounds(&ranges, one_each, 5);
}

/* Whole microseconds cannot distinguish ranges such as 1, 1.25 and 1.6. */
static void ranges_are_not_too_narrow_for_whole_microseconds(void **state)
{
    static const apr_int64_t three_each[] = {1, 2, 5, 10, 20};
    static const apr_int64_t five_each[] = {4, 6, 10, 16, 25, 40, 63, 100};
    histogram_t *histogram = make_histogram(*state);

    add(histogram, 0, 5);
    add(histogram, 1, 1);
    add(histogram, 12, 1);
    ranges_t ranges = ranges_of(histogram, RANGES_MAX);

    assert_bounds(&ranges, three_each, 5);
    assert_int_equal(ranges.below, 5); /* 0 is on no logarithmic scale */
    assert_int_equal(ranges.in[0], 1);

    histogram = make_histogram(*state);
    add(histogram, 5, 1);
    add(histogram, 80, 1);
    ranges = ranges_of(histogram, RANGES_MAX);
    assert_bounds(&ranges, five_each, 8);
}

static void another_histogram_has_the_same_ranges(void **state)
{
    histogram_t *histogram = make_histogram(*state), *other = make_histogram(*state);

    add(histogram, 100, 5);
    add(histogram, 119, 5);
    add(other, 50, 1);
    add(other, 119, 2);
    add(other, 500, 3);
    ranges_t ranges = ranges_of(histogram, 12), same = ranges_with(&ranges, other);

    assert_int_equal(same.count, ranges.count);
    assert_int_equal(same.below, 1);
    assert_int_equal(same.in[same.count - 1], 2);
    assert_int_equal(same.above, 3);
    assert_int_equal(same.most, 3);
}

static void an_empty_histogram_has_no_range(void **state)
{
    assert_int_equal(ranges_of(make_histogram(*state), 12).count, 0);
}

static void equal_values_have_one_range(void **state)
{
    histogram_t *histogram = make_histogram(*state);

    add(histogram, 0, 3);
    ranges_t ranges = ranges_of(histogram, 2);

    assert_int_equal(ranges.count, 1);
    assert_int_equal(ranges.in[0], 3);
}

/* However the values are spread and however many ranges there may be. */
static void all_values_are_counted(void **state)
{
    apr_uint64_t random = 1;

    for (unsigned round = 0; round < 300; round++) {
        histogram_t *histogram = make_histogram(*state);
        unsigned spread = 1 + next_random(&random) % 40;
        unsigned most = 2 + next_random(&random) % (RANGES_MAX + 1);
        unsigned values = 1 + next_random(&random) % 300;

        for (unsigned i = 0; i < values; i++) {
            add(histogram,
                ((apr_int64_t)next_random(&random) << 8) >> (40 - next_random(&random) % spread),
                1);
        }
        ranges_t ranges = ranges_of(histogram, most);
        apr_uint64_t sum = ranges.below + ranges.above;

        for (unsigned i = 0; i < ranges.count; i++) {
            assert_true(ranges.bound[i] < ranges.bound[i + 1]);
            assert_true(ranges.in[i] <= ranges.most);
            sum += ranges.in[i];
        }
        assert_int_equal(sum, values);
        assert_in_range(ranges.count + (ranges.below > 0) + (ranges.above > 0), 1, most);
        assert_true(ranges.above * 100 <= values);
        assert_true(!ranges.is_logarithmic || ranges.above == 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(a_narrow_distribution_keeps_its_shape),
        scene(what_is_rare_and_far_away_has_one_range),
        scene(decades_are_divided_alike),
        scene(ranges_are_not_too_narrow_for_whole_microseconds),
        scene(another_histogram_has_the_same_ranges),
        scene(an_empty_histogram_has_no_range),
        scene(equal_values_have_one_range),
        scene(all_values_are_counted),
    };

    return cmocka_run_group_tests_name("ranges", tests, NULL, NULL);
}
