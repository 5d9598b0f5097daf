#ifndef UDPECHO_KEYBOARD_H
#define UDPECHO_KEYBOARD_H

/*
 * Keys that the user presses, without Enter, if standard input is a terminal. The terminal does
 * not echo them. Keys that send signals, Ctrl-C and Ctrl-Z, still do. While another job has the
 * terminal, nothing is read and nothing is changed, and no SIGTTIN or SIGTTOU is raised.
 */

#include <apr_file_io.h>

typedef struct keyboard keyboard_t;

/* Non-zero if standard input is a terminal. Sources: isatty(3); GetConsoleMode(). Any thread. */
int keyboard_exists(void);

/*
 * Starts a thread that calls press(context, key) for each key that is an ASCII character. When the
 * user suspends the process, the terminal gets its modes back, and what is below the cursor of the
 * terminal `screen` is erased (ECMA-48, ED) for the shell's prompt. One keyboard at a time, after
 * host_start(). Main thread. Errors: those of pipe(2), sigaction(2) and of starting a thread, or
 * the system's equivalent.
 *
 * Sources: termios(3), tty_ioctl(4), "Job control" in credentials(7); ReadConsoleInputW().
 */
apr_status_t keyboard_start(keyboard_t **keyboard, apr_file_t *screen,
                            void (*press)(void *context, char key), void *context,
                            apr_pool_t *pool);

/* Ends the thread and gives the terminal its modes back, before anything else can end the process:
 * as soon as it is to end, since a second Ctrl-C ends it at once. Main thread. */
void keyboard_stop(keyboard_t *keyboard);

#endif
