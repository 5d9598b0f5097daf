#include "lines.h"

#include <apr_file_io.h>
#include <apr_strings.h>
#include <string.h>

#define LINE_MAX_BYTES 4094

static const char *take_line(char *line, const char *(*each)(void *context, char *line),
                             void *context, apr_pool_t *pool)
{
    apr_size_t length = strlen(line);

    if (length == LINE_MAX_BYTES + 1 && line[length - 1] != '\n') {
        return apr_psprintf(pool, "a line longer than %d bytes", LINE_MAX_BYTES);
    }
    line[strcspn(line, "\r\n")] = '\0';
    return each(context, line);
}

const char *lines_read(const char *path, const char *(*each)(void *context, char *line),
                       void *context, apr_pool_t *pool)
{
    apr_file_t *file;
    char line[LINE_MAX_BYTES + 2];
    char reason[128];
    const char *error = NULL;
    apr_status_t status =
        apr_file_open(&file, path, APR_FOPEN_READ | APR_FOPEN_BUFFERED, APR_FPROT_OS_DEFAULT, pool);

    if (status == APR_SUCCESS) {
        for (unsigned number = 1; error == NULL; number++) {
            status = apr_file_gets(line, sizeof line, file);
            if (status != APR_SUCCESS) {
                break;
            }
            error = take_line(line, each, context, pool);
            if (error != NULL) {
                error = apr_psprintf(pool, "%s:%u: %s", path, number, error);
            }
        }
        apr_file_close(file);
    }
    if (error == NULL && status != APR_EOF) {
        return apr_psprintf(pool, "%s: cannot be read: %s", path,
                            apr_strerror(status, reason, sizeof reason));
    }
    return error;
}
