#include "os/posix/store.h"

#include <apr_portable.h>
#include <apr_strings.h>
#include <arpa/inet.h>
#include <assert.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "os/main_thread.h"
#include "os/posix/descriptors.h"
#include "os/posix/notify.h"
#include "readiness/socket.h"
#include "udpecho/clock.h"
#include "udpecho/handover.h"
#include "udpecho/host.h"

/* The prefix of each name; the protocol, unless it is plain echo, the port and the address
 * follow. */
#define PREFIX "udpechod-stored-"

/* The longest that a service manager takes. */
#define FDNAME_MAX 255

#define NAME_SIZE                                                                          \
    (sizeof PREFIX + PROTOCOL_NAME_MAX + INET6_ADDRSTRLEN + sizeof "-65535-%4294967295@" + \
     INTERFACE_NAME_MAX)

/* The manager hears late of what it was told, and may close in the background. */
#define FORGETTING_US       (5 * APR_USEC_PER_SEC)
#define FORGETTING_PAUSE_US (10 * 1000)

static apr_time_t forgotten_at;

/* The interface of a link-local address is a number here, as its name may change. No name may have
 * a colon in it. The port is at the same place in both families. */
static void write_name(char name[NAME_SIZE], const endpoint_t *address, const char *device,
                       protocol_t protocol)
{
    int is_plain = protocol == PROTOCOL_ECHO;
    int is_ipv6 = address->sa.any.sa_family == AF_INET6;
    const void *host =
        is_ipv6 ? (const void *)&address->sa.v6.sin6_addr : (const void *)&address->sa.v4.sin_addr;
    char text[INET6_ADDRSTRLEN] = "";
    char scope[sizeof "%4294967295"] = "";

    inet_ntop(address->sa.any.sa_family, host, text, sizeof text);
    for (char *colon = text; (colon = strchr(colon, ':')) != NULL;) {
        *colon = '_';
    }
    if (is_ipv6 && address->sa.v6.sin6_scope_id != 0) {
        apr_snprintf(scope, sizeof scope, "%%%u", (unsigned)address->sa.v6.sin6_scope_id);
    }
    apr_snprintf(name, NAME_SIZE, PREFIX "%s%s%u-%s%s%s%s", is_plain ? "" : protocol_name(protocol),
                 is_plain ? "" : "-", (unsigned)ntohs(address->sa.v4.sin_port), text, scope,
                 *device != '\0' ? "@" : "", device);
}

/* ---- In and out ---- */

int host_has_store(void)
{
    return notify_is_open();
}

/* The manager must not watch them: an error that waits on a socket would make it close it. */
apr_status_t host_store(const endpoint_t *address, const char *device, const socket_group_t *group)
{
    assert(is_main_thread());
    assert(device != NULL && group->sockets->elt_size == sizeof(apr_os_sock_t));

    const int *descriptors = (const int *)(const void *)group->sockets->elts;
    unsigned left = (unsigned)group->sockets->nelts;
    char name[NAME_SIZE];
    char assignments[NAME_SIZE + sizeof "FDSTORE=1\nFDPOLL=0\nFDNAME="];
    apr_status_t status = APR_SUCCESS;

    write_name(name, address, device, group->protocol);
    apr_snprintf(assignments, sizeof assignments, "FDSTORE=1\nFDPOLL=0\nFDNAME=%s", name);
    while (status == APR_SUCCESS && left > 0) {
        unsigned count = left < DESCRIPTORS_MAX ? left : DESCRIPTORS_MAX;

        status = notify_send_descriptors(assignments, descriptors, count);
        descriptors += count;
        left -= count;
    }
    return status;
}

static void forget(const char *name)
{
    char assignments[sizeof "FDSTOREREMOVE=1\nFDNAME=" + FDNAME_MAX];

    apr_snprintf(assignments, sizeof assignments, "FDSTOREREMOVE=1\nFDNAME=%s", name);
    notify_send(assignments);
    forgotten_at = clock_now();
}

void host_forget(const endpoint_t *address, const char *device, protocol_t protocol)
{
    assert(is_main_thread());
    assert(device != NULL);

    char name[NAME_SIZE];

    write_name(name, address, device, protocol);
    forget(name);
}

int host_await_forgetting(void)
{
    assert(is_main_thread());
    return notify_is_open() && forgotten_at != 0 && clock_now() - forgotten_at < FORGETTING_US &&
           host_pause(FORGETTING_PAUSE_US);
}

/* ---- Back ---- */

int store_has_name(const char *name)
{
    return strncmp(name, PREFIX, sizeof PREFIX - 1) == 0;
}

/* Sets `protocol` to what the name says is spoken there. */
static int is_bound_as_named(protocol_t *protocol, int descriptor, const char *name)
{
    endpoint_t local = {.length = sizeof local.sa};
    char device[INTERFACE_NAME_MAX];
    char expected[NAME_SIZE];

    if (getsockname(descriptor, &local.sa.any, &local.length) != 0 ||
        (local.sa.any.sa_family != AF_INET && local.sa.any.sa_family != AF_INET6)) {
        return 0;
    }
    if (socket_bound_interface(descriptor, &local, device) != APR_SUCCESS) {
        return 0;
    }
    for (*protocol = PROTOCOL_ECHO; *protocol < PROTOCOLS; (*protocol)++) {
        write_name(expected, &local, device, *protocol);
        if (strcmp(name, expected) == 0) {
            return 1;
        }
    }
    return 0;
}

void store_take_back(apr_array_header_t *groups, apr_hash_t *named, int descriptor,
                     const char *name, apr_pool_t *pool)
{
    assert(is_main_thread());
    assert(groups->elt_size == sizeof(socket_group_t));
    assert(store_has_name(name));

    apr_array_header_t *sockets = apr_hash_get(named, name, APR_HASH_KEY_STRING);
    protocol_t protocol;

    if (!is_bound_as_named(&protocol, descriptor, name)) {
        close(descriptor);
        forget(name);
        return;
    }
    if (sockets == NULL) {
        sockets = apr_array_make(pool, 4, sizeof(apr_os_sock_t));
        apr_hash_set(named, name, APR_HASH_KEY_STRING, sockets);
        APR_ARRAY_PUSH(groups, socket_group_t) = (socket_group_t){protocol, sockets};
    }
    APR_ARRAY_PUSH(sockets, apr_os_sock_t) = descriptor;
}
