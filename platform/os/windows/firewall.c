#include "os/windows/firewall.h"

#include <apr_errno.h>
#include <apr_strings.h>

#include "os/windows/command_line.h"
#include "os/windows/service.h"
#include "os/windows/wide.h"
#include "udpecho/error_text.h"

/* netsh takes a second or two. */
#define NETSH_PATIENCE_MS 30000

static apr_array_header_t *rule_arguments(const char *verb, apr_pool_t *pool)
{
    const char *words[] = {"advfirewall", "firewall", verb, "rule"};
    apr_array_header_t *arguments = apr_array_make(pool, 12, sizeof(const char *));

    for (unsigned i = 0; i < sizeof words / sizeof words[0]; i++) {
        APR_ARRAY_PUSH(arguments, const char *) = words[i];
    }
    APR_ARRAY_PUSH(arguments, const char *) =
        apr_pstrcat(pool, "name=", service_identity()->name, NULL);
    return arguments;
}

const char *firewall_open_command(const char *netsh, const char *program, apr_pool_t *pool)
{
    apr_array_header_t *arguments = rule_arguments("add", pool);

    APR_ARRAY_PUSH(arguments, const char *) = "dir=in";
    APR_ARRAY_PUSH(arguments, const char *) = "action=allow";
    APR_ARRAY_PUSH(arguments, const char *) = "protocol=UDP";
    APR_ARRAY_PUSH(arguments, const char *) = apr_pstrcat(pool, "program=", program, NULL);
    return command_line_join(netsh, arguments, pool);
}

/* By its absolute path: a netsh.exe in the directory of this program must not be run instead. */
static const char *netsh_path(apr_pool_t *pool)
{
    wchar_t directory[MAX_PATH];

    GetSystemDirectoryW(directory, MAX_PATH);
    return apr_pstrcat(pool, narrow(directory, pool), "\\netsh.exe", NULL);
}

/* Without a shell and without a window. Sets `code` to what it ended with and returns NULL, or why
 * it did not end by itself. */
static const char *run(DWORD *code, const char *program, const char *command, apr_pool_t *pool)
{
    STARTUPINFOW startup = {.cb = sizeof startup};
    PROCESS_INFORMATION process;
    char reason[128];

    if (!CreateProcessW(wide(program, pool), wide(command, pool), NULL, NULL, FALSE,
                        CREATE_NO_WINDOW, NULL, NULL, &startup, &process)) {
        error_text((apr_status_t)apr_get_os_error(), reason, sizeof reason);
        return apr_psprintf(pool, "%s does not start: %s", program, reason);
    }
    int has_ended = WaitForSingleObject(process.hProcess, NETSH_PATIENCE_MS) == WAIT_OBJECT_0 &&
                    GetExitCodeProcess(process.hProcess, code);

    if (!has_ended) {
        TerminateProcess(process.hProcess, 1);
    }
    CloseHandle(process.hThread);
    CloseHandle(process.hProcess);
    return has_ended ? NULL
                     : apr_psprintf(pool, "this command does not end, and is killed: %s", command);
}

static const char *run_successfully(const char *program, const char *command, apr_pool_t *pool)
{
    DWORD code;
    const char *error = run(&code, program, command, pool);

    return error != NULL || code == 0
               ? error
               : apr_psprintf(pool, "this command ends with %lu: %s", code, command);
}

const char *firewall_open(apr_pool_t *pool)
{
    const char *netsh = netsh_path(pool);

    return run_successfully(
        netsh, firewall_open_command(netsh, narrow(program_path(pool), pool), pool), pool);
}

const char *firewall_close(apr_pool_t *pool)
{
    const char *netsh = netsh_path(pool);

    DWORD code;
    const char *error =
        run(&code, netsh, command_line_join(netsh, rule_arguments("show", pool), pool), pool);

    /* Showing a rule that does not exist ends with 1, and so would deleting it, of which nobody
     * wants to be told. */
    if (error != NULL || code != 0) {
        return error;
    }
    return run_successfully(netsh, command_line_join(netsh, rule_arguments("delete", pool), pool),
                            pool);
}
