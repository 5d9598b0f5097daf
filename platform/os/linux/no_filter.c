#include "os/linux/filter.h"

apr_status_t filter_load(const platform_t *platform, const sandbox_needs_t *needs,
                         const char **found)
{
    (void)platform, (void)needs;
    *found = "none: built without libseccomp";
    return APR_ENOTIMPL;
}
