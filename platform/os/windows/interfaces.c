/* Before apr.h, which leaves out parts of windows.h that iphlpapi.h needs. */
#include <assert.h>
#include <winsock2.h>
#include <ws2tcpip.h>

#include <iphlpapi.h>

#include <apr_strings.h>

#include "udpecho/machine.h"

int host_interface_name(char *name, apr_size_t size, unsigned network_interface)
{
    assert(size > 0);

    char found[NDIS_IF_MAX_STRING_SIZE + 1];

    apr_cpystrn(name, if_indextoname(network_interface, found) != NULL ? found : "", size);
    return *name != '\0';
}
