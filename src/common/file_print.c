#include "common/file_print.h"

#include <apr_strings.h>
#include <stdarg.h>

void file_print(apr_file_t *file, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    apr_file_puts(apr_pvsprintf(apr_file_pool_get(file), format, arguments), file);
    va_end(arguments);
}
