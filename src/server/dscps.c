#include "server/dscps.h"

#include <apr_strings.h>
#include <string.h>

#include "common/dscp_text.h"

static int add_range(apr_uint64_t *dscps, char *text)
{
    char *hyphen = strchr(text, '-');
    apr_int64_t first;
    apr_int64_t last;

    if (hyphen != NULL) {
        *hyphen = '\0';
    }
    if (!dscp_read(&first, text) || !dscp_read(&last, hyphen != NULL ? hyphen + 1 : text) ||
        first > last) {
        return 0;
    }
    for (; first <= last; first++) {
        *dscps |= APR_UINT64_C(1) << first;
    }
    return 1;
}

int dscps_parse(apr_uint64_t *dscps, const char *text, apr_pool_t *pool)
{
    int is_all = strcmp(text, "all") == 0;

    *dscps = is_all ? ~APR_UINT64_C(0) : 0;
    if (is_all || strcmp(text, "none") == 0) {
        return 1;
    }
    char *next = apr_pstrdup(pool, text);

    while (next != NULL) {
        char *part = next;

        next = strchr(part, ',');
        if (next != NULL) {
            *next++ = '\0';
        }
        if (!add_range(dscps, part)) {
            return 0;
        }
    }
    return 1;
}
