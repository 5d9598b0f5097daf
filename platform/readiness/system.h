#ifndef UDPECHO_SYSTEM_H
#define UDPECHO_SYSTEM_H

/* What one operating system adds to the readiness transport: epoll/ defines it for Linux, kqueue/
 * for the BSDs and macOS. Internal to platform/. */

#include <apr_poll.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "udpecho/datagram.h"
#include "udpecho/platform.h"

/* The poll method to ask APR for. */
extern const apr_pollset_method_e system_poll_method;

/* What each feature is called here; NULL for one that no version of this system has. The functions
 * below that belong to it are not called then. */
extern const char *const system_feature_names[FEATURES];

/* The options by which a socket tells more of each datagram in control messages, or of what the
 * network refused. A socket of another process may have any of them. */
typedef struct report_option {
    int level;
    int name;
} report_option_t;

extern const report_option_t system_reports[];
extern const unsigned system_report_count;

/* FEATURE_PORT_SHARING: lets several sockets share a port, the kernel spreading datagrams over
 * them. 0, or -1 and errno. */
int system_share_port(int descriptor);

/* Non-zero where a socket joins those that share its port by bind(2), and not if it is let share it
 * afterwards. */
int system_joins_by_bind(void);

/* Requests a buffer of `bytes`; `option` is SO_RCVBUF or SO_SNDBUF. A smaller buffer is not an
 * error: the caller reads back the size. */
void system_ask_buffer(int descriptor, int option, int bytes);

/* FEATURE_FRAGMENTING, for an IPv4 socket. 0, or -1 and errno. */
int system_ignore_path_mtu(int descriptor);

/* FEATURE_DROP_COUNTER: how many datagrams this socket dropped, for want of room or because of a
 * wrong checksum, modulo 2^32. 0, or -1 and errno. */
int system_read_drops(int descriptor, apr_uint32_t *drops);

/* FEATURE_ARRIVAL_IPV4: asks for the arrival address of every datagram. 0, or -1 and errno. */
int system_report_arrival_ipv4(int descriptor);

/* Binds a socket of this family to a network interface. 0, or -1 and errno: ENODEV, EPERM, or
 * ENOPROTOOPT if the system has no such option. */
int system_bind_interface(int descriptor, int family, const char *device);

/* Writes the name of the one that it is bound to; "" if it is bound to none. 0, or -1 and ENODEV:
 * it is bound to one that is gone, and stays so when another comes by the same name. */
int system_bound_interface(int descriptor, int family, char name[INTERFACE_NAME_MAX]);

/* Lets replies leave from every address that the kernel delivers to this socket, also one that no
 * interface has. Best effort: only some systems ask for it, and only in one family. */
void system_reply_from_anywhere(int descriptor, int family);

/* Lets an IPv6 socket be bound to `address`, which no interface has, if the routing table says that
 * it is this host's. 0, or -1: it does not, or the system cannot. */
int system_allow_routed(int descriptor, const struct in6_addr *address);

/* Reads from one control message of `header`, of the IPv4 level, what control_messages_read()
 * tells. */
void system_read_ipv4(const struct msghdr *header, const struct cmsghdr *control,
                      datagram_t *datagram);

/* control_message_write() for IPv4. */
void system_write_ipv4(struct msghdr *header, const datagram_t *datagram);

/* FEATURE_SEGMENTED_SEND: asks whether there is such a thing. 0, or -1 and errno. */
int system_ask_segments(int descriptor);

/* Makes `header`, as for control_message_write(), be sent as datagrams of `length` bytes, the last
 * of which may be shorter. */
void system_write_segment(struct msghdr *header, apr_size_t length);

/* FEATURE_COALESCED_RECEIVE: lets the kernel hand over several datagrams as one message, or not. 0,
 * or -1 and errno. */
int system_coalesce(int descriptor, int on);

/* Reads from one control message of `header`, of UDP's level, what control_messages_read() returns.
 * One that says something else leaves `segment` as it is. */
void system_read_segment(const struct msghdr *header, const struct cmsghdr *control,
                         apr_size_t *segment);

#endif
