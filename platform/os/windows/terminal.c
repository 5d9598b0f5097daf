#include "udpecho/terminal.h"

#include <apr_portable.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "os/windows/console.h"

/* A console outlives the programs that run in it, and all of them share its modes, so these are put
 * back at the end ("Console Virtual Terminal Sequences", "SetConsoleOutputCP function"). */
static INIT_ONCE once = INIT_ONCE_STATIC_INIT;
static HANDLE console;
static DWORD mode_before;
static UINT code_page_before;
static atomic_int is_usable; /* written once, by switch_over() */

void console_restore(void)
{
    if (is_usable) {
        SetConsoleMode(console, mode_before);
        SetConsoleOutputCP(code_page_before);
    }
}

static BOOL CALLBACK switch_over(PINIT_ONCE token, PVOID handle, PVOID *result)
{
    (void)token;
    (void)result;
    console = handle;
    code_page_before = GetConsoleOutputCP();
    /* Consoles before Windows 10 refuse it. */
    is_usable = GetConsoleMode(console, &mode_before) &&
                SetConsoleMode(console, mode_before | ENABLE_PROCESSED_OUTPUT |
                                            ENABLE_VIRTUAL_TERMINAL_PROCESSING);
    if (is_usable) {
        SetConsoleOutputCP(CP_UTF8);
        atexit(console_restore);
    }
    return TRUE;
}

int terminal_is_open(apr_file_t *file)
{
    apr_os_file_t handle;
    DWORD mode;

    return apr_os_file_get(&handle, file) == APR_SUCCESS && GetConsoleMode(handle, &mode);
}

int terminal_describe(terminal_t *terminal, apr_file_t *file)
{
    CONSOLE_SCREEN_BUFFER_INFO screen;
    apr_os_file_t handle;

    /* Standard output and standard error are handles of one screen, so to switch one is enough. */
    if (apr_os_file_get(&handle, file) != APR_SUCCESS ||
        !GetConsoleScreenBufferInfo(handle, &screen) ||
        !InitOnceExecuteOnce(&once, switch_over, handle, NULL) || !is_usable) {
        return 0;
    }
    terminal->columns = (unsigned)(screen.srWindow.Right - screen.srWindow.Left + 1);
    terminal->rows = (unsigned)(screen.srWindow.Bottom - screen.srWindow.Top + 1);
    terminal->has_utf8 = GetConsoleOutputCP() == CP_UTF8;
    terminal->is_background = 0;
    return 1;
}
