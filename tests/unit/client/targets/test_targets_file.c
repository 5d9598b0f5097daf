/* Files of --targets, and the errors in them. */

#include "unit.h"

#include <apr_strings.h>

#include "client/targets/targets_file.h"
#include "udpecho/datagram.h"
#include "written_file.h"

#define FILE_NAME "test-targets.txt"

static const char *read_content(target_list_t *list, const char *content)
{
    write_file(FILE_NAME, content, list->pool);
    const char *error = targets_file_read(list, FILE_NAME);

    apr_file_remove(FILE_NAME, list->pool);
    return error;
}

static const char *text_of(const target_list_t *list)
{
    const char *text = "";

    for (int i = 0; i < list->names->nelts; i++) {
        text = apr_pstrcat(list->pool, text, "[", APR_ARRAY_IDX(list->names, i, target_name_t).text,
                           "]", NULL);
    }
    return text;
}

static void each_line_names_a_target(void **state)
{
    target_list_t *list = target_list_create(7, NULL, *state);

    assert_null(read_content(list, "# our routers\n"
                                   "192.0.2.1\r\n"
                                   "\n"
                                   "  [2001:db8::1]:8888\t # the new one\n"
                                   "\t\r\n"
                                   "2001:db8::2\n"
                                   "fe80::1%eth0#behind the switch\n"
                                   "example.net:862"));
    assert_string_equal(text_of(list), "[192.0.2.1][[2001:db8::1]:8888][2001:db8::2][fe80::1%eth0]"
                                       "[example.net:862]");
}

static void targets_of_the_command_line_come_first_and_are_not_added_again(void **state)
{
    target_list_t *list = target_list_create(7, NULL, *state);

    assert_null(target_list_add(list, "192.0.2.9"));
    assert_null(read_content(list, "192.0.2.1\n192.0.2.9:7\n192.0.2.1\n"));
    assert_string_equal(text_of(list), "[192.0.2.9][192.0.2.1]");
}

static void errors_name_the_file_the_line_and_the_value(void **state)
{
    static const struct {
        const char *content, *error;
    } cases[] = {
        {"a\n\n300.1.1.1\n", "--targets=" FILE_NAME
                             ":3: 300.1.1.1: expected HOST[:PORT] (an IPv4 address is four numbers "
                             "without leading zeros, such as 192.0.2.1)"},
        {"a b\n", "--targets=" FILE_NAME ":1: b: expected one HOST[:PORT] a line"},
        {"*\n", "--targets=" FILE_NAME ":1: *: expected HOST[:PORT] (* is not a host)"},
        {"", "--targets=" FILE_NAME ": expected HOST[:PORT] in a line of it"},
        {"# nothing\n", "--targets=" FILE_NAME ": expected HOST[:PORT] in a line of it"},
    };

    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        target_list_t *list = target_list_create(7, NULL, *state);

        assert_string_equal(read_content(list, cases[i].content), cases[i].error);
    }
}

static const char *lines_of(unsigned count, apr_pool_t *pool)
{
    apr_array_header_t *lines = apr_array_make(pool, (int)count, sizeof(const char *));

    for (unsigned i = 0; i < count; i++) {
        APR_ARRAY_PUSH(lines, const char *) = apr_psprintf(pool, "h%u\n", i);
    }
    return apr_array_pstrcat(pool, lines, '\0');
}

static void there_are_no_more_targets_than_sockets(void **state)
{
    target_list_t *list = target_list_create(7, NULL, *state);
    target_list_t *other = target_list_create(7, NULL, *state);

    assert_null(read_content(list, lines_of(FLOWS_MAX, *state)));
    assert_int_equal(list->names->nelts, FLOWS_MAX);
    assert_string_equal(read_content(other, lines_of(FLOWS_MAX + 1, *state)),
                        "--targets=" FILE_NAME ":4097: h4096: expected no more than 4096 targets");
}

static void a_file_that_is_not_there_is_named(void **state)
{
    target_list_t *list = target_list_create(7, NULL, *state);

    assert_non_null(
        strstr(targets_file_read(list, "no-such-file"), "--targets=no-such-file: cannot be read"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(each_line_names_a_target),
        scene(targets_of_the_command_line_come_first_and_are_not_added_again),
        scene(errors_name_the_file_the_line_and_the_value),
        scene(there_are_no_more_targets_than_sockets),
        scene(a_file_that_is_not_there_is_named),
    };

    return cmocka_run_group_tests_name("targets_file", tests, NULL, NULL);
}
