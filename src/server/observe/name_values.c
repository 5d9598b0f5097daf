#include "server/observe/name_values.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "common/json_text.h"

#define NAME_LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"

static int is_name(const char *text)
{
    return text[strspn(text, NAME_LETTERS)] == '\0';
}

/* Returns the new one, which the caller gives its value. */
static name_value_t *push(apr_array_header_t *values, const char *name)
{
    assert(values->elt_size == sizeof(name_value_t) && is_name(name));
    name_value_t *pushed = apr_array_push(values);

    *pushed = (name_value_t){.name = name};
    return pushed;
}

void name_values_add_text(apr_array_header_t *values, const char *name, const char *text)
{
    assert(text != NULL);
    push(values, name)->text = text;
}

void name_values_add_list(apr_array_header_t *values, const char *name,
                          const apr_array_header_t *list)
{
    assert(list->elt_size == sizeof(const char *));
    push(values, name)->list = list;
}

void name_values_add_bare_list(apr_array_header_t *values, const char *name,
                               const apr_array_header_t *list)
{
    name_values_add_list(values, name, list);
    APR_ARRAY_IDX(values, values->nelts - 1, name_value_t).is_bare = 1;
}

void name_values_add_number(apr_array_header_t *values, const char *name, apr_int64_t number)
{
    push(values, name)->number = number;
}

void name_values_add_truth(apr_array_header_t *values, const char *name, int truth)
{
    name_value_t *value = push(values, name);

    value->text = truth ? "true" : "false";
    value->is_bare = 1;
}

const name_value_t *name_values_find(const apr_array_header_t *values, const char *name)
{
    for (int i = 0; i < values->nelts; i++) {
        const name_value_t *value = &APR_ARRAY_IDX(values, i, name_value_t);

        if (strcmp(value->name, name) == 0) {
            return value;
        }
    }
    return NULL;
}

const char *name_value_words(const name_value_t *value, apr_pool_t *pool)
{
    return value->text != NULL   ? value->text
           : value->list != NULL ? apr_array_pstrcat(pool, value->list, ',')
                                 : apr_psprintf(pool, "%" APR_INT64_T_FMT, value->number);
}

const char *name_value_title(const name_value_t *value, apr_pool_t *pool)
{
    char *text = apr_pstrdup(pool, value->name);

    for (char *c = text; *c != '\0'; c++) {
        *c = *c == '_' ? ' ' : *c;
    }
    return text;
}

/* ---- JSON ---- */

static const char *value_json(const name_value_t *value, apr_pool_t *pool)
{
    if (value->text != NULL) {
        return value->is_bare ? value->text : json_text(value->text, pool);
    }
    if (value->list == NULL) {
        return name_value_words(value, pool);
    }
    apr_array_header_t *strings = apr_array_make(pool, value->list->nelts, sizeof(const char *));

    for (int i = 0; i < value->list->nelts; i++) {
        const char *word = APR_ARRAY_IDX(value->list, i, const char *);

        APR_ARRAY_PUSH(strings, const char *) = value->is_bare ? word : json_text(word, pool);
    }
    return apr_pstrcat(pool, "[", apr_array_pstrcat(pool, strings, ','), "]", NULL);
}

const char *name_values_json(const apr_array_header_t *values, apr_pool_t *pool)
{
    apr_array_header_t *members = apr_array_make(pool, values->nelts, sizeof(const char *));

    for (int i = 0; i < values->nelts; i++) {
        const name_value_t *value = &APR_ARRAY_IDX(values, i, name_value_t);

        APR_ARRAY_PUSH(members, const char *) =
            apr_psprintf(pool, "\"%s\":%s", value->name, value_json(value, pool));
    }
    return apr_array_pstrcat(pool, members, ',');
}

/* Passes over one character if it is the next. */
static int take(const char **text, char expected)
{
    if (**text != expected) {
        return 0;
    }
    ++*text;
    return 1;
}

/* Takes one byte of a string, which stands there as it is or as json_text() escapes it. Returns 0
 * at the end of the string, and at what json_text() does not write. */
static int take_byte(const char **text, char *byte)
{
    static const char letters[] = "nrt\"\\";
    static const char bytes[] = "\n\r\t\"\\";

    if (**text == '"' || **text == '\0') {
        return 0;
    }
    *byte = *(*text)++;
    if (*byte != '\\') {
        return 1;
    }
    const char *letter = **text != '\0' ? strchr(letters, **text) : NULL;

    if (letter != NULL) {
        *byte = bytes[letter - letters];
        ++*text;
        return 1;
    }
    if (strncmp(*text, "u00", 3) != 0 || !apr_isxdigit((*text)[3]) || !apr_isxdigit((*text)[4])) {
        return 0;
    }
    const char digits[] = {(*text)[3], (*text)[4], '\0'};

    *byte = (char)apr_strtoi64(digits, NULL, 16);
    *text += strlen("u00NN");
    return 1;
}

/* What stands in quotes, or NULL. */
static const char *take_string(const char **text, apr_pool_t *pool)
{
    apr_size_t length = 0;
    char byte;

    if (!take(text, '"')) {
        return NULL;
    }
    const char *start = *text;

    while (take_byte(text, &byte)) {
        length++;
    }
    char *string = apr_pcalloc(pool, length + 1);

    for (apr_size_t i = 0; i < length; i++) {
        take_byte(&start, &string[i]);
    }
    return take(text, '"') ? string : NULL;
}

/* What stands in quotes if it can be the name of a value, or NULL. */
static const char *take_name(const char **text, apr_pool_t *pool)
{
    const char *name = take_string(text, pool);

    return name != NULL && is_name(name) ? name : NULL;
}

/* What stands without quotes if it is a number that is not negative, true or false, or NULL. */
static const char *take_bare(const char **text, apr_pool_t *pool)
{
    apr_size_t length = strspn(*text, "0123456789");

    if (length == 0) {
        length = strncmp(*text, "true", 4) == 0 ? 4 : strncmp(*text, "false", 5) == 0 ? 5 : 0;
    }
    const char *word = length > 0 ? apr_pstrmemdup(pool, *text, length) : NULL;

    *text += length;
    return word;
}

/* What stands in brackets, all in quotes or all without, or NULL. */
static const apr_array_header_t *take_list(const char **text, int *is_bare, apr_pool_t *pool)
{
    apr_array_header_t *list = apr_array_make(pool, 4, sizeof(const char *));

    take(text, '[');
    if (take(text, ']')) {
        return list;
    }
    *is_bare = **text != '"';
    do {
        const char *string = *is_bare ? take_bare(text, pool) : take_string(text, pool);

        if (string == NULL) {
            return NULL;
        }
        APR_ARRAY_PUSH(list, const char *) = string;
    } while (take(text, ','));
    return take(text, ']') ? list : NULL;
}

static int take_value(const char **text, name_value_t *value, apr_pool_t *pool)
{
    *value = (name_value_t){.name = take_name(text, pool)};
    if (value->name == NULL || !take(text, ':')) {
        return 0;
    }
    if (**text == '"') {
        value->text = take_string(text, pool);
        return value->text != NULL;
    }
    if (**text == 't' || **text == 'f') {
        value->is_bare = 1;
        value->text = take_bare(text, pool);
        return value->text != NULL;
    }
    if (**text == '[') {
        value->list = take_list(text, &value->is_bare, pool);
        return value->list != NULL;
    }
    char *end;

    errno = 0;
    value->number = apr_strtoi64(*text, &end, 10);
    if (end == *text || errno != 0 || value->number < 0) {
        return 0;
    }
    *text = end;
    return 1;
}

int name_values_read_json(apr_array_header_t *values, const char *text, apr_pool_t *pool)
{
    name_value_t value;

    if (!take(&text, '{')) {
        return 0;
    }
    do {
        if (!take_value(&text, &value, pool)) {
            return 0;
        }
        APR_ARRAY_PUSH(values, name_value_t) = value;
    } while (take(&text, ','));
    return take(&text, '}');
}
