#ifndef UDPECHO_START_H
#define UDPECHO_START_H

/* In front of APR's misc/win32/start.c. */

#include <windows.h>

#include <shellapi.h>
#include <stdlib.h>

/* It takes the command line apart by CommandLineToArgvW(), which is SHELL32's; with that comes
 * USER32, and then a program of a console hears nothing of log-off and shutdown
 * (SetConsoleCtrlHandler()). The C library does the same by the same rules, and keeps what it
 * returns. */
struct new_mode {
    int value;
};

int __cdecl __wgetmainargs(int *count, wchar_t ***arguments, wchar_t ***environment, int wildcards,
                           struct new_mode *mode);

static inline wchar_t **wide_arguments(int *count)
{
    wchar_t **arguments, **environment;
    struct new_mode mode = {0};

    return __wgetmainargs(count, &arguments, &environment, 0, &mode) == 0 ? arguments : NULL;
}

#define CommandLineToArgvW(line, count) wide_arguments(count)
#define GlobalFree(arguments)           ((void)(arguments))

/* It replaces the environment that getenv() reads by the one in UTF-8. On ARM, the C library has no
 * variables for that, and nothing here calls getenv(). */
#undef _environ
#undef _wenviron

static char **narrow_environment;
static wchar_t **wide_environment;

#define _environ  narrow_environment
#define _wenviron wide_environment

#endif
