/* The addresses of this host. */

/* Before apr.h, which leaves out parts of windows.h that iphlpapi.h needs. */
#include <assert.h>
#include <winsock2.h>
#include <ws2tcpip.h>

#include <iphlpapi.h>

#include <string.h>

#include "os/main_thread.h"
#include "udpecho/machine.h"

/* Room for a common host's adapters, as Microsoft advises; where there are more, the call says how
 * much they take. They may become more between two calls. */
#define ROOM_FIRST 16384
#define ROOM_TRIES 4

#define LEFT_OUT                                                                  \
    (GAA_FLAG_SKIP_ANYCAST | GAA_FLAG_SKIP_MULTICAST | GAA_FLAG_SKIP_DNS_SERVER | \
     GAA_FLAG_SKIP_FRIENDLY_NAME)

/* The length of an address of its family, bytes; 0 if it is of another one, or cut short. */
static socklen_t whole_length(const SOCKET_ADDRESS *address)
{
    int has_family = address->iSockaddrLength >= (int)sizeof(struct sockaddr);
    int family = has_family ? address->lpSockaddr->sa_family : AF_UNSPEC;
    socklen_t length = family == AF_INET    ? sizeof(struct sockaddr_in)
                       : family == AF_INET6 ? sizeof(struct sockaddr_in6)
                                            : 0;

    return address->iSockaddrLength >= length ? length : 0;
}

static void add_address(apr_array_header_t *addresses, const IP_ADAPTER_ADDRESSES *adapter,
                        const IP_ADAPTER_UNICAST_ADDRESS *entry)
{
    socklen_t length = whole_length(&entry->Address);

    if (length == 0) {
        return;
    }
    host_address_t *added = apr_array_push(addresses);

    memset(added, 0, sizeof *added);
    added->address.length = length;
    memcpy(&added->address.sa, entry->Address.lpSockaddr, (size_t)length);
    /* One number for both families; 0 for one that the adapter does not have. */
    added->network_interface = adapter->IfIndex != 0 ? adapter->IfIndex : adapter->Ipv6IfIndex;
    if (added->address.sa.any.sa_family == AF_INET && entry->OnLinkPrefixLength <= 30) {
        added->broadcast.s_addr =
            added->address.sa.v4.sin_addr.s_addr | htonl(0xffffffff >> entry->OnLinkPrefixLength);
    }
}

apr_status_t host_addresses(apr_array_header_t **addresses, apr_pool_t *pool)
{
    assert(is_main_thread());
    IP_ADAPTER_ADDRESSES *list = NULL;
    ULONG room = ROOM_FIRST;
    ULONG error = ERROR_BUFFER_OVERFLOW;

    for (int i = 0; error == ERROR_BUFFER_OVERFLOW && i < ROOM_TRIES; i++) {
        list = apr_palloc(pool, room);
        error = GetAdaptersAddresses(AF_UNSPEC, LEFT_OUT, NULL, list, &room);
    }
    *addresses = apr_array_make(pool, 16, sizeof(host_address_t));
    if (error != NO_ERROR) {
        /* No address at all, and no adapter that has one. */
        return error == ERROR_NO_DATA || error == ERROR_ADDRESS_NOT_ASSOCIATED
                   ? APR_SUCCESS
                   : (apr_status_t)APR_FROM_OS_ERROR(error);
    }
    for (; list != NULL; list = list->Next) {
        for (const IP_ADAPTER_UNICAST_ADDRESS *entry = list->FirstUnicastAddress; entry != NULL;
             entry = entry->Next) {
            add_address(*addresses, list, entry);
        }
    }
    return APR_SUCCESS;
}
