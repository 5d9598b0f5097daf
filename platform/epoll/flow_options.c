/* Linux: what its kernel tells of and does for the client's sockets (ip(7), ipv6(7)). */

#include "readiness/flow_system.h"

#include <errno.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>

#include <linux/errqueue.h>
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <linux/in6.h> /* IPV6_RECVFRAGSIZE, which glibc lacks */

#include "readiness/control_message.h"
#include "readiness/message_batch.h"
#include "readiness/socket_options.h"

/*
 * With PROBE a datagram carries DF and is held against the interface's MTU alone; with DO it would
 * be held against the path's MTU as ICMP messages told it, and what they told is to be found out.
 *
 * By default IPv4 datagrams that fit the interface carry DF, so that the first ones on a path that
 * became narrow are lost. With DONT they do not, and routers fragment them. In IPv6 only the sender
 * fragments; there the default is right: it learns the path's MTU and fragments to it.
 */
int system_set_fragmenting(int descriptor, int family, int dont_fragment)
{
    int result;

    if (family == AF_INET) {
        result = set_option(descriptor, IPPROTO_IP, IP_MTU_DISCOVER,
                            dont_fragment ? IP_PMTUDISC_PROBE : IP_PMTUDISC_DONT);
    } else {
        result = set_option(descriptor, IPPROTO_IPV6, IPV6_MTU_DISCOVER,
                            dont_fragment ? IPV6_PMTUDISC_PROBE : IPV6_PMTUDISC_WANT);
    }
    if (result == 0 && family == AF_INET6) {
        result = set_option(descriptor, IPPROTO_IPV6, IPV6_DONTFRAG, dont_fragment);
    }
    return result;
}

/* The buffers count what datagrams take of memory, and one datagram may exceed them
 * (sock_alloc_send_skb() and __udp_enqueue_schedule_skb()). */
apr_size_t system_payload_max(int descriptor)
{
    (void)descriptor;
    return PAYLOAD_MAX_IPV6;
}

int system_report_fragments(int descriptor, int family)
{
    return family == AF_INET6 ? set_option(descriptor, IPPROTO_IPV6, IPV6_RECVFRAGSIZE, 1)
                              : set_option(descriptor, IPPROTO_IP, IP_RECVFRAGSIZE, 1);
}

int system_report_refusals(int descriptor, int family)
{
    return family == AF_INET6 ? set_option(descriptor, IPPROTO_IPV6, IPV6_RECVERR, 1)
                              : set_option(descriptor, IPPROTO_IP, IP_RECVERR, 1);
}

apr_size_t system_read_fragment(struct msghdr *header)
{
    for (struct cmsghdr *control = CMSG_FIRSTHDR(header); control != NULL;
         control = CMSG_NXTHDR(header, control)) {
        int is_ipv4 = control->cmsg_level == IPPROTO_IP && control->cmsg_type == IP_RECVFRAGSIZE;
        int is_ipv6 =
            control->cmsg_level == IPPROTO_IPV6 && control->cmsg_type == IPV6_RECVFRAGSIZE;
        int size;

        if ((is_ipv4 || is_ipv6) && control_message_copy(header, control, &size, sizeof size)) {
            return (apr_size_t)size;
        }
    }
    return 0;
}

/* ---- The error queue of a socket ---- */

/* What such a control message holds: struct sock_extended_err, and behind it SO_EE_OFFENDER(). */
typedef struct refusal {
    struct sock_extended_err error;
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } offender;
} refusal_t;

static int find_refusal(struct msghdr *header, refusal_t *refusal)
{
    for (struct cmsghdr *control = CMSG_FIRSTHDR(header); control != NULL;
         control = CMSG_NXTHDR(header, control)) {
        int is_ipv4 = control->cmsg_level == IPPROTO_IP && control->cmsg_type == IP_RECVERR;
        int is_ipv6 = control->cmsg_level == IPPROTO_IPV6 && control->cmsg_type == IPV6_RECVERR;

        memset(refusal, 0, sizeof *refusal);
        if (is_ipv4 || is_ipv6) {
            return control_message_copy(
                header, control, refusal,
                offsetof(refusal_t, offender) +
                    (is_ipv4 ? sizeof refusal->offender.v4 : sizeof refusal->offender.v6));
        }
    }
    return 0;
}

/* What this host itself refused is here as well, and flows_send() has told it already. */
static int is_of_network(const refusal_t *refusal)
{
    return refusal->error.ee_origin == SO_EE_ORIGIN_ICMP ||
           refusal->error.ee_origin == SO_EE_ORIGIN_ICMP6;
}

/* The kernel's errno folds what ICMP tells apart: a TTL that ran out and what a packet filter
 * rejects are EHOSTUNREACH or ENETUNREACH, like much else (icmp_err_convert of net/ipv4/icmp.c). In
 * IPv6 what is prohibited, for whichever reason, is EACCES already (net/ipv6/icmp.c). */
static apr_status_t reason_ipv4(const struct sock_extended_err *error)
{
    if (error->ee_type == ICMP_TIME_EXCEEDED) {
        return ETIMEDOUT;
    }
    if (error->ee_type != ICMP_DEST_UNREACH) {
        return (apr_status_t)error->ee_errno;
    }
    switch (error->ee_code) {
    case ICMP_NET_ANO:
    case ICMP_HOST_ANO:
    case ICMP_PKT_FILTERED:
        return EACCES;
    case ICMP_HOST_UNKNOWN:
    case ICMP_HOST_ISOLATED:
        return EHOSTUNREACH;
    default:
        return (apr_status_t)error->ee_errno;
    }
}

static apr_status_t reason(const struct sock_extended_err *error)
{
    if (error->ee_origin == SO_EE_ORIGIN_ICMP) {
        return reason_ipv4(error);
    }
    return error->ee_type == ICMPV6_TIME_EXCEED ? ETIMEDOUT : (apr_status_t)error->ee_errno;
}

/* What the kernel makes of ICMP: icmp_err_convert of net/ipv4/icmp.c, __udp4_lib_err() of
 * net/ipv4/udp.c, and icmpv6_err_convert() of net/ipv6/icmp.c. */
int system_is_refusal(int error)
{
    switch (error) {
    case ECONNREFUSED:
    case EHOSTUNREACH:
    case ENETUNREACH:
    case EHOSTDOWN:
    case ENOPROTOOPT:
    case EOPNOTSUPP:
    case EACCES:
    case EPROTO:
    case ENONET:
    case EMSGSIZE:
        return 1;
    default:
        return 0;
    }
}

int system_receive_refusal(int descriptor, struct msghdr *header, arrival_t *arrival)
{
    refusal_t refusal;
    unsigned taken = 0;

    do {
        if (taken++ == BATCH_MAX) { /* replies do not wait for a queue without end */
            return 0;
        }
        message_clear(header);
        ssize_t length = recvmsg(descriptor, header, MSG_ERRQUEUE);

        if (length < 0) {
            return 0;
        }
        arrival->length = (apr_size_t)length;
    } while (!find_refusal(header, &refusal) || !is_of_network(&refusal));

    arrival->refused = reason(&refusal.error);
    arrival->mtu = refusal.error.ee_errno == EMSGSIZE ? refusal.error.ee_info : 0;
    /* The name of the message is where the datagram went. */
    memcpy(&arrival->from.sa, &refusal.offender, sizeof arrival->from.sa);
    arrival->from.length = refusal.offender.any.sa_family == AF_INET6 ? sizeof refusal.offender.v6
                                                                      : sizeof refusal.offender.v4;
    return 1;
}
