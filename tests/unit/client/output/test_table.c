#include "unit.h"

#include "client/output/chart.h"
#include "client/output/table.h"
#include "columns.h"

#include <apr_strings.h>

/* A peer that answered `timed` of `sent` datagrams, all but the last in the same time. */
static table_row_t *add_row(apr_array_header_t *rows, const char *target, apr_uint64_t sent,
                            apr_uint64_t lost, apr_int64_t last)
{
    table_row_t *row = apr_pcalloc(rows->pool, sizeof *row);
    apr_uint64_t timed = sent - lost;

    row->number = (apr_uint64_t)rows->nelts;
    row->target = target;
    row->address = "";
    row->summary = (probe_summary_t){.sent = sent, .lost = lost, .received = timed, .timed = timed};
    if (timed > 0) {
        row->summary.minimum = 101;
        row->summary.mean = row->summary.p50 = 305;
        row->summary.p99 = row->summary.maximum = 400 + (apr_int64_t)rows->nelts;
        row->summary.jitter = 17;
    }
    for (unsigned i = 0; i < TABLE_LATEST; i++) {
        row->latest[i] = 305;
    }
    row->latest[TABLE_LATEST - 1] = last;
    row->latest_count = TABLE_LATEST;
    APR_ARRAY_PUSH(rows, const table_row_t *) = row;
    return row;
}

static apr_array_header_t *no_rows(apr_pool_t *pool)
{
    return apr_array_make(pool, 4, sizeof(const table_row_t *));
}

/* Four peers, of which the second loses a little and the third does not answer. */
static apr_array_header_t *four_rows(apr_pool_t *pool)
{
    apr_array_header_t *rows = no_rows(pool);

    add_row(rows, "echo.example.net", 1000, 0, 305);
    add_row(rows, "192.0.2.2", 1000, 11, 1204113);
    add_row(rows, "192.0.2.3", 4, 4, CHART_MISSING);
    add_row(rows, "[2001:db8::4]:8888", 1000, 0, 400);
    return rows;
}

static const table_view_t usual = {.columns = 79, .rows = 23};

static const char *drawn(table_view_t view, apr_array_header_t *rows)
{
    return apr_array_pstrcat(rows->pool, table_lines(&view, rows, rows->pool), '\n');
}

/* The targets in the order in which they are shown, by their first letters or numbers. */
static const char *order_of(table_order_t order, int is_reversed, apr_pool_t *pool)
{
    apr_array_header_t *rows = four_rows(pool);
    table_view_t view = usual;
    const char *targets = "";

    view.order = order;
    view.is_reversed = is_reversed;
    table_lines(&view, rows, pool);
    for (int i = 0; i < rows->nelts; i++) {
        const table_row_t *row = APR_ARRAY_IDX(rows, i, const table_row_t *);

        targets = apr_psprintf(pool, "%s%d", targets, (int)row->number + 1);
    }
    return targets;
}

static void the_worst_comes_first(void **state)
{
    assert_string_equal(order_of(ORDER_LOSS, 0, *state), "3214");
    assert_string_equal(order_of(ORDER_P99, 0, *state), "3421");
    assert_string_equal(order_of(ORDER_LAST, 0, *state), "3241");
    assert_string_equal(order_of(ORDER_TARGET, 0, *state), "2341");
    assert_string_equal(order_of(ORDER_LOSS, 1, *state), "4123");
}

static void eighty_columns_have_what_matters_most(void **state)
{
    table_view_t view = usual;

    view.elapsed = 37 * APR_USEC_PER_SEC;
    view.has_keys = 1;
    assert_string_equal(
        drawn(view, four_rows(*state)),
        "4 peers, 2 with loss, by loss, 37 s, times in ms   s sort  r reverse  q quit\n"
        "target             loss %    sent   last    min    p50    p99    max latest\n"
        "192.0.2.3             100       4   lost      -      -      -      - _________!\n"
        "192.0.2.2            1.10    1000 1204.1  0.101  0.305  0.401  0.401 _________#\n"
        "echo.example.net        0    1000  0.305  0.101  0.305  0.400  0.400 __________\n"
        "[2001:db8::4]:8888      0    1000  0.400  0.101  0.305  0.403  0.403 _________#");
}

static void the_title_keeps_the_keys_the_longest(void **state)
{
    table_view_t view = {.columns = 79, .rows = 1, .has_keys = 1, .is_reversed = 1};

    view.elapsed = 864000 * APR_USEC_PER_SEC;
    assert_string_equal(
        drawn(view, four_rows(*state)),
        "4 peers, 2 with loss, by loss, reversed, 864000 s   s sort  r reverse  q quit");
    view.columns = 68;
    assert_string_equal(drawn(view, four_rows(*state)),
                        "4 peers, 2 with loss, by loss, reversed   s sort  r reverse  q quit");
    view.columns = 60;
    assert_string_equal(drawn(view, four_rows(*state)),
                        "4 peers, 2 with loss, by loss, reversed, 864000 s");
    view.columns = 30;
    assert_string_equal(drawn(view, four_rows(*state)), "4 peers, 2 with loss, 864000 s");
}

static void two_hundred_columns_have_everything(void **state)
{
    apr_array_header_t *rows = no_rows(*state);
    table_view_t view = usual;

    add_row(rows, "echo.example.net", 1000, 0, 305)->address = "192.0.2.1";
    view.columns = 199;
    assert_string_equal(drawn(view, rows),
                        "1 peer, 0 with loss, by loss, 0 s, times in ms\n"
                        "target           address   loss %    sent   last    min   mean    p50    "
                        "p99    max jitter "
                        "latest\n"
                        "echo.example.net 192.0.2.1      0    1000  0.305  0.101  0.305  0.305  "
                        "0.400  0.400  0.017 "
                        "________________________________________________________________");
}

static void long_targets_are_cut(void **state)
{
    apr_array_header_t *rows = no_rows(*state);
    table_view_t view = usual;

    add_row(rows, "a-name-of-forty-columns.echo.example.net", 1000, 0, 305);
    view.columns = 60;
    assert_string_equal(strchr(drawn(view, rows), '\n') + 1,
                        "target                           loss %   last    p50    p99\n"
                        "a-name-of-forty-columns.echo.ex+      0  0.305  0.305  0.400");
    view.has_utf8 = 1;
    assert_string_equal(strrchr(drawn(view, rows), '\n') + 1,
                        "a-name-of-forty-columns.echo.ex\xe2\x80\xa6      0  0.305  0.305  0.400");
}

static void none_of_their_characters_is_cut_in_two(void **state)
{
    apr_array_header_t *rows = no_rows(*state);
    table_view_t view = usual;

    add_row(rows, "a-name-of-thirty-one-bytes.xx.\xc3\xa9.example", 1000, 0, 305);
    view.columns = 60;
    assert_string_equal(strrchr(drawn(view, rows), '\n') + 1,
                        "a-name-of-thirty-one-bytes.xx. +      0  0.305  0.305  0.400");
}

static void peers_without_room_are_counted(void **state)
{
    apr_array_header_t *rows = four_rows(*state);
    table_view_t view = usual;

    for (unsigned i = 0; i < 50; i++) {
        add_row(rows, "192.0.2.5", 1000, 1, 305);
    }
    view.rows = 6;
    const apr_array_header_t *lines = table_lines(&view, rows, *state);

    assert_int_equal(lines->nelts, 6);
    assert_string_equal(APR_ARRAY_IDX(lines, 5, const char *), "and 51 more, 49 of them with loss");
}

static void nothing_exceeds_the_terminal(void **state)
{
    apr_array_header_t *rows = four_rows(*state);
    table_row_t *row = add_row(rows, "192.0.2.6", APR_UINT64_MAX, 0, APR_INT64_MAX);

    row->address = "2001:db8:1111:2222:3333:4444:5555:6666";
    row = add_row(rows, "a-name-that-is-not-found.echo.example.net", 0, 0, 0);
    row->error = "not found: Name or service not known";
    row = add_row(rows, "192.0.2.7", 1, 0, 305);
    row->summary.maximum = row->summary.p99 = row->summary.jitter = APR_INT64_MAX;
    for (unsigned columns = 1; columns < 300; columns++) {
        for (unsigned count = 0; count < 9; count++) {
            table_view_t view = {.columns = columns,
                                 .rows = count,
                                 .has_utf8 = (int)columns % 2,
                                 .has_keys = (int)count % 2};
            const apr_array_header_t *lines = table_lines(&view, rows, *state);

            assert_in_range(lines->nelts, 0, count);
            for (int i = 0; i < lines->nelts; i++) {
                assert_in_range(columns_of(APR_ARRAY_IDX(lines, i, const char *)), 0, columns);
            }
        }
    }
}

static void colours_mark_who_lost_something_and_who_does_not_answer(void **state)
{
    table_view_t view = usual;

    view.has_colour = 1;
    const apr_array_header_t *lines = table_lines(&view, four_rows(*state), *state);
    const char *const begins[] = {"\033[31m192.0.2.3 ", "\033[33m192.0.2.2 ", "echo"};

    for (int i = 0; i < 3; i++) {
        assert_ptr_equal(strstr(APR_ARRAY_IDX(lines, i + 2, const char *), begins[i]),
                         APR_ARRAY_IDX(lines, i + 2, const char *));
    }
}

static void what_cannot_be_asked_says_why(void **state)
{
    apr_array_header_t *rows = four_rows(*state);
    table_view_t view = usual;
    table_row_t *row = add_row(rows, "no.example.net", 0, 0, 0);

    row->latest_count = 0;
    row->error = "not found: no such name";
    const apr_array_header_t *lines = table_lines(&view, rows, *state);

    assert_string_equal(APR_ARRAY_IDX(lines, 0, const char *),
                        "4 peers, 1 not asked, 2 with loss, by loss, 0 s, times in ms");
    assert_string_equal(APR_ARRAY_IDX(lines, 2, const char *),
                        "no.example.net      not found: no such name");
    view.columns = 25;
    lines = table_lines(&view, rows, *state);
    assert_string_equal(APR_ARRAY_IDX(lines, 2, const char *), "no.exampl+  not found: n+");
}

static void peers_of_which_nothing_is_known_have_no_numbers(void **state)
{
    apr_array_header_t *rows = no_rows(*state);
    table_row_t *row = add_row(rows, "192.0.2.2", 1, 0, 0);

    row->summary = (probe_summary_t){.sent = 1, .outstanding = 1};
    row->latest_count = 0;
    assert_string_equal(strrchr(drawn(usual, rows), '\n') + 1,
                        "192.0.2.2       -       1      -      -      -      -      -      - ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(the_worst_comes_first),
        scene(eighty_columns_have_what_matters_most),
        scene(the_title_keeps_the_keys_the_longest),
        scene(two_hundred_columns_have_everything),
        scene(long_targets_are_cut),
        scene(none_of_their_characters_is_cut_in_two),
        scene(peers_without_room_are_counted),
        scene(nothing_exceeds_the_terminal),
        scene(colours_mark_who_lost_something_and_who_does_not_answer),
        scene(what_cannot_be_asked_says_why),
        scene(peers_of_which_nothing_is_known_have_no_numbers),
    };

    return cmocka_run_group_tests_name("table", tests, NULL, NULL);
}
