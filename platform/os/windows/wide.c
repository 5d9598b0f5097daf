#include "os/windows/wide.h"

#include <apr.h>

/* The longest path that Windows has, in UTF-16 units ("Maximum Path Length Limitation"). */
#define PATH_MAX_WIDE 32768

wchar_t *wide(const char *utf8, apr_pool_t *pool)
{
    int length = MultiByteToWideChar(CP_UTF8, 0, utf8, -1, NULL, 0);
    wchar_t *utf16 = apr_pcalloc(pool, (apr_size_t)length * sizeof *utf16 + sizeof *utf16);

    MultiByteToWideChar(CP_UTF8, 0, utf8, -1, utf16, length);
    return utf16;
}

char *narrow(const wchar_t *utf16, apr_pool_t *pool)
{
    int length = WideCharToMultiByte(CP_UTF8, 0, utf16, -1, NULL, 0, NULL, NULL);
    char *utf8 = apr_pcalloc(pool, (apr_size_t)length + 1);

    WideCharToMultiByte(CP_UTF8, 0, utf16, -1, utf8, length, NULL, NULL);
    return utf8;
}

const wchar_t *program_path(apr_pool_t *pool)
{
    wchar_t *path = apr_pcalloc(pool, PATH_MAX_WIDE * sizeof *path);

    GetModuleFileNameW(NULL, path, PATH_MAX_WIDE);
    return path;
}
