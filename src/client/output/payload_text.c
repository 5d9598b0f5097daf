#include "client/output/payload_text.h"

#include <apr_file_io.h>
#include <apr_strings.h>
#include <string.h>

#include "client/failure.h"
#include "common/hex_text.h"
#include "common/regular_file.h"
#include "udpecho/datagram.h"

const char *payload_too_long(const client_settings_t *settings, apr_size_t most, const char *why,
                             apr_pool_t *pool)
{
    const char *option = client_settings_size_option(settings);

    if (settings->payload == NULL) {
        option = apr_psprintf(pool, "%s=%" APR_INT64_T_FMT, option, settings->size);
    }
    return apr_psprintf(pool, "--%s: expected at most %" APR_SIZE_T_FMT " bytes%s", option, most,
                        why);
}

static const char *from_hex(const unsigned char **payload, apr_size_t *length, const char *text,
                            apr_pool_t *pool)
{
    *payload = hex_read(text, length, pool);
    if (*payload == NULL) {
        return apr_psprintf(pool, "--payload-hex=%s: expected pairs of hexadecimal digits: 00ff1e",
                            text);
    }
    return *length <= PAYLOAD_MAX_IPV6
               ? NULL
               : apr_psprintf(pool, "--payload-hex: expected at most %d bytes", PAYLOAD_MAX_IPV6);
}

static const char *from_file(const unsigned char **payload, apr_size_t *length, const char *path,
                             apr_pool_t *pool)
{
    unsigned char *bytes = apr_palloc(pool, PAYLOAD_MAX_IPV6);
    apr_file_t *file;
    apr_status_t status;
    const char *error = regular_file_open(&file, path, PAYLOAD_MAX_IPV6, &status, pool);

    *payload = bytes;
    if (error != NULL) {
        return apr_pstrcat(pool, "--payload-file=", error, NULL);
    }
    status = apr_file_read_full(file, bytes, PAYLOAD_MAX_IPV6, length);

    apr_file_close(file);
    return status == APR_SUCCESS || APR_STATUS_IS_EOF(status)
               ? NULL
               : apr_psprintf(pool, "--payload-file=%s: %s", path, cannot("read it", status, pool));
}

const char *payload_from_options(client_settings_t *settings, apr_pool_t *pool)
{
    apr_size_t length = 0;
    const char *error = NULL;

    if (settings->payload_text != NULL) {
        settings->payload = (const unsigned char *)settings->payload_text;
        settings->size = (apr_int64_t)strlen(settings->payload_text);
        if (settings->size > PAYLOAD_MAX_IPV6) {
            error = payload_too_long(settings, PAYLOAD_MAX_IPV6, "", pool);
        }
    } else if (settings->payload_hex != NULL) {
        error = from_hex(&settings->payload, &length, settings->payload_hex, pool);
        settings->size = (apr_int64_t)length;
    } else if (settings->payload_file != NULL) {
        error = from_file(&settings->payload, &length, settings->payload_file, pool);
        settings->size = (apr_int64_t)length;
    }
    return error;
}
