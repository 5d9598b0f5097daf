#include "server/stamp_key_file.h"

#include <apr_strings.h>
#include <assert.h>
#include <string.h>

#include "common/hex_text.h"
#include "common/lines.h"
#include "common/units.h"
#include "core/stamp_keys.h"
#include "udpecho/host.h"

#define SSID_PREFIX "ssid="
#define SSID_MAX    65535

typedef struct reading {
    apr_array_header_t *lines;
    apr_pool_t *pool;
} reading_t;

static const char *read_scope(stamp_key_line_t *line, const char *text, apr_pool_t *pool)
{
    apr_size_t prefix = sizeof SSID_PREFIX - 1;
    apr_int64_t ssid;

    if (strncmp(text, SSID_PREFIX, prefix) != 0) {
        line->scope = STAMP_KEY_NETWORK;
        return cidr_parse(&line->network, text, pool) == NULL
                   ? NULL
                   : "expected KEY, ssid=N KEY, or NETWORK KEY";
    }
    if (parse_number(text + prefix, &ssid) != APR_SUCCESS || ssid < 1 || ssid > SSID_MAX) {
        return apr_psprintf(pool, "expected an SSID from 1 to %d", SSID_MAX);
    }
    line->scope = STAMP_KEY_SSID;
    line->ssid = (unsigned)ssid;
    return NULL;
}

static int is_same_scope(const stamp_key_line_t *one, const stamp_key_line_t *other)
{
    return one->scope == other->scope && one->ssid == other->ssid &&
           address_key_equal(one->network.first, other->network.first) &&
           address_key_equal(one->network.last, other->network.last);
}

static const char *add(reading_t *reading, const stamp_key_line_t *line)
{
    for (int i = 0; i < reading->lines->nelts; i++) {
        if (is_same_scope(&APR_ARRAY_IDX(reading->lines, i, stamp_key_line_t), line)) {
            return "a line before this has a key for the same sessions";
        }
    }
    if (reading->lines->nelts == STAMP_KEYS_MAX) {
        return apr_psprintf(reading->pool, "expected at most %d keys", STAMP_KEYS_MAX);
    }
    APR_ARRAY_PUSH(reading->lines, stamp_key_line_t) = *line;
    return NULL;
}

static const char *read_line(void *context, char *text)
{
    static const char spaces[] = " \t";
    reading_t *reading = context;
    stamp_key_line_t line = {.scope = STAMP_KEY_REST};
    char *state;
    const char *error = NULL;

    text[strcspn(text, "#")] = '\0';
    const char *first = apr_strtok(text, spaces, &state);
    const char *key = first != NULL ? apr_strtok(NULL, spaces, &state) : NULL;

    if (first == NULL) {
        return NULL;
    }
    if (key == NULL) {
        key = first;
    } else if (apr_strtok(NULL, spaces, &state) != NULL) {
        error = "expected KEY, ssid=N KEY, or NETWORK KEY";
    } else {
        error = read_scope(&line, first, reading->pool);
    }
    if (error != NULL) {
        return error;
    }
    line.key = hex_read(key, &line.length, reading->pool);
    /* Nothing is said of what stands there, which may be most of a key. */
    return line.key != NULL ? add(reading, &line) : "expected a key of pairs of hexadecimal digits";
}

const char *stamp_key_file_read(apr_array_header_t *lines, const char *path, apr_status_t *refusal,
                                apr_pool_t *pool)
{
    assert(lines->elt_size == sizeof(stamp_key_line_t));
    reading_t reading = {lines, pool};
    const char *error = lines_read(path, read_line, &reading, refusal, pool);

    if (error == NULL) {
        error = host_secret_file_check(path, refusal, pool);
    }
    if (error == NULL && lines->nelts == 0) {
        error = apr_pstrcat(pool, path, ": expected a key", NULL);
    }
    return error;
}
