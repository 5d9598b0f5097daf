/* Files that only those may read who are told what is in them, stat(2). */

#include <apr_strings.h>
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "udpecho/error_text.h"
#include "udpecho/host.h"

const char *host_secret_file_check(const char *path, apr_status_t *refusal, apr_pool_t *pool)
{
    struct stat info;
    char reason[128];

    if (stat(path, &info) != 0) {
        *refusal = errno;
        return apr_psprintf(pool, "%s: cannot be read: %s", path,
                            error_text(*refusal, reason, sizeof reason));
    }
    if (info.st_uid != 0 && info.st_uid != geteuid()) {
        return apr_psprintf(pool,
                            "%s: not safe to use: expected it to belong to root or to the "
                            "user of this process",
                            path);
    }
    return (info.st_mode & (S_IWGRP | S_IRWXO)) == 0
               ? NULL
               : apr_psprintf(pool,
                              "%s: not safe to use: its group may change it, or others may "
                              "use it; chmod 640",
                              path);
}
