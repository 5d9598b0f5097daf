#ifndef UDPECHO_ENVIRONMENT_H
#define UDPECHO_ENVIRONMENT_H

/* In front of APR's misc/win32/start.c, which replaces the environment that getenv() reads by the
 * one in UTF-8. On ARM, the C library has no variables for that, and nothing here calls getenv().
 */

#include <stdlib.h>
#undef _environ
#undef _wenviron

static char **narrow_environment;
static wchar_t **wide_environment;

#define _environ  narrow_environment
#define _wenviron wide_environment

#endif
