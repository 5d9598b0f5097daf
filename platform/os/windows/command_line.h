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

#endif
