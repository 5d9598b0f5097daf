#include "common/options.h"

#include <apr_getopt.h>
#include <apr_strings.h>
#include <assert.h>
#include <string.h>

#include "common/lines.h"

/* apr_getopt takes numbers below this for the letters of short options. */
#define FIRST_LONG_OPTION 256

/* From this length on, the beginning of a name says which option may be meant. */
#define BEGINNING_MIN 3

/* ---- Storing ---- */

/* One source of options: the command line, or one file. What it says of a list replaces what an
 * earlier source said. */
typedef struct source {
    const option_t *table;
    void *settings;
    unsigned char *given; /* for each option: non-zero once this source has named it */
    apr_pool_t *pool;
} source_t;

/* Whether the text of `length` is one of the words, which "|" separates. */
static int is_among(const char *words, const char *text, apr_size_t length)
{
    while (words != NULL && *words != '\0') {
        apr_size_t next = strcspn(words, "|");

        if (next == length && strncmp(words, text, length) == 0) {
            return 1;
        }
        words += next + (words[next] == '|');
    }
    return 0;
}

/* The option that may be meant by a name that is none, or NULL. */
static const option_t *find_similar(const option_t *table, const char *name, apr_size_t length,
                                    int is_file)
{
    for (const option_t *option = table; option->name != NULL; option++) {
        int begins_so = length >= BEGINNING_MIN && strncmp(option->name, name, length) == 0;

        if ((begins_so || is_among(option->also, name, length)) &&
            !(is_file && option->command_line_only)) {
            return option;
        }
    }
    return NULL;
}

static const char *unknown_option(const option_t *table, const char *argument, int is_file,
                                  apr_pool_t *pool)
{
    const char *name = argument + strspn(argument, "-");
    const option_t *similar = find_similar(table, name, strcspn(name, "="), is_file);
    const char *hint = "";

    if (similar == NULL && name == argument + 1) {
        similar = find_similar(table, name, 1, is_file); /* -p9999 */
    }
    if (similar != NULL) {
        hint = apr_pstrcat(pool, "did you mean ", is_file ? "" : "--", similar->name,
                           similar->argument != NULL ? "=" : "",
                           similar->argument != NULL ? similar->argument : "", "? ", NULL);
    }
    return apr_psprintf(pool, "unknown option %s; %s--help lists the options", argument, hint);
}

static source_t source_open(const option_t *table, void *settings, apr_pool_t *pool)
{
    unsigned count = 0;

    while (table[count].name != NULL) {
        count++;
    }
    return (source_t){table, settings, apr_pcalloc(pool, count + 1), pool};
}

static const char *store(source_t *source, unsigned index, const char *value)
{
    const option_t *option = &source->table[index];
    void *place = (char *)source->settings + option->offset;

    if (!source->given[index] && option->kind->is_list) {
        *(apr_array_header_t **)place = NULL;
    }
    source->given[index] = 1;
    /* No configuration file could say it, and --check-config prints one. */
    if (value != NULL && !option->command_line_only && !option->takes_line_ends &&
        strpbrk(value, "\r\n") != NULL) {
        return "a value without line ends";
    }
    return option->kind->read(option, place, value, source->pool);
}

/* ---- The command line ---- */

static const char *describe_error(const source_t *source, apr_status_t status, const char *argument)
{
    if (status == APR_BADCH) {
        return unknown_option(source->table, argument, 0, source->pool);
    }
    const char *name = argument + strspn(argument, "-");
    apr_size_t length = strcspn(name, "=");

    for (const option_t *option = source->table; option->name != NULL; option++) {
        int is_named =
            (strlen(option->name) == length && strncmp(option->name, name, length) == 0) ||
            (length == 1 && *name == option->letter);

        if (is_named && option->argument != NULL) {
            return apr_psprintf(source->pool, "--%s needs a value: --%s=%s", option->name,
                                option->name, option->argument);
        }
    }
    return apr_psprintf(source->pool, "%s: this option takes no value", argument);
}

static const apr_getopt_option_t *getopt_table(const option_t *table, apr_pool_t *pool)
{
    apr_array_header_t *list = apr_array_make(pool, 32, sizeof(apr_getopt_option_t));

    for (int i = 0; table[i].name != NULL; i++) {
        const option_t *option = &table[i];
        int has_own_letter = option->letter != 0 && option->bare == NULL;

        APR_ARRAY_PUSH(list, apr_getopt_option_t) = (apr_getopt_option_t){
            option->name, has_own_letter ? option->letter : FIRST_LONG_OPTION + i,
            option->argument != NULL, option->help};
        if (option->letter != 0 && !has_own_letter) {
            APR_ARRAY_PUSH(list, apr_getopt_option_t) =
                (apr_getopt_option_t){NULL, option->letter, 0, option->help};
        }
    }
    APR_ARRAY_PUSH(list, apr_getopt_option_t) = (apr_getopt_option_t){NULL, 0, 0, NULL};
    return (const apr_getopt_option_t *)list->elts;
}

/* The index in the table of what apr_getopt_long() calls `number`. */
static unsigned option_index(const option_t *table, int number)
{
    unsigned index = 0;

    if (number >= FIRST_LONG_OPTION) {
        return (unsigned)(number - FIRST_LONG_OPTION);
    }
    while (table[index].letter != number) {
        index++;
    }
    return index;
}

/* apr_getopt_long() knows of no value that may be missing: the next option, if it is such a one
 * without its value, gets it. */
static void complete_next(apr_getopt_t *state, const option_t *table, apr_pool_t *pool)
{
    int next = state->ind;

    while (next < state->argc && state->argv[next][0] != '-') {
        next++;
    }
    if (*state->place != '\0' || next == state->argc || strncmp(state->argv[next], "--", 2) != 0) {
        return;
    }
    for (const option_t *option = table; option->name != NULL; option++) {
        if (option->bare != NULL && strcmp(option->name, state->argv[next] + 2) == 0) {
            state->argv[next] = apr_pstrcat(pool, "--", option->name, "=", option->bare, NULL);
        }
    }
}

/* The index in the table of the next option, and its value, NULL for a flag. Errors: those of
 * apr_getopt_long(); APR_EOF: there is none. */
static apr_status_t next_option(apr_getopt_t *state, const option_t *table,
                                const apr_getopt_option_t *options, unsigned *index,
                                const char **value, apr_pool_t *pool)
{
    int number;

    complete_next(state, table, pool);
    apr_status_t status = apr_getopt_long(state, options, &number, value);

    if (status == APR_SUCCESS) {
        *index = option_index(table, number);
        if (*value == NULL) {
            *value = table[*index].bare;
        }
    }
    return status;
}

/* Operands may stand before options and between them. */
static apr_status_t begin(apr_getopt_t **state, int argc, const char *const *argv, apr_pool_t *pool)
{
    apr_status_t status = apr_getopt_init(state, pool, argc, argv);

    if (status == APR_SUCCESS) {
        (*state)->errfn = NULL; /* errors are ours to word */
        (*state)->interleave = 1;
    }
    return status;
}

static apr_array_header_t *rest_of(const apr_getopt_t *state, apr_pool_t *pool)
{
    apr_array_header_t *rest = apr_array_make(pool, 2, sizeof(const char *));

    for (int i = state->ind; i < state->argc; i++) {
        APR_ARRAY_PUSH(rest, const char *) = state->argv[i];
    }
    return rest;
}

const char *options_read_arguments(const option_t *table, void *settings, int argc,
                                   const char *const *argv, apr_array_header_t **operands,
                                   apr_pool_t *pool)
{
    source_t source = source_open(table, settings, pool);
    const apr_getopt_option_t *options = getopt_table(table, pool);
    apr_getopt_t *state;
    apr_status_t status = begin(&state, argc, argv, pool);
    const char *value;
    unsigned index;

    if (status != APR_SUCCESS) {
        return "cannot read the command line";
    }
    while ((status = next_option(state, table, options, &index, &value, pool)) == APR_SUCCESS) {
        const char *expected = store(&source, index, value);

        if (expected != NULL) {
            return apr_psprintf(pool, "--%s=%s: expected %s", table[index].name, value, expected);
        }
    }
    if (status != APR_EOF) {
        return describe_error(&source, status, state->argv[state->ind - 1]);
    }
    *operands = rest_of(state, pool);
    return NULL;
}

static int contains(const char *const *names, const char *name)
{
    while (*names != NULL && strcmp(*names, name) != 0) {
        names++;
    }
    return *names != NULL;
}

apr_array_header_t *options_repeat(const option_t *table, int argc, const char *const *argv,
                                   const char *const *without, apr_pool_t *pool)
{
    apr_array_header_t *words = apr_array_make(pool, 8, sizeof(const char *));
    const apr_getopt_option_t *options = getopt_table(table, pool);
    apr_getopt_t *state;
    const char *value;
    unsigned index;
    apr_status_t status = begin(&state, argc, argv, pool);

    while (status == APR_SUCCESS &&
           (status = next_option(state, table, options, &index, &value, pool)) == APR_SUCCESS) {
        const char *name = table[index].name;

        if (!contains(without, name)) {
            APR_ARRAY_PUSH(words, const char *) =
                value != NULL ? apr_pstrcat(pool, "--", name, "=", value, NULL)
                              : apr_pstrcat(pool, "--", name, NULL);
        }
    }
    assert(APR_STATUS_IS_EOF(status));
    return words;
}

/* ---- The configuration file ---- */

/* Takes the quotes and backslashes off a word in place. Returns what follows it, or NULL if a quote
 * is not closed. apr_tokenize_to_argv() takes the last quote of "C:\\" for part of the value. */
static char *next_word(char *text)
{
    char *end = text;
    char quote = '\0';

    for (; *text != '\0' && (quote != '\0' || strchr(" \t", *text) == NULL); text++) {
        if (quote != '\0' && *text == quote) {
            quote = '\0';
        } else if (quote == '\0' && strchr("\"'", *text) != NULL) {
            quote = *text;
        } else {
            text += *text == '\\' && text[1] != '\0';
            *end++ = *text;
        }
    }
    text += *text != '\0';
    *end = '\0';
    return quote == '\0' ? text : NULL;
}

static int nothing_follows(const char *text)
{
    text += strspn(text, " \t");
    return *text == '\0' || *text == '#';
}

static const char *one_value(char *text, const char **value)
{
    if (nothing_follows(text)) {
        *value = NULL;
        return NULL;
    }
    text += strspn(text, " \t");
    *value = text;
    text = next_word(text);
    if (text == NULL) {
        return "a quote is not closed";
    }
    return nothing_follows(text) ? NULL : "one value only; put a value with spaces in quotes";
}

static const char *read_line(void *context, char *line)
{
    source_t *source = context;
    apr_pool_t *pool = source->pool;
    char *name = line + strspn(line, " \t");
    char *rest = name + strcspn(name, " \t=");
    const char *value;
    const char *error;

    if (*name == '\0' || *name == '#') {
        return NULL;
    }
    apr_size_t length = (apr_size_t)(rest - name);

    rest += strspn(rest, " \t");
    rest += *rest == '=';
    error = one_value(rest, &value);
    name[length] = '\0';
    if (error != NULL) {
        return apr_psprintf(pool, "%s: %s", name, error);
    }
    for (unsigned i = 0; source->table[i].name != NULL; i++) {
        const option_t *option = &source->table[i];

        if (strcmp(option->name, name) != 0) {
            continue;
        }
        if (option->command_line_only) {
            return apr_psprintf(pool, "%s: only the command line takes this option", name);
        }
        if (option->argument == NULL) {
            return value == NULL ? store(source, i, NULL)
                                 : apr_psprintf(pool, "%s: this option takes no value", name);
        }
        value = value != NULL ? value : option->bare;
        if (value == NULL) {
            return apr_psprintf(pool, "%s needs a value: %s=%s", name, name, option->argument);
        }
        error = store(source, i, value);
        return error == NULL ? NULL : apr_psprintf(pool, "%s=%s: expected %s", name, value, error);
    }
    return unknown_option(source->table, name, 1, pool);
}

const char *options_read_file(const option_t *table, void *settings, const char *path,
                              apr_status_t *refusal, apr_pool_t *pool)
{
    source_t source = source_open(table, settings, pool);

    return lines_read(path, read_line, &source, refusal, pool);
}

/* ---- Again ---- */

void options_reload(const option_t *table, void *settings, const void *fresh)
{
    for (const option_t *option = table; option->name != NULL; option++) {
        if (option->reloadable) {
            memcpy((char *)settings + option->offset, (const char *)fresh + option->offset,
                   option->kind->size);
        }
    }
}
