#include "udpecho/machine.h"

#include <apr_errno.h>
#include <apr_strings.h>
#include <limits.h>
#include <windows.h>

unsigned host_processors(void)
{
    DWORD_PTR allowed = 0;
    DWORD_PTR existing = 0;
    unsigned count = 0;

    /* The mask covers the first 64 processors; a process that may use all of these may use those
     * of the other groups too. */
    if (!GetProcessAffinityMask(GetCurrentProcess(), &allowed, &existing) || allowed == existing) {
        return GetActiveProcessorCount(ALL_PROCESSOR_GROUPS);
    }
    for (; allowed != 0; allowed &= allowed - 1) {
        count++;
    }
    return count;
}

apr_status_t host_pin(unsigned number)
{
    DWORD_PTR allowed = 0;
    DWORD_PTR existing = 0;

    if (!GetProcessAffinityMask(GetCurrentProcess(), &allowed, &existing)) {
        return (apr_status_t)apr_get_os_error();
    }
    if (allowed == 0) {
        return APR_ENOTIMPL; /* a process in several processor groups has no mask */
    }
    DWORD_PTR rest = allowed;

    for (unsigned i = 0; i < number; i++) {
        rest &= rest - 1;
        rest = rest == 0 ? allowed : rest; /* all have one: begin anew */
    }
    return SetThreadAffinityMask(GetCurrentThread(), rest & (~rest + 1)) != 0
               ? APR_SUCCESS
               : (apr_status_t)apr_get_os_error();
}

#ifdef __aarch64__
#define PROCESSOR "aarch64"
#else
#define PROCESSOR "x86_64"
#endif

const char *host_system(apr_pool_t *pool)
{
    /* GetVersionEx() tells a program without a manifest that it runs on Windows 8. */
    typedef LONG WINAPI get_version_t(OSVERSIONINFOW * version);

    OSVERSIONINFOW version = {.dwOSVersionInfoSize = sizeof version};
    FARPROC get_version = GetProcAddress(GetModuleHandleW(L"ntdll"), "RtlGetVersion");

    if (get_version == NULL || ((get_version_t *)(INT_PTR)get_version)(&version) != 0) {
        return "Windows";
    }
    return apr_psprintf(pool, "Windows %lu.%lu.%lu " PROCESSOR, version.dwMajorVersion,
                        version.dwMinorVersion, version.dwBuildNumber);
}

apr_uint64_t host_thread_id(void)
{
    return GetCurrentThreadId();
}

apr_status_t host_raise_descriptors(unsigned needed, unsigned *allowed)
{
    (void)needed; /* as many as there is memory for */
    *allowed = UINT_MAX;
    return APR_SUCCESS;
}
