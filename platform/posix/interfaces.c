/* The names of network interfaces. */

#include <apr_strings.h>
#include <net/if.h>

#include "udpecho/host.h"

int host_interface_name(char *name, apr_size_t size, unsigned network_interface)
{
    char found[IF_NAMESIZE];

    apr_cpystrn(name, if_indextoname(network_interface, found) != NULL ? found : "", size);
    return *name != '\0';
}
