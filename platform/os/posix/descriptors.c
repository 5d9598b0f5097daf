#include "os/posix/descriptors.h"

#include <apr_portable.h>
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>

typedef struct message {
    struct msghdr header;
    struct iovec part;
    _Alignas(struct cmsghdr) unsigned char control[CMSG_SPACE(DESCRIPTORS_MAX * sizeof(int))];
} message_t;

static void compose(message_t *message, void *bytes, size_t length, unsigned count)
{
    memset(message, 0, sizeof *message);
    message->part = (struct iovec){bytes, length};
    message->header.msg_iov = &message->part;
    message->header.msg_iovlen = 1;
    message->header.msg_control = message->control;
    message->header.msg_controllen = (socklen_t)CMSG_SPACE(count * sizeof(int));
}

apr_status_t descriptors_send(int to, const char *bytes, apr_size_t length, const int *descriptors,
                              unsigned count)
{
    assert(length > 0);

    message_t message;

    if (count > DESCRIPTORS_MAX) {
        return E2BIG;
    }
    compose(&message, (void *)bytes, length, count); /* sendmsg(2) only reads them */
    if (count == 0) {
        message.header.msg_control = NULL;
        message.header.msg_controllen = 0;
    } else {
        struct cmsghdr *control = (struct cmsghdr *)(void *)message.control; /* has room for it */

        control->cmsg_level = SOL_SOCKET;
        control->cmsg_type = SCM_RIGHTS;
        control->cmsg_len = (socklen_t)CMSG_LEN(count * sizeof(int));
        memcpy(CMSG_DATA(control), descriptors, count * sizeof(int));
    }
    return sendmsg(to, &message.header, 0) == (ssize_t)length ? APR_SUCCESS : errno;
}

apr_status_t descriptors_receive(int from, char *byte, apr_array_header_t *sockets)
{
    assert(sockets->elt_size == sizeof(apr_os_sock_t));

    message_t message;
    struct cmsghdr *control;
    ssize_t length;

    compose(&message, byte, 1, DESCRIPTORS_MAX);
    length = recvmsg(from, &message.header, 0);
    if (length != 1) {
        return length < 0 ? errno : APR_EOF;
    }
    control = CMSG_FIRSTHDR(&message.header);
    if (control != NULL && control->cmsg_level == SOL_SOCKET && control->cmsg_type == SCM_RIGHTS) {
        /* Some kernels report the length of a truncated message before it was truncated. */
        size_t room = message.header.msg_controllen;
        size_t filled = control->cmsg_len < room ? control->cmsg_len : room;
        size_t count = filled > CMSG_LEN(0) ? (filled - CMSG_LEN(0)) / sizeof(int) : 0;

        for (size_t i = 0; i < count; i++) {
            int descriptor;

            memcpy(&descriptor, CMSG_DATA(control) + i * sizeof descriptor, sizeof descriptor);
            fcntl(descriptor, F_SETFD, FD_CLOEXEC);
            APR_ARRAY_PUSH(sockets, apr_os_sock_t) = descriptor;
        }
    }
    /* The kernel leaves out descriptors for which the process has no numbers, and only this flag
     * shows it (unix(7)). */
    return (message.header.msg_flags & MSG_CTRUNC) != 0 ? EMFILE : APR_SUCCESS;
}
