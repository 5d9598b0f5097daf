#ifndef UDPECHO_WINDOWS_COMMAND_LINE_H
#define UDPECHO_WINDOWS_COMMAND_LINE_H

/* Windows hands a program one string and leaves it to the program to take it apart. */

#include <apr_pools.h>
#include <apr_tables.h>

/* Joins a program's path and its arguments, an array of const char *, so that CommandLineToArgvW()
 * and the C runtime take them apart as they were ("Parsing C command-line arguments" in Microsoft's
 * documentation). From `pool`; any thread. */
const char *command_line_join(const char *program, const apr_array_header_t *arguments,
                              apr_pool_t *pool);

/* The program of a command line that command_line_join() has made, or one like it. Sets `rest` to
 * all that follows it. NULL if it begins with no path in quotes. From `pool`; any thread. */
const char *command_line_program(const char *text, const char **rest, apr_pool_t *pool);

/* Non-zero if Windows may take a part of it for %NAME%, which the service control manager replaces
 * by the environment variable of this name ("ExpandEnvironmentStrings function"). No such name has
 * an equals sign in it, so that the zones of two addresses are none, as in
 * --listen=[fe80::1%1]:7 --listen=[fe80::1%2]:7. */
int command_line_has_variable(const char *text);

#endif
