#include "common/file_print.h"

#include <apr_strings.h>
#include <stdarg.h>

#include "udpecho/clock.h"

#define FULL_PAUSE_US 10000

void file_print(apr_file_t *file, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    apr_file_puts(apr_pvsprintf(apr_file_pool_get(file), format, arguments), file);
    va_end(arguments);
}

/* When a non-blocking file is full, APR checks once whether there is room again, and stops in
 * the middle of a line. Not APR_STATUS_IS_EAGAIN(), which on Windows also means that nobody
 * reads from a pipe any more (ERROR_NO_DATA). */
apr_status_t file_write_whole(apr_file_t *file, const char *text, apr_size_t length,
                              apr_size_t *written)
{
    apr_size_t part = 0;
    apr_status_t status;

    *written = 0;
    while ((status = apr_file_write_full(file, text + *written, length - *written, &part)) !=
               APR_SUCCESS &&
           (APR_STATUS_IS_TIMEUP(status) || status == APR_EAGAIN)) {
        *written += part;
        clock_pause(FULL_PAUSE_US);
    }
    *written += part;
    return status;
}
