#ifndef UDPECHO_OPTIONS_H
#define UDPECHO_OPTIONS_H

/*
 * One table of options serves the command line, the configuration file and --help. The table says
 * where in a program's settings each value goes and how it is read. Main thread only; all memory
 * comes from the pool that is passed.
 */

#include <apr_file_io.h>
#include <apr_pools.h>
#include <apr_tables.h>
#include <stddef.h>

typedef struct option option_t;

/* What sort of value an option takes. */
typedef struct option_kind {
    /* Reads `value` and stores it at `place`. Returns NULL, or what would have been right, in
     * words that can follow "expected". */
    const char *(*read)(const option_t *option, void *place, const char *value, apr_pool_t *pool);
    /* The value at `place` as read() takes it; NULL if there is none. Lists are written by
     * item. */
    const char *(*format)(const option_t *option, const void *place, apr_pool_t *pool);
    apr_size_t size; /* of the value in the settings */
    int is_list;
} option_kind_t;

struct option {
    const char *name;     /* without dashes; a NULL name ends the table */
    const char *heading;  /* above this option and those after it in --help; NULL: none */
    char letter;          /* that stands for it on a command line; 0: none */
    const char *argument; /* what --help shows for the value; NULL: a flag, which takes none */
    apr_size_t offset;    /* of the value in the settings */
    const option_kind_t *kind;
    const char *help;    /* one or more lines, separated by \n */
    apr_int64_t minimum; /* of numbers, sizes, durations and rates */
    apr_int64_t maximum;
    const char *bare; /* the value that the option has without one, which only "=" precedes then,
                       * and always has by its letter; NULL: it needs a value */
    const char *zero; /* of these: a word that stands for 0, "auto"; 0 then needs no minimum */
    const char *const *choices; /* of option_choice: its words, which end in a NULL */
    const char *also; /* what other programs call it, "port|p", for the error that it is unknown */
    unsigned command_line_only : 1;
    unsigned takes_line_ends : 1; /* in its value on the command line; a file cannot say them */
    unsigned
        reloadable : 1; /* another value comes into effect at a reload, not at a restart only */
};

/* Flags, numbers, sizes (bytes), durations (microseconds) and rates (per second) are stored as
 * apr_int64_t, a choice as an int or an enum of that size, which is the index of its word, text as
 * const char *. A list is an apr_array_header_t * of const char *, one for each time the option is
 * given, and NULL before the first. */
extern const option_kind_t option_flag, option_number, option_size, option_duration, option_rate,
    option_bandwidth, option_bitrate, option_choice, option_text, option_list;

/* The address of a socket that accepts connections, in the form of stream_address.h; stored as
 * text. */
extern const option_kind_t option_stream;

/* The choices of what is 0 or 1: "off" and "on". */
extern const char *const option_off_on[];

/*
 * Reads argv[1] and on into `settings`. A list given here replaces what it held before, so a
 * command line read after a file wins. Returns NULL, or the error as a sentence that names the
 * option, the value and what would be right. `operands` is set to the arguments that are no
 * options, wherever they stand: an array of const char *, perhaps empty.
 */
const char *options_read_arguments(const option_t *table, void *settings, int argc,
                                   const char *const *argv, apr_array_header_t **operands,
                                   apr_pool_t *pool);

/*
 * The options of a command line that options_read_arguments() found right, each as one word,
 * --name or --name=value: an array of const char *. Those in `without`, names that end in a NULL,
 * are left out.
 */
apr_array_header_t *options_repeat(const option_t *table, int argc, const char *const *argv,
                                   const char *const *without, apr_pool_t *pool);

/*
 * Reads a file whose lines are options without the dashes: "name value" or "name=value". Blank
 * lines and text after # are ignored; a value with spaces stands in quotes, and a backslash
 * makes the next character literal; LF or CRLF. Returns NULL, or the error as a sentence that
 * starts with the file and line; `refusal` is set if the error is one of the system, as for
 * lines_read().
 */
const char *options_read_file(const option_t *table, void *settings, const char *path,
                              apr_status_t *refusal, apr_pool_t *pool);

/* The names of the options whose values differ, separated by commas; those that only the command
 * line takes are ignored. */
const char *options_differing(const option_t *table, const void *one, const void *other,
                              apr_pool_t *pool);

/* Gives the reloadable options of `settings` the values that they have in `fresh`. Lists and texts
 * are not copied. */
void options_reload(const option_t *table, void *settings, const void *fresh);

/* Writes what --help shows of the table, one option after the other. */
void options_write_help(const option_t *table, apr_file_t *out);

/* Writes `settings` as a configuration file that would say the same. */
void options_write_settings(const option_t *table, const void *settings, apr_file_t *out,
                            apr_pool_t *pool);

#endif
