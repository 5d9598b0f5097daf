#include "os/windows/config_file.h"

#include <apr_cstr.h>
#include <apr_lib.h>
#include <apr_strings.h>
#include <sddl.h>
#include <string.h>

#include "os/windows/command_line.h"
#include "os/windows/protected_path.h"
#include "os/windows/service.h"
#include "os/windows/wide.h"
#include "udpecho/error_text.h"
#include "udpecho/host.h"

/* It belongs to administrators, whichever of them installs. Full control for the system and
 * administrators, reading for users and the service's account, nothing from above: there every user
 * may make files and directories of his own, and so could have configured a service that another
 * account runs. */
#define PERMISSIONS L"O:BAD:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;FRFX;;;BU)(A;OICI;FRFX;;;LS)"

/* ---- ProgramData ---- */

#define PROFILES L"SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion\\ProfileList"

/* In which ProgramData is, as Windows is installed. */
#define SYSTEM_DRIVE "%SystemDrive%"

/* `path` with the drive of Windows in place of that variable; NULL if another is left. */
static const char *expand(const char *path, apr_pool_t *pool)
{
    apr_size_t length = strlen(SYSTEM_DRIVE);
    wchar_t windows[MAX_PATH];

    if (apr_cstr_casecmpn(path, SYSTEM_DRIVE, length) == 0) {
        if (GetSystemWindowsDirectoryW(windows, MAX_PATH) == 0) {
            return NULL;
        }
        windows[2] = L'\0'; /* behind the letter and the colon */
        path = apr_pstrcat(pool, narrow(windows, pool), path + length, NULL);
    }
    return command_line_has_variable(path) ? NULL : path;
}

/* From the place where Windows' setup writes what FolderLocations of its answer file says
 * (Microsoft-Windows-Shell-Setup), which only administrators can change. Not from the environment,
 * which any user can set, nor by what expands the environment's variables. Not by
 * SHGetFolderPathW(): with SHELL32 comes USER32, and with that a program of a console hears nothing
 * of log-off and shutdown (SetConsoleCtrlHandler()). */
static const char *program_data(apr_pool_t *pool)
{
    wchar_t path[MAX_PATH];
    DWORD size = sizeof path;

    return RegGetValueW(HKEY_LOCAL_MACHINE, PROFILES, L"ProgramData",
                        RRF_RT_REG_SZ | RRF_RT_REG_EXPAND_SZ | RRF_NOEXPAND, NULL, path,
                        &size) == ERROR_SUCCESS
               ? expand(narrow(path, pool), pool)
               : NULL;
}

/* ---- The configuration file ---- */

static const char *directory(apr_pool_t *pool)
{
    const char *data = program_data(pool);

    return data != NULL ? apr_pstrcat(pool, data, "\\udpecho", NULL) : NULL;
}

const char *host_config_file(apr_pool_t *pool)
{
    const char *path = directory(pool);

    return path != NULL && service_identity() != NULL
               ? apr_pstrcat(pool, path, "\\", service_identity()->name, ".conf", NULL)
               : NULL;
}

/* The directory first: when it is safe, nobody can put another file there any more. */
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
