#ifndef UDPECHO_FILTER_H
#define UDPECHO_FILTER_H

/* The filter of system calls. Internal to platform/os/linux; a test counts what it allows. */

#include "udpecho/confinement.h"

/* Puts the filter on all threads of the process. As sandbox_enter(), of which it is a part. */
apr_status_t filter_load(const platform_t *platform, const sandbox_needs_t *needs,
                         const char **found);

/* How many system calls filter_load() allows. */
unsigned filter_size(const platform_t *platform, const sandbox_needs_t *needs);

#endif
