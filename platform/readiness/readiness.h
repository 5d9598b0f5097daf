#ifndef UDPECHO_READINESS_H
#define UDPECHO_READINESS_H

/*
 * What the parts of the readiness transport know of each other, and what one operating system
 * adds to it. Internal to platform/; tests use it to open a transport over any method and body.
 */

#include <apr_poll.h>
#include <sys/socket.h>

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

/* How messages are moved: many to a system call, or one. Both functions work like recvmmsg(2) and
 * sendmmsg(2) on a non-blocking socket: the number of messages moved, or -1 and errno if it was
 * the first that failed. */
typedef struct io_body {
    const char *name;
    int (*receive)(int descriptor, message_t *messages, unsigned count);
    int (*send)(int descriptor, message_t *messages, unsigned count);
} io_body_t;

/* One recvmsg(2) or sendmsg(2) for every message: works everywhere. */
extern const io_body_t single_body;

/* transport_open() with the choices made by the caller: the poll method by its APR name, and the
 * body. APR_ENOTIMPL if this APR has no such method. */
apr_status_t readiness_open(transport_t **transport, listener_t *const *listeners, unsigned count,
                            unsigned worker, apr_size_t payload_max, apr_pollset_method_e method,
                            const io_body_t *body, apr_pool_t *pool);

/* A listener's socket for a worker; the listener owns it. */
apr_socket_t *listener_socket(const listener_t *listener, unsigned worker);

/* The kind under which a reply that failed with this errno is counted. */
send_error_t send_error_kind(int error);

/* ---- What each operating system defines: epoll/ for Linux ---- */

/* The poll method to ask APR for. */
extern const apr_pollset_method_e system_poll_method;

/* The best body that this kernel has, found by asking it. */
const io_body_t *system_body(void);

/* Lets several sockets share a port, the kernel spreading datagrams over them. 0, or -1 and errno:
 * ENOPROTOOPT where the kernel does not do that. */
int system_share_port(int descriptor);

/* Asks for the arrival address of every datagram. 0, or -1 and errno. */
int system_report_arrival(int descriptor, int family);

/* Asks for a buffer of `bytes`; `option` is SO_RCVBUF or SO_SNDBUF. Getting less is no error: the
 * caller reads back what there is. */
void system_ask_buffer(int descriptor, int option, int bytes);

/* Room for the control messages of one datagram. */
#define CONTROL_MAX 64

/* Reads from the control messages of `header` where the datagram arrived: the address of `to`
 * (its port stays), the interface, and whether it was a broadcast. */
void system_read_control(struct msghdr *header, datagram_t *datagram);

/* Makes `header`, whose msg_control has room for CONTROL_MAX bytes, send from the address that
 * the datagram arrived at. */
void system_write_control(struct msghdr *header, const datagram_t *datagram);

#endif
