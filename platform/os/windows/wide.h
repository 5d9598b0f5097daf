#ifndef UDPECHO_WINDOWS_WIDE_H
#define UDPECHO_WINDOWS_WIDE_H

/* UTF-16 text for Windows. From `pool`; any thread. */

#include <apr_pools.h>
#include <wchar.h>

/* What is no UTF-8, or no UTF-16, becomes U+FFFD. */
wchar_t *wide(const char *utf8, apr_pool_t *pool);
char *narrow(const wchar_t *utf16, apr_pool_t *pool);

/* The path of this program's file. */
const wchar_t *program_path(apr_pool_t *pool);

#endif
