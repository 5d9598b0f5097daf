#ifndef UDPECHO_TERMINAL_H
#define UDPECHO_TERMINAL_H

/* The terminal that a program may draw on. Any thread. */

#include <apr_file_io.h>

typedef struct terminal {
    unsigned columns; /* as they are now; ask again after a while, windows are resized */
    unsigned rows;
    int has_utf8;      /* it shows UTF-8 */
    int is_background; /* another job has the terminal, whose output a drawing would overwrite; as
                          columns */
} terminal_t;

/* Returns 0 if the file is no terminal that understands cursor movements (ECMA-48), and then leaves
 * `terminal` alone. On Windows it switches the console to both, for as long as the process lives.
 * Sources: ioctl_tty(2) TIOCGWINSZ, isatty(3), tcgetpgrp(3), nl_langinfo(3) CODESET;
 * SetConsoleMode(). */
int terminal_describe(terminal_t *terminal, apr_file_t *file);

/* Returns non-zero if the file is a terminal, of any kind, that still exists. A terminal whose
 * window is closed is none from then on, before SIGHUP tells of it: isatty(3), tty(4);
 * GetConsoleMode(). */
int terminal_is_open(apr_file_t *file);

#endif
