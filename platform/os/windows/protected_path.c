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

/* And all by which what it holds can be read. */
#define READS (FILE_READ_DATA | GENERIC_READ | GENERIC_ALL)

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

/* The account of the service, or the SID of one service: S-1-5-80 and a hash of its name, of five
 * numbers. S-1-5-80-0 is all services. */
static int is_service(PSID sid)
{
    static const SID_IDENTIFIER_AUTHORITY nt = {SECURITY_NT_AUTHORITY};

    return IsWellKnownSid(sid, WinLocalServiceSid) ||
           (memcmp(GetSidIdentifierAuthority(sid), &nt, sizeof nt) == 0 &&
            *GetSidSubAuthorityCount(sid) == SECURITY_SERVICE_ID_RID_COUNT &&
            *GetSidSubAuthority(sid, 0) == SECURITY_SERVICE_ID_BASE_RID);
}

/* ---- A security descriptor ---- */

typedef struct judge {
    PSID trusted; /* who may do anything, or NULL */
    PSID reader;  /* who may read, or NULL */
    int is_secret;
    apr_pool_t *pool;
} judge_t;

/* What those who have this SID may not do to it with these rights; NULL: nothing. */
static const char *abuse(const judge_t *judge, PSID sid, ACCESS_MASK rights)
{
    if (is_trusted(sid, judge->trusted)) {
        return NULL;
    }
    if ((rights & CHANGES) != 0) {
        return "may change it";
    }
    return judge->is_secret && (rights & READS) != 0 && !is_service(sid) &&
                   (judge->reader == NULL || !EqualSid(sid, judge->reader))
               ? "may read it"
               : NULL;
}

/* Those that allow under a condition begin like those that allow ("ACCESS_ALLOWED_CALLBACK_ACE
 * structure"). */
static const char *entry_allows(const judge_t *judge, const ACE_HEADER *entry)
{
    ACCESS_ALLOWED_ACE *allowed = (ACCESS_ALLOWED_ACE *)entry;

    if ((entry->AceFlags & INHERIT_ONLY_ACE) != 0 || entry->AceType == ACCESS_DENIED_ACE_TYPE ||
        entry->AceType == ACCESS_DENIED_CALLBACK_ACE_TYPE) {
        return NULL;
    }
    if (entry->AceType != ACCESS_ALLOWED_ACE_TYPE &&
        entry->AceType != ACCESS_ALLOWED_CALLBACK_ACE_TYPE) {
        return apr_psprintf(judge->pool, "an access control entry of the unknown type %u",
                            entry->AceType);
    }
    PSID sid = &allowed->SidStart;
    const char *what = abuse(judge, sid, allowed->Mask);

    return what != NULL ? apr_pstrcat(judge->pool, name_of(sid, judge->pool), " ", what, NULL)
                        : NULL;
}

static const char *judge_by(const judge_t *judge, PSECURITY_DESCRIPTOR descriptor)
{
    PSID owner = NULL;
    PACL acl = NULL;
    BOOL is_default;
    BOOL is_present = FALSE;

    if (!GetSecurityDescriptorOwner(descriptor, &owner, &is_default) || owner == NULL ||
        !GetSecurityDescriptorDacl(descriptor, &is_present, &acl, &is_default)) {
        return "its owner is not known";
    }
    if (!is_trusted(owner, judge->trusted)) {
        return apr_psprintf(judge->pool, "it belongs to %s", name_of(owner, judge->pool));
    }
    if (!is_present || acl == NULL) {
        return "everybody may change it";
    }
    for (DWORD i = 0; i < acl->AceCount; i++) {
        void *entry;
        const char *reason = GetAce(acl, i, &entry) ? entry_allows(judge, entry)
                                                    : "an access control entry cannot be read";

        if (reason != NULL) {
            return reason;
        }
    }
    return NULL;
}

const char *protected_by(void *descriptor, void *trusted, apr_pool_t *pool)
{
    return judge_by(&(judge_t){.trusted = trusted, .pool = pool}, descriptor);
}

const char *secret_by(void *descriptor, void *trusted, void *reader, apr_pool_t *pool)
{
    return judge_by(&(judge_t){.trusted = trusted, .reader = reader, .is_secret = 1, .pool = pool},
                    descriptor);
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

static const char *check(const char *path, const char *above, judge_t *judge)
{
    apr_pool_t *pool = judge->pool;
    PSECURITY_DESCRIPTOR descriptor;
    PSECURITY_DESCRIPTOR descriptor_above;
    PSID owner;
    PSID owner_above;
    const char *reason = read_security(&descriptor, &owner, path, pool);

    if (reason == NULL) {
        reason = read_security(&descriptor_above, &owner_above, above, pool);
        if (reason == NULL) {
            judge->trusted = owner_above;
            reason = judge_by(judge, descriptor);
        }
        LocalFree(descriptor_above);
    }
    LocalFree(descriptor);
    return reason != NULL ? apr_psprintf(pool, "%s: not safe to use: %s", path, reason) : NULL;
}

const char *protected_path_check(const char *path, const char *above, apr_pool_t *pool)
{
    judge_t judge = {.pool = pool};

    return check(path, above, &judge);
}

/* NULL if that is not known. */
static PSID own_user(apr_pool_t *pool)
{
    DWORD room = sizeof(TOKEN_USER) + SECURITY_MAX_SID_SIZE;
    TOKEN_USER *user = apr_palloc(pool, room);
    HANDLE token;

    if (!OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &token)) {
        return NULL;
    }
    BOOL is_known = GetTokenInformation(token, TokenUser, user, room, &room);

    CloseHandle(token);
    return is_known ? user->User.Sid : NULL;
}

const char *secret_path_check(const char *path, const char *above, apr_pool_t *pool)
{
    judge_t judge = {.reader = own_user(pool), .is_secret = 1, .pool = pool};

    return check(path, above, &judge);
}
