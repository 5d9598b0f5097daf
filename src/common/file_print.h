#ifndef UDPECHO_FILE_PRINT_H
#define UDPECHO_FILE_PRINT_H

#include <apr_file_io.h>

/* Writes to the file as printf(3) does, by way of memory from the file's pool. (Where there is no
 * memory, apr_file_printf() writes nothing and says nothing.) One thread at a time for each pool.
 */
void file_print(apr_file_t *file, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Writes all `length` bytes of the text, also where another process that shares the file has made
 * it non-blocking: while it is full, tries again every 10 milliseconds, without end. Returns the
 * error that ends the writing; `written` is how many bytes the file took. Any thread. */
apr_status_t file_write_whole(apr_file_t *file, const char *text, apr_size_t length,
                              apr_size_t *written);

#endif
