/* The socket by which Linux is asked for addresses and routes. */

#include "os/linux/netlink.h"

#include <linux/rtnetlink.h>
#include <sys/socket.h>

int netlink_socket(void)
{
    static _Thread_local int descriptor = -1;

    if (descriptor < 0) {
        descriptor = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    }
    return descriptor;
}

unsigned netlink_question(void)
{
    static _Thread_local unsigned question = 0;

    return ++question;
}
