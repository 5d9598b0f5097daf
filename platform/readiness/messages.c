/* Moving messages: one to a system call, which works everywhere, or many. */

#include "readiness/readiness.h"

#include <errno.h>
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

#if HAVE_RECVMMSG

static int receive_batched(int descriptor, message_t *messages, unsigned count)
{
    return (int)recvmmsg(descriptor, messages, count, 0, NULL);
}

static int send_batched(int descriptor, message_t *messages, unsigned count)
{
    return (int)sendmmsg(descriptor, messages, count, 0);
}

/* A kernel that has a call says that -1 is no descriptor; one without it, an emulator or a sandbox
 * says something else. */

apr_status_t batched_receive_status(void)
{
    return receive_batched(-1, NULL, 0) < 0 && errno != EBADF ? errno : APR_SUCCESS;
}

apr_status_t batched_send_status(void)
{
    return send_batched(-1, NULL, 0) < 0 && errno != EBADF ? errno : APR_SUCCESS;
}

#else

#define receive_batched receive_single
#define send_batched    send_single

apr_status_t batched_receive_status(void)
{
    return APR_ENOTIMPL;
}

apr_status_t batched_send_status(void)
{
    return APR_ENOTIMPL;
}

#endif

move_messages_t *receive_messages(const platform_t *platform)
{
    return platform_has(platform, FEATURE_BATCHED_RECEIVE) ? receive_batched : receive_single;
}

move_messages_t *send_messages(const platform_t *platform)
{
    return platform_has(platform, FEATURE_BATCHED_SEND) ? send_batched : send_single;
}
