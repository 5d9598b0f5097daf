/* The processors of a process where systems have no common way to bind a thread to one. */

#include <unistd.h>

#include "udpecho/machine.h"

unsigned host_processors(void)
{
    long online = sysconf(_SC_NPROCESSORS_ONLN);

    return online > 0 ? (unsigned)online : 1;
}

apr_status_t host_pin(unsigned number)
{
    (void)number;
    return APR_ENOTIMPL;
}
