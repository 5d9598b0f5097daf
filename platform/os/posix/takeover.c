#include "os/posix/takeover.h"

#include <apr_portable.h>
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "os/main_thread.h"
#include "os/posix/descriptors.h"
#include "os/posix/notify.h"
#include "os/posix/stop.h"
#include "udpecho/clock.h"
#include "udpecho/handover.h"
#include "udpecho/stream.h"

/* How long a successor may have the sockets before it serves, and how long the serving process
 * may take to answer, because it may have to wait for another successor first. */
#define READY_MAX_US  (10 * APR_USEC_PER_SEC)
#define ANSWER_MAX_US (15 * APR_USEC_PER_SEC)

/* A longer wait for the other process is made of parts of this length, between which the watchdog
 * is told and a request to end is heard. */
#define PART_MS 200

/* How long nobody is accepted after accept(2) has failed for a lack of something. */
#define REST_US APR_USEC_PER_SEC

/* How long to wait before connecting again where the queue is full. */
#define QUEUE_PAUSE_US 10000

/* How often a byte is tried to be sent or received where the kernel fails. */
#define ATTEMPTS_MAX 100

/* How many may wait to be accepted. */
#define BACKLOG 8

/* What the byte of a message says: in the lowest bit, whether more of its group follow; above it,
 * which protocol is spoken at the group's sockets. */
#define LAST_OF_GROUP  0
#define MORE_OF_GROUP  1
#define PROTOCOL_SHIFT 1

static int listening = -1;         /* where successors connect */
static apr_time_t rests_until;     /* nobody is accepted before */
static apr_status_t accept_status; /* why the last successor was not accepted, if so */
static int successor = -1;         /* the one that has the sockets and does not serve yet */
static apr_time_t deadline;        /* of its */
static int predecessor = -1;       /* whose sockets these are */

static int milliseconds_until(apr_time_t time)
{
    apr_interval_time_t left = time - clock_now();

    return left > 0 ? (int)((left + 999) / 1000) : 0;
}

/* Waits until the other process can be written to or read from. Errors: APR_TIMEUP, APR_EINTR,
 * those of poll(2). */
static apr_status_t await(int descriptor, short events, apr_time_t until)
{
    struct pollfd waited = {.fd = descriptor, .events = events};

    for (;;) {
        int left = milliseconds_until(until);
        int ready = poll(&waited, 1, left < PART_MS ? left : PART_MS);

        if (ready > 0) {
            return APR_SUCCESS;
        }
        if (ready < 0 && errno != EINTR) {
            return errno;
        }
        if (stop_is_asked()) {
            return APR_EINTR;
        }
        if (left == 0) {
            return APR_TIMEUP;
        }
        notify_alive();
    }
}

/*
 * Each message is a byte with descriptors. A successor that reads nothing does not block this
 * process: the socket is writable before each message, which is short, so there is room for
 * another byte after the last.
 */
static apr_status_t send_message(char byte, const int *sockets, unsigned count)
{
    apr_status_t status = await(successor, POLLOUT, deadline);

    return status == APR_SUCCESS ? descriptors_send(successor, &byte, 1, sockets, count) : status;
}

static apr_status_t send_group(const socket_group_t *group)
{
    const int *descriptors = (const int *)(const void *)group->sockets->elts;
    unsigned left = (unsigned)group->sockets->nelts;
    char protocol = (char)(group->protocol << PROTOCOL_SHIFT);
    apr_status_t status = APR_SUCCESS;

    while (status == APR_SUCCESS && left > DESCRIPTORS_MAX) {
        status = send_message(protocol | MORE_OF_GROUP, descriptors, DESCRIPTORS_MAX);
        descriptors += DESCRIPTORS_MAX;
        left -= DESCRIPTORS_MAX;
    }
    return status == APR_SUCCESS ? send_message(protocol | LAST_OF_GROUP, descriptors, left)
                                 : status;
}

/* Fills the next group, which has no socket yet. APR_EOF: the other process has ended. */
static apr_status_t receive_group(socket_group_t *group)
{
    char byte = MORE_OF_GROUP;
    apr_status_t status = APR_SUCCESS;

    while (status == APR_SUCCESS && (byte & MORE_OF_GROUP) != 0) {
        status = await(predecessor, POLLIN, clock_now() + ANSWER_MAX_US);
        if (status == APR_SUCCESS) {
            status = descriptors_receive(predecessor, &byte, group->sockets);
        }
    }
    unsigned protocol = (unsigned char)byte >> PROTOCOL_SHIFT;

    group->protocol = protocol < PROTOCOLS ? (protocol_t)protocol : PROTOCOL_ECHO;
    return status;
}

/* ---- The successor's side ---- */

static apr_status_t open_socket(int *opened)
{
    *opened = socket(AF_UNIX, SOCK_STREAM, 0);
    if (*opened < 0) {
        return errno;
    }
    return fcntl(*opened, F_SETFD, FD_CLOEXEC) == 0 ? APR_SUCCESS : errno;
}

static apr_status_t bind_to(int descriptor, const struct sockaddr_un *address)
{
    mode_t before = umask(S_IXUSR | S_IRWXG | S_IRWXO);
    apr_status_t status = bind(descriptor, (const struct sockaddr *)address, sizeof *address) == 0
                              ? APR_SUCCESS
                              : errno;

    umask(before);
    return status;
}

/* Nobody serves: makes the listening socket. Who may write to its path may connect (unix(7)), which
 * is the owner. It does not block: who connected may be gone when it is accepted. */
static apr_status_t make_door(const struct sockaddr_un *address, const char **step)
{
    apr_status_t status = host_clear_path(address->sun_path, step);

    if (status == APR_SUCCESS) {
        *step = "make a socket";
        status = open_socket(&listening);
    }
    if (status == APR_SUCCESS) {
        *step = "bind";
        status = bind_to(listening, address);
    }
    if (status == APR_SUCCESS) {
        *step = "listen";
        status = listen(listening, BACKLOG) == 0 && fcntl(listening, F_SETFL, O_NONBLOCK) == 0
                     ? APR_SUCCESS
                     : errno;
    }
    return status;
}

/* First comes the listening socket, and with it what else takes connections, then each listener's
 * sockets, then a group without any. ENOENT: the other process ended before it gave any. */
static apr_status_t receive_all(apr_array_header_t *groups, apr_array_header_t *streams,
                                apr_pool_t *pool)
{
    socket_group_t group = {.sockets = apr_array_make(pool, 4, sizeof(apr_os_sock_t))};
    apr_status_t status = receive_group(&group);

    if ((status == APR_EOF || status == ECONNRESET) && group.sockets->nelts == 0) {
        return ENOENT;
    }
    if (status == APR_SUCCESS && group.sockets->nelts > 0) {
        apr_array_cat(streams, group.sockets);
        listening = *(apr_os_sock_t *)apr_array_pop(streams);
    }
    while (status == APR_SUCCESS && group.sockets->nelts > 0) {
        group.sockets = apr_array_make(pool, 4, sizeof(apr_os_sock_t));
        status = receive_group(&group);
        if (group.sockets->nelts > 0) {
            APR_ARRAY_PUSH(groups, socket_group_t) = group;
        }
    }
    return status;
}

/* Where many connect, the queue is full (EAGAIN) until the others had their turns. */
static apr_status_t connect_in_turn(const struct sockaddr_un *address)
{
    apr_time_t until = clock_now() + ANSWER_MAX_US;

    while (connect(predecessor, (const struct sockaddr *)address, sizeof *address) != 0) {
        if (errno != EAGAIN || stop_is_asked() || clock_now() >= until) {
            return errno;
        }
        clock_pause(QUEUE_PAUSE_US);
    }
    return APR_SUCCESS;
}

static apr_status_t connect_predecessor(const struct sockaddr_un *address)
{
    apr_status_t status = open_socket(&predecessor);

    if (status == APR_SUCCESS && fcntl(predecessor, F_SETFL, O_NONBLOCK) != 0) {
        status = errno;
    }
    if (status == APR_SUCCESS) {
        status = connect_in_turn(address);
    }
    if (status != APR_SUCCESS && predecessor >= 0) {
        close(predecessor);
        predecessor = -1;
    }
    return status;
}

static apr_status_t take_over(apr_array_header_t *groups, apr_array_header_t *streams,
                              const struct sockaddr_un *address, const char **step,
                              apr_pool_t *pool)
{
    *step = "connect to the process that serves";

    apr_status_t status = connect_predecessor(address);

    if (status == APR_SUCCESS) {
        *step = "receive the sockets of the process that serves";
        status = receive_all(groups, streams, pool);
    }
    if (status != ENOENT && status != ECONNREFUSED) {
        return status;
    }
    if (predecessor >= 0) {
        close(predecessor);
        predecessor = -1;
    }
    return make_door(address, step);
}

/* Reports that this process serves. A predecessor that has died needs no report. */
static apr_status_t tell_predecessor(void)
{
    for (int attempts = 0; write(predecessor, "", 1) != 1; attempts++) {
        if (errno == EPIPE || errno == ECONNRESET) {
            return APR_SUCCESS;
        }
        if (attempts == ATTEMPTS_MAX) {
            return errno;
        }
    }
    return APR_SUCCESS;
}

/* Only the predecessor knows which came first, the byte or the end of its patience. It then says
 * nothing, or a byte that was already on its way. */
static int is_late(void)
{
    apr_time_t until = clock_now() + ANSWER_MAX_US;
    ssize_t length = -1;
    char byte;

    for (int attempts = 0; length < 0 && attempts < ATTEMPTS_MAX; attempts++) {
        if (await(predecessor, POLLIN, until) != APR_SUCCESS) {
            return 0;
        }
        length = read(predecessor, &byte, 1);
    }
    return length == 1;
}

static apr_status_t tell_ready(void)
{
    apr_status_t status;

    if (predecessor < 0) {
        return APR_SUCCESS;
    }
    status = tell_predecessor();
    if (status == APR_SUCCESS && is_late()) {
        status = APR_TIMEUP;
    }
    close(predecessor);
    predecessor = -1;
    return status;
}

/* ---- The predecessor's side ---- */

static int watched_descriptor(void)
{
    if (successor >= 0) {
        return successor;
    }
    return clock_now() < rests_until ? -1 : listening;
}

static int longest_wait(void)
{
    if (successor >= 0) {
        return milliseconds_until(deadline);
    }
    return clock_now() < rests_until ? milliseconds_until(rests_until) : -1;
}

static void let_go(void)
{
    close(successor);
    successor = -1;
}

static int gives_up(void)
{
    if (successor < 0 || longest_wait() != 0) {
        return 0;
    }
    const char byte = LAST_OF_GROUP;

    for (int attempts = 0; attempts < ATTEMPTS_MAX; attempts++) {
        if (descriptors_send(successor, &byte, 1, NULL, 0) == APR_SUCCESS) {
            break;
        }
    }
    let_go();
    return 1;
}

/* Returns 0 if there is nobody any more. Whom the system has no descriptor for stays in the queue,
 * so that the socket has to be left alone for a while, or it would never rest. */
static int accept_successor(void)
{
    successor = accept(listening, NULL, NULL);
    accept_status = successor < 0 ? errno : APR_SUCCESS;
    deadline = clock_now() + READY_MAX_US;
    if (accept_status == EAGAIN || accept_status == EINTR || accept_status == ECONNABORTED) {
        return 0;
    }
    if (accept_status != APR_SUCCESS) {
        rests_until = clock_now() + REST_US;
    }
    return 1;
}

static int take_event(host_event_t *event)
{
    char byte;

    if (successor < 0) {
        *event = HOST_HAND_OVER;
        return accept_successor();
    }
    ssize_t length = read(successor, &byte, 1);

    if (length < 0 && errno != ECONNRESET) {
        return 0; /* it may have said that it serves, which is read the next time */
    }
    let_go();
    if (length == 1) {
        close(listening);
        listening = -1;
    }
    *event = length == 1 ? HOST_HANDED_OVER : HOST_KEPT;
    return 1;
}

/* ---- What the host calls ---- */

static const takeover_t watched = {watched_descriptor, longest_wait, take_event, gives_up,
                                   tell_ready};

apr_status_t host_take_over(apr_array_header_t *groups, apr_array_header_t *streams,
                            const char *path, const char **step, apr_pool_t *pool)
{
    assert(is_main_thread());
    assert(groups->elt_size == sizeof(socket_group_t) &&
           streams->elt_size == sizeof(apr_os_sock_t));

    struct sockaddr_un address = {.sun_family = AF_UNIX};
    sigset_t before;

    if (strlen(path) >= sizeof address.sun_path) {
        *step = "make an address of the path";
        return ENAMETOOLONG;
    }
    memcpy(address.sun_path, path, strlen(path));
    host_watch(&watched);
    stop_unblock(&before);
    apr_status_t status = take_over(groups, streams, &address, step, pool);

    stop_block(&before);
    return status;
}

apr_status_t host_hand_over(const apr_array_header_t *groups, const apr_array_header_t *streams,
                            apr_pool_t *pool)
{
    assert(is_main_thread());
    assert(groups->elt_size == sizeof(socket_group_t) &&
           streams->elt_size == sizeof(apr_os_sock_t));

    socket_group_t first = {.sockets = apr_array_copy(pool, streams)};
    apr_status_t status;

    if (successor < 0) {
        return accept_status;
    }
    APR_ARRAY_PUSH(first.sockets, apr_os_sock_t) = listening;
    status = send_group(&first);
    for (int i = 0; status == APR_SUCCESS && i < groups->nelts; i++) {
        status = send_group(&APR_ARRAY_IDX(groups, i, socket_group_t));
    }
    if (status == APR_SUCCESS) {
        status = send_message(LAST_OF_GROUP, NULL, 0);
    }
    if (status != APR_SUCCESS) {
        let_go();
    }
    return status;
}

void host_refuse_successor(void)
{
    assert(is_main_thread());
    if (successor >= 0) {
        close(successor);
        successor = -1;
    }
}
