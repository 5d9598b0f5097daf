#include "completion.h"

#include <string.h>

value_sort_t value_sort(const option_t *option)
{
    if (option->kind == &option_flag) {
        return VALUE_NONE;
    }
    if (strcmp(option->argument, "FILE") == 0 || strcmp(option->argument, "PATH") == 0) {
        return VALUE_FILE;
    }
    if (option->kind == &option_text && strcmp(option->argument, "DIRECTORY") == 0) {
        return VALUE_DIRECTORY;
    }
    return option->choices != NULL || option->zero != NULL ? VALUE_WORDS : VALUE_OTHER;
}

void write_words(FILE *out, const option_t *option)
{
    if (option->choices == NULL) {
        fputs(option->zero, out);
        return;
    }
    for (const char *const *word = option->choices; *word != NULL; word++) {
        fprintf(out, "%s%s", word > option->choices ? " " : "", *word);
    }
}

/* The length of the first sentence of a help, without its full stop. */
static size_t sentence_length(const char *help)
{
    const char *end = help;

    while (*end != '\0' && !(*end == '.' && strchr(" \n", end[1]) != NULL)) {
        end++;
    }
    return (size_t)(end - help);
}

void write_description(FILE *out, const option_t *option, const char *special, const char *quote)
{
    size_t length = sentence_length(option->help);

    for (size_t i = 0; i < length; i++) {
        char character = option->help[i];

        if (character == '\'') {
            fputs(quote, out);
            continue;
        }
        if (strchr(special, character) != NULL) {
            fputc('\\', out);
        }
        fputc(character == '\n' ? ' ' : character, out);
    }
}
