/* Buckets: how exact they are, everywhere, and how they are counted. */

#include "unit.h"

#include "client/core/histogram.h"

/* The value as it comes back out of the histogram. */
static apr_int64_t through(apr_int64_t value)
{
    histogram_t histogram = {{0}};

    histogram_add(&histogram, value);
    return histogram_quantile(&histogram, 1);
}

static void assert_is_exact_enough(apr_int64_t value)
{
    apr_int64_t error = through(value) - value;

    assert_true((error < 0 ? -error : error) * HISTOGRAM_EXACT <= value);
}

static void values_have_a_bucket_each_where_they_are_small(void **state)
{
    (void)state;
    for (apr_int64_t value = 0; value < HISTOGRAM_EXACT; value++) {
        assert_int_equal(through(value), value);
    }
}

static void values_around_every_edge_are_within_the_stated_error(void **state)
{
    (void)state;
    for (unsigned bits = 7; bits < HISTOGRAM_BITS; bits++) {
        apr_int64_t width = ((apr_int64_t)1 << bits) / (HISTOGRAM_EXACT / 2);

        for (unsigned i = 0; i < HISTOGRAM_EXACT / 2; i++) {
            apr_int64_t edge = ((apr_int64_t)1 << bits) + i * width;

            assert_is_exact_enough(edge - 1);
            assert_is_exact_enough(edge);
            assert_int_equal(through(edge), through(edge + width - 1));
            assert_int_not_equal(through(edge), through(edge - 1));
        }
    }
    assert_is_exact_enough(((apr_int64_t)1 << HISTOGRAM_BITS) - 1);
}

/* Half of all random 36-bit numbers have 36 bits; a shift makes every length equally likely. */
static void random_values_are_within_the_stated_error(void **state)
{
    apr_uint64_t random = 1;

    (void)state;
    for (unsigned i = 0; i < 20000; i++) {
        random = random * 6364136223846793005U + 1442695040888963407U;
        assert_is_exact_enough((apr_int64_t)(random >> (64 - HISTOGRAM_BITS) >> i % 30));
    }
}

static void what_is_out_of_range_counts_as_the_nearest_in_range(void **state)
{
    apr_int64_t most = ((apr_int64_t)1 << HISTOGRAM_BITS) - 1;

    (void)state;
    assert_int_equal(through(-1), 0);
    assert_int_equal(through(APR_INT64_MIN), 0);
    assert_int_equal(through(most + 1), through(most));
    assert_int_equal(through(APR_INT64_MAX), through(most));
}

static void a_quantile_is_that_of_the_nearest_rank(void **state)
{
    histogram_t histogram = {{0}};

    (void)state;
    assert_int_equal(histogram_quantile(&histogram, 0.5), 0);
    for (int value = 1; value <= 100; value++) {
        histogram_add(&histogram, value);
    }
    for (int percent = 1; percent <= 100; percent++) {
        assert_int_equal(histogram_quantile(&histogram, percent / 100.0), percent);
    }
    assert_int_equal(histogram_quantile(&histogram, 0), 1);
    assert_int_equal(histogram_quantile(&histogram, 0.001), 1);
    assert_int_equal(histogram_quantile(&histogram, 0.501), 51);
    assert_int_equal(histogram_quantile(&histogram, 0.999), 100);
}

static void ranges_count_each_value_once(void **state)
{
    histogram_t histogram = {{0}};

    (void)state;
    for (int value = 0; value < 10000; value += 10) {
        histogram_add(&histogram, value);
    }
    assert_int_equal(histogram_between(&histogram, 0, 100), 10);
    assert_int_equal(histogram_between(&histogram, 10, 10), 0);
    assert_int_equal(
        histogram_between(&histogram, 0, 777) + histogram_between(&histogram, 777, 20000), 1000);
    assert_int_equal(histogram_total(&histogram), 1000);
}

static void ranges_are_exact_between_powers_of_two_and_half_as_much_more(void **state)
{
    histogram_t histogram = {{0}};
    apr_int64_t last = 0;

    (void)state;
    for (apr_int64_t value = 0; value < 70000; value++) {
        histogram_add(&histogram, value);
    }
    for (apr_int64_t power = 2; power <= 65536; power *= 2) {
        assert_int_equal(histogram_between(&histogram, last, power), power - last);
        last = power * 3 / 2;
        if (last < 70000) {
            assert_int_equal(histogram_between(&histogram, power, last), last - power);
        }
    }
    assert_int_equal(histogram_between(&histogram, 65536, APR_INT64_MAX), 70000 - 65536);
}

static void merged_ones_are_as_if_all_had_been_counted_in_one(void **state)
{
    histogram_t odd = {{0}};
    histogram_t even = {{0}};
    histogram_t all = {{0}};

    (void)state;
    for (int value = 0; value < 100000; value += 7) {
        histogram_add(value % 2 ? &odd : &even, value);
        histogram_add(&all, value);
    }
    histogram_merge(&odd, &even);
    assert_memory_equal(&odd, &all, sizeof all);
}

static void what_is_shifted_is_as_if_it_had_been_counted_there(void **state)
{
    histogram_t histogram = {{0}};

    (void)state;
    for (int value = 0; value < 1000; value++) {
        histogram_add(&histogram, value);
    }
    histogram_shift(&histogram, 0);
    assert_int_equal(histogram_quantile(&histogram, 0.1), 99);
    histogram_shift(&histogram, 1000);
    assert_int_equal(histogram_total(&histogram), 1000);
    assert_int_equal(histogram_between(&histogram, 0, 1000), 0);
    for (int percent = 10; percent <= 100; percent += 10) {
        apr_int64_t exact = 1000 + 10 * percent - 1;

        assert_in_range(histogram_quantile(&histogram, percent / 100.0), exact - exact / 64,
                        exact + exact / 64);
    }
    histogram_shift(&histogram, -1500);
    assert_int_equal(histogram_total(&histogram), 1000);
    assert_in_range(histogram_quantile(&histogram, 0.75), 250 - 24, 250 + 24);
    assert_int_equal(histogram_quantile(&histogram, 0.25), 0);
}

static void a_bucket_counts_further_than_32_bits(void **state)
{
    histogram_t histogram = {.bucket = {[5] = 0xffffffff}};

    (void)state;
    histogram_add(&histogram, 5);
    assert_true(histogram_total(&histogram) == 0x100000000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(values_have_a_bucket_each_where_they_are_small),
        scene(values_around_every_edge_are_within_the_stated_error),
        scene(random_values_are_within_the_stated_error),
        scene(what_is_out_of_range_counts_as_the_nearest_in_range),
        scene(a_quantile_is_that_of_the_nearest_rank),
        scene(ranges_count_each_value_once),
        scene(ranges_are_exact_between_powers_of_two_and_half_as_much_more),
        scene(merged_ones_are_as_if_all_had_been_counted_in_one),
        scene(what_is_shifted_is_as_if_it_had_been_counted_there),
        scene(a_bucket_counts_further_than_32_bits),
    };

    return cmocka_run_group_tests_name("histogram", tests, NULL, NULL);
}
