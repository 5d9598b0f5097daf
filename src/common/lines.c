#include "common/lines.h"

#include <apr_file_io.h>
#include <apr_strings.h>
#include <string.h>

#include "common/memory.h"
#include "common/regular_file.h"
#include "udpecho/error_text.h"
#include "udpecho/host.h"

#define LINE_MAX_BYTES 4094

static int begins_with(const char *line, const char *bytes)
{
    return strncmp(line, bytes, strlen(bytes)) == 0;
}

/* Reads a line without its end, LF or CRLF. Returns NULL, or what is wrong with it. `status` is
 * that of the file, APR_EOF behind the last line. */
static const char *next_line(char *line, apr_file_t *file, apr_status_t *status, apr_pool_t *pool)
{
    apr_size_t length = 0;
    int has_nul = 0;

    while ((*status = apr_file_getc(&line[length], file)) == APR_SUCCESS && line[length] != '\n') {
        has_nul |= line[length] == '\0';
        if (has_nul) {
            break;
        }
        if (++length > LINE_MAX_BYTES) {
            return apr_psprintf(pool, "a line longer than %d bytes", LINE_MAX_BYTES);
        }
    }
    length -= length > 0 && line[length - 1] == '\r';
    line[length] = '\0';
    /* The two orders of its byte order mark, which no text in UTF-8 has (RFC 2781 section 3.2). */
    if (begins_with(line, "\xff\xfe") || begins_with(line, "\xfe\xff")) {
        return "the file is in UTF-16; save it as UTF-8";
    }
    if (has_nul) {
        return "a NUL byte, which no text in UTF-8 has";
    }
    if (APR_STATUS_IS_EOF(*status) && length > 0) {
        *status = APR_SUCCESS; /* the last line has no end */
    }
    return NULL;
}

/* A byte order mark says nothing in UTF-8 (RFC 3629 section 6), but editors of Windows write it. */
static char *without_mark(char *line)
{
    return begins_with(line, "\xef\xbb\xbf") ? line + 3 : line;
}

const char *lines_read_from(apr_file_t *file, const char *name,
                            const char *(*each)(void *context, char *line), void *context,
                            apr_status_t *refusal, apr_pool_t *pool)
{
    char line[LINE_MAX_BYTES + 2];
    char reason[128];
    apr_status_t status;

    for (unsigned number = 1;; number++) {
        const char *error = next_line(line, file, &status, pool);

        if (error == NULL && status != APR_SUCCESS) {
            break;
        }
        host_work_on();
        if (error == NULL) {
            error = each(context, number == 1 ? without_mark(line) : line);
        }
        if (error != NULL) {
            return apr_psprintf(pool, "%s:%u: %s", name, number, error);
        }
    }
    if (APR_STATUS_IS_EOF(status)) {
        return NULL;
    }
    *refusal = status;
    return apr_psprintf(pool, "%s: cannot be read: %s", name,
                        error_text(status, reason, sizeof reason));
}

const char *lines_read(const char *path, const char *(*each)(void *context, char *line),
                       void *context, apr_status_t *refusal, apr_pool_t *pool)
{
    apr_file_t *file;
    apr_pool_t *own = memory_pool(pool); /* it closes the file, also if there is no memory */
    const char *error = regular_file_open(&file, path, LINES_FILE_MAX, refusal, own);

    error = error == NULL ? lines_read_from(file, path, each, context, refusal, pool)
                          : apr_pstrdup(pool, error);
    apr_pool_destroy(own);
    return error;
}
