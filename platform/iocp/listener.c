/* A bound UDP address on Windows: one socket for all workers. */

#include "iocp/iocp.h"

#include <apr_portable.h>
#include <apr_strings.h>
#include <assert.h>
#include <stdatomic.h>
#include <string.h>

#include "iocp/details.h"
#include "os/main_thread.h"
#include "udpecho/clock.h"

/* How long to wait before looking again whether replies have left. */
#define REPLY_PAUSE_US 1000

#ifndef SIO_UDP_CONNRESET
#define SIO_UDP_CONNRESET _WSAIOW(IOC_VENDOR, 12)
#endif
#ifndef SIO_UDP_NETRESET
#define SIO_UDP_NETRESET _WSAIOW(IOC_VENDOR, 15)
#endif

struct listener {
    listener_info_t info;
    const platform_t *platform;
    shared_socket_t socket;
    port_t *_Atomic port;
    apr_pool_t *pool;
};

shared_socket_t *listener_shared_socket(listener_t *listener)
{
    return &listener->socket;
}

port_t *listener_port(const listener_t *listener)
{
    return listener->port;
}

void listener_set_port(listener_t *listener, port_t *port)
{
    listener->port = port;
}

apr_pool_t *listener_pool(const listener_t *listener)
{
    return listener->pool;
}

struct service *listener_service(const listener_t *listener)
{
    return atomic_load_explicit(&listener->socket.service, memory_order_acquire);
}

void listener_set_service(listener_t *listener, struct service *service)
{
    assert(is_main_thread());
    atomic_store_explicit(&listener->socket.service, service, memory_order_release);
}

/* What leaves later leaves by calls that must not wait; overlapped ones do as before. */
void listener_tell_itself(listener_t *listener, int tells)
{
    u_long is_nonblocking = 1;

    assert(is_main_thread());
    if (tells) {
        ioctlsocket(listener->socket.handle, (long)FIONBIO, &is_nonblocking);
    }
    atomic_store(&listener->socket.told, tells ? listener : NULL);
}

const listener_info_t *listener_describe(const listener_t *listener)
{
    return &listener->info;
}

static int set_option(SOCKET socket, int level, int option, DWORD value)
{
    return setsockopt(socket, level, option, (const char *)&value, sizeof value);
}

/* Without this, an ICMP error for one reply makes a later receive fail with WSAECONNRESET or
 * WSAENETRESET. The transport survives those too, so a system that refuses this loses nothing. */
static void ignore_resets(SOCKET socket)
{
    BOOL report = FALSE;
    DWORD returned;

    WSAIoctl(socket, SIO_UDP_CONNRESET, &report, sizeof report, NULL, 0, &returned, NULL, NULL);
    WSAIoctl(socket, SIO_UDP_NETRESET, &report, sizeof report, NULL, 0, &returned, NULL, NULL);
}

/* Windows gives a socket that is bound to one address the broadcasts to its port, too. Where it
 * does not know this option (IPPROTO_IP socket options), they are dropped by their flags. */
static void refuse_broadcasts(SOCKET socket)
{
    set_option(socket, IPPROTO_IP, IP_RECEIVE_BROADCAST, 0);
}

static int prepare(SOCKET socket, int family, const listener_options_t *options, const char **step)
{
    /* Never SO_REUSEADDR: on Windows it lets any program of any user take over the port. This
     * keeps even those that set it off (Using SO_REUSEADDR and SO_EXCLUSIVEADDRUSE). */
    *step = "set SO_EXCLUSIVEADDRUSE";
    if (set_option(socket, SOL_SOCKET, SO_EXCLUSIVEADDRUSE, 1) != 0) {
        return -1;
    }
    *step = "set IPV6_V6ONLY";
    if (family == AF_INET6 && set_option(socket, IPPROTO_IPV6, IPV6_V6ONLY, 1) != 0) {
        return -1;
    }
    if (options->receive_buffer > 0) {
        set_option(socket, SOL_SOCKET, SO_RCVBUF, (DWORD)options->receive_buffer);
    }
    if (options->send_buffer > 0) {
        set_option(socket, SOL_SOCKET, SO_SNDBUF, (DWORD)options->send_buffer);
    }
    ignore_resets(socket);
    if (family == AF_INET) { /* IPv6 has none */
        refuse_broadcasts(socket);
    }
    return 0;
}

static const char BIND[] = "bind";

static int bind_and_read_back(listener_t *listener, const apr_sockaddr_t *address,
                              const char **step)
{
    endpoint_t *local = &listener->info.local;

    *step = BIND;
    if (bind(listener->socket.handle, (const struct sockaddr *)&address->sa, (int)address->salen) !=
        0) {
        return -1;
    }
    *step = "read back the bound address";
    local->length = sizeof local->sa;
    if (getsockname(listener->socket.handle, &local->sa.any, &local->length) != 0) {
        return -1;
    }
    if (!endpoint_is_wildcard(local)) {
        return 0;
    }
    *step = "ask for the arrival address of datagrams";
    return address->family == AF_INET6
               ? set_option(listener->socket.handle, IPPROTO_IPV6, IPV6_PKTINFO, 1)
               : set_option(listener->socket.handle, IPPROTO_IP, IP_PKTINFO, 1);
}

static apr_int32_t buffer_size(SOCKET socket, int option)
{
    int bytes = 0;
    int length = sizeof bytes;

    getsockopt(socket, SOL_SOCKET, option, (char *)&bytes, &length);
    return bytes;
}

static int connect_error(SOCKET socket, const apr_sockaddr_t *address)
{
    return connect(socket, (const struct sockaddr *)&address->sa, (int)address->salen) == 0
               ? 0
               : WSAGetLastError();
}

/* From a broadcast address no reply can leave; connect(), which sends nothing, tells it from others
 * by WSAEACCES, for it needs SO_BROADCAST. A filter may say the same of any address, and then with
 * that option, too. */
static apr_status_t ask_broadcast(int *is_broadcast, const apr_sockaddr_t *address)
{
    SOCKET socket;

    *is_broadcast = 0;
    if (address->family != AF_INET) {
        return APR_SUCCESS; /* IPv6 has none */
    }
    socket = WSASocketW(AF_INET, SOCK_DGRAM, IPPROTO_UDP, NULL, 0, WSA_FLAG_NO_HANDLE_INHERIT);
    if (socket == INVALID_SOCKET) {
        return apr_get_netos_error();
    }
    *is_broadcast = connect_error(socket, address) == WSAEACCES &&
                    set_option(socket, SOL_SOCKET, SO_BROADCAST, 1) == 0 &&
                    connect_error(socket, address) != WSAEACCES;
    closesocket(socket);
    return APR_SUCCESS;
}

static apr_status_t close_socket(void *data)
{
    shared_socket_t *socket = &((listener_t *)data)->socket;
    SOCKET closing =
        atomic_exchange(&socket->handle, INVALID_SOCKET); /* what is next has its number */

    if (closing != INVALID_SOCKET) {
        closesocket(closing);
    }
    return APR_SUCCESS;
}

static int gathers(const listener_t *listener, int offload)
{
    return offload && platform_has(listener->platform, FEATURE_SEGMENTED_SEND);
}

apr_status_t listener_open(listener_t **opened, const apr_sockaddr_t *address,
                           const listener_options_t *options, listener_error_t *error,
                           apr_pool_t *pool)
{
    assert(is_main_thread());
    assert(options->platform != NULL && options->workers > 0);
    assert(apr_pool_parent_get(pool) != NULL);
    /* It stays when its sockets are closed: a completion that is on its way may still name it. */
    listener_t *listener = apr_pcalloc(apr_pool_parent_get(pool), sizeof *listener);
    endpoint_t endpoint = endpoint_of(address);
    int is_broadcast;
    apr_status_t status = ask_broadcast(&is_broadcast, address);

    if (status != APR_SUCCESS) {
        *error = (listener_error_t){listener_failure_of(status), "open a socket"};
        return status;
    }
    if (endpoint_is_multicast(&endpoint) || is_broadcast) {
        *error = (listener_error_t){LISTENER_NOT_UNICAST, "check the address"};
        return APR_EINVAL;
    }
    if (endpoint_is_wildcard(&endpoint) &&
        !platform_has_wildcard(options->platform, address->family)) {
        *error = (listener_error_t){LISTENER_NO_WILDCARD, "check the address"};
        return APR_ENOTIMPL;
    }
    if (options->device != NULL) {
        *error = (listener_error_t){LISTENER_INTERFACE, "bind to the interface"};
        return APR_ENOTIMPL;
    }
    listener->pool = pool;
    atomic_init(&listener->socket.service, options->service);
    listener->platform = options->platform;
    atomic_init(&listener->socket.details, options->details);
    atomic_init(&listener->socket.gathers, gathers(listener, options->offload));
    atomic_init(&listener->socket.coalesces,
                options->offload && platform_has(options->platform, FEATURE_COALESCED_RECEIVE));
    listener->socket.handle = INVALID_SOCKET;
    apr_pool_cleanup_register(pool, listener, close_socket, apr_pool_cleanup_null);
    error->step = "open a socket";
    listener->socket.handle = WSASocketW(address->family, SOCK_DGRAM, IPPROTO_UDP, NULL, 0,
                                         WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT);
    if (listener->socket.handle == INVALID_SOCKET ||
        prepare(listener->socket.handle, address->family, options, &error->step) != 0 ||
        details_change(listener->socket.handle, address->family, 0, options->details,
                       options->platform, &error->step) != 0 ||
        bind_and_read_back(listener, address, &error->step) != 0) {
        status = apr_get_netos_error();
        error->failure = error->step == BIND ? bind_failure_of(status, address->port, pool)
                                             : listener_failure_of(status);
        return status;
    }
    listener->info.sharing = SHARING_COMPLETION_PORT;
    listener->info.reason = options->workers == 1 ? SHARING_ONE_WORKER : SHARING_BY_SYSTEM;
    listener->info.receive_buffer = buffer_size(listener->socket.handle, SO_RCVBUF);
    listener->info.send_buffer = buffer_size(listener->socket.handle, SO_SNDBUF);
    *opened = listener;
    return APR_SUCCESS;
}

int listener_has_interface(const listener_t *listener)
{
    (void)listener;
    return 1; /* it is bound to none */
}

int listener_share(listener_t *listener, unsigned workers)
{
    assert(is_main_thread());
    assert(workers > 0);
    (void)listener, (void)workers;
    return 0; /* the one socket is everybody's */
}

/* Closing a socket cancels what it has not sent yet. Workers take the completions in the
 * meantime. */
static void await_replies(const shared_socket_t *socket)
{
    apr_time_t until = clock_now() + REPLY_PATIENCE_US;

    while (atomic_load(&socket->under_way) > 0 && clock_now() < until) {
        clock_pause(REPLY_PAUSE_US);
    }
}

void listener_close(listener_t *listener)
{
    assert(is_main_thread());

    await_replies(&listener->socket);
    atomic_store(&listener->socket.is_closing, 1);
    while (atomic_load(&listener->socket.telling) > 0) {
        clock_pause(REPLY_PAUSE_US);
    }
    apr_pool_destroy(listener->pool);
}

void listener_set_offload(listener_t *listener, int offload)
{
    assert(is_main_thread());
    atomic_store(&listener->socket.gathers, gathers(listener, offload));
}

void listener_set_details(listener_t *listener, unsigned details)
{
    assert(is_main_thread());
    const char *step;

    /* What the socket does not tell is not known, which every datagram may say. */
    details_change(listener->socket.handle, listener->info.local.sa.any.sa_family,
                   atomic_load(&listener->socket.details), details, listener->platform, &step);
    atomic_store(&listener->socket.details, details);
    port_t *port = atomic_load(&listener->port); /* one that joins it later looks itself */

    if (port == NULL) {
        return;
    }
    socket_coalesce(&listener->socket, details);
    if ((details & DETAIL_TIMES) != 0) {
        atomic_store(&port->is_timed, 1);
    }
}

apr_uint64_t listener_drops(listener_t *listener)
{
    (void)listener;
    return 0;
}

apr_array_header_t *listener_sockets(const listener_t *listener, apr_pool_t *pool)
{
    assert(is_main_thread());

    apr_array_header_t *sockets = apr_array_make(pool, 1, sizeof(apr_os_sock_t));

    APR_ARRAY_PUSH(sockets, apr_os_sock_t) = listener->socket.handle;
    return sockets;
}

apr_status_t listener_adopt(listener_t **adopted, const apr_array_header_t *sockets,
                            const listener_options_t *options, listener_error_t *error,
                            apr_pool_t *pool)
{
    assert(is_main_thread());
    assert(sockets->nelts > 0 && sockets->elt_size == sizeof(apr_os_sock_t));
    assert(options->platform != NULL && options->workers > 0);
    assert(apr_pool_parent_get(pool) != NULL);
    (void)adopted, (void)options, (void)pool;
    *error = (listener_error_t){LISTENER_SYSTEM, "take over a socket"};
    for (int i = 0; i < sockets->nelts; i++) {
        closesocket(APR_ARRAY_IDX(sockets, i, apr_os_sock_t));
    }
    return APR_ENOTIMPL;
}
