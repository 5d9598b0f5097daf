/* Messages one to a system call, for kernels without recvmmsg and sendmmsg. */

#include "readiness.h"

#include <sys/types.h>

static int receive_single(int descriptor, message_t *messages, unsigned count)
{
    unsigned received = 0;

    while (received < count) {
        message_t *message = &messages[received];
        ssize_t length = recvmsg(descriptor, &message->msg_hdr, 0);

        if (length < 0) {
            break;
        }
        message->msg_len = (unsigned)length;
        received++;
    }
    return received > 0 ? (int)received : -1;
}

static int send_single(int descriptor, message_t *messages, unsigned count)
{
    unsigned sent = 0;

    while (sent < count) {
        message_t *message = &messages[sent];
        ssize_t length = sendmsg(descriptor, &message->msg_hdr, 0);

        if (length < 0) {
            break;
        }
        message->msg_len = (unsigned)length;
        sent++;
    }
    return sent > 0 ? (int)sent : -1;
}

const io_body_t single_body = {"recvmsg/sendmsg", receive_single, send_single};
