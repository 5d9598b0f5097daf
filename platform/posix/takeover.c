#include "takeover.h"

#include <apr_portable.h>
#include <apr_strings.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "descriptors.h"

/* How long a successor may have the sockets before it serves, and how long the process that serves
 * may take to answer, which may have to wait for another successor first. */
#define READY_MAX_US  (10 * APR_USEC_PER_SEC)
#define ANSWER_MAX_MS 15000

/* How many may knock at a time. */
#define KNOCKS_MAX 8

static int door = -1;        /* where successors knock */
static int successor = -1;   /* the one that has the sockets and does not serve yet */
static apr_time_t deadline;  /* of its */
static int predecessor = -1; /* whose sockets these are */

/* Milliseconds until the deadline. */
static int time_left(void)
{
    apr_interval_time_t left = deadline - clock_now();

    return left > 0 ? (int)((left + 999) / 1000) : 0;
}

/*
 * Each message is a byte, with descriptors beside it. A successor that reads nothing keeps nobody
 * waiting for ever. As it is writable before each message, which is short, there is room for
 * another byte after the last.
 */
static apr_status_t send_message(const void *sockets, int count)
{
    struct pollfd waited = {.fd = successor, .events = POLLOUT};

    if (poll(&waited, 1, time_left()) != 1) {
        return APR_TIMEUP;
    }
    return descriptors_send(successor, "", 1, sockets, (unsigned)count);
}

static apr_status_t send_byte(void)
{
    return send_message(NULL, 0);
}

static apr_status_t send_sockets(const apr_array_header_t *sockets)
{
    return send_message(sockets->elts, sockets->nelts);
}

/* Appends the descriptors of the next message. APR_EOF: the other side has ended. */
static apr_status_t receive_sockets(int from, apr_array_header_t *sockets)
{
    struct pollfd waited = {.fd = from, .events = POLLIN};

    return poll(&waited, 1, ANSWER_MAX_MS) == 1 ? descriptors_receive(from, sockets) : APR_TIMEUP;
}

/* ---- The successor's side ---- */

static int open_socket(void)
{
    int descriptor = socket(AF_UNIX, SOCK_STREAM, 0);

    if (descriptor >= 0) {
        fcntl(descriptor, F_SETFD, FD_CLOEXEC);
    }
    return descriptor;
}

/* Nobody serves: makes the door. What is left of one is removed; it may be knocked at by who may
 * write to it (unix(7)), which is the owner. */
static apr_status_t make_door(const struct sockaddr_un *address)
{
    door = open_socket();
    unlink(address->sun_path);

    mode_t before = umask(S_IXUSR | S_IRWXG | S_IRWXO);
    int bound = bind(door, (const struct sockaddr *)address, sizeof *address);
    apr_status_t status = errno;

    umask(before);
    if (bound == 0 && listen(door, KNOCKS_MAX) == 0) {
        return APR_SUCCESS;
    }
    return bound == 0 ? errno : status;
}

/* First comes the door, and with it what else takes connections, then each listener's sockets, then
 * a message without any. */
static apr_status_t receive_all(apr_array_header_t *groups, apr_array_header_t *streams,
                                apr_pool_t *pool)
{
    apr_array_header_t *sockets = apr_array_make(pool, 4, sizeof(apr_os_sock_t));
    apr_status_t status = receive_sockets(predecessor, sockets);

    if (status == APR_SUCCESS && sockets->nelts > 0) {
        apr_array_cat(streams, sockets);
        door = *(apr_os_sock_t *)apr_array_pop(streams);
    }
    while (status == APR_SUCCESS && sockets->nelts > 0) {
        sockets = apr_array_make(pool, 4, sizeof(apr_os_sock_t));
        status = receive_sockets(predecessor, sockets);
        if (sockets->nelts > 0) {
            APR_ARRAY_PUSH(groups, apr_array_header_t *) = sockets;
        }
    }
    return status;
}

static const char *sentence(const char *path, const char *what, apr_status_t status,
                            apr_pool_t *pool)
{
    char reason[128];

    return apr_psprintf(pool, "--takeover=%s: %s: %s", path, what,
                        apr_strerror(status, reason, sizeof reason));
}

const char *host_take_over(apr_array_header_t *groups, apr_array_header_t *streams,
                           const char *path, apr_pool_t *pool)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct timeval patience = {.tv_sec = ANSWER_MAX_MS / 1000}; /* to knock, where many do */
    apr_status_t status;

    if (strlen(path) >= sizeof address.sun_path) {
        return apr_psprintf(pool, "--takeover=%s: expected a path of less than %u bytes", path,
                            (unsigned)sizeof address.sun_path);
    }
    memcpy(address.sun_path, path, strlen(path));
    predecessor = open_socket();
    setsockopt(predecessor, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    if (connect(predecessor, (struct sockaddr *)&address, sizeof address) == 0) {
        status = receive_all(groups, streams, pool);
        return status == APR_SUCCESS
                   ? NULL
                   : sentence(path, "the process that serves hands over nothing", status, pool);
    }
    status = errno;
    close(predecessor);
    predecessor = -1;
    if (status != ENOENT && status != ECONNREFUSED) {
        return sentence(path, "cannot ask who serves", status, pool);
    }
    status = make_door(&address);
    return status == APR_SUCCESS ? NULL : sentence(path, "cannot make a socket", status, pool);
}

/* Only the predecessor knows which came first, the byte or the end of its patience. It then says
 * nothing, or a byte that was already on its way. */
apr_status_t takeover_ready(void)
{
    struct pollfd waited = {.fd = predecessor, .events = POLLIN};
    char byte;

    if (predecessor < 0) {
        return APR_SUCCESS;
    }
    ssize_t written = write(predecessor, "", 1);
    int is_late = poll(&waited, 1, ANSWER_MAX_MS) == 1 && read(predecessor, &byte, 1) == 1;

    (void)written; /* one that has died meanwhile has nothing to end */
    close(predecessor);
    predecessor = -1;
    return is_late ? APR_TIMEUP : APR_SUCCESS;
}

/* ---- The predecessor's side ---- */

int takeover_descriptor(void)
{
    return successor >= 0 ? successor : door;
}

int takeover_timeout(void)
{
    return successor >= 0 ? time_left() : -1;
}

int takeover_gives_up(void)
{
    if (takeover_timeout() != 0) {
        return 0;
    }
    send_byte();
    close(successor);
    successor = -1;
    return 1;
}

host_event_t takeover_event(void)
{
    char byte;
    int serves;

    if (successor < 0) {
        successor = accept(door, NULL, NULL);
        deadline = clock_now() + READY_MAX_US;
        return HOST_HAND_OVER;
    }
    serves = read(successor, &byte, 1) == 1;
    close(successor);
    successor = -1;
    if (serves) {
        close(door);
        door = -1;
    }
    return serves ? HOST_HANDED_OVER : HOST_KEPT;
}

apr_status_t host_hand_over(const apr_array_header_t *groups, const apr_array_header_t *streams,
                            apr_pool_t *pool)
{
    apr_array_header_t *sockets = apr_array_copy(pool, streams);
    apr_status_t status;

    if (successor < 0) {
        return APR_ENOTSOCK; /* it could not be accepted, or is gone */
    }
    APR_ARRAY_PUSH(sockets, apr_os_sock_t) = door;
    status = send_sockets(sockets);
    for (int i = 0; status == APR_SUCCESS && i < groups->nelts; i++) {
        status = send_sockets(APR_ARRAY_IDX(groups, i, const apr_array_header_t *));
    }
    if (status == APR_SUCCESS) {
        status = send_byte();
    }
    if (status != APR_SUCCESS) {
        close(successor);
        successor = -1;
    }
    return status;
}
