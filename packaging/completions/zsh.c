#include "completion.h"

/* '(-c --count)'{-c+,--count=}'; the rest of the entry follows in the same quotes. */
static void write_zsh_names(FILE *out, const option_t *option)
{
    int is_flag = value_sort(option) == VALUE_NONE;
    const char *equals = is_flag ? "" : "=";

    fputc('\'', out);
    if (option->kind->is_list) {
        fputc('*', out);
    } else if (option->letter != 0) {
        fprintf(out, "(-%c --%s)", option->letter, option->name);
    }
    if (option->letter != 0) {
        fprintf(out, "'{-%c%s,--%s%s}'", option->letter, is_flag ? "" : "+", option->name, equals);
    } else {
        fprintf(out, "--%s%s", option->name, equals);
    }
}

static void write_zsh_value(FILE *out, const option_t *option)
{
    fputc(':', out);
    for (const char *next = option->argument; *next != '\0'; next++) {
        if (*next == ':') {
            fputc('\\', out);
        }
        fputc(*next, out);
    }
    switch (value_sort(option)) {
    case VALUE_FILE:
        fputs(":_files", out);
        break;
    case VALUE_DIRECTORY:
        fputs(":_directories", out);
        break;
    case VALUE_WORDS:
        fputs(":(", out);
        write_words(out, option);
        fputc(')', out);
        break;
    default:
        fputs(": ", out);
    }
}

static void write_zsh_description(FILE *out, const option_t *option)
{
    fputc('[', out);
    write_description(out, option, "\\[]", "'\\''");
    fputc(']', out);
}

/* The letter takes no value, and the name only one behind "=" in the same word. */
static void write_zsh_bare(FILE *out, const option_t *option)
{
    fprintf(out, "'(-%c --%s)-%c", option->letter, option->name, option->letter);
    write_zsh_description(out, option);
    fprintf(out, "' \\\n    '(-%c --%s)--%s=-", option->letter, option->name, option->name);
    write_zsh_description(out, option);
    fputc(':', out);
    write_zsh_value(out, option);
}

void write_zsh(FILE *out, const program_t *program)
{
    fprintf(out, "#compdef %s\n\n_arguments -s -S", program->name);
    for (const option_t *option = program->table; option->name != NULL; option++) {
        fputs(" \\\n    ", out);
        if (option->bare != NULL) {
            write_zsh_bare(out, option);
        } else {
            write_zsh_names(out, option);
            write_zsh_description(out, option);
            if (value_sort(option) != VALUE_NONE) {
                write_zsh_value(out, option);
            }
        }
        fputc('\'', out);
    }
    fputs(program->takes_host ? " \\\n    '1:HOST:_hosts'\n" : "\n", out);
}
