/* How much a log may say, with a clock of the test's own. */

#include "unit.h"

#include <apr_strings.h>
#include <stdlib.h>

#include "server/log/log_limit.h"

#define SECOND APR_USEC_PER_SEC
#define DAY    (24 * 3600 * SECOND)

/* A log's writer without its thread: what it writes, and when. */
typedef struct writer {
    log_limit_t limit;
    apr_time_t now;
    apr_time_t times[5000]; /* of the lines written */
    unsigned written;
    unsigned repeated; /* what lines that were written again and notices told, summed up */
    unsigned left_out;
    const char *last; /* line that was written */
    apr_pool_t *pool;
} writer_t;

static writer_t *writer_create(apr_pool_t *pool)
{
    writer_t *writer = apr_pcalloc(pool, sizeof *writer);

    writer->now = DAY;
    writer->pool = pool;
    return writer;
}

static void put_line(writer_t *writer, const log_line_t *line)
{
    assert_true(writer->written < sizeof writer->times / sizeof writer->times[0]);
    writer->times[writer->written++] = writer->now;
    writer->last = apr_pstrmemdup(writer->pool, line->text, line->length);
}

static unsigned number_after(const char *text, const char *name)
{
    return (unsigned)strtoul(strpbrk(strstr(text, name), "0123456789"), NULL, 10);
}

static void tell(writer_t *writer)
{
    const log_line_t *line;
    unsigned count;

    while ((line = log_limit_repeat(&writer->limit, writer->now, writer->now)) != NULL) {
        put_line(writer, line);
        writer->repeated += number_after(writer->last, "repeated");
    }
    count = log_limit_notice(&writer->limit, writer->now);
    if (count > 0) {
        writer->times[writer->written++] = writer->now;
        writer->left_out += count;
    }
}

/* A finished line that says `number`. */
static log_line_t *line_of(writer_t *writer, log_format_t format, int number)
{
    log_line_t *line = apr_pcalloc(writer->pool, sizeof *line);

    line->format = format;
    log_line_start(line, writer->now, LOG_LEVEL_WARNING, "line");
    log_number(line, "number", number);
    log_line_finish(line);
    return line;
}

/* Non-zero if it was written. */
static int offer(writer_t *writer, int number)
{
    const log_line_t *line = line_of(writer, LOG_FORMAT_TEXT, number);

    tell(writer);
    if (!log_limit_admit(&writer->limit, line, writer->now)) {
        return 0;
    }
    put_line(writer, line);
    return 1;
}

/* The most lines in any second. */
static unsigned most_in_a_second(const writer_t *writer)
{
    unsigned most = 0;
    unsigned first = 0;

    for (unsigned i = 0; i < writer->written; i++) {
        while (writer->times[i] - writer->times[first] >= SECOND) {
            first++;
        }
        most = i - first + 1 > most ? i - first + 1 : most;
    }
    return most;
}

/* Offers one line each millisecond of five seconds, and looks whether it all adds up. */
static void flood(writer_t *writer, int different)
{
    unsigned offered = 0;
    unsigned written = 0;

    for (; offered < 5000; offered++, writer->now += 1000) {
        /* Not in turn: some are far more frequent than others. */
        int number = (int)(offered * offered % 7919) % different;

        written += (unsigned)offer(writer, number);
    }
    log_limit_end(&writer->limit);
    writer->now += SECOND; /* what is told in the end may be ten lines more */
    tell(writer);
    assert_int_equal(written + writer->repeated + writer->left_out, offered);
    assert_true(most_in_a_second(writer) <= LOG_LIMIT);
}

static void no_second_has_more_than_ten_lines(void **state)
{
    static const int different[] = {1, 2, 9, 10, 11, 100, 5000};

    for (unsigned i = 0; i < sizeof different / sizeof different[0]; i++) {
        writer_t *writer = writer_create(*state);

        flood(writer, different[i]);
        if (different[i] > LOG_LIMIT) {
            assert_int_equal(most_in_a_second(writer), LOG_LIMIT);
            assert_true(writer->left_out > 0);
        } else if (different[i] < LOG_LIMIT) {
            assert_int_equal(writer->left_out, 0);
        }
    }
}

static void a_few_different_lines_are_all_written_at_once(void **state)
{
    writer_t *writer = writer_create(*state);

    for (int number = 0; number < LOG_LIMIT - 1; number++) {
        assert_true(offer(writer, number));
    }
    assert_false(offer(writer, LOG_LIMIT));
    writer->now += SECOND;
    assert_true(offer(writer, LOG_LIMIT + 1));
}

static void a_line_that_repeats_is_written_again_once_a_second(void **state)
{
    writer_t *writer = writer_create(*state);

    assert_true(offer(writer, 7));
    for (int i = 0; i < 41; i++) {
        writer->now += 1000;
        assert_false(offer(writer, 7));
    }
    writer->now = DAY + SECOND - 1;
    tell(writer);
    assert_int_equal(writer->written, 1);
    writer->now++;
    tell(writer);
    assert_int_equal(writer->written, 2);
    assert_string_equal(writer->last,
                        "1970-01-02T00:00:01.000000Z warning line number=7 repeated=41\n");

    /* It goes on, and is told once more; it stops, and so does the telling. */
    assert_false(offer(writer, 7));
    writer->now += SECOND;
    tell(writer);
    assert_string_equal(writer->last,
                        "1970-01-02T00:00:02.000000Z warning line number=7 repeated=1\n");
    writer->now += SECOND;
    tell(writer);
    assert_int_equal(writer->written, 3);
    assert_true(offer(writer, 7));
}

static void the_count_fits_into_every_format(void **state)
{
    static const char *const expected[] = {
        [LOG_FORMAT_TEXT] = "1970-01-02T00:00:01.000000Z warning line number=7 repeated=1\n",
        [LOG_FORMAT_LOGFMT] =
            "time=1970-01-02T00:00:01.000000Z level=warning message=line number=7 repeated=1\n",
        [LOG_FORMAT_JSON] = ("{\"time\":\"1970-01-02T00:00:01.000000Z\",\"level\":\"warning\","
                             "\"message\":\"line\",\"number\":7,\"repeated\":1}\n"),
    };

    for (log_format_t format = LOG_FORMAT_TEXT; format <= LOG_FORMAT_JSON; format++) {
        writer_t *writer = writer_create(*state);

        assert_true(log_limit_admit(&writer->limit, line_of(writer, format, 7), writer->now));
        writer->now += SECOND / 2; /* the time is no part of what a line says */
        assert_false(log_limit_admit(&writer->limit, line_of(writer, format, 7), writer->now));
        writer->now += SECOND / 2;
        tell(writer);
        assert_string_equal(writer->last, expected[format]);
    }
}

static void the_writer_sleeps_until_there_is_something_to_tell(void **state)
{
    writer_t *writer = writer_create(*state);

    assert_int_equal(log_limit_wait(&writer->limit, writer->now), -1);
    offer(writer, 1);
    assert_int_equal(log_limit_wait(&writer->limit, writer->now), -1);
    writer->now += SECOND / 4;
    offer(writer, 1);
    assert_int_equal(log_limit_wait(&writer->limit, writer->now), SECOND * 3 / 4);
    writer->now += SECOND;
    assert_int_equal(log_limit_wait(&writer->limit, writer->now), 0);
    tell(writer);
    assert_int_equal(log_limit_wait(&writer->limit, writer->now), -1);

    log_limit_leave_out(&writer->limit, 3);
    assert_int_equal(log_limit_wait(&writer->limit, writer->now), 0);
    tell(writer);
    assert_int_equal(writer->left_out, 3);
    log_limit_leave_out(&writer->limit, 4);
    assert_int_equal(log_limit_wait(&writer->limit, writer->now), SECOND);
}

static void the_end_of_the_log_tells_all(void **state)
{
    writer_t *writer = writer_create(*state);

    offer(writer, 1);
    offer(writer, 1);
    log_limit_leave_out(&writer->limit, 3);
    tell(writer);
    log_limit_leave_out(&writer->limit, 4);
    log_limit_end(&writer->limit);
    tell(writer);
    assert_int_equal(writer->repeated, 1);
    assert_int_equal(writer->left_out, 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(no_second_has_more_than_ten_lines),
        scene(a_few_different_lines_are_all_written_at_once),
        scene(a_line_that_repeats_is_written_again_once_a_second),
        scene(the_count_fits_into_every_format),
        scene(the_writer_sleeps_until_there_is_something_to_tell),
        scene(the_end_of_the_log_tells_all),
    };

    return cmocka_run_group_tests_name("log limit", tests, NULL, NULL);
}
