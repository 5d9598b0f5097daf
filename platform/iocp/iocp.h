#ifndef UDPECHO_IOCP_H
#define UDPECHO_IOCP_H

/*
 * What the parts of the completion transport know of each other. All workers take their datagrams
 * from one completion port, which spreads them; platform.c says why not by sockets that share an
 * address. A socket can belong to one completion port only.
 */

#include <winsock2.h>
#include <ws2tcpip.h>

#include <mswsock.h> /* needs the two above */
#include <stdatomic.h>

#include "udpecho/transport.h"

/* Receives that each worker keeps posted on each listener; Windows locks their memory. */
#define RECEIVES_POSTED 64

/* Room for the control messages of one datagram: where it arrived, and a time, a hop limit and a
 * traffic class. */
#define CONTROL_MAX 128

struct operation;

/* The completion port of all workers. */
typedef struct port {
    HANDLE handle;
    atomic_int posted;   /* receives whose completion has not been taken yet */
    atomic_int is_timed; /* a listener of it has DETAIL_TIMES, or had */
    SRWLOCK lock;        /* of what follows, and of listeners that join */
    struct operation *spare;
} port_t;

/* One listener's socket on the completion port, which all workers have in common. It lives with the
 * listener, in whose pool it is, also when that is closed: what was posted on it comes back later.
 */
typedef struct shared_socket {
    SOCKET handle;
    atomic_int is_left; /* nothing is to be posted on it any more */
    int wildcard;
    endpoint_t local;
    struct service *_Atomic service; /* NULL: plain echo */
    atomic_uint details;             /* of listener_detail_t */
    LPFN_WSARECVMSG receive;         /* an extension, asked for by the socket */
} shared_socket_t;

/* One datagram's room, which goes round: posted, received into, lent, replied from, posted again.
 * The kernel writes to it while it is posted, so its memory must outlive that. */
typedef struct operation {
    OVERLAPPED overlapped; /* first: the kernel gives back this address */
    shared_socket_t *socket;
    struct operation *next; /* in a list */
    datagram_t datagram;
    apr_size_t payload_max;
    WSABUF buffer;
    WSAMSG message;
    _Alignas(WSACMSGHDR) unsigned char control[CONTROL_MAX];
} operation_t;

/* The listener's socket, open from the start. */
shared_socket_t *listener_shared_socket(listener_t *listener);

/* What an error of bind() about this port means. WSAEACCES is what another socket's
 * SO_EXCLUSIVEADDRUSE gives, and a port that Windows keeps from programs. */
listener_failure_t bind_failure_of(apr_status_t status, apr_port_t port, apr_pool_t *pool);

/* The completion port that a listener's socket belongs to, as the first transport on it made it;
 * NULL before. Kept by the listener for the transports. */
port_t *listener_port(const listener_t *listener);
void listener_set_port(listener_t *listener, port_t *port);

/* The port of these listeners, made if none of them has one yet. It lives in the pool of the first
 * of them, longer than any transport. Errors: those of CreateIoCompletionPort(). */
apr_status_t port_find(port_t **port, listener_t *const *listeners, unsigned count);

/* Asks for WSARecvMsg(), an extension. Errors: those of WSAIoctl(). */
apr_status_t find_receive(SOCKET socket, LPFN_WSARECVMSG *receive);

/* Puts the listener's socket on the port, unless it is there already. Errors: those of WSAIoctl()
 * and CreateIoCompletionPort(). */
apr_status_t port_join(port_t *port, listener_t *listener);

/* Cancels what is posted on these sockets and waits until the kernel has given back all that was
 * ever posted, as it must before the memory of operations dies. Nobody may take from the port
 * meanwhile.
 */
void port_reap(port_t *port, shared_socket_t *const *sockets, unsigned count);

/* Lists of operations, the newest first. pop: NULL if there is none. */
void operation_push(operation_t **list, operation_t *operation);
operation_t *operation_pop(operation_t **list);

/*
 * Operations whose socket was left, for sockets that come. NULL: there is none. All workers have
 * them in common: what one has posted may come back to another, which would hoard them while the
 * one needed new memory with every listener that comes.
 */
void spare_give(port_t *port, operation_t *operation);
operation_t *spare_take(port_t *port);

/*
 * The calls that take a datagram in and out, each a line over Windows Sockets. Tests link others in
 * their place, which fail as a kernel does and Wine does not.
 */

/* Posts a receive. 0, WSA_IO_PENDING or WSAEMSGSIZE: a completion will come. Else the error, and
 * none will. */
int call_receive(operation_t *operation);

/* The result of a receive that has completed: 0 or the error. */
int call_result(operation_t *operation);

/* Sends without waiting: 0 or the error. */
int call_send(operation_t *operation);

/* The kind under which a reply that failed with this Windows Sockets error is counted. */
send_error_t send_error_kind(int error);

/* Whether part of a datagram is lost that was received with this result and these flags of its
 * message. WSAEMSGSIZE says only that the datagram or its control messages were too long. */
int message_is_truncated(int error, DWORD flags);

/* Control messages; see platform/readiness for the same on other systems. */
void control_messages_read(WSAMSG *message, datagram_t *datagram);
void control_message_write(WSAMSG *message, const datagram_t *datagram);

/* Copies what a control message holds, unless it was cut short: then returns 0. */
int control_message_copy(const WSAMSG *message, const WSACMSGHDR *control, void *data,
                         size_t length);

#endif
