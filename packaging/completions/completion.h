#ifndef UDPECHO_COMPLETION_H
#define UDPECHO_COMPLETION_H

/* What the completions for all shells are made of: the tables of options by which the programs read
 * their command lines. One thread. */

#include <stdio.h>

#include "common/options.h"

typedef struct program {
    const char *name;
    const option_t *table;
    int takes_host; /* its operand; else it has none */
} program_t;

typedef enum value_sort {
    VALUE_NONE,
    VALUE_FILE,
    VALUE_DIRECTORY,
    VALUE_WORDS, /* one of these, or one of these instead of a number */
    VALUE_OTHER  /* nobody but the user knows */
} value_sort_t;

/* What can be offered for the value of an option. */
value_sort_t value_sort(const option_t *option);

/* Writes the words of VALUE_WORDS with spaces between them. */
void write_words(FILE *out, const option_t *option);

/* Writes the first sentence of the option's help, without its full stop, for a place between single
 * quotes: `quote` stands for a single quote of the text, and a backslash goes before each character
 * of `special`. */
void write_description(FILE *out, const option_t *option, const char *special, const char *quote);

/* Each writes a whole file for its shell. Errors are left to ferror(). */
void write_bash(FILE *out, const program_t *program);
void write_zsh(FILE *out, const program_t *program);
void write_fish(FILE *out, const program_t *program);
void write_powershell(FILE *out, const program_t *program);

#endif
