/*
 * Options: what is read is written and read back to the same. An input is the content of a
 * configuration file and, each behind a zero byte, the arguments of a command line.
 */

#include "fuzz.h"

#include <apr_file_io.h>
#include <apr_strings.h>

#include "server/settings.h"

#define ARGUMENTS_MAX 16

static apr_file_t *file_create(char **path, apr_pool_t *pool)
{
    apr_file_t *file;
    apr_int32_t flags = APR_FOPEN_CREATE | APR_FOPEN_WRITE | APR_FOPEN_EXCL | APR_FOPEN_DELONCLOSE;

    *path = apr_pstrdup(pool, "fuzz_options-XXXXXX");
    require(apr_file_mktemp(&file, *path, flags, pool) == APR_SUCCESS);
    return file;
}

static const char *read_file(settings_t *settings, const char *content, apr_pool_t *pool)
{
    char *path;
    apr_file_t *file = file_create(&path, pool);

    require(apr_file_write_full(file, content, strlen(content), NULL) == APR_SUCCESS);
    apr_status_t refusal;

    return options_read_file(settings_table, settings, path, &refusal, pool);
}

static void check_written(const settings_t *settings, apr_pool_t *pool)
{
    settings_t again = settings_default(pool);
    char *path;

    options_write_settings(settings_table, settings, file_create(&path, pool), pool);
    apr_status_t refusal;

    require(options_read_file(settings_table, &again, path, &refusal, pool) == NULL);
    require(*options_differing(settings_table, settings, &again, pool) == '\0');
}

static const char *read_arguments(settings_t *settings, const apr_array_header_t *words,
                                  apr_pool_t *pool)
{
    apr_array_header_t *operands;

    return options_read_arguments(settings_table, settings, words->nelts,
                                  (const char *const *)words->elts, &operands, pool);
}

static void check_repeated(const settings_t *settings, const apr_array_header_t *words,
                           settings_t before, apr_pool_t *pool)
{
    static const char *const without[] = {NULL};
    apr_array_header_t *again = apr_array_make(pool, ARGUMENTS_MAX, sizeof(const char *));

    APR_ARRAY_PUSH(again, const char *) = "udpechod";
    apr_array_cat(again, options_repeat(settings_table, words->nelts,
                                        (const char *const *)words->elts, without, pool));
    require(read_arguments(&before, again, pool) == NULL);
    require(*options_differing(settings_table, settings, &before, pool) == '\0');
}

static apr_array_header_t *take_arguments(input_t *input, apr_pool_t *pool)
{
    apr_array_header_t *words = apr_array_make(pool, ARGUMENTS_MAX, sizeof(const char *));

    APR_ARRAY_PUSH(words, const char *) = "udpechod";
    while (input->size > 0 && words->nelts < ARGUMENTS_MAX) {
        APR_ARRAY_PUSH(words, const char *) = take_text(input);
    }
    return words;
}

static void free_arguments(const apr_array_header_t *words)
{
    for (int i = 1; i < words->nelts; i++) {
        free(APR_ARRAY_IDX(words, i, char *));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    input_t input = {data, size};
    apr_pool_t *pool = pool_create();
    settings_t settings = settings_default(pool);
    char *content = take_text(&input);

    if (read_file(&settings, content, pool) == NULL) {
        settings_t before = settings;
        apr_array_header_t *words = take_arguments(&input, pool);

        check_written(&settings, pool);
        if (read_arguments(&settings, words, pool) == NULL) {
            check_written(&settings, pool);
            check_repeated(&settings, words, before, pool);
        }
        free_arguments(words);
    }
    free(content);
    apr_pool_destroy(pool);
    return 0;
}
