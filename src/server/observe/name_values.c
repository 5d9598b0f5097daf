#include "server/observe/name_values.h"

#include <apr_strings.h>
#include <errno.h>
#include <string.h>

#include "common/json_text.h"

void facts_add_text(apr_array_header_t *facts, const char *name, const char *text)
{
    *(fact_t *)apr_array_push(facts) = (fact_t){.name = name, .text = text};
}

void facts_add_list(apr_array_header_t *facts, const char *name, const apr_array_header_t *list)
{
    *(fact_t *)apr_array_push(facts) = (fact_t){.name = name, .list = list};
}

void facts_add_number(apr_array_header_t *facts, const char *name, apr_int64_t number)
{
    *(fact_t *)apr_array_push(facts) = (fact_t){.name = name, .number = number};
}

const fact_t *facts_find(const apr_array_header_t *facts, const char *name)
{
    for (int i = 0; i < facts->nelts; i++) {
        const fact_t *fact = &APR_ARRAY_IDX(facts, i, fact_t);

        if (strcmp(fact->name, name) == 0) {
            return fact;
        }
    }
    return NULL;
}

const char *fact_words(const fact_t *fact, apr_pool_t *pool)
{
    return fact->text != NULL   ? fact->text
           : fact->list != NULL ? apr_array_pstrcat(pool, fact->list, ',')
                                : apr_psprintf(pool, "%" APR_INT64_T_FMT, fact->number);
}

const char *fact_title(const fact_t *fact, apr_pool_t *pool)
{
    char *text = apr_pstrdup(pool, fact->name);

    for (char *c = text; *c != '\0'; c++) {
        *c = *c == '_' ? ' ' : *c;
    }
    return text;
}

/* ---- JSON ---- */

static const char *value_json(const fact_t *fact, apr_pool_t *pool)
{
    if (fact->text != NULL) {
        return json_text(fact->text, pool);
    }
    if (fact->list == NULL) {
        return fact_words(fact, pool);
    }
    apr_array_header_t *strings = apr_array_make(pool, fact->list->nelts, sizeof(const char *));

    for (int i = 0; i < fact->list->nelts; i++) {
        APR_ARRAY_PUSH(strings, const char *) =
            json_text(APR_ARRAY_IDX(fact->list, i, const char *), pool);
    }
    return apr_pstrcat(pool, "[", apr_array_pstrcat(pool, strings, ','), "]", NULL);
}

const char *facts_json(const apr_array_header_t *facts, apr_pool_t *pool)
{
    apr_array_header_t *members = apr_array_make(pool, facts->nelts, sizeof(const char *));

    for (int i = 0; i < facts->nelts; i++) {
        const fact_t *fact = &APR_ARRAY_IDX(facts, i, fact_t);

        APR_ARRAY_PUSH(members, const char *) =
            apr_psprintf(pool, "\"%s\":%s", fact->name, value_json(fact, pool));
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

/* What stands in quotes, or NULL. */
static const char *take_string(const char **text, apr_pool_t *pool)
{
    const char *string = *text + 1;
    const char *end = take(text, '"') ? strchr(string, '"') : NULL;

    if (end == NULL) {
        return NULL;
    }
    *text = end + 1;
    return apr_pstrmemdup(pool, string, (apr_size_t)(end - string));
}

#define NAME_LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"

/* What stands in quotes if it can be the name of a fact, or NULL. */
static const char *take_name(const char **text, apr_pool_t *pool)
{
    const char *name = take_string(text, pool);

    return name != NULL && name[strspn(name, NAME_LETTERS)] == '\0' ? name : NULL;
}

/* What stands in brackets, or NULL. */
static const apr_array_header_t *take_list(const char **text, apr_pool_t *pool)
{
    apr_array_header_t *list = apr_array_make(pool, 4, sizeof(const char *));

    take(text, '[');
    if (take(text, ']')) {
        return list;
    }
    do {
        const char *string = take_string(text, pool);

        if (string == NULL) {
            return NULL;
        }
        APR_ARRAY_PUSH(list, const char *) = string;
    } while (take(text, ','));
    return take(text, ']') ? list : NULL;
}

static int take_fact(const char **text, fact_t *fact, apr_pool_t *pool)
{
    *fact = (fact_t){.name = take_name(text, pool)};
    if (fact->name == NULL || !take(text, ':')) {
        return 0;
    }
    if (**text == '"') {
        fact->text = take_string(text, pool);
        return fact->text != NULL;
    }
    if (**text == '[') {
        fact->list = take_list(text, pool);
        return fact->list != NULL;
    }
    char *end;

    errno = 0;
    fact->number = apr_strtoi64(*text, &end, 10);
    if (end == *text || errno != 0 || fact->number < 0) {
        return 0;
    }
    *text = end;
    return 1;
}

int facts_read_json(apr_array_header_t *facts, const char *text, apr_pool_t *pool)
{
    fact_t fact;

    if (!take(&text, '{')) {
        return 0;
    }
    do {
        if (!take_fact(&text, &fact, pool)) {
            return 0;
        }
        APR_ARRAY_PUSH(facts, fact_t) = fact;
    } while (take(&text, ','));
    return take(&text, '}');
}
