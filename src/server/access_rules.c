#include "server/access_rules.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <assert.h>
#include <string.h>

#include "common/lines.h"
#include "common/memory.h"

typedef struct reading {
    apr_array_header_t *rules;
    const char *option;
    int allowed;
    apr_pool_t *scratch; /* emptied for each rule, of which there may be thousands */
    apr_pool_t *pool;
} reading_t;

const char *access_rules_check(const char *value, apr_pool_t *pool)
{
    cidr_t network;

    if (*value == '@') {
        return value[1] != '\0' ? NULL : "the name of a file after @";
    }
    return cidr_parse(&network, value, pool);
}

int access_rules_name_file(const apr_array_header_t *values)
{
    for (int i = 0; values != NULL && i < values->nelts; i++) {
        if (*APR_ARRAY_IDX(values, i, const char *) == '@') {
            return 1;
        }
    }
    return 0;
}

/* Returns NULL, or what would have been right, until the next rule. */
static const char *add_rule(reading_t *reading, const char *text)
{
    apr_array_header_t *rules = reading->rules;
    access_rule_t rule = {.allowed = reading->allowed};

    apr_pool_clear(reading->scratch);
    const char *expected = cidr_parse(&rule.network, text, reading->scratch);

    if (expected == NULL) {
        rule.origin = apr_pstrcat(rules->pool, "--", reading->option, "=", text, NULL);
        APR_ARRAY_PUSH(rules, access_rule_t) = rule;
    }
    return expected;
}

static char *trim(char *text)
{
    apr_size_t length;

    text += strspn(text, " \t");
    for (length = strlen(text); length > 0 && apr_isspace(text[length - 1]); length--) {
        text[length - 1] = '\0';
    }
    return text;
}

static const char *add_line(void *context, char *line)
{
    reading_t *reading = context;

    line[strcspn(line, "#")] = '\0';
    line = trim(line);
    const char *expected = *line != '\0' ? add_rule(reading, line) : NULL;

    return expected != NULL ? apr_psprintf(reading->pool, "%s: expected %s", line, expected) : NULL;
}

/* An error about a line begins with the file; one about the file names the option. */
static const char *read_list(reading_t *reading, const char *path, apr_status_t *refusal)
{
    apr_status_t status = APR_SUCCESS;
    const char *error = lines_read(path, add_line, reading, &status, reading->pool);

    if (status == APR_SUCCESS) {
        return error;
    }
    *refusal = status;
    return apr_pstrcat(reading->pool, "--", reading->option, "=@", error, NULL);
}

const char *access_rules_read(apr_array_header_t *rules, const char *option, int allowed,
                              const apr_array_header_t *values, apr_status_t *refusal,
                              apr_pool_t *pool)
{
    assert(rules->elt_size == sizeof(access_rule_t));
    reading_t reading = {rules, option, allowed, memory_pool(rules->pool), pool};
    const char *error = NULL;

    for (int i = 0; error == NULL && values != NULL && i < values->nelts; i++) {
        const char *value = APR_ARRAY_IDX(values, i, const char *);

        assert(access_rules_check(value, reading.scratch) == NULL);
        if (*value != '@') {
            add_rule(&reading, value);
        } else {
            error = read_list(&reading, value + 1, refusal);
        }
    }
    apr_pool_destroy(reading.scratch);
    return error;
}
