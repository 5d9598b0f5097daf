/*
 * Preloaded, it gives UDP sockets the buffers of NetBSD (LD_PRELOAD of ld.so(8)): by default 9,216
 * bytes out and 41,600 in, more if that is asked for, up to 262,144. A datagram larger than the
 * send buffer fails with EMSGSIZE, as one does that is too big for the interface; one larger than
 * the receive buffer is dropped without a word.
 */

#define _GNU_SOURCE /* for RTLD_NEXT and recvmmsg(2) */

#include <dlfcn.h>
#include <errno.h>
#include <netinet/in.h>
#include <stddef.h>
#include <sys/socket.h>

#define DESCRIPTORS 1024
#define BUFFER_MAX  262144

static int out[DESCRIPTORS]; /* what was asked for; 0: the default */
static int in[DESCRIPTORS];

static int is_counted(int descriptor)
{
    return descriptor >= 0 && descriptor < DESCRIPTORS;
}

static size_t send_buffer(int descriptor)
{
    return is_counted(descriptor) && out[descriptor] > 0 ? (size_t)out[descriptor] : 9216;
}

static size_t receive_buffer(int descriptor)
{
    return is_counted(descriptor) && in[descriptor] > 0 ? (size_t)in[descriptor] : 41600;
}

/* ISO C has no way to make a function of what dlsym() returns, POSIX this one (dlsym(3)). */
#define REAL(name) (*(__typeof__(&(name)) *)&(void *){dlsym(RTLD_NEXT, #name)})

int setsockopt(int descriptor, int level, int option, const void *value, socklen_t length)
{
    int is_out = option == SO_SNDBUF;

    if (level == SOL_SOCKET && (option == SO_SNDBUFFORCE || option == SO_RCVBUFFORCE)) {
        errno = EPERM;
        return -1;
    }
    int result = REAL(setsockopt)(descriptor, level, option, value, length);

    if (result == 0 && level == SOL_SOCKET && (is_out || option == SO_RCVBUF) &&
        is_counted(descriptor)) {
        int bytes = *(const int *)value;

        *(is_out ? &out[descriptor] : &in[descriptor]) = bytes < BUFFER_MAX ? bytes : BUFFER_MAX;
    }
    return result;
}

static size_t length_of(const struct msghdr *header)
{
    size_t length = 0;

    for (size_t i = 0; i < header->msg_iovlen; i++) {
        length += header->msg_iov[i].iov_len;
    }
    return length;
}

ssize_t sendmsg(int descriptor, const struct msghdr *header, int flags)
{
    if (length_of(header) > send_buffer(descriptor)) {
        errno = EMSGSIZE;
        return -1;
    }
    return REAL(sendmsg)(descriptor, header, flags);
}

int sendmmsg(int descriptor, struct mmsghdr *messages, unsigned count, int flags)
{
    unsigned fitting = 0;

    if (count == 0 || !is_counted(descriptor)) {
        return REAL(sendmmsg)(descriptor, messages, count, flags);
    }
    while (fitting < count && length_of(&messages[fitting].msg_hdr) <= send_buffer(descriptor)) {
        fitting++;
    }
    if (fitting == 0) {
        errno = EMSGSIZE;
        return -1;
    }
    return REAL(sendmmsg)(descriptor, messages, fitting, flags);
}

ssize_t recvmsg(int descriptor, struct msghdr *header, int flags)
{
    ssize_t length = REAL(recvmsg)(descriptor, header, flags);

    if (length >= 0 && (flags & MSG_ERRQUEUE) == 0 && (size_t)length > receive_buffer(descriptor)) {
        errno = EAGAIN;
        return -1;
    }
    return length;
}

/* One by one, which is a batch that ended early. */
int recvmmsg(int descriptor, struct mmsghdr *messages, unsigned count, int flags,
             struct timespec *timeout)
{
    if (!is_counted(descriptor)) {
        return REAL(recvmmsg)(descriptor, messages, count, flags, timeout);
    }
    ssize_t length = recvmsg(descriptor, &messages[0].msg_hdr, flags);

    messages[0].msg_len = length >= 0 ? (unsigned)length : 0;
    return length >= 0 ? 1 : -1;
}
