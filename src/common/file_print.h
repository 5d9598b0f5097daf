#ifndef UDPECHO_FILE_PRINT_H
#define UDPECHO_FILE_PRINT_H

#include <apr_file_io.h>

/* Writes to the file as printf(3) does, by way of memory from the file's pool. (Where there is no
 * memory, apr_file_printf() writes nothing and says nothing.) One thread at a time for each pool.
 */
void file_print(apr_file_t *file, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
