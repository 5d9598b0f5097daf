/* The names of network interfaces, also for a process that may not ask for them any more. */

#include "os/posix/interfaces.h"

#include <apr_strings.h>
#include <assert.h>
#include <net/if.h>

#include "udpecho/machine.h"

static int remembered;
static struct if_nameindex *names; /* ends in an index of 0; NULL if there was no memory */

void interfaces_remember(void)
{
    remembered = 1;
    names = if_nameindex();
}

int host_interface_name(char *name, apr_size_t size, unsigned network_interface)
{
    assert(size > 0);

    char found[IF_NAMESIZE];

    if (!remembered) {
        apr_cpystrn(name, if_indextoname(network_interface, found) != NULL ? found : "", size);
        return *name != '\0';
    }
    for (struct if_nameindex *at = names; at != NULL && at->if_index != 0; at++) {
        if (at->if_index == network_interface) {
            apr_cpystrn(name, at->if_name, size);
            return 1;
        }
    }
    return 0;
}
