#ifndef UDPECHO_FILTER_H
#define UDPECHO_FILTER_H

/* The filter of system calls. Internal to platform/linux; a test counts what it allows. */

#include "udpecho/platform.h"

/* Puts the filter on all threads of the process. As sandbox_enter(), of which it is a part. */
apr_status_t filter_load(const platform_t *platform, int reads_files, const char **found);

/* How many system calls filter_load() allows. */
unsigned filter_size(const platform_t *platform, int reads_files);

#endif
