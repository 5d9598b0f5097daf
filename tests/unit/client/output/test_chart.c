#include "unit.h"

#include <stdlib.h>

#include "client/output/chart.h"
#include "columns.h"

static const unsigned widths[] = {20, 80, 200};

#define WIDTHS (sizeof widths / sizeof widths[0])

/* ---- Bars ---- */

static void a_bar_is_as_long_as_its_share(void **state)
{
    assert_string_equal(chart_bar(10, 10, 4, 0, *state), "####");
    assert_string_equal(chart_bar(5, 10, 4, 0, *state), "##");
    assert_string_equal(chart_bar(10, 10, 4, 1, *state), "████");
    assert_string_equal(chart_bar(5, 10, 4, 1, *state), "██");
    assert_string_equal(chart_bar(9, 16, 2, 1, *state), "█▏");
    assert_string_equal(chart_bar(15, 16, 1, 1, *state), "█");
    assert_string_equal(chart_bar(7, 8, 1, 1, *state), "▉");
}

static void only_nothing_has_no_bar(void **state)
{
    assert_string_equal(chart_bar(0, 10, 4, 0, *state), "");
    assert_string_equal(chart_bar(0, 10, 4, 1, *state), "");
    assert_string_equal(chart_bar(1, APR_UINT64_MAX, 4, 0, *state), "#");
    assert_string_equal(chart_bar(1, APR_UINT64_MAX, 4, 1, *state), "▏");
    assert_string_equal(chart_bar(1, 1, 0, 1, *state), "");
}

static void bars_of_any_width_fit(void **state)
{
    for (unsigned i = 0; i < WIDTHS; i++) {
        for (int has_utf8 = 0; has_utf8 <= 1; has_utf8++) {
            assert_int_equal(
                columns_of(chart_bar(APR_UINT64_MAX, APR_UINT64_MAX, widths[i], has_utf8, *state)),
                widths[i]);
        }
    }
}

/* ---- Sparklines ---- */

static void a_sparkline_lies_between_its_extremes(void **state)
{
    const apr_int64_t values[] = {100, 300, 200, CHART_MISSING, 100};

    assert_string_equal(chart_sparkline(values, 5, 20, 0, *state), "_#=!_");
    assert_string_equal(chart_sparkline(values, 5, 20, 1, *state), "▁█▅!▁");
}

static void a_spike_leaves_the_others_their_differences(void **state)
{
    const apr_int64_t values[] = {100, 300, 2000, 100000};

    assert_string_equal(chart_sparkline(values, 4, 20, 0, *state), "_.-#");
}

static void of_many_values_the_latest_are_drawn(void **state)
{
    apr_int64_t values[300];

    for (unsigned i = 0; i < 300; i++) {
        values[i] = i < 299 ? 1 : APR_INT64_MAX;
    }
    for (unsigned i = 0; i < WIDTHS; i++) {
        const char *line = chart_sparkline(values, 300, widths[i], 0, *state);

        assert_int_equal(columns_of(line), widths[i]);
        assert_int_equal(line[widths[i] - 1], '#');
        assert_int_equal(columns_of(chart_sparkline(values, 300, widths[i], 1, *state)), widths[i]);
    }
}

static void values_without_a_range_are_flat(void **state)
{
    const apr_int64_t same[] = {7, 7}, missing[] = {CHART_MISSING, CHART_MISSING};

    assert_string_equal(chart_sparkline(same, 2, 20, 0, *state), "__");
    assert_string_equal(chart_sparkline(missing, 2, 20, 0, *state), "!!");
    assert_string_equal(chart_sparkline(same, 0, 20, 1, *state), "");
}

/* ---- Histograms ---- */

static histogram_t *make_histogram(apr_pool_t *pool)
{
    return apr_pcalloc(pool, sizeof(histogram_t));
}

static const char *line_of(const apr_array_header_t *lines, int i)
{
    return APR_ARRAY_IDX(lines, i, const char *);
}

static void a_row_is_a_range_a_bar_and_a_count(void **state)
{
    histogram_t *histogram = make_histogram(*state);

    for (unsigned i = 0; i < 10; i++) {
        histogram_add(histogram, i < 6 ? 21 : i < 9 ? 24 : 29);
    }
    apr_array_header_t *lines = chart_histogram(histogram, "round trip", 6, 31, 0, *state);

    assert_int_equal(lines->nelts, 6);
    assert_string_equal(line_of(lines, 0), "round trip, ms, linear scale");
    assert_string_equal(line_of(lines, 1), "0.020 - 0.022 ############### 6");
    assert_string_equal(line_of(lines, 2), "0.022 - 0.024 0");
    assert_string_equal(line_of(lines, 3), "0.024 - 0.026 ######## 3");
    assert_string_equal(line_of(lines, 4), "0.026 - 0.028 0");
    assert_string_equal(line_of(lines, 5), "0.028 - 0.030 ### 1");
}

static void decades_are_on_a_logarithmic_scale(void **state)
{
    histogram_t *histogram = make_histogram(*state);

    for (unsigned i = 0; i < 99; i++) {
        histogram_add(histogram, i == 0 ? 0 : i < 90 ? 310 : 60000);
    }
    apr_array_header_t *lines = chart_histogram(histogram, "forward PDV", 7, 30, 1, *state);

    assert_int_equal(lines->nelts, 7);
    assert_string_equal(line_of(lines, 0), "forward PDV, ms, log scale");
    assert_string_equal(line_of(lines, 1), "      < 0.001 ▏ 1");
    assert_string_equal(line_of(lines, 2), "0.001 - 0.01  0");
    assert_string_equal(line_of(lines, 3), " 0.01 - 0.1   0");
    assert_string_equal(line_of(lines, 4), "  0.1 - 1     █████████████ 89");
    assert_string_equal(line_of(lines, 5), "    1 - 10    0");
    assert_string_equal(line_of(lines, 6), "   10 - 100   █▍ 9");
}

/* However it is spread, every value is counted, in the rows and columns that there are. */
static void histograms_of_any_width_fit_and_count_all(void **state)
{
    histogram_t *histogram = make_histogram(*state);
    unsigned random = 1;

    for (unsigned i = 0; i < 10000; i++) {
        random = random * 1103515245 + 12345;
        histogram_add(histogram, (apr_int64_t)(random >> 8) >> (random % 24));
    }
    for (unsigned i = 0; i < WIDTHS; i++) {
        for (unsigned rows = 3; rows <= 13; rows++) {
            apr_array_header_t *lines =
                chart_histogram(histogram, "x", rows, widths[i], rows % 2 == 0, *state);
            unsigned long counted = 0;

            if (lines->nelts == 0) {
                assert_int_equal(widths[i], 20); /* no room for these bounds and counts */
                continue;
            }
            assert_in_range(lines->nelts, 2, rows);
            for (int line = 1; line < lines->nelts; line++) {
                assert_in_range(columns_of(line_of(lines, line)), 1, widths[i]);
                counted += strtoul(strrchr(line_of(lines, line), ' '), NULL, 10);
            }
            assert_int_equal(counted, 10000);
        }
    }
}

static void where_there_is_no_room_nothing_is_drawn(void **state)
{
    histogram_t *histogram = make_histogram(*state);

    assert_int_equal(chart_histogram(histogram, "x", 10, 80, 1, *state)->nelts, 0);
    histogram_add(histogram, 1);
    assert_int_equal(chart_histogram(histogram, "x", 10, 80, 1, *state)->nelts, 2);
    assert_int_equal(chart_histogram(histogram, "x", 2, 80, 1, *state)->nelts, 0);
    assert_int_equal(chart_histogram(histogram, "x", 10, 19, 1, *state)->nelts, 0);
}

static void the_largest_values_and_counts_fit(void **state)
{
    histogram_t *histogram = make_histogram(*state);

    histogram->bucket[0] = UINT32_MAX;
    histogram->bucket[HISTOGRAM_BUCKETS - 1] = UINT32_MAX;
    apr_array_header_t *lines = chart_histogram(histogram, "round trip", 10, 80, 1, *state);

    assert_in_range(lines->nelts, 3, 10);
    assert_int_equal(columns_of(line_of(lines, 1)), 80);
    assert_int_equal(chart_histogram(histogram, "round trip", 10, 20, 1, *state)->nelts, 0);
}

static void a_heading_is_cut_off_where_there_is_no_room(void **state)
{
    histogram_t *histogram = make_histogram(*state);

    histogram_add(histogram, 1000);
    apr_array_header_t *lines = chart_histogram(histogram, "round trip", 3, 20, 1, *state);

    assert_string_equal(line_of(lines, 0), "round trip, ms, line");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(a_bar_is_as_long_as_its_share),
        scene(only_nothing_has_no_bar),
        scene(bars_of_any_width_fit),
        scene(a_sparkline_lies_between_its_extremes),
        scene(a_spike_leaves_the_others_their_differences),
        scene(of_many_values_the_latest_are_drawn),
        scene(values_without_a_range_are_flat),
        scene(a_row_is_a_range_a_bar_and_a_count),
        scene(decades_are_on_a_logarithmic_scale),
        scene(histograms_of_any_width_fit_and_count_all),
        scene(where_there_is_no_room_nothing_is_drawn),
        scene(the_largest_values_and_counts_fit),
        scene(a_heading_is_cut_off_where_there_is_no_room),
    };

    return cmocka_run_group_tests_name("chart", tests, NULL, NULL);
}
