/*
 * Preloaded, it is a C library whose inet_pton(3) asks the kernel for what it has no need of, once
 * for each address (LD_PRELOAD of ld.so(8)). Other versions than those that were tried may do the
 * like on input that was not.
 */

#define _GNU_SOURCE /* for RTLD_NEXT */

#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/sysinfo.h>

/* ISO C has no way to make a function of what dlsym() returns, POSIX this one (dlsym(3)). */
#define REAL(name) (*(__typeof__(&(name)) *)&(void *){dlsym(RTLD_NEXT, #name)})

int inet_pton(int family, const char *text, void *address)
{
    struct sysinfo information;

    if (sysinfo(&information) != 0 && errno != ENOSYS) {
        abort();
    }
    return REAL(inet_pton)(family, text, address);
}
