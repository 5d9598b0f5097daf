#include "completion.h"

/* "-c | --count | --count=) ;;": what is offered behind this option. */
static void write_bash_values(FILE *out, const option_t *option)
{
    fputs("    ", out);
    /* What follows a value that may be missing is none, unless = is between them. */
    if (option->letter != 0 && option->bare == NULL) {
        fprintf(out, "-%c | ", option->letter);
    }
    if (option->bare == NULL) {
        fprintf(out, "--%s | ", option->name);
    }
    fprintf(out, "--%s=) ", option->name);
    switch (value_sort(option)) {
    case VALUE_FILE:
        fputs("compopt -o default ;;\n", out);
        break;
    case VALUE_DIRECTORY:
        fputs("compopt -o dirnames ;;\n", out);
        break;
    case VALUE_WORDS:
        fputs("offers=(-W '", out);
        write_words(out, option);
        fputs("') ;;\n", out);
        break;
    default:
        fputs(";;\n", out);
    }
}

/* " -c --count= -q --quiet" */
static void write_bash_options(FILE *out, const option_t *table)
{
    for (const option_t *option = table; option->name != NULL; option++) {
        if (option->letter != 0) {
            fprintf(out, " -%c", option->letter);
        }
        if (option->bare != NULL) {
            fprintf(out, " --%s", option->name);
        }
        fprintf(out, " --%s%s", option->name, value_sort(option) == VALUE_NONE ? "" : "=");
    }
}

/* bash takes --name=value for three words, as = is among COMP_WORDBREAKS. */
void write_bash(FILE *out, const program_t *program)
{
    fprintf(out,
            "_%s()\n"
            "{\n"
            "    local word=${COMP_WORDS[COMP_CWORD]} option=${COMP_WORDS[COMP_CWORD - 1]}\n"
            "    local offers=(-W '')\n\n"
            "    if [[ $word == '=' ]]; then\n"
            "        word= option+==\n"
            "    elif [[ $option == '=' ]]; then\n"
            "        option=${COMP_WORDS[COMP_CWORD - 2]}=\n"
            "    fi\n"
            "    case $option in\n",
            program->name);
    for (const option_t *option = program->table; option->name != NULL; option++) {
        if (value_sort(option) != VALUE_NONE) {
            write_bash_values(out, option);
        }
    }
    fputs("    *)\n"
          "        if [[ $word == -* ]]; then\n"
          "            offers=(-W '",
          out);
    write_bash_options(out, program->table);
    fprintf(out,
            "')\n"
            "%s"
            "        fi\n"
            "        ;;\n"
            "    esac\n"
            "    mapfile -t COMPREPLY < <(compgen \"${offers[@]}\" -- \"$word\")\n"
            "    if [[ ${COMPREPLY[0]} == *= ]]; then\n"
            "        compopt -o nospace\n"
            "    fi\n"
            "}\n"
            "complete -F _%s %s\n",
            program->takes_host ? "        else\n            offers=(-A hostname)\n" : "",
            program->name, program->name);
}
