#ifndef UDPECHO_READINESS_H
#define UDPECHO_READINESS_H

/*
 * What the parts of the readiness transport know of each other, and what one operating system
 * adds to it. Internal to platform/; tests use it to open a transport over any method and body.
 */

#include <apr_poll.h>
#include <sys/socket.h>

#include "readiness/turn.h"
#include "udpecho/transport.h"

/* A message in the shape of recvmmsg(2). Where the system has none of it, the same shape is ours
 * and the single-message body fills it. */
#if HAVE_RECVMMSG
typedef struct mmsghdr message_t;
#else
typedef struct message {
    struct msghdr msg_hdr;
    unsigned msg_len;
} message_t;
#endif

/* How messages are moved. Works like recvmmsg(2) and sendmmsg(2) on a non-blocking socket: the
 * number of messages moved, or -1 and errno if it was the first that failed. */
typedef int move_messages_t(int descriptor, message_t *messages, unsigned count);

/* The best way that the platform has: many to a system call, or one recvmsg(2) or sendmsg(2) for
 * each, which works everywhere. */
move_messages_t *receive_messages(const platform_t *platform);
move_messages_t *send_messages(const platform_t *platform);

/* Whether this kernel has calls for batches: APR_SUCCESS, or what it answers. */
apr_status_t batched_receive_status(void);
apr_status_t batched_send_status(void);

/* transport_open() with the poll method chosen by the caller. APR_ENOTIMPL if this APR has no such
 * method. */
apr_status_t readiness_open(transport_t **transport, listener_t *const *listeners, unsigned count,
                            unsigned worker, apr_size_t payload_max, apr_pollset_method_e method,
                            apr_pool_t *pool);

/* What the listener was opened with. */
const platform_t *listener_platform(const listener_t *listener);

/* The sockets that a listener has for a worker, one by one from number 0 on, then NULL; the
 * listener owns them. */
apr_socket_t *listener_socket(const listener_t *listener, unsigned worker, unsigned number);

/* Non-zero if its replies may be sent as one message. Any thread. */
int listener_gathers(const listener_t *listener);

/* Non-zero if several workers receive from the same socket of it. */
int listener_is_shared(const listener_t *listener);

/* The kind under which a reply that failed with this errno is counted. */
send_error_t send_error_kind(int error);

/* Sets `turn` to that of the transports that wait for the same socket, NULL where there is one for
 * each. It is made when it is first asked for, and outlives the listener: transports keep it. See
 * turn.h. Errors: those of turn_create(). */
apr_status_t listener_turn(turn_t **turn, listener_t *listener);

/* ---- Socket options and control messages that are the same everywhere ---- */

/* Reads a socket option of `length` bytes. Else errno; ENOPROTOOPT where the system wrote less than
 * asked, as emulators do: they know an option of that name, not all that it tells here. */
apr_status_t read_option(int descriptor, int level, int option, void *value, socklen_t length);

/* These ask for what their names say. 0, or -1 and errno. */
int set_ipv6_only(int descriptor);
int report_arrival(int descriptor, int family);

/* The sender of a message that was received. What the system did not write of it is 0, not what
 * was there of an earlier one. */
endpoint_t sender_of(const struct msghdr *header);

/* Room for the control messages of one message, sent and received; multiples of their alignment.
 * What is asked for here needs little. But whoever shares a socket that was handed over may have
 * its kernel tell the time and more, and what finds no room is cut off. */
#define CONTROL_MAX          64
#define CONTROL_RECEIVED_MAX 512

/* Reads from the control messages of `header` where the datagram arrived: the address of `to`
 * (its port stays), the interface, whether it was a broadcast, and whether some of this may be
 * missing. Returns the length of each
 * datagram, bytes, where the kernel put several together; else 0. */
apr_size_t control_messages_read(struct msghdr *header, datagram_t *datagram);

/* Copies the data of one of the control messages of `header`. Returns 0 and copies nothing if it is
 * shorter than `length`: the kernel cuts off what it finds no room for (recvmsg(2), MSG_CTRUNC). */
int control_message_copy(const struct msghdr *header, const struct cmsghdr *control, void *data,
                         size_t length);

/* Makes `header`, whose msg_control has room for CONTROL_MAX bytes and whose msg_controllen says
 * how many of them are in use, send from the address that the datagram arrived at. */
void control_message_write(struct msghdr *header, const datagram_t *datagram);

/* Adds one control message to those of `header`, as control_message_write() does. */
void control_message_add(struct msghdr *header, int level, int type, const void *data,
                         size_t length);

/* ---- What each operating system defines: epoll/ for Linux, kqueue/ for the BSDs and macOS ---- */

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

/* Asks for a buffer of `bytes`; `option` is SO_RCVBUF or SO_SNDBUF. Getting less is no error: the
 * caller reads back what there is. */
void system_ask_buffer(int descriptor, int option, int bytes);

/* FEATURE_FRAGMENTING, for an IPv4 socket. 0, or -1 and errno. */
int system_ignore_path_mtu(int descriptor);

/* FEATURE_DROP_COUNTER: how many datagrams this socket dropped, for want of room or because of a
 * wrong checksum, modulo 2^32. 0, or -1 and errno. */
int system_read_drops(int descriptor, apr_uint32_t *drops);

/* FEATURE_ARRIVAL_IPV4: asks for the arrival address of every datagram. 0, or -1 and errno. */
int system_report_arrival_ipv4(int descriptor);

/* Binds a socket of this family to a network interface. 0, or -1 and errno: ENODEV, EPERM, or
 * ENOPROTOOPT where the system has no such thing. */
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

/* FEATURE_COALESCED_RECEIVE: lets the kernel hand over several datagrams as one message. 0, or -1
 * and errno. */
int system_coalesce(int descriptor);

/* Reads from one control message of `header`, of UDP's level, what control_messages_read() returns.
 * One that says something else leaves `segment` as it is. */
void system_read_segment(const struct msghdr *header, const struct cmsghdr *control,
                         apr_size_t *segment);

#endif
