#include "client/output/whole_file.h"

#include <apr_strings.h>
#include <string.h>

#include "common/file_print.h"

/* Creates the file under another name, which nobody has. */
static apr_status_t create(apr_file_t **file, const char **name, const char *path, apr_pool_t *pool)
{
    *name = apr_psprintf(pool, "%s.%" APR_TIME_T_FMT ".tmp", path, apr_time_now());
    return apr_file_open(file, *name,
                         APR_FOPEN_WRITE | APR_FOPEN_CREATE | APR_FOPEN_EXCL | APR_FOPEN_BINARY,
                         APR_FPROT_OS_DEFAULT, pool);
}

apr_status_t whole_file_try(const char *path, apr_pool_t *pool)
{
    const char *name;
    apr_file_t *file;
    apr_status_t status = create(&file, &name, path, pool);

    if (status == APR_SUCCESS) {
        apr_file_close(file);
        apr_file_remove(name, pool);
    }
    return status;
}

apr_status_t whole_file_write(const char *path, const char *text, apr_pool_t *pool)
{
    const char *name;
    apr_size_t written;
    apr_file_t *file;
    apr_status_t status = create(&file, &name, path, pool);

    if (status != APR_SUCCESS) {
        return status;
    }
    status = file_write_whole(file, text, strlen(text), &written);
    apr_status_t closed = apr_file_close(file);

    status = status == APR_SUCCESS ? closed : status;
    if (status == APR_SUCCESS) {
        status = apr_file_rename(name, path, pool);
    }
    if (status != APR_SUCCESS) {
        apr_file_remove(name, pool);
    }
    return status;
}
