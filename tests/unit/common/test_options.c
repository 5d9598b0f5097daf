/* The mechanism, on a table of its own. */

#include "unit.h"

#include <apr_strings.h>

#include "common/options.h"
#include "written_file.h"

#define FILE_NAME "test-options.conf"

typedef struct sample {
    apr_int64_t flag;
    apr_int64_t number;
    apr_int64_t size;
    apr_array_header_t *list;
    const char *text;
    apr_int64_t only;
    unsigned colour;
} sample_t;

static const char *const colours[] = {"none", "red", "blue", NULL};

static const option_t table[] = {
    {.name = "flag", .offset = offsetof(sample_t, flag), .kind = &option_flag, .help = "A flag."},
    {.name = "number",
     .letter = 'n',
     .also = "amount|a",
     .argument = "N",
     .offset = offsetof(sample_t, number),
     .kind = &option_number,
     .minimum = 1,
     .maximum = 9,
     .zero = "auto",
     .help = "A number."},
    {.name = "size",
     .heading = "Sizes",
     .argument = "SIZE",
     .offset = offsetof(sample_t, size),
     .kind = &option_size,
     .reloadable = 1,
     .maximum = 1 << 20,
     .help = "A size.\nOn two lines."},
    {.name = "list",
     .argument = "ITEM",
     .offset = offsetof(sample_t, list),
     .kind = &option_list,
     .reloadable = 1,
     .help = "A list."},
    {.name = "text",
     .argument = "TEXT",
     .offset = offsetof(sample_t, text),
     .kind = &option_text,
     .reloadable = 1,
     .help = "A text."},
    {.name = "only",
     .offset = offsetof(sample_t, only),
     .kind = &option_flag,
     .command_line_only = 1,
     .help = "Not for files."},
    {.name = "colour",
     .letter = 'c',
     .argument = "red|blue",
     .offset = offsetof(sample_t, colour),
     .kind = &option_choice,
     .choices = colours,
     .bare = "red",
     .help = "A colour."},
    {.name = NULL},
};

/* ---- The command line ---- */

static const char *read_arguments(sample_t *sample, apr_array_header_t **operands, apr_pool_t *pool,
                                  const char *const *arguments)
{
    const char *argv[16] = {"program"};
    int argc = 1;

    while (arguments[argc - 1] != NULL) {
        argv[argc] = arguments[argc - 1];
        argc++;
    }
    return options_read_arguments(table, sample, argc, argv, operands, pool);
}

#define ARGUMENTS(...)    \
    (const char *const[]) \
    {                     \
        __VA_ARGS__, NULL \
    }

static void both_forms_of_a_value_are_taken(void **state)
{
    sample_t sample = {0};
    apr_array_header_t *operands;

    assert_null(read_arguments(&sample, &operands, *state,
                               ARGUMENTS("--number=3", "--size", "4KiB", "--flag", "rest")));
    assert_int_equal(sample.number, 3);
    assert_int_equal(sample.size, 4096);
    assert_int_equal(sample.flag, 1);
    assert_int_equal(operands->nelts, 1);
    assert_string_equal(APR_ARRAY_IDX(operands, 0, const char *), "rest");
}

static void a_letter_stands_for_a_name(void **state)
{
    sample_t sample = {0};
    apr_array_header_t *operands;

    assert_null(read_arguments(&sample, &operands, *state, ARGUMENTS("-n", "3")));
    assert_int_equal(sample.number, 3);
    assert_null(read_arguments(&sample, &operands, *state, ARGUMENTS("-n4")));
    assert_int_equal(sample.number, 4);
}

static void a_value_that_may_be_missing_stands_behind_an_equals_sign_only(void **state)
{
    static const struct {
        const char *words[3];
        unsigned colour;
        int operands;
    } cases[] = {
        {{"--colour", "blue"}, 1, 1},
        {{"--colour=blue"}, 2, 0},
        {{"-c", "blue"}, 1, 1},
        {{"blue", "--colour"}, 1, 1},
        {{"--", "--colour"}, 0, 1},
        {{"--text", "--colour"}, 0, 0},
        {{"-cn3"}, 1, 0},
    };

    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sample_t sample = {0};
        apr_array_header_t *operands;

        assert_null(read_arguments(&sample, &operands, *state, cases[i].words));
        assert_int_equal(sample.colour, cases[i].colour);
        assert_int_equal(operands->nelts, cases[i].operands);
    }
}

static void operands_may_stand_before_options(void **state)
{
    sample_t sample = {0};
    apr_array_header_t *operands;

    assert_null(read_arguments(&sample, &operands, *state,
                               ARGUMENTS("one", "-n", "3", "two", "--", "--flag")));
    assert_int_equal(sample.number, 3);
    assert_int_equal(sample.flag, 0);
    assert_int_equal(operands->nelts, 3);
    assert_string_equal(APR_ARRAY_IDX(operands, 0, const char *), "one");
    assert_string_equal(APR_ARRAY_IDX(operands, 1, const char *), "two");
    assert_string_equal(APR_ARRAY_IDX(operands, 2, const char *), "--flag");
}

static void the_last_value_wins_and_lists_collect(void **state)
{
    sample_t sample = {0};
    apr_array_header_t *operands;

    assert_null(read_arguments(&sample, &operands, *state,
                               ARGUMENTS("--number=3", "--list=a", "--number=auto", "--list=b")));
    assert_int_equal(sample.number, 0);
    assert_int_equal(sample.list->nelts, 2);
    assert_string_equal(APR_ARRAY_IDX(sample.list, 1, const char *), "b");
}

static void mistakes_name_option_value_and_remedy(void **state)
{
    static const struct {
        const char *argument;
        const char *error;
    } cases[] = {
        {"--nosuch", "unknown option --nosuch; --help lists the options"},
        {"--nu=3", "unknown option --nu=3; --help lists the options"},
        {"--num=3", "unknown option --num=3; did you mean --number=N? --help lists the options"},
        {"--amount", "unknown option --amount; did you mean --number=N? --help lists the options"},
        {"-a3", "unknown option -a3; did you mean --number=N? --help lists the options"},
        {"-amount", "unknown option -amount; did you mean --number=N? --help lists the options"},
        {"--fla", "unknown option --fla; did you mean --flag? --help lists the options"},
        {"-x", "unknown option -x; --help lists the options"},
        {"--number", "--number needs a value: --number=N"},
        {"-n", "--number needs a value: --number=N"},
        {"-n10", "--number=10: expected a number from 1 to 9, or auto"},
        {"--number=", "--number=: expected a number from 1 to 9, or auto"},
        {"--number=10", "--number=10: expected a number from 1 to 9, or auto"},
        {"--number=0", "--number=0: expected a number from 1 to 9, or auto"},
        {"--colour=", "--colour=: expected one of none|red|blue"},
        {"--flag=1", "--flag=1: this option takes no value"},
        {"--text=a\nb", "--text=a\nb: expected a value without line ends"},
    };

    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sample_t sample = {0};
        apr_array_header_t *operands;
        const char *error =
            read_arguments(&sample, &operands, *state, ARGUMENTS(cases[i].argument));

        assert_non_null(error);
        assert_string_equal(error, cases[i].error);
        assert_int_equal(sample.number, 0);
    }
}

/* ---- The file ---- */

static const char *read_file(sample_t *sample, const char *content, apr_pool_t *pool)
{
    write_file(FILE_NAME, content, pool);
    apr_status_t refusal;
    const char *error = options_read_file(table, sample, FILE_NAME, &refusal, pool);

    apr_file_remove(FILE_NAME, pool);
    return error == NULL ? NULL : error + strlen(FILE_NAME);
}

static void lines_are_options_without_dashes(void **state)
{
    sample_t sample = {0};

    assert_null(read_file(&sample,
                          "# a comment\n"
                          "\n"
                          "   \t \n"
                          "flag\n"
                          "number=3\n"
                          "size 4KiB # and why\n"
                          "  list = a\r\n"
                          "list='b c'\n"
                          "colour\n"
                          "text=\"d # e\"",
                          *state));
    assert_int_equal(sample.flag, 1);
    assert_int_equal(sample.number, 3);
    assert_int_equal(sample.size, 4096);
    assert_int_equal(sample.colour, 1);
    assert_int_equal(sample.list->nelts, 2);
    assert_string_equal(APR_ARRAY_IDX(sample.list, 0, const char *), "a");
    assert_string_equal(APR_ARRAY_IDX(sample.list, 1, const char *), "b c");
    assert_string_equal(sample.text, "d # e");
}

static void errors_name_file_and_line(void **state)
{
    static const struct {
        const char *content;
        const char *error;
    } cases[] = {
        {"flag\nnosuch=1\n", ":2: unknown option nosuch; --help lists the options"},
        {"\n\nnumber=x", ":3: number=x: expected a number from 1 to 9, or auto"},
        {"number", ":1: number needs a value: number=N"},
        {"number = # none", ":1: number needs a value: number=N"},
        {"text=a b", ":1: text: one value only; put a value with spaces in quotes"},
        {"text='a b", ":1: text: a quote is not closed"},
        {"flag=1", ":1: flag: this option takes no value"},
        {"only", ":1: only: only the command line takes this option"},
        {"onl", ":1: unknown option onl; --help lists the options"},
        {"amount", ":1: unknown option amount; did you mean number=N? --help lists the options"},
        {"--flag", ":1: unknown option --flag; did you mean flag? --help lists the options"},
        {"=3", ":1: unknown option ; --help lists the options"},
    };

    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sample_t sample = {0};
        const char *error = read_file(&sample, cases[i].content, *state);

        assert_non_null(error);
        assert_string_equal(error, cases[i].error);
    }
}

static void a_line_without_end_is_refused(void **state)
{
    sample_t sample = {0};
    char content[8192];

    memset(content, 'x', sizeof content);
    content[sizeof content - 1] = '\0';
    const char *error = read_file(&sample, content, *state);

    assert_non_null(error);
    assert_non_null(strstr(error, "longer than"));
}

static void a_missing_file_is_named(void **state)
{
    sample_t sample = {0};
    apr_status_t refusal = APR_SUCCESS;
    const char *error = options_read_file(table, &sample, "no-such-file.conf", &refusal, *state);

    assert_non_null(strstr(error, "no-such-file.conf: cannot be read"));
    assert_true(APR_STATUS_IS_ENOENT(refusal));
}

static void a_later_source_replaces_lists_and_keeps_the_rest(void **state)
{
    sample_t sample = {0};
    apr_array_header_t *operands;

    assert_null(read_file(&sample, "list=a\nlist=b\nnumber=3\nsize=1", *state));
    assert_null(read_arguments(&sample, &operands, *state, ARGUMENTS("--list=c", "--size=2")));
    assert_int_equal(sample.list->nelts, 1);
    assert_string_equal(APR_ARRAY_IDX(sample.list, 0, const char *), "c");
    assert_int_equal(sample.number, 3);
    assert_int_equal(sample.size, 2);
}

/* ---- Writing ---- */

typedef void writer_t(const sample_t *sample, apr_file_t *out, apr_pool_t *pool);

static void write_help(const sample_t *sample, apr_file_t *out, apr_pool_t *pool)
{
    (void)sample, (void)pool;
    options_write_help(table, out);
}

static void write_settings(const sample_t *sample, apr_file_t *out, apr_pool_t *pool)
{
    options_write_settings(table, sample, out, pool);
}

static const char *written(writer_t *write, const sample_t *sample, apr_pool_t *pool)
{
    apr_int32_t flags = APR_FOPEN_READ | APR_FOPEN_WRITE | APR_FOPEN_CREATE | APR_FOPEN_TRUNCATE;
    char *content = apr_pcalloc(pool, 4096);
    apr_size_t length = 4095;
    apr_file_t *file;

    assert_int_equal(apr_file_open(&file, FILE_NAME, flags, APR_FPROT_OS_DEFAULT, pool),
                     APR_SUCCESS);
    write(sample, file, pool);
    apr_off_t start = 0;

    apr_file_seek(file, APR_SET, &start);
    apr_file_read(file, content, &length);
    apr_file_close(file);
    apr_file_remove(FILE_NAME, pool);
    return content;
}

static void help_shows_the_table(void **state)
{
    const char *help = written(write_help, NULL, *state);

    assert_memory_equal(help, "  --flag\n        A flag.\n", strlen("  --flag\n        A flag.\n"));
    assert_non_null(strstr(help, "  -n, --number=N\n        A number.\n"));
    assert_non_null(strstr(help, "  -c, --colour[=red|blue]\n        A colour.\n"));
    assert_non_null(strstr(
        help, "\n\nSizes:\n  --size=SIZE  (reload)\n        A size.\n        On two lines.\n"));
}

static void settings_are_written_as_a_file_that_says_the_same(void **state)
{
    sample_t sample = {0};
    sample_t again = {0};
    const char *content = "flag\nnumber=auto\nsize=4KiB\nlist=a\nlist=b\ntext=c\ncolour=blue\n";

    assert_null(read_file(&sample, content, *state));
    assert_string_equal(written(write_settings, &sample, *state), content);
    assert_string_equal(written(write_settings, &again, *state),
                        "number=auto\nsize=0\ncolour=none\n");
}

static void values_that_need_it_are_quoted(void **state)
{
    static const char *const values[] = {"a b",         "#a",    "it's", "say \"hi\"",
                                         "back\\slash", "a b\\", "\\"};

    for (unsigned i = 0; i < sizeof values / sizeof values[0]; i++) {
        sample_t sample = {.text = values[i]};
        sample_t again = {0};

        assert_null(read_file(&again, written(write_settings, &sample, *state), *state));
        assert_string_equal(again.text, values[i]);
    }
}

/* ---- Repeating ---- */

static void a_command_line_is_repeated_save_for_some(void **state)
{
    static const char *const argv[] = {"program", "--flag",  "operand",  "--list", "a b",
                                       "--only",  "--list=", "--number", "007",    NULL};
    static const char *const without[] = {"only", NULL};
    static const char *const expected[] = {"--flag", "--list=a b", "--list=", "--number=007"};
    apr_array_header_t *words = options_repeat(table, 9, argv, without, *state);

    assert_int_equal(words->nelts, 4);
    for (int i = 0; i < words->nelts; i++) {
        assert_string_equal(APR_ARRAY_IDX(words, i, const char *), expected[i]);
    }
}

/* ---- Comparing ---- */

static void options_that_differ_are_named(void **state)
{
    sample_t one = {0};
    sample_t other = {0};

    assert_null(read_file(&one, "number=1\nlist=a\nlist=b\ntext=c\n", *state));
    assert_null(read_file(&other, "number=1\nlist=a\nlist=b\ntext=c\n", *state));
    assert_string_equal(options_differing(table, &one, &other, *state), "");
    assert_null(read_file(&other, "flag\nnumber=2\nlist=a\n", *state));
    assert_string_equal(options_differing(table, &one, &other, *state), "flag,number,list");
    assert_null(read_file(&other, "list=a\nlist=c\n", *state));
    assert_string_equal(options_differing(table, &one, &other, *state), "flag,number,list");
}

static void a_reload_changes_reloadable_options_only(void **state)
{
    sample_t settings = {0};
    sample_t fresh = {0};

    assert_null(read_file(&settings, "number=1\nsize=1KiB\nlist=a\ntext=b\n", *state));
    assert_null(read_file(&fresh, "flag\nnumber=2\nsize=2KiB\nlist=c\nlist=d\ntext=e\n", *state));
    options_reload(table, &settings, &fresh);
    assert_string_equal(written(write_settings, &settings, *state),
                        "number=1\nsize=2KiB\nlist=c\nlist=d\ntext=e\ncolour=none\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(both_forms_of_a_value_are_taken),
        scene(a_letter_stands_for_a_name),
        scene(a_value_that_may_be_missing_stands_behind_an_equals_sign_only),
        scene(operands_may_stand_before_options),
        scene(the_last_value_wins_and_lists_collect),
        scene(mistakes_name_option_value_and_remedy),
        scene(lines_are_options_without_dashes),
        scene(errors_name_file_and_line),
        scene(a_line_without_end_is_refused),
        scene(a_missing_file_is_named),
        scene(a_later_source_replaces_lists_and_keeps_the_rest),
        scene(help_shows_the_table),
        scene(settings_are_written_as_a_file_that_says_the_same),
        scene(values_that_need_it_are_quoted),
        scene(a_command_line_is_repeated_save_for_some),
        scene(options_that_differ_are_named),
        scene(a_reload_changes_reloadable_options_only),
    };

    return cmocka_run_group_tests_name("options", tests, NULL, NULL);
}
