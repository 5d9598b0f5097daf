/*
 * The least that an echo server can be on Linux, which the others are measured against:
 *     bare ADDRESS PORT [PROCESSES]
 * 64 datagrams to a system call, and nothing is judged, counted or logged. Each process has a
 * socket of its own.
 */

#define _GNU_SOURCE /* for recvmmsg */

#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define BATCH 64

static char buffers[BATCH][65536];
static struct sockaddr_storage peers[BATCH];
static struct iovec vectors[BATCH];
static struct mmsghdr messages[BATCH];

/* Everybody is to be answered, with up to `length` bytes. */
static void set_up(int i, size_t length)
{
    vectors[i] = (struct iovec){buffers[i], length};
    messages[i].msg_hdr = (struct msghdr){.msg_name = &peers[i],
                                          .msg_namelen = sizeof peers[i],
                                          .msg_iov = &vectors[i],
                                          .msg_iovlen = 1};
}

static void echo_batch(int descriptor)
{
    int count = recvmmsg(descriptor, messages, BATCH, MSG_WAITFORONE, NULL);

    for (int i = 0; i < count; i++) {
        vectors[i].iov_len = messages[i].msg_len;
    }
    for (int sent = 0; sent < count;) {
        int more = sendmmsg(descriptor, messages + sent, (unsigned)(count - sent), 0);

        sent += more > 0 ? more : 1; /* one that cannot be sent is left out */
    }
    for (int i = 0; i < count; i++) {
        set_up(i, sizeof buffers[i]);
    }
}

static int open_socket(const struct addrinfo *address)
{
    int descriptor = socket(address->ai_family, SOCK_DGRAM, 0);
    int buffer_size = 4 << 20; /* as udpechod asks for */
    int yes = 1;

    setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &buffer_size, sizeof buffer_size);
    setsockopt(descriptor, SOL_SOCKET, SO_SNDBUF, &buffer_size, sizeof buffer_size);
    setsockopt(descriptor, SOL_SOCKET, SO_REUSEPORT, &yes, sizeof yes);
    if (bind(descriptor, address->ai_addr, address->ai_addrlen) < 0) {
        perror("bare");
        exit(1);
    }
    return descriptor;
}

/* Splits into so many, which end when the first of them does. */
static void split(long processes)
{
    while (--processes > 0) {
        if (fork() == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            return;
        }
    }
}

int main(int count, char **arguments)
{
    struct addrinfo *address,
        hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV, .ai_socktype = SOCK_DGRAM};

    if (count < 3 || count > 4 || getaddrinfo(arguments[1], arguments[2], &hints, &address) != 0) {
        fputs("usage: bare ADDRESS PORT [PROCESSES]\n", stderr);
        return 1;
    }
    split(count > 3 ? strtol(arguments[3], NULL, 10) : 1);

    int descriptor = open_socket(address);

    freeaddrinfo(address);
    for (int i = 0; i < BATCH; i++) {
        set_up(i, sizeof buffers[i]);
    }
    for (;;) {
        echo_batch(descriptor);
    }
}
