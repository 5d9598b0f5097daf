#include "common/regular_file.h"
#include "udpecho/error_text.h"

#include <apr_file_info.h>
#include <apr_strings.h>
#include <errno.h>

#define HOW (APR_FOPEN_READ | APR_FOPEN_BUFFERED | APR_FOPEN_BINARY)

/* Where APR has no such way to open files, which is on Windows, no file makes opening wait. */
static apr_status_t open_without_waiting(apr_file_t **file, const char *path, apr_pool_t *pool)
{
    apr_status_t status =
        apr_file_open(file, path, HOW | APR_FOPEN_NONBLOCK, APR_FPROT_OS_DEFAULT, pool);

    return APR_STATUS_IS_ENOTIMPL(status)
               ? apr_file_open(file, path, HOW, APR_FPROT_OS_DEFAULT, pool)
               : status;
}

static const char *refuse(apr_status_t *refusal, apr_status_t status, const char *path,
                          apr_pool_t *pool)
{
    char reason[128];

    *refusal = status;
    return apr_psprintf(pool, "%s: cannot be read: %s", path,
                        error_text(status, reason, sizeof reason));
}

static const char *expected(const char *path, apr_pool_t *pool)
{
    return apr_psprintf(pool, "%s: expected a regular file", path);
}

/* What open(2) says of sockets, on Linux and on the BSDs, and of devices without a driver. */
static int is_of_another_kind(apr_status_t status)
{
    return status == APR_FROM_OS_ERROR(ENXIO) || status == APR_FROM_OS_ERROR(EOPNOTSUPP) ||
           status == APR_FROM_OS_ERROR(ENODEV);
}

static const char *check(apr_file_t *file, const char *path, apr_off_t size_max,
                         apr_status_t *refusal, apr_pool_t *pool)
{
    apr_finfo_t info;
    apr_status_t status = apr_file_info_get(&info, APR_FINFO_TYPE | APR_FINFO_SIZE, file);

    if (status != APR_SUCCESS) {
        return refuse(refusal, status, path, pool);
    }
    if (info.filetype != APR_REG) {
        return expected(path, pool);
    }
    return info.size <= size_max
               ? NULL
               : apr_psprintf(pool, "%s: expected a file of at most %" APR_OFF_T_FMT " bytes", path,
                              size_max);
}

const char *regular_file_open(apr_file_t **file, const char *path, apr_off_t size_max,
                              apr_status_t *refusal, apr_pool_t *pool)
{
    apr_status_t status = open_without_waiting(file, path, pool);

    if (status != APR_SUCCESS) {
        return is_of_another_kind(status) ? expected(path, pool)
                                          : refuse(refusal, status, path, pool);
    }
    const char *error = check(*file, path, size_max, refusal, pool);

    if (error != NULL) {
        apr_file_close(*file);
    }
    return error;
}
