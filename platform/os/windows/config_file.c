/* Before apr.h, which leaves out parts of windows.h that shlobj.h needs. */
#include <winsock2.h>
#include <ws2tcpip.h>

#include <shlobj.h>

#include "os/windows/config_file.h"

#include <apr_strings.h>
#include <sddl.h>

#include "os/windows/wide.h"
#include "udpecho/host.h"

/* Full control for the system and administrators, reading for users and the service's account,
 * nothing from above: there every user may make files and directories of his own, and so could
 * have configured a service that another account runs. */
#define PERMISSIONS L"D:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;FRFX;;;BU)(A;OICI;FRFX;;;LS)"

static const char *directory(apr_pool_t *pool)
{
    wchar_t data[MAX_PATH];

    /* Not from the environment, which any user can set, and which names another directory to the
     * services of Wine. */
    if (SHGetFolderPathW(NULL, CSIDL_COMMON_APPDATA, NULL, SHGFP_TYPE_CURRENT, data) != S_OK) {
        return NULL;
    }
    return apr_pstrcat(pool, narrow(data, pool), "\\udpecho", NULL);
}

const char *host_config_file(apr_pool_t *pool)
{
    const char *path = directory(pool);

    return path != NULL ? apr_pstrcat(pool, path, "\\udpechod.conf", NULL) : NULL;
}

const char *host_control_path(void)
{
    return NULL;
}

apr_status_t config_directory_create(apr_pool_t *pool)
{
    const char *path = directory(pool);
    SECURITY_ATTRIBUTES security = {.nLength = sizeof security};
    apr_status_t status = APR_SUCCESS;

    if (path == NULL) {
        return APR_ENOENT;
    }
    if (!ConvertStringSecurityDescriptorToSecurityDescriptorW(
            PERMISSIONS, SDDL_REVISION_1, &security.lpSecurityDescriptor, NULL)) {
        return (apr_status_t)apr_get_os_error();
    }
    if (!CreateDirectoryW(wide(path, pool), &security) && GetLastError() != ERROR_ALREADY_EXISTS) {
        status = (apr_status_t)apr_get_os_error();
    }
    LocalFree(security.lpSecurityDescriptor);
    return status;
}

void config_directory_remove(apr_pool_t *pool)
{
    const char *path = directory(pool);

    if (path != NULL) {
        RemoveDirectoryW(wide(path, pool));
    }
}
