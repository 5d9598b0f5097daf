/*
 * The sizes of socket buffers on FreeBSD, NetBSD, OpenBSD, DragonFly and macOS. The default send
 * buffer takes datagrams of up to 9,216 bytes, and a size above the limit (kern.ipc.maxsockbuf,
 * kern.sbmax and the like) is refused instead of being reduced to it. The usable limit cannot be
 * read: the kernel subtracts its own overhead.
 */

#include "readiness/system.h"

static int set_buffer(int descriptor, int option, int bytes)
{
    return setsockopt(descriptor, SOL_SOCKET, option, &bytes, sizeof bytes);
}

/* Leaves the largest size that is granted: between the one that there is and the one asked for. */
void system_ask_buffer(int descriptor, int option, int bytes)
{
    int granted = 0;
    int refused = bytes;
    socklen_t length = sizeof granted;

    if (set_buffer(descriptor, option, bytes) == 0 ||
        getsockopt(descriptor, SOL_SOCKET, option, &granted, &length) != 0) {
        return;
    }
    while (refused - granted > 1) {
        int between = granted + (refused - granted) / 2;

        if (set_buffer(descriptor, option, between) == 0) {
            granted = between;
        } else {
            refused = between;
        }
    }
}
