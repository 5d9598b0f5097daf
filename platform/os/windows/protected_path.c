/* Before apr.h, which leaves out parts of windows.h that aclapi.h needs. */
#include <winsock2.h>
#include <ws2tcpip.h>

#include <aclapi.h>

#include "os/windows/protected_path.h"

#include <apr_errno.h>
#include <apr_strings.h>
#include <sddl.h>

#include "os/windows/wide.h"
#include "udpecho/error_text.h"

/* All by which what a file or directory holds, what it is, or who may change it, can be changed. A
 * handle that may write attributes may make it a reparse point (FSCTL_SET_REPARSE_POINT). */
#define CHANGES                                                                                \
    (FILE_WRITE_DATA | FILE_APPEND_DATA | FILE_WRITE_ATTRIBUTES | FILE_DELETE_CHILD | DELETE | \
     WRITE_DAC | WRITE_OWNER | GENERIC_WRITE | GENERIC_ALL)

#define ASKED (OWNER_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION)

static const char *name_of(PSID sid, apr_pool_t *pool)
{
    LPWSTR text;

    if (!ConvertSidToStringSidW(sid, &text)) {
        return "somebody unknown";
    }
    const char *name = narrow(text, pool);

    LocalFree(text);
    return name;
}

static int is_trusted(PSID sid, PSID trusted)
{
    return IsWellKnownSid(sid, WinLocalSystemSid) ||
           IsWellKnownSid(sid, WinBuiltinAdministratorsSid) ||
           (trusted != NULL && EqualSid(sid, trusted));
}

/* ---- A security descriptor ---- */

/* Those that allow under a condition begin like those that allow ("ACCESS_ALLOWED_CALLBACK_ACE
 * structure"). */
static const char *entry_allows(const ACE_HEADER *entry, PSID trusted, apr_pool_t *pool)
{
    ACCESS_ALLOWED_ACE *allowed = (ACCESS_ALLOWED_ACE *)entry;

    if ((entry->AceFlags & INHERIT_ONLY_ACE) != 0 || entry->AceType == ACCESS_DENIED_ACE_TYPE ||
        entry->AceType == ACCESS_DENIED_CALLBACK_ACE_TYPE) {
        return NULL;
    }
    if (entry->AceType != ACCESS_ALLOWED_ACE_TYPE &&
        entry->AceType != ACCESS_ALLOWED_CALLBACK_ACE_TYPE) {
        return apr_psprintf(pool, "an access control entry of the unknown type %u", entry->AceType);
    }
    PSID sid = &allowed->SidStart;

    return (allowed->Mask & CHANGES) == 0 || is_trusted(sid, trusted)
               ? NULL
               : apr_psprintf(pool, "%s may change it", name_of(sid, pool));
}

const char *protected_by(void *descriptor, void *trusted, apr_pool_t *pool)
{
    PSID owner = NULL;
    PACL acl = NULL;
    BOOL is_default;
    BOOL is_present = FALSE;

    if (!GetSecurityDescriptorOwner(descriptor, &owner, &is_default) || owner == NULL ||
        !GetSecurityDescriptorDacl(descriptor, &is_present, &acl, &is_default)) {
        return "its owner is not known";
    }
    if (!is_trusted(owner, trusted)) {
        return apr_psprintf(pool, "it belongs to %s", name_of(owner, pool));
    }
    if (!is_present || acl == NULL) {
        return "everybody may change it";
    }
    for (DWORD i = 0; i < acl->AceCount; i++) {
        void *entry;
        const char *reason = GetAce(acl, i, &entry) ? entry_allows(entry, trusted, pool)
                                                    : "an access control entry cannot be read";

        if (reason != NULL) {
            return reason;
        }
    }
    return NULL;
}

/* ---- A path ---- */

/* A reparse point is opened itself, not what it leads to. */
static HANDLE open_itself(const char *path, apr_pool_t *pool)
{
    return CreateFileW(wide(path, pool), READ_CONTROL | FILE_READ_ATTRIBUTES,
                       FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, NULL, OPEN_EXISTING,
                       FILE_FLAG_BACKUP_SEMANTICS | FILE_FLAG_OPEN_REPARSE_POINT, NULL);
}

static const char *describe(DWORD error, apr_pool_t *pool)
{
    char reason[128];

    error_text((apr_status_t)APR_FROM_OS_ERROR(error), reason, sizeof reason);
    return apr_pstrcat(pool, "its owner cannot be found out: ", reason, NULL);
}

/* `descriptor` is for LocalFree(), NULL on an error. */
static const char *read_security(PSECURITY_DESCRIPTOR *descriptor, PSID *owner, const char *path,
                                 apr_pool_t *pool)
{
    BY_HANDLE_FILE_INFORMATION information;
    HANDLE file = open_itself(path, pool);
    const char *reason = NULL;

    *descriptor = NULL;
    if (file == INVALID_HANDLE_VALUE || !GetFileInformationByHandle(file, &information)) {
        reason = describe(GetLastError(), pool);
    } else if ((information.dwFileAttributes & FILE_ATTRIBUTE_REPARSE_POINT) != 0) {
        reason = "it is a link";
    } else {
        DWORD error =
            GetSecurityInfo(file, SE_FILE_OBJECT, ASKED, owner, NULL, NULL, NULL, descriptor);

        reason = error != ERROR_SUCCESS ? describe(error, pool) : NULL;
    }
    if (file != INVALID_HANDLE_VALUE) {
        CloseHandle(file);
    }
    return reason;
}

const char *protected_path_check(const char *path, const char *above, apr_pool_t *pool)
{
    PSECURITY_DESCRIPTOR descriptor;
    PSECURITY_DESCRIPTOR descriptor_above;
    PSID owner;
    PSID owner_above;
    const char *reason = read_security(&descriptor, &owner, path, pool);

    if (reason == NULL) {
        reason = read_security(&descriptor_above, &owner_above, above, pool);
        if (reason == NULL) {
            reason = protected_by(descriptor, owner_above, pool);
        }
        LocalFree(descriptor_above);
    }
    LocalFree(descriptor);
    return reason != NULL ? apr_psprintf(pool, "%s: not safe to use: %s", path, reason) : NULL;
}
