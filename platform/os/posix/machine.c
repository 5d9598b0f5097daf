#include "udpecho/machine.h"

#include <apr_strings.h>
#include <pthread.h>
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
