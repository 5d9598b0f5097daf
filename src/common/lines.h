#ifndef UDPECHO_LINES_H
#define UDPECHO_LINES_H

#include <apr_file_io.h>
#include <apr_pools.h>

/* The largest file, bytes: a million networks and more. */
#define LINES_FILE_MAX (64 << 20)

/*
 * Reads a regular file of at most LINES_FILE_MAX bytes: text in UTF-8, with a byte order mark or
 * without, of lines that end in LF or CRLF. NUL bytes and UTF-16 are errors. Calls
 * each(context, line) for every line, without its end; it may write to the line. Whatever it
 * returns but NULL is what is wrong with the line and ends reading. Returns NULL, or the error as a
 * sentence that starts with the file and, if it is about one, with the number of the line;
 * `refusal` is set if the error is one of the system. Main thread; memory from `pool`. Errors:
 * those of open(2) and read(2).
 */
const char *lines_read(const char *path, const char *(*each)(void *context, char *line),
                       void *context, apr_status_t *refusal, apr_pool_t *pool);

/* The same for a file that is open already, of any kind and length, such as standard input; errors
 * begin with `name`. Waits for what is not written yet. Does not close the file. */
const char *lines_read_from(apr_file_t *file, const char *name,
                            const char *(*each)(void *context, char *line), void *context,
                            apr_status_t *refusal, apr_pool_t *pool);

#endif
