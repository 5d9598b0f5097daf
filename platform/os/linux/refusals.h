#ifndef UDPECHO_REFUSALS_H
#define UDPECHO_REFUSALS_H

/* Internal to platform/os/linux: calls that the filter hands back to the process. */

#include "udpecho/confinement.h"

/*
 * From now on a call that a filter answers with SECCOMP_RET_TRAP ends with ENOSYS, as on a kernel
 * without it, and is noted in `refusals`, which lives as long as the process. seccomp(2) can return
 * an error by itself, but nobody would learn of it. No thread may block SIGSYS: the kernel ends a
 * process that it cannot signal. Main thread. Errors: those of sigaction(2).
 */
apr_status_t refusals_catch(sandbox_refusals_t *refusals);

#endif
