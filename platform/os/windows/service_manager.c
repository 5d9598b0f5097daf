#include "udpecho/service_manager.h"

#include <apr_strings.h>
#include <assert.h>

#include "os/main_thread.h"
#include "os/windows/command_line.h"
#include "os/windows/config_file.h"
#include "os/windows/event_log.h"
#include "os/windows/firewall.h"
#include "os/windows/service.h"
#include "os/windows/wide.h"
#include "udpecho/error_text.h"

#define STOP_PATIENCE_MS 30000U
#define STOP_POLL_MS     100

/* What has no account of its own on the network and few rights on the machine. Port 7 needs none:
 * Windows has no privileged ports. */
#define ACCOUNT L"NT AUTHORITY\\LocalService"

static apr_status_t last_error(void)
{
    switch (GetLastError()) {
    case ERROR_SERVICE_EXISTS:
        return APR_EEXIST;
    case ERROR_SERVICE_DOES_NOT_EXIST:
        return APR_ENOENT;
    default:
        return (apr_status_t)apr_get_os_error();
    }
}

static void note_error(apr_array_header_t *notes, const char *consequence, const char *error,
                       apr_pool_t *pool)
{
    if (error != NULL) {
        APR_ARRAY_PUSH(notes, const char *) = apr_psprintf(pool, "%s: %s", consequence, error);
    }
}

static void note_failure(apr_array_header_t *notes, const char *consequence, apr_status_t status,
                         apr_pool_t *pool)
{
    char reason[128];

    if (status != APR_SUCCESS) {
        note_error(notes, consequence, error_text(status, reason, sizeof reason), pool);
    }
}

/* ---- Installing ---- */

/* Settings that CreateServiceW() cannot take. Serving works without them. */
static void configure(SC_HANDLE service, apr_array_header_t *notes, apr_pool_t *pool)
{
    wchar_t rights[] = L"SeChangeNotifyPrivilege\0"; /* a list, which ends in an empty string */
    SERVICE_DESCRIPTIONW description = {wide(service_identity()->description, pool)};
    /* The last one is that of every further failure. */
    SC_ACTION restarts[] = {{SC_ACTION_RESTART, 5000},
                            {SC_ACTION_RESTART, 5000},
                            {SC_ACTION_RESTART, 5000},
                            {SC_ACTION_NONE, 0}};
    SERVICE_FAILURE_ACTIONSW recovery = {
        .dwResetPeriod = 24 * 60 * 60, .cActions = 4, .lpsaActions = restarts};
    /* Without it only a crash counts as a failure, and not an address that does not exist yet when
     * the system starts. */
    SERVICE_FAILURE_ACTIONS_FLAG also_errors = {TRUE};
    SERVICE_REQUIRED_PRIVILEGES_INFOW privileges = {rights};
    /* Lets file and firewall rules name this service alone. */
    SERVICE_SID_INFO identity = {SERVICE_SID_TYPE_UNRESTRICTED};
    const struct {
        DWORD level;
        void *value;
        const char *failure;
    } details[] = {
        {SERVICE_CONFIG_DESCRIPTION, &description, "the service has no description"},
        {SERVICE_CONFIG_FAILURE_ACTIONS, &recovery, "the service is not restarted when it fails"},
        {SERVICE_CONFIG_FAILURE_ACTIONS_FLAG, &also_errors,
         "the service is restarted after a crash only"},
        {SERVICE_CONFIG_REQUIRED_PRIVILEGES_INFO, &privileges,
         "the service keeps all privileges of its account"},
        {SERVICE_CONFIG_SERVICE_SID_INFO, &identity, "the service has no identity of its own"},
    };

    for (unsigned i = 0; i < sizeof details / sizeof details[0]; i++) {
        if (!ChangeServiceConfig2W(service, details[i].level, details[i].value)) {
            note_failure(notes, details[i].failure, last_error(), pool);
        }
    }
}

static const char *service_command(const apr_array_header_t *options, apr_pool_t *pool)
{
    apr_array_header_t *arguments = apr_array_make(pool, 8, sizeof(const char *));

    /* First, so that it is known even if what follows it is wrong. */
    APR_ARRAY_PUSH(arguments, const char *) = "--service";
    if (options != NULL) {
        apr_array_cat(arguments, options);
    }
    return command_line_join(narrow(program_path(pool), pool), arguments, pool);
}

/* ---- Changing ---- */

/* The maximum length of a command line of a service (QueryServiceConfigW()). */
#define CONFIG_MAX 8192

static const char *command_of(SC_HANDLE service, apr_pool_t *pool)
{
    QUERY_SERVICE_CONFIGW *config = apr_palloc(pool, CONFIG_MAX);
    DWORD length;

    return QueryServiceConfigW(service, config, CONFIG_MAX, &length)
               ? narrow(config->lpBinaryPathName, pool)
               : NULL;
}

/* Whether a service is that of another file, which is there. One whose program is gone is nobody's:
 * an upgrade may put this one elsewhere. */
static int is_of_another_program(const char *program, apr_pool_t *pool)
{
    const wchar_t *path = wide(program, pool);

    return CompareStringOrdinal(path, -1, program_path(pool), -1, TRUE) != CSTR_EQUAL &&
           GetFileAttributesW(path) != INVALID_FILE_ATTRIBUTES;
}

/* What the service that is there is to run: the options given, or those that it has. */
static apr_status_t changed_command(const char **command, SC_HANDLE service,
                                    const apr_array_header_t *options, apr_pool_t *pool)
{
    const char *known = command_of(service, pool);
    const char *rest;

    if (known == NULL) {
        return last_error();
    }
    const char *program = command_line_program(known, &rest, pool);

    if (program == NULL || is_of_another_program(program, pool)) {
        return APR_EEXIST;
    }
    if (options == NULL) {
        *command = apr_pstrcat(pool, "\"", narrow(program_path(pool), pool), "\"", rest, NULL);
    }
    return APR_SUCCESS;
}

/* Opens the service that is there, and gives it its command line. */
static apr_status_t change(SC_HANDLE *service, SC_HANDLE manager, const char *command,
                           const apr_array_header_t *options, apr_pool_t *pool)
{
    /* To start it is what its recovery does. */
    *service = OpenServiceW(manager, service_name(),
                            SERVICE_QUERY_CONFIG | SERVICE_CHANGE_CONFIG | SERVICE_START);
    apr_status_t status =
        *service != NULL ? changed_command(&command, *service, options, pool) : last_error();

    if (status == APR_SUCCESS &&
        !ChangeServiceConfigW(*service, SERVICE_NO_CHANGE, SERVICE_NO_CHANGE, SERVICE_NO_CHANGE,
                              wide(command, pool), NULL, NULL, NULL, NULL, NULL, NULL)) {
        status = last_error();
    }
    return status;
}

/* Parts of a service outside the service control manager. */
static void provide(SC_HANDLE service, int open_firewall, apr_array_header_t *notes,
                    apr_pool_t *pool)
{
    configure(service, notes, pool);
    note_failure(notes, "the event log does not know the service's messages",
                 event_source_add(pool), pool);
    note_error(notes, "there is no directory for the configuration file",
               config_directory_create(pool), pool);
    if (open_firewall) {
        note_error(notes, "the firewall keeps its rule", firewall_close(pool), pool);
        note_error(notes, "the firewall is not open", firewall_open(pool), pool);
    }
}

apr_status_t service_install(const apr_array_header_t *options, int open_firewall,
                             apr_array_header_t *notes, apr_pool_t *pool)
{
    assert(is_main_thread());
    assert(notes->elt_size == sizeof(char *));
    assert(options == NULL || options->elt_size == sizeof(char *));

    const char *command = service_command(options, pool);

    /* The path of the program is in it too, which the event log expands as well. */
    if (command_line_has_variable(command)) {
        return APR_EBADPATH;
    }
    SC_HANDLE manager = OpenSCManagerW(NULL, NULL, SC_MANAGER_CONNECT | SC_MANAGER_CREATE_SERVICE);

    if (manager == NULL) {
        return last_error();
    }
    SC_HANDLE service =
        CreateServiceW(manager, service_name(), wide(service_identity()->title, pool),
                       SERVICE_ALL_ACCESS, SERVICE_WIN32_OWN_PROCESS, SERVICE_AUTO_START,
                       SERVICE_ERROR_NORMAL, wide(command, pool), NULL, NULL, NULL, ACCOUNT, NULL);
    apr_status_t status = service != NULL ? APR_SUCCESS : last_error();

    if (status == APR_EEXIST) {
        status = change(&service, manager, command, options, pool);
    }
    if (status == APR_SUCCESS) {
        provide(service, open_firewall, notes, pool);
    }
    if (service != NULL) {
        CloseServiceHandle(service);
    }
    CloseServiceHandle(manager);
    return status;
}

/* ---- Uninstalling ---- */

/* A service that is starting takes no controls yet, one that has just ended none any more, and
 * another that is busy may hold its own up. */
static int is_to_ask_again(DWORD error)
{
    return error == ERROR_SERVICE_CANNOT_ACCEPT_CTRL || error == ERROR_INVALID_SERVICE_CONTROL ||
           error == ERROR_SERVICE_NOT_ACTIVE || error == ERROR_SERVICE_REQUEST_TIMEOUT;
}

/* Sets `process` when there is one, and moves `deadline` where the service says that it takes
 * longer. */
static apr_status_t stop(SC_HANDLE service, HANDLE *process, ULONGLONG *deadline)
{
    ULONGLONG started = GetTickCount64();

    while (GetTickCount64() < *deadline) {
        SERVICE_STATUS_PROCESS now;
        SERVICE_STATUS answer;
        DWORD length;

        if (!QueryServiceStatusEx(service, SC_STATUS_PROCESS_INFO, (BYTE *)&now, sizeof now,
                                  &length)) {
            return last_error();
        }
        if (*process == NULL && now.dwProcessId != 0) {
            *process = OpenProcess(SYNCHRONIZE, FALSE, now.dwProcessId);
        }
        if (now.dwCurrentState == SERVICE_STOPPED) {
            return APR_SUCCESS;
        }
        if (now.dwCurrentState == SERVICE_STOP_PENDING &&
            *deadline < started + now.dwWaitHint + STOP_PATIENCE_MS) {
            *deadline = started + now.dwWaitHint + STOP_PATIENCE_MS;
        }
        if (now.dwCurrentState != SERVICE_STOP_PENDING &&
            !ControlService(service, SERVICE_CONTROL_STOP, &answer) &&
            !is_to_ask_again(GetLastError())) {
            return last_error();
        }
        Sleep(STOP_POLL_MS);
    }
    return APR_TIMEUP;
}

static apr_status_t stop_and_delete(SC_HANDLE service)
{
    ULONGLONG deadline = GetTickCount64() + STOP_PATIENCE_MS;
    HANDLE process = NULL;
    apr_status_t status = stop(service, &process, &deadline);

    if (process != NULL) {
        /* The uninstaller deletes the program's file next, which Windows refuses while it
         * runs. */
        ULONGLONG now = GetTickCount64();
        DWORD left = now < deadline ? (DWORD)(deadline - now) : 0;

        if (status == APR_SUCCESS && WaitForSingleObject(process, left) != WAIT_OBJECT_0) {
            status = APR_TIMEUP;
        }
        CloseHandle(process);
    }
    if (status == APR_SUCCESS && !DeleteService(service)) {
        status = last_error();
    }
    return status;
}

apr_status_t service_uninstall(apr_array_header_t *notes, apr_pool_t *pool)
{
    assert(is_main_thread());
    assert(notes->elt_size == sizeof(char *));

    SC_HANDLE manager = OpenSCManagerW(NULL, NULL, SC_MANAGER_CONNECT);

    if (manager == NULL) {
        return last_error();
    }
    SC_HANDLE service =
        OpenServiceW(manager, service_name(), SERVICE_STOP | SERVICE_QUERY_STATUS | DELETE);
    apr_status_t status = service != NULL ? stop_and_delete(service) : last_error();

    if (service != NULL) {
        CloseServiceHandle(service);
    }
    if (status == APR_SUCCESS) {
        note_failure(notes, "the event log keeps its entry of the service's messages",
                     event_source_remove(pool), pool);
        note_error(notes, "the firewall keeps its rule", firewall_close(pool), pool);
    }
    CloseServiceHandle(manager);
    return status;
}
