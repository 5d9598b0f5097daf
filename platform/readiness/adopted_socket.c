/* A UDP socket that a service manager bound: what it is, and what is made of it. */

#include <apr_portable.h>
#include <errno.h>
#include <netinet/in.h>

#include "readiness/socket.h"
#include "readiness/socket_options.h"
#include "readiness/system.h"

/* The errors say in the words of the system what the steps say in ours. */
static apr_status_t check_kind(int descriptor, endpoint_t *local, const char **step)
{
    int type = 0;
    int protocol = IPPROTO_UDP;
    apr_status_t status = read_option(descriptor, SOL_SOCKET, SO_TYPE, &type, sizeof type);

    *step = "take over what is no socket";
    if (status != APR_SUCCESS) {
        return status;
    }
    local->length = sizeof local->sa;
    *step = "read back the bound address";
    if (getsockname(descriptor, &local->sa.any, &local->length) != 0) {
        return errno;
    }
    *step = "take over a socket that is neither of IPv4 nor of IPv6";
    if (local->sa.any.sa_family != AF_INET && local->sa.any.sa_family != AF_INET6) {
        return EAFNOSUPPORT;
    }
#ifdef SO_PROTOCOL
    read_option(descriptor, SOL_SOCKET, SO_PROTOCOL, &protocol, sizeof protocol);
#endif
    *step = "take over a socket that is not for UDP";
    if (type != SOCK_DGRAM || protocol != IPPROTO_UDP) {
        return EPROTOTYPE;
    }
    *step = "take over a socket that is not bound";
    return endpoint_port(local) == 0 ? EDESTADDRREQ : APR_SUCCESS;
}

/* Other errors say nothing of what was handed over. */
static int is_about_the_socket(apr_status_t status)
{
    return status == EBADF || status == ENOTSOCK || status == EAFNOSUPPORT ||
           status == EPROTOTYPE || status == EDESTADDRREQ;
}

static int takes_ipv4_too(int descriptor, const endpoint_t *local)
{
    int is_ipv6_only = 0;

    return local->sa.any.sa_family == AF_INET6 &&
           (endpoint_is_wildcard(local) || IN6_IS_ADDR_V4MAPPED(&local->sa.v6.sin6_addr)) &&
           read_option(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, &is_ipv6_only, sizeof is_ipv6_only) ==
               APR_SUCCESS &&
           !is_ipv6_only;
}

static apr_status_t check(int descriptor, endpoint_t *local, listener_error_t *error)
{
    apr_status_t status = check_kind(descriptor, local, &error->step);

    if (is_about_the_socket(status)) {
        error->failure = LISTENER_NOT_UDP;
    } else if (status != APR_SUCCESS) {
        *error = (listener_error_t){LISTENER_SYSTEM, "ask what was handed over"};
    } else if (takes_ipv4_too(descriptor, local)) {
        *error = (listener_error_t){LISTENER_BOTH_FAMILIES,
                                    "take over an IPv6 socket that takes IPv4 too"};
        status = EAFNOSUPPORT;
    }
    return status;
}

/* Those that all systems have (RFC 3542); each has more of its own. */
static const report_option_t common_reports[] = {
    {SOL_SOCKET, SO_TIMESTAMP}, /* on Linux SO_TIMESTAMPNS, too: it has one at a time */
    {IPPROTO_IPV6, IPV6_RECVPKTINFO}, {IPPROTO_IPV6, IPV6_RECVHOPLIMIT},
    {IPPROTO_IPV6, IPV6_RECVTCLASS},  {IPPROTO_IPV6, IPV6_RECVRTHDR},
    {IPPROTO_IPV6, IPV6_RECVHOPOPTS}, {IPPROTO_IPV6, IPV6_RECVDSTOPTS},
    {IPPROTO_IPV6, IPV6_RECVPATHMTU},
};

static void switch_off(int descriptor, const report_option_t *reports, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        set_option(descriptor, reports[i].level, reports[i].name, 0);
    }
}

/* What nobody asked for here would take the room of what is. An option that the system or the
 * family does not know is off. */
static void switch_off_reports(int descriptor)
{
    switch_off(descriptor, common_reports, sizeof common_reports / sizeof common_reports[0]);
    switch_off(descriptor, system_reports, system_report_count);
}

apr_status_t socket_adopt(apr_socket_t **socket, int descriptor, endpoint_t *local,
                          const listener_options_t *options, listener_error_t *error,
                          apr_pool_t *pool)
{
    apr_os_sock_info_t info = {.os_sock = &descriptor, .type = SOCK_DGRAM};
    apr_status_t status = check(descriptor, local, error);

    if (status == APR_SUCCESS) {
        *error = (listener_error_t){LISTENER_SYSTEM, "make the socket APR's"};
        info.local = &local->sa.any;
        info.family = local->sa.any.sa_family;
        info.protocol = APR_PROTO_UDP;
        status = apr_os_sock_make(socket, &info, pool);
    }
    if (status == APR_SUCCESS) {
        switch_off_reports(descriptor);
        if (options->details & DETAIL_TIMES) {
            system_coalesce(descriptor, 0); /* as an echo service may have left it */
        }
        status = socket_prepare(*socket, info.family, options, &error->step);
    }
    return status == APR_SUCCESS ? socket_report_arrival(*socket, local, &error->step) : status;
}
