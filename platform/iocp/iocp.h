#ifndef UDPECHO_IOCP_H
#define UDPECHO_IOCP_H

/*
 * What the parts of the completion transport know of each other. All workers take their datagrams
 * from one completion port, which spreads them: Windows has no SO_REUSEPORT, and a socket can
 * belong to one port only.
 */

#include <winsock2.h>
#include <ws2tcpip.h>

#include <mswsock.h> /* needs the two above */
#include <stdatomic.h>

#include "udpecho/transport.h"

/* Receives that each worker keeps posted on each listener; Windows locks their memory. */
#define RECEIVES_POSTED 64

/* Room for the control messages of one datagram. */
#define CONTROL_MAX 64

/* The completion port of all workers. */
typedef struct port {
    HANDLE handle;
    atomic_int posted; /* receives whose completion has not been taken yet */
} port_t;

/* One listener's socket on the completion port. */
typedef struct way {
    SOCKET socket;
    int wildcard;
    endpoint_t local;
    LPFN_WSARECVMSG receive; /* an extension, asked for by the socket */
} way_t;

/* One datagram's room, which goes round: posted, received into, lent, replied from, posted again.
 * The kernel writes to it while it is posted, so its memory must outlive that. */
typedef struct operation {
    OVERLAPPED overlapped; /* first: the kernel gives back this address */
    way_t *way;
    struct operation *next; /* in a list of its transport */
    datagram_t datagram;
    apr_size_t payload_max;
    WSABUF buffer;
    WSAMSG message;
    _Alignas(WSACMSGHDR) unsigned char control[CONTROL_MAX];
} operation_t;

/* The listener's socket; the listener owns it. */
SOCKET listener_socket(const listener_t *listener);

/* The completion port that a listener's socket belongs to, as the first transport on it made it;
 * NULL before. Kept by the listener for the transports. */
port_t *listener_port(const listener_t *listener);
void listener_set_port(listener_t *listener, port_t *port);

/* The pool that the listener lives in. */
apr_pool_t *listener_pool(const listener_t *listener);

/* The port of these listeners, made if none of them has one yet. It lives with the first of them,
 * longer than any transport. Errors: those of CreateIoCompletionPort(). */
apr_status_t port_find(port_t **port, listener_t *const *listeners, unsigned count);

/* Puts the listener's socket on the port, unless it is there already, and fills `way` in. Errors:
 * those of WSAIoctl() and CreateIoCompletionPort(). */
apr_status_t port_join(port_t *port, listener_t *listener, way_t *way);

/* Cancels what is posted on these ways and waits until the kernel has given all of it back, as it
 * must before the memory of operations dies. Nobody may take from the port meanwhile. */
void port_reap(port_t *port, const way_t *ways, unsigned count);

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

/* Control messages; see platform/readiness for the same on other systems. */
void control_read(WSAMSG *message, datagram_t *datagram);
void control_write(WSAMSG *message, const datagram_t *datagram);

/* Copies what a control message holds, unless it was cut short: then returns 0. */
int control_copy(const WSAMSG *message, const WSACMSGHDR *control, void *data, size_t length);

#endif
