/* The least that an echo server can be on Linux, which the others are measured against: 64
 * datagrams to a system call, and nothing is judged, counted or logged. Prints its port. */

#define _GNU_SOURCE /* for recvmmsg */

#include <arpa/inet.h>
#include <stdio.h>
#include <sys/socket.h>

#define BATCH 64

static char buffers[BATCH][65536];
static struct sockaddr_in peers[BATCH];
static struct iovec vectors[BATCH];
static struct mmsghdr messages[BATCH];

/* Whoever comes is to be answered, with up to `length` bytes. */
static void set_up(int i, size_t length)
{
    vectors[i] = (struct iovec){buffers[i], length};
    messages[i].msg_hdr = (struct msghdr){.msg_name = &peers[i],
                                          .msg_namelen = sizeof peers[i],
                                          .msg_iov = &vectors[i],
                                          .msg_iovlen = 1};
}

int main(void)
{
    int descriptor = socket(AF_INET, SOCK_DGRAM, 0);
    int buffer_size = 4 << 20; /* as udpechod asks for */
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;

    setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &buffer_size, sizeof buffer_size);
    setsockopt(descriptor, SOL_SOCKET, SO_SNDBUF, &buffer_size, sizeof buffer_size);
    if (bind(descriptor, (struct sockaddr *)&address, length) < 0 ||
        getsockname(descriptor, (struct sockaddr *)&address, &length) < 0) {
        perror("bare");
        return 1;
    }
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    for (int i = 0; i < BATCH; i++) {
        set_up(i, sizeof buffers[i]);
    }
    for (;;) {
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
}
