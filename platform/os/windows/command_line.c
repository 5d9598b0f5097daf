#include "os/windows/command_line.h"

#include <apr_strings.h>
#include <string.h>

static void put(apr_array_header_t *text, char character, apr_size_t times)
{
    for (; times > 0; times--) {
        APR_ARRAY_PUSH(text, char) = character;
    }
}

/* Backslashes mean themselves, unless a quotation mark follows: then each takes two, and the mark
 * one more. The mark that closes the argument is one that follows. */
static void put_quoted(apr_array_header_t *text, const char *argument)
{
    put(text, '"', 1);
    while (*argument != '\0') {
        apr_size_t backslashes = strspn(argument, "\\");

        argument += backslashes;
        if (*argument == '"') {
            put(text, '\\', 2 * backslashes + 1);
        } else {
            put(text, '\\', *argument == '\0' ? 2 * backslashes : backslashes);
        }
        if (*argument != '\0') {
            put(text, *argument++, 1);
        }
    }
    put(text, '"', 1);
}

static void put_argument(apr_array_header_t *text, const char *argument)
{
    if (*argument == '\0' || strpbrk(argument, " \t\n\v\"") != NULL) {
        put_quoted(text, argument);
        return;
    }
    while (*argument != '\0') {
        put(text, *argument++, 1);
    }
}

const char *command_line_join(const char *program, const apr_array_header_t *arguments,
                              apr_pool_t *pool)
{
    apr_array_header_t *text = apr_array_make(pool, 256, sizeof(char));

    /* Always in quotes: without them Windows looks for C:\Program.exe first, if the path is in
     * C:\Program Files (CreateProcessW()). A path has no quotation mark and ends in no backslash.
     */
    put_quoted(text, program);
    for (int i = 0; i < arguments->nelts; i++) {
        put(text, ' ', 1);
        put_argument(text, APR_ARRAY_IDX(arguments, i, const char *));
    }
    put(text, '\0', 1);
    return text->elts;
}

const char *command_line_program(const char *text, const char **rest, apr_pool_t *pool)
{
    const char *end = *text == '"' ? strchr(text + 1, '"') : NULL;

    if (end == NULL) {
        return NULL;
    }
    *rest = end + 1;
    return apr_pstrmemdup(pool, text + 1, (apr_size_t)(end - text - 1));
}

int command_line_has_variable(const char *text)
{
    for (text = strchr(text, '%'); text != NULL; text = strchr(text + 1, '%')) {
        apr_size_t length = strcspn(text + 1, "%=");

        if (length > 0 && text[1 + length] == '%') {
            return 1;
        }
    }
    return 0;
}
