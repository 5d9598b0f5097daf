#include "udpecho/machine.h"

#include <apr_strings.h>
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#if defined(__linux__)
#include <sys/syscall.h>
#elif defined(__FreeBSD__) || defined(__DragonFly__)
#include <pthread_np.h>
#elif defined(__NetBSD__)
#include <lwp.h>
#endif

const char *host_system(apr_pool_t *pool)
{
    struct utsname name;

    if (uname(&name) < 0) {
        return "unknown";
    }
    return apr_pstrcat(pool, name.sysname, " ", name.release, " ", name.machine, NULL);
}

apr_uint64_t host_thread_id(void)
{
#if defined(__linux__)
    /* glibc has gettid() only since 2.30. */
    return (apr_uint64_t)syscall(SYS_gettid);
#elif defined(__APPLE__)
    uint64_t id = 0;

    pthread_threadid_np(NULL, &id);
    return id;
#elif defined(__FreeBSD__) || defined(__DragonFly__)
    return (apr_uint64_t)pthread_getthreadid_np();
#elif defined(__NetBSD__)
    return (apr_uint64_t)_lwp_self();
#elif defined(__OpenBSD__)
    return (apr_uint64_t)getthrid();
#endif
}

/* RLIM_INFINITY is above every other limit on all systems. */
apr_status_t host_raise_descriptors(unsigned needed, unsigned *allowed)
{
    const rlim_t wanted = needed;
    struct rlimit files;
    apr_status_t status = APR_SUCCESS;

    *allowed = 0;
    if (getrlimit(RLIMIT_NOFILE, &files) != 0) {
        return errno;
    }
    if (files.rlim_cur < wanted) {
        struct rlimit raised = files;

        raised.rlim_cur = files.rlim_max < wanted ? files.rlim_max : wanted;
        status = setrlimit(RLIMIT_NOFILE, &raised) == 0 ? APR_SUCCESS : errno;
        files = status == APR_SUCCESS ? raised : files;
    }
    *allowed = files.rlim_cur < (rlim_t)UINT_MAX ? (unsigned)files.rlim_cur : UINT_MAX;
    return status == APR_SUCCESS && *allowed < needed ? APR_EMFILE : status;
}
