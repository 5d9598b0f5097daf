/* The table of options the other way round: values become text. */

#include <apr_strings.h>
#include <string.h>

#include "common/file_print.h"
#include "common/options.h"

void options_write_help(const option_t *table, apr_file_t *out)
{
    for (const option_t *option = table; option->name != NULL; option++) {
        const char *help = option->help;

        if (option->heading != NULL) {
            file_print(out, "%s%s:\n", option == table ? "" : "\n", option->heading);
        }
        if (option->letter != 0) {
            file_print(out, "  -%c,", option->letter);
        } else {
            file_print(out, " ");
        }
        file_print(out, " --%s%s%s%s%s\n", option->name,
                   option->argument == NULL ? ""
                   : option->bare != NULL   ? "[="
                                            : "=",
                   option->argument != NULL ? option->argument : "",
                   option->bare != NULL ? "]" : "", option->reloadable ? "  (reload)" : "");
        while (*help != '\0') {
            int length = (int)strcspn(help, "\n");

            file_print(out, "        %.*s\n", length, help);
            help += length + (help[length] == '\n');
        }
    }
}

/* A value as options_read_file() reads it back. */
static const char *quoted(const char *value, apr_pool_t *pool)
{
    if (*value != '\0' && strpbrk(value, " \t\"'\\#") == NULL) {
        return value;
    }
    char *text = apr_palloc(pool, 2 * strlen(value) + 3);
    char *end = text;

    *end++ = '"';
    for (; *value != '\0'; value++) {
        if (*value == '"' || *value == '\\') {
            *end++ = '\\';
        }
        *end++ = *value;
    }
    *end++ = '"';
    *end = '\0';
    return text;
}

static void write_list(const option_t *option, const apr_array_header_t *list, apr_file_t *out,
                       apr_pool_t *pool)
{
    for (int i = 0; list != NULL && i < list->nelts; i++) {
        file_print(out, "%s=%s\n", option->name,
                   quoted(APR_ARRAY_IDX(list, i, const char *), pool));
    }
}

void options_write_settings(const option_t *table, const void *settings, apr_file_t *out,
                            apr_pool_t *pool)
{
    for (const option_t *option = table; option->name != NULL; option++) {
        const void *place = (const char *)settings + option->offset;

        if (option->command_line_only) {
            continue;
        }
        if (option->kind->is_list) {
            write_list(option, *(apr_array_header_t *const *)place, out, pool);
            continue;
        }
        const char *value = option->kind->format(option, place, pool);

        if (value != NULL && option->argument != NULL) {
            file_print(out, "%s=%s\n", option->name, quoted(value, pool));
        } else if (value != NULL) {
            file_print(out, "%s\n", option->name);
        }
    }
}

/* ---- Comparing ---- */

static int same_list(const apr_array_header_t *one, const apr_array_header_t *other)
{
    int count = one != NULL ? one->nelts : 0;

    if (count != (other != NULL ? other->nelts : 0)) {
        return 0;
    }
    for (int i = 0; i < count; i++) {
        if (strcmp(APR_ARRAY_IDX(one, i, const char *), APR_ARRAY_IDX(other, i, const char *)) !=
            0) {
            return 0;
        }
    }
    return 1;
}

static int same_value(const option_t *option, const void *one, const void *other, apr_pool_t *pool)
{
    if (option->kind->is_list) {
        return same_list(*(apr_array_header_t *const *)one, *(apr_array_header_t *const *)other);
    }
    const char *first = option->kind->format(option, one, pool);
    const char *second = option->kind->format(option, other, pool);

    return first == NULL || second == NULL ? first == second : strcmp(first, second) == 0;
}

const char *options_differing(const option_t *table, const void *one, const void *other,
                              apr_pool_t *pool)
{
    const char *names = "";

    for (const option_t *option = table; option->name != NULL; option++) {
        if (!option->command_line_only && !same_value(option, (const char *)one + option->offset,
                                                      (const char *)other + option->offset, pool)) {
            names = apr_pstrcat(pool, names, *names != '\0' ? "," : "", option->name, NULL);
        }
    }
    return names;
}
