/* Console control events as requests. */

#include "unit.h"

#include <apr_strings.h>

#include "udpecho/host.h"
#include "udpecho/terminal.h"

/* What takes longer than this hangs. */
#define PATIENCE_MS 20000

/* Windows' own handler ends a process with STATUS_CONTROL_C_EXIT, Wine's with 0. */
#define ENDED_BY_CONTROL 0xc000013a
#define ENDED_BY_WINE    0

/* How the child ends. */
enum { AS_EXPECTED = 10, NOT_AS_EXPECTED, NO_SUCH_EVENT, NO_SUCH_TERMINAL };

static const char *this_program;

/* Each scene runs in a child with a console of its own, which its events do not leave. */
static DWORD code_of_child(const char *scene_in_child)
{
    char command[MAX_PATH + 32];
    STARTUPINFOA startup = {.cb = sizeof startup};
    PROCESS_INFORMATION child;
    DWORD code = 0;

    snprintf(command, sizeof command, "\"%s\" %s", this_program, scene_in_child);
    assert_true(CreateProcessA(NULL, command, NULL, NULL, FALSE, CREATE_NO_WINDOW, NULL, NULL,
                               &startup, &child));
    assert_int_equal(WaitForSingleObject(child.hProcess, PATIENCE_MS), WAIT_OBJECT_0);
    assert_true(GetExitCodeProcess(child.hProcess, &code));
    CloseHandle(child.hThread);
    CloseHandle(child.hProcess);
    return code;
}

/* ---- In the child ---- */

static void require(int condition)
{
    if (!condition) {
        ExitProcess(NOT_AS_EXPECTED);
    }
}

static int is_stopped_by(host_t *host, DWORD control)
{
    if (!GenerateConsoleCtrlEvent(control, 0)) {
        return NO_SUCH_EVENT;
    }
    require(host_wait(host) == HOST_STOP);
    host_finish(host);
    require(host_wait(host) == HOST_FINISHED);
    return AS_EXPECTED;
}

static int is_ended_by_a_second(host_t *host)
{
    require(is_stopped_by(host, CTRL_C_EVENT) == AS_EXPECTED);
    GenerateConsoleCtrlEvent(CTRL_C_EVENT, 0);
    Sleep(PATIENCE_MS);
    return NOT_AS_EXPECTED;
}

static int is_ended_after_a_lame_duck_time(host_t *host)
{
    host_set_lame_duck(host, 1000 * APR_USEC_PER_SEC);
    if (!GenerateConsoleCtrlEvent(CTRL_C_EVENT, 0)) {
        return NO_SUCH_EVENT;
    }
    require(host_wait(host) == HOST_LAME_DUCK);
    return is_ended_by_a_second(host);
}

static int stops_when_the_time_is_over(host_t *host)
{
    host_set_lame_duck(host, 20000);
    if (!GenerateConsoleCtrlEvent(CTRL_C_EVENT, 0)) {
        return NO_SUCH_EVENT;
    }
    require(host_wait(host) == HOST_LAME_DUCK);
    require(host_wait(host) == HOST_STOP);
    GenerateConsoleCtrlEvent(CTRL_C_EVENT, 0);
    Sleep(PATIENCE_MS);
    return NOT_AS_EXPECTED;
}

static UINT code_page_before;

/* What Windows calls after the host's, in place of its own, which ends the process. */
static BOOL WINAPI look_at_console(DWORD control)
{
    (void)control;
    ExitProcess(GetConsoleOutputCP() == code_page_before ? AS_EXPECTED : NOT_AS_EXPECTED);
    return TRUE;
}

static int restores_the_console(apr_pool_t *pool)
{
    apr_file_t *screen;
    terminal_t terminal;
    host_t *host;

    code_page_before = GetConsoleOutputCP();
    if (code_page_before == CP_UTF8 ||
        apr_file_open(&screen, "CONOUT$", APR_FOPEN_READ | APR_FOPEN_WRITE, APR_FPROT_OS_DEFAULT,
                      pool) != APR_SUCCESS ||
        !terminal_describe(&terminal, screen)) {
        return NO_SUCH_TERMINAL;
    }
    require(GetConsoleOutputCP() == CP_UTF8);
    require(SetConsoleCtrlHandler(look_at_console, TRUE));
    require(host_start(&host, 1, pool) == APR_SUCCESS);
    return is_ended_by_a_second(host);
}

/* A file of that kind, under a name that nothing else has, where this program is. */
static int finds_its_own_library(void)
{
    HMODULE library = LoadLibraryA("udpecho-planted.dll");

    if (library != NULL) {
        FreeLibrary(library);
    }
    return library != NULL;
}

static int looks_for_libraries_in_the_system(void)
{
    char path[MAX_PATH], *end;

    require(GetModuleFileNameA(NULL, path, MAX_PATH) > 0);
    end = strrchr(path, '\\');
    require(end != NULL && (size_t)(end - path) < sizeof path - 32);
    strcpy(end + 1, "udpecho-planted.dll");
    require(CopyFileA("C:\\windows\\system32\\version.dll", path, FALSE));
    require(finds_its_own_library());
    host_trust_system_libraries();
    int found = finds_its_own_library();

    require(LoadLibraryA("version.dll") != NULL);
    DeleteFileA(path);
    return found ? NOT_AS_EXPECTED : AS_EXPECTED;
}

static int run_in_child(const char *scene_in_child)
{
    apr_pool_t *pool;
    host_t *host;

    if (strcmp(scene_in_child, "libraries") == 0) {
        return looks_for_libraries_in_the_system();
    }
    require(make_pool((void **)&pool) == 0);
    if (strcmp(scene_in_child, "console") == 0) {
        return restores_the_console(pool);
    }
    require(host_start(&host, 1, pool) == APR_SUCCESS);
    if (strcmp(scene_in_child, "second") == 0) {
        return is_ended_by_a_second(host);
    }
    if (strcmp(scene_in_child, "lame") == 0) {
        return is_ended_after_a_lame_duck_time(host);
    }
    if (strcmp(scene_in_child, "time") == 0) {
        return stops_when_the_time_is_over(host);
    }
    return is_stopped_by(host,
                         strcmp(scene_in_child, "break") == 0 ? CTRL_BREAK_EVENT : CTRL_C_EVENT);
}

/* ---- In the parent ---- */

static void control_c_asks_to_stop(void **state)
{
    (void)state;
    assert_int_equal(code_of_child("c"), AS_EXPECTED);
}

static void control_break_asks_to_stop(void **state)
{
    DWORD code = code_of_child("break");

    (void)state;
    if (code == NO_SUCH_EVENT) {
        skip_test("Wine does not generate this event");
    }
    assert_int_equal(code, AS_EXPECTED);
}

static void a_library_beside_the_program_is_not_loaded(void **state)
{
    (void)state;
    assert_int_equal(code_of_child("libraries"), AS_EXPECTED);
}

static void the_configuration_file_has_its_place(void **state)
{
    const char *path = host_config_file(*state);
    const char *end = "\\udpecho\\udpechod.conf";

    assert_true(strlen(path) > strlen(end));
    assert_string_equal(path + strlen(path) - strlen(end), end);
}

static void no_environment_moves_the_configuration_file(void **state)
{
    static const char *const names[] = {"ProgramData", "ALLUSERSPROFILE", "SystemDrive",
                                        "SystemRoot", "windir"};
    const char *path = host_config_file(*state);

    for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++) {
        assert_true(SetEnvironmentVariableA(names[i], "D:"));
    }
    assert_string_equal(host_config_file(*state), path);
}

/* In the place of HKEY_LOCAL_MACHINE, where programs that are not an administrator's cannot write.
 */
static void set_program_data(const wchar_t *value)
{
    assert_int_equal(
        RegSetKeyValueW(
            HKEY_LOCAL_MACHINE, L"SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion\\ProfileList",
            L"ProgramData", REG_EXPAND_SZ, value, (DWORD)((wcslen(value) + 1) * sizeof *value)),
        ERROR_SUCCESS);
}

static void it_is_where_windows_was_told_to_have_such_files(void **state)
{
    wchar_t windows[MAX_PATH];
    HKEY key;

    assert_int_not_equal(GetSystemWindowsDirectoryW(windows, MAX_PATH), 0);
    assert_int_equal(RegCreateKeyW(HKEY_CURRENT_USER, L"Software\\udpecho-test", &key),
                     ERROR_SUCCESS);
    assert_int_equal(RegOverridePredefKey(HKEY_LOCAL_MACHINE, key), ERROR_SUCCESS);
    assert_null(host_config_file(*state));
    set_program_data(L"%SystemDrive%\\Data");
    assert_string_equal(
        host_config_file(*state),
        apr_psprintf(*state, "%c:\\Data\\udpecho\\udpechod.conf", (char)windows[0]));
    set_program_data(L"E:\\Data");
    assert_string_equal(host_config_file(*state), "E:\\Data\\udpecho\\udpechod.conf");
    set_program_data(L"%AnotherVariable%\\Data");
    assert_null(host_config_file(*state));
    RegOverridePredefKey(HKEY_LOCAL_MACHINE, NULL);
    RegDeleteTreeW(HKEY_CURRENT_USER, L"Software\\udpecho-test");
    RegCloseKey(key);
}

static void a_second_request_ends_the_process(void **state)
{
    DWORD code = code_of_child("second");

    (void)state;
    assert_true(code == ENDED_BY_CONTROL || code == ENDED_BY_WINE);
}

static void the_first_request_begins_the_lame_duck_time(void **state)
{
    static const char *const scenes[] = {"lame", "time"};

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        DWORD code = code_of_child(scenes[i]);

        assert_true(code == ENDED_BY_CONTROL || code == ENDED_BY_WINE);
    }
}

static void a_second_request_leaves_the_console_as_it_was(void **state)
{
    DWORD code = code_of_child("console");

    (void)state;
    if (code == NO_SUCH_TERMINAL) {
        skip_test("this console cannot be switched to UTF-8");
    }
    assert_int_equal(code, AS_EXPECTED);
}

int main(int argc, char **argv)
{
    static const host_service_t service = {.name = "udpechod"};
    const struct CMUnitTest tests[] = {
        scene(control_c_asks_to_stop),
        scene(control_break_asks_to_stop),
        scene(a_library_beside_the_program_is_not_loaded),
        scene(the_configuration_file_has_its_place),
        scene(no_environment_moves_the_configuration_file),
        scene(it_is_where_windows_was_told_to_have_such_files),
        scene(a_second_request_ends_the_process),
        scene(the_first_request_begins_the_lame_duck_time),
        scene(a_second_request_leaves_the_console_as_it_was),
    };

    if (argc > 1) {
        return run_in_child(argv[1]);
    }
    this_program = argv[0];
    host_name_service(&service);
    return run_group("host of Windows", tests);
}
