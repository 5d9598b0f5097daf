#include "client/failure.h"
#include "udpecho/error_text.h"

#include <apr_strings.h>

#include "common/json_text.h"

const char *cannot(const char *what, apr_status_t status, apr_pool_t *pool)
{
    char reason[128];

    return apr_psprintf(pool, "cannot %s: %s", what, error_text(status, reason, sizeof reason));
}

void failure_write(output_t *output, const char *error, apr_pool_t *scratch)
{
    output_write(output,
                 apr_pstrcat(scratch, "udpecho: ", printable_text(error, scratch), "\n", NULL));
}
