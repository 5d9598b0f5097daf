#ifndef UDPECHO_REGULAR_FILE_H
#define UDPECHO_REGULAR_FILE_H

#include <apr_file_io.h>

/*
 * Opens a file for reading if it is a regular one, or a link to one, of at most `size_max` bytes.
 * Never waits, as opening a FIFO would for its writer (fifo(7)). Returns NULL, or the error as a
 * sentence that begins with the path; nothing is open then, and `refusal` is set if the error is
 * one of the system. Any thread; memory from `pool`. Errors: those of open(2) and fstat(2).
 */
const char *regular_file_open(apr_file_t **file, const char *path, apr_off_t size_max,
                              apr_status_t *refusal, apr_pool_t *pool);

#endif
