#include "completion.h"

static void write_fish_value(FILE *out, const option_t *option)
{
    switch (value_sort(option)) {
    case VALUE_NONE:
        break;
    case VALUE_FILE:
        fputs(" -r -F", out);
        break;
    case VALUE_DIRECTORY:
        fputs(" -x -a '(__fish_complete_directories)'", out);
        break;
    case VALUE_WORDS:
        fputs(option->bare == NULL ? " -x -a '" : " -a '", out);
        write_words(out, option);
        fputc('\'', out);
        break;
    case VALUE_OTHER:
        fputs(" -x", out);
    }
}

void write_fish(FILE *out, const program_t *program)
{
    fprintf(out, "complete -c %s -f%s\n", program->name,
            program->takes_host ? " -a '(__fish_print_hostnames)'" : "");
    for (const option_t *option = program->table; option->name != NULL; option++) {
        fprintf(out, "complete -c %s", program->name);
        if (option->letter != 0) {
            fprintf(out, " -s %c", option->letter);
        }
        fprintf(out, " -l %s", option->name);
        write_fish_value(out, option);
        fputs(" -d '", out);
        write_description(out, option, "\\", "\\'");
        fputs("'\n", out);
    }
}
