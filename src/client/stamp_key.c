#include "client/stamp_key.h"

#include <apr_file_info.h>
#include <apr_strings.h>
#include <string.h>

#include "client/failure.h"
#include "common/hex_text.h"
#include "common/regular_file.h"

#define SIZE_MAX_FILE 4096

#define BLANKS " \t\r\n"

static int others_may(apr_file_t *file)
{
    apr_finfo_t info;

    return apr_file_info_get(&info, APR_FINFO_WPROT, file) == APR_SUCCESS &&
           (info.valid & APR_FINFO_WPROT) != 0 &&
           (info.protection & (APR_FPROT_WREAD | APR_FPROT_WWRITE)) != 0;
}

/* The only line that is neither empty nor a comment, without blanks at its ends; NULL: there is
 * none, or another one. */
static const char *find_line(char *text)
{
    const char *found = NULL;
    char *rest = text;

    while (rest != NULL) {
        char *line = rest + strspn(rest, " \t\r");

        rest = strchr(line, '\n');
        if (rest != NULL) {
            *rest++ = '\0';
        }
        for (char *end = line + strlen(line); end > line && strchr(BLANKS, end[-1]) != NULL;) {
            *--end = '\0';
        }
        if (*line != '\0' && *line != '#') {
            if (found != NULL) {
                return NULL;
            }
            found = line;
        }
    }
    return found;
}

static const char *read_open(authentication_key_t **key, const char *path, apr_file_t *file,
                             apr_pool_t *pool)
{
    char *text = apr_pcalloc(pool, SIZE_MAX_FILE + 1);
    apr_size_t length;
    apr_status_t status;

    if (others_may(file)) {
        return apr_psprintf(pool, "--stamp-key-file=%s: expected a file that others cannot read",
                            path);
    }
    status = apr_file_read_full(file, text, SIZE_MAX_FILE, &length);
    if (status != APR_SUCCESS && !APR_STATUS_IS_EOF(status)) {
        return apr_psprintf(pool, "--stamp-key-file=%s: %s", path, cannot("read it", status, pool));
    }
    const char *line = find_line(text);
    unsigned char *bytes = line != NULL ? hex_read(line, &length, pool) : NULL;

    if (bytes == NULL) {
        return apr_psprintf(pool, "--stamp-key-file=%s: expected one line of hexadecimal digits",
                            path);
    }
    *key = authentication_key_create(bytes, length, pool);
    return NULL;
}

const char *stamp_key_read(authentication_key_t **key, const char *path, apr_pool_t *pool)
{
    apr_file_t *file;
    apr_status_t refusal;

    if (!authentication_is_available()) {
        return "--stamp-key-file: this udpecho was built without libsodium";
    }
    const char *error = regular_file_open(&file, path, SIZE_MAX_FILE, &refusal, pool);

    if (error != NULL) {
        return apr_pstrcat(pool, "--stamp-key-file=", error, NULL);
    }
    error = read_open(key, path, file, pool);
    apr_file_close(file);
    return error;
}
