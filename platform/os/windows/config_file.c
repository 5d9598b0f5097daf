/* Before apr.h, which leaves out parts of windows.h that shlobj.h needs. */
#include <winsock2.h>
#include <ws2tcpip.h>

#include <shlobj.h>

#include "os/windows/config_file.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <sddl.h>

#include "os/windows/protected_path.h"
#include "os/windows/wide.h"
#include "udpecho/error_text.h"
#include "udpecho/host.h"

/* It belongs to administrators, whichever of them installs. Full control for the system and
 * administrators, reading for users and the service's account, nothing from above: there every user
 * may make files and directories of his own, and so could have configured a service that another
 * account runs. */
#define PERMISSIONS L"O:BAD:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;FRFX;;;BU)(A;OICI;FRFX;;;LS)"

static const char *program_data(apr_pool_t *pool)
{
    wchar_t data[MAX_PATH];

    /* Not from the environment, which any user can set, and which names another directory to the
     * services of Wine. */
    return SHGetFolderPathW(NULL, CSIDL_COMMON_APPDATA, NULL, SHGFP_TYPE_CURRENT, data) == S_OK
               ? narrow(data, pool)
               : NULL;
}

static const char *directory(apr_pool_t *pool)
{
    const char *data = program_data(pool);

    return data != NULL ? apr_pstrcat(pool, data, "\\udpecho", NULL) : NULL;
}

const char *host_config_file(apr_pool_t *pool)
{
    const char *path = directory(pool);

    return path != NULL ? apr_pstrcat(pool, path, "\\udpechod.conf", NULL) : NULL;
}

/* The directory first: once it is safe, nobody can put another file there meanwhile. */
const char *host_config_file_check(apr_pool_t *pool)
{
    const char *data = program_data(pool);
    const char *reason = protected_path_check(directory(pool), data, pool);

    return reason != NULL ? reason : protected_path_check(host_config_file(pool), data, pool);
}

const char *host_secret_file_check(const char *path, apr_status_t *refusal, apr_pool_t *pool)
{
    const char *name = apr_filepath_name_get(path);
    const char *above = name > path ? apr_pstrmemdup(pool, path, (apr_size_t)(name - path)) : ".";

    (void)refusal;
    return secret_path_check(path, above, pool);
}

const char *host_control_path(void)
{
    return NULL;
}

const char *config_directory_create(apr_pool_t *pool)
{
    const char *path = directory(pool);
    SECURITY_ATTRIBUTES security = {.nLength = sizeof security};
    char reason[128];
    DWORD error = ERROR_SUCCESS;

    if (path == NULL) {
        return "Windows has no ProgramData";
    }
    if (!ConvertStringSecurityDescriptorToSecurityDescriptorW(
            PERMISSIONS, SDDL_REVISION_1, &security.lpSecurityDescriptor, NULL) ||
        !CreateDirectoryW(wide(path, pool), &security)) {
        error = GetLastError();
    }
    LocalFree(security.lpSecurityDescriptor);
    if (error == ERROR_ALREADY_EXISTS) {
        return protected_path_check(path, program_data(pool), pool);
    }
    return error == ERROR_SUCCESS
               ? NULL
               : apr_pstrdup(pool, error_text((apr_status_t)APR_FROM_OS_ERROR(error), reason,
                                              sizeof reason));
}
