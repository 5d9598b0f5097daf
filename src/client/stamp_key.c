#include "client/stamp_key.h"

#include <apr_file_info.h>
#include <apr_strings.h>
#include <string.h>

#include "common/hex_text.h"
#include "common/lines.h"

typedef struct reading {
    const unsigned char *key; /* NULL: no line had one yet */
    apr_size_t length;
    apr_pool_t *pool;
} reading_t;

/* Says nothing of what stands there, which may be most of a key. */
static const char *read_line(void *context, char *line)
{
    static const char blanks[] = " \t";
    reading_t *reading = context;
    char *state;

    line[strcspn(line, "#")] = '\0';
    const char *text = apr_strtok(line, blanks, &state);

    if (text == NULL) {
        return NULL;
    }
    if (reading->key != NULL || apr_strtok(NULL, blanks, &state) != NULL) {
        return "expected one key and nothing else";
    }
    reading->key = hex_read(text, &reading->length, reading->pool);
    return reading->key != NULL ? NULL : "expected a key of pairs of hexadecimal digits";
}

/* Where the system has such permissions. */
static int others_may(const char *path, apr_pool_t *pool)
{
    apr_finfo_t info;

    return apr_stat(&info, path, APR_FINFO_WPROT, pool) == APR_SUCCESS &&
           (info.valid & APR_FINFO_WPROT) != 0 &&
           (info.protection & (APR_FPROT_WREAD | APR_FPROT_WWRITE)) != 0;
}

const char *stamp_key_read(authentication_key_t **key, const char *path, apr_pool_t *pool)
{
    reading_t reading = {.pool = pool};
    apr_status_t refusal;

    if (!authentication_is_available()) {
        return "--stamp-key-file: this udpecho was built without libsodium";
    }
    const char *error = lines_read(path, read_line, &reading, &refusal, pool);

    if (error == NULL && others_may(path, pool)) {
        error = apr_pstrcat(pool, path, ": expected a file that others cannot read", NULL);
    }
    if (error == NULL && reading.key == NULL) {
        error = apr_pstrcat(pool, path, ": expected a key", NULL);
    }
    if (error != NULL) {
        return apr_pstrcat(pool, "--stamp-key-file=", error, NULL);
    }
    *key = authentication_key_create(reading.key, reading.length, pool);
    return NULL;
}
