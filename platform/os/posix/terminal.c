#include "udpecho/terminal.h"

#include <apr_portable.h>
#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>
#ifdef __APPLE__
#include <xlocale.h> /* newlocale(3) */
#endif

/* What a terminal has that does not tell, a serial one for instance. */
#define COLUMNS_USUAL 80
#define ROWS_USUAL    24

/* There is no description of terminals here to look it up in: all that are called something but
 * these follow ECMA-48. */
static int moves_cursor(const char *name)
{
    return name != NULL && *name != '\0' && strcmp(name, "dumb") != 0;
}

/* The locale that the user chose, which need not be the process's. */
static int has_utf8(void)
{
    locale_t locale = newlocale(LC_CTYPE_MASK, "", (locale_t)0);

    if (locale == (locale_t)0) {
        return 0;
    }
    const char *codeset = nl_langinfo_l(CODESET, locale);
    int found = strcasecmp(codeset, "UTF-8") == 0 || strcasecmp(codeset, "UTF8") == 0;

    freelocale(locale);
    return found;
}

/* A terminal that does not control this process tells none: it has no jobs. */
static int is_background(int descriptor)
{
    pid_t foreground = tcgetpgrp(descriptor);

    return foreground > 0 && foreground != getpgrp();
}

int terminal_is_open(apr_file_t *file)
{
    apr_os_file_t descriptor;

    return apr_os_file_get(&descriptor, file) == APR_SUCCESS && isatty(descriptor);
}

int terminal_describe(terminal_t *terminal, apr_file_t *file)
{
    struct winsize size = {0};
    apr_os_file_t descriptor;

    if (!terminal_is_open(file) || !moves_cursor(getenv("TERM")) ||
        apr_os_file_get(&descriptor, file) != APR_SUCCESS) {
        return 0;
    }
    ioctl(descriptor, TIOCGWINSZ, &size);
    terminal->columns = size.ws_col > 0 ? size.ws_col : COLUMNS_USUAL;
    terminal->rows = size.ws_row > 0 ? size.ws_row : ROWS_USUAL;
    terminal->has_utf8 = has_utf8();
    terminal->is_background = is_background(descriptor);
    return 1;
}
