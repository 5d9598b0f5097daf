#include "filter.h"

apr_status_t filter_load(const platform_t *platform, int reads_files, const char **found)
{
    (void)platform, (void)reads_files;
    *found = "none: built without libseccomp";
    return APR_ENOTIMPL;
}
