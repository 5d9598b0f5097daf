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

#include "offload/segment_runs.h"
#include "offload/segments.h"
#include "udpecho/transport.h"

/* Windows 10 version 2004 and later have these (IPPROTO_UDP socket options), and not all headers.
 */
#ifndef UDP_SEND_MSG_SIZE
#define UDP_SEND_MSG_SIZE           2
#define UDP_RECV_MAX_COALESCED_SIZE 3
#define UDP_COALESCED_INFO          3
#endif

/* Receives that each worker keeps posted on each listener; Windows locks their memory. */
#define RECEIVES_POSTED 64

/* Room for the control messages of one message: where it arrived, a time, a hop limit and a traffic
 * class, and the length of its datagrams. */
#define CONTROL_MAX 160

/* How long replies that do not leave may hold up what waits for them. */
#define REPLY_PATIENCE_US (1 * APR_USEC_PER_SEC)

struct operation;

/* One listener's socket on the completion port, which all workers have in common. It lives in the
 * pool above the listener's, also when that is closed: what was posted on it comes back later. */
typedef struct shared_socket {
    SOCKET _Atomic handle; /* INVALID_SOCKET once it is closed */
    atomic_int is_left;    /* nothing is to be posted on it any more */
    atomic_uint under_way; /* replies whose completion nobody has taken yet */
    atomic_uint telling;   /* threads that tell of one that failed */
    atomic_int is_closing; /* nobody is to begin to */
    int wildcard;
    endpoint_t local;
    struct service *_Atomic service; /* NULL: plain echo */
    struct listener *_Atomic told;   /* the listener, where its datagrams tell it; otherwise NULL */
    atomic_uint details;             /* of listener_detail_t */
    atomic_int gathers;              /* replies may be segmented, except with DETAIL_TIMES */
    atomic_int coalesces;            /* datagrams may be coalesced, except with DETAIL_TIMES */
    DWORD coalesced_max;             /* as so many bytes at most: what the receives have room for */
    LPFN_WSARECVMSG receive;         /* an extension, asked for by the socket */
    struct shared_socket *next;      /* on the port */
} shared_socket_t;

/* The completion port of all workers. */
typedef struct port {
    HANDLE handle;
    atomic_int posted;   /* operations whose completion has not been taken yet */
    atomic_int is_timed; /* a listener of it has DETAIL_TIMES, or had */
    SRWLOCK lock;        /* of what follows, and of listeners that join */
    shared_socket_t *sockets;
    struct operation *spare;
    apr_time_t reap_until; /* 0: nobody has begun to reap */
} port_t;

/* Has another thread end the wait of one. */
typedef struct wake {
    HANDLE _Atomic thread; /* that waits; NULL before it first did */
    atomic_int is_set;
} wake_t;

/*
 * The memory of one message, which is reused: posted to receive, returned in a batch, posted to
 * reply, posted to receive again. Most messages are one datagram; others are several that the
 * system coalesced. The kernel uses the memory while it is posted, so it must outlive that.
 */
typedef struct operation {
    OVERLAPPED overlapped; /* first: the kernel gives back this address */
    shared_socket_t *socket;
    struct replies *replies; /* whose it is while it sends; NULL while it receives */
    struct operation *next;  /* in a list */
    datagram_t datagram;     /* the first of what it received */
    unsigned char *room;
    apr_size_t payload_max;
    segments_t rest; /* received and not in a batch yet */

    /* Datagrams that were in a batch, are to be echoed and are not on their way yet: adjacent
     * ones. */
    unsigned char *unsent;
    apr_size_t unsent_length;
    unsigned unsent_count;

    /* The message that is on its way. */
    struct operation *others; /* whose datagrams it has behind its own; they come back with it */
    unsigned count;           /* datagrams */
    unsigned own_count;       /* of these, those of this operation: the first of what is unsent */
    apr_size_t length;        /* bytes */
    apr_size_t segment;       /* of each datagram but the last, where there are several */
    unsigned pledged;         /* datagrams that `replies` waits for: these, and what is unsent */
    unsigned apart;           /* so many of its datagrams leave one by one */
    int is_suspect;           /* their gathering may be why they failed together */

    WSABUF buffers[SEGMENT_RUN_MAX];
    WSAMSG message;
    _Alignas(WSACMSGHDR) unsigned char control[CONTROL_MAX];
} operation_t;

/* The receives of one transport. */
typedef struct receives {
    port_t *port;
    operation_t *idle;     /* to be posted */
    operation_t *received; /* which have datagrams for the next batch, in this order */
    operation_t **received_end;
    operation_t *lent[BATCH_MAX]; /* whose each datagram of a batch is */
    datagram_t datagrams[BATCH_MAX];
} receives_t;

/* The replies of one transport. */
typedef struct replies {
    receives_t *receives;   /* of the transport: gets what has sent all that it had to */
    wake_t *wake;           /* of the transport's thread */
    atomic_uint under_way;  /* that it sent, and whose completion nobody has taken yet */
    atomic_int are_awaited; /* its thread waits for the last of them */
    send_outcome_t untold;  /* of those that it took, sent by others or not */
    reply_failed_t *failed; /* receives the failures; NULL: nobody */
    void *context;          /* for it */
    gather_limits_t limits;
    batch_t gathered; /* replies that may leave together, one of each of these operations */
    operation_t *gathered_from[BATCH_MAX];
    segment_runs_t runs;
} replies_t;

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

/* Puts the listener's socket on the port, unless it is there already. Receives on it have room for
 * `payload_max` bytes. Errors: those of WSAIoctl() and CreateIoCompletionPort(). */
apr_status_t port_join(port_t *port, listener_t *listener, apr_size_t payload_max);

/* Lets the system put datagrams together, or not, as the socket and these details want. */
void socket_coalesce(shared_socket_t *socket, unsigned details);

/* Waits for completions, and for a while where that fails, for which there is nobody to tell.
 * Returns how many came; 0: none, or the wait was ended. `entries` are BATCH_MAX. */
ULONG port_take(port_t *port, OVERLAPPED_ENTRY *entries, DWORD milliseconds);

/* Cancels the operations on the port's sockets and waits until the kernel has returned all that
 * were ever posted, as it must before the memory of operations is freed. 0 if it has not done so
 * within seconds: the memory then still belongs to the kernel. Nobody may take from the port at
 * the same time. */
int port_reap(port_t *port);

/* ---- Waking ---- */

/* Called before wake_take(), so that a thread that wakes this one either finds it waiting or has
 * set the wake in time. Errors: those of DuplicateHandle(). */
apr_status_t wake_know_thread(wake_t *wake);

/* Sets the wake, and ends the wait. Any thread. */
void wake_set(wake_t *wake);

/* Ends the current wait, if any. Any thread. */
void wake_end_wait(wake_t *wake);

/* Non-zero if the wake was set since this was last asked. */
int wake_take(wake_t *wake);
void wake_close(wake_t *wake);

/* ---- Receives ---- */

/* Whether the error of a receive is that of an earlier reply, which everybody can cause. */
int is_reset(int error);

/* Posts all that is idle. What cannot be posted stays idle. 0 or the error of one of these. */
int receives_post(receives_t *receives);

/* Takes what a receive has brought, for a batch, or returns its error. A receive that was
 * cancelled, as at the end of the thread that posted it, or that met an error of an earlier
 * reply has not failed. */
int receive_take(receives_t *receives, operation_t *operation);

/* Lends what was taken, in that order, as long as the batch has fewer than `most`. */
void receives_lend(receives_t *receives, batch_t *batch, unsigned most);

/* Takes back an operation that has nothing more to send: it receives again when everything that
 * it received has been in a batch. */
void receive_return(receives_t *receives, operation_t *operation);

/* Takes the first operation that has datagrams for a batch. NULL: there is none. */
operation_t *receives_pop(receives_t *receives);

/* ---- Replies ---- */

/* Queues a datagram of the operation to be echoed, in the order of the batch. */
void reply_keep(operation_t *operation, const datagram_t *datagram);

/* Sends what was kept of the operation, now or by replies_flush(). Then it goes to the receives
 * from which it was taken, or to those of the transport that takes its completion. */
void reply_give(replies_t *replies, operation_t *operation);

/* Sends a copy of a reply at once, and counts it. */
void reply_send(replies_t *replies, shared_socket_t *socket, const datagram_t *reply);

/* Sends what waits for others that could leave together with it. */
void replies_flush(replies_t *replies);

/* Counts the outcome of a message whose completion this transport, the owner of `replies`, has
 * taken, sends the rest of its operation, and wakes the transport that sent it if that waits for
 * it. */
void reply_take(replies_t *replies, operation_t *operation);

/* How long to wait for the completion of the replies under way, milliseconds; 0: there are none, or
 * it is `until`. */
DWORD replies_wait(const replies_t *replies, apr_time_t until);

/* Counts as failed what is under way: nobody else will. */
void replies_give_up(replies_t *replies);

/* Tells what was counted since it was last told. */
void replies_tell(replies_t *replies, send_outcome_t *outcome);

/* ---- Operations ---- */

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

/* Posts a receive. 0, WSA_IO_PENDING or WSAEMSGSIZE: a completion will come. Otherwise the
 * error, without a completion. */
int call_receive(operation_t *operation);

/* Posts a reply. 0 or WSA_IO_PENDING: a completion will come. Otherwise the error, without a
 * completion. */
int call_send(operation_t *operation);

/* Sends a message at once. 0 or the error: WSAEWOULDBLOCK where that has to wait. */
int call_send_now(SOCKET socket, WSAMSG *message);

/* Sets an option of UDP, a number. 0 or the error. */
int call_set(SOCKET socket, int option, DWORD value);

/* The result of what has completed: 0 or the error. */
int call_result(operation_t *operation);

/* Waits for completions, `most` of them. 0 or the error: WAIT_TIMEOUT, WAIT_IO_COMPLETION if
 * `alertable`. */
DWORD call_take(port_t *port, OVERLAPPED_ENTRY *entries, ULONG most, ULONG *count,
                DWORD milliseconds, BOOL alertable);

/* Ends an alertable wait of the thread. 0: it could not. */
DWORD call_end_wait(HANDLE thread);

/* The kind under which a reply that failed with this Windows Sockets error is counted. */
send_error_t send_error_kind(int error);

/* Whether part of a datagram is lost that was received with this result and these flags of its
 * message. WSAEMSGSIZE says only that the datagram or its control messages were too long. */
int message_is_truncated(int error, DWORD flags);

/* Control messages; see platform/readiness for the same on other systems. New messages are
 * appended to existing ones, in CONTROL_MAX bytes. */
apr_size_t control_messages_read(WSAMSG *message, datagram_t *datagram);
void control_message_write(WSAMSG *message, const datagram_t *datagram);
void control_segment_write(WSAMSG *message, apr_size_t segment);

/* Copies what a control message holds, unless it was cut short: then returns 0. */
int control_message_copy(const WSAMSG *message, const WSACMSGHDR *control, void *data,
                         size_t length);

#endif
