/* The addresses of this host. */

#include "udpecho/machine.h"

#include <assert.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <string.h>

#include "os/main_thread.h"

static struct in_addr broadcast_of(const struct ifaddrs *entry)
{
    struct in_addr broadcast = {INADDR_ANY};
    struct sockaddr_in address;
    struct sockaddr_in mask = {.sin_port = 0};

    if (entry->ifa_netmask == NULL) {
        return broadcast;
    }
    memcpy(&address, entry->ifa_addr, sizeof address);
    /* The kernel may leave out the zeros at the end of a mask, and says how much there is. */
    memcpy(&mask, entry->ifa_netmask,
           entry->ifa_netmask->sa_len < sizeof mask ? entry->ifa_netmask->sa_len : sizeof mask);
    if (~ntohl(mask.sin_addr.s_addr) >= 3) {
        broadcast.s_addr = address.sin_addr.s_addr | ~mask.sin_addr.s_addr;
    }
    return broadcast;
}

static void add_address(apr_array_header_t *addresses, const struct ifaddrs *entry)
{
    host_address_t *added = apr_array_push(addresses);

    memset(added, 0, sizeof *added);
    added->network_interface = if_nametoindex(entry->ifa_name);
    if (entry->ifa_addr->sa_family == AF_INET6) {
        added->address.length = sizeof added->address.sa.v6;
    } else {
        added->address.length = sizeof added->address.sa.v4;
        added->broadcast = broadcast_of(entry);
    }
    memcpy(&added->address.sa, entry->ifa_addr, added->address.length);
}

static apr_status_t free_list(void *list)
{
    struct ifaddrs *first = *(struct ifaddrs **)list;

    if (first != NULL) {
        freeifaddrs(first);
    }
    return APR_SUCCESS;
}

apr_status_t host_addresses(apr_array_header_t **addresses, apr_pool_t *pool)
{
    assert(is_main_thread());

    struct ifaddrs **list = apr_pcalloc(pool, sizeof(struct ifaddrs *));

    /* The pool frees it where there is no memory for what comes of it. */
    apr_pool_cleanup_register(pool, list, free_list, apr_pool_cleanup_null);
    if (getifaddrs(list) != 0) {
        return errno;
    }
    *addresses = apr_array_make(pool, 16, sizeof(host_address_t));
    for (const struct ifaddrs *entry = *list; entry != NULL; entry = entry->ifa_next) {
        /* Interfaces without an address are in the list too. */
        if (entry->ifa_addr != NULL &&
            (entry->ifa_addr->sa_family == AF_INET || entry->ifa_addr->sa_family == AF_INET6)) {
            add_address(*addresses, entry);
        }
    }
    apr_pool_cleanup_run(pool, list, free_list);
    return APR_SUCCESS;
}
