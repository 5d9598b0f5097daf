#ifndef UDPECHO_WHOLE_FILE_H
#define UDPECHO_WHOLE_FILE_H

/* A file that is written as a whole: who reads it finds what it held before or what it holds now.
 * It is written under another name in the same folder, and then renamed. Memory from `pool`; any
 * thread. */

#include <apr_file_io.h>

/* Non-zero status if a file cannot be created there: errors of apr_file_open(). Leaves nothing. */
apr_status_t whole_file_try(const char *path, apr_pool_t *pool);

/* Writes the text, in place of what the file held. Where that fails, the file is as it was. Errors:
 * those of apr_file_open(), apr_file_write(), apr_file_close() and apr_file_rename(). */
apr_status_t whole_file_write(const char *path, const char *text, apr_pool_t *pool);

#endif
