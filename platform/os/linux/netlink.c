/* The socket by which Linux is asked for addresses and routes. */

#include "os/linux/netlink.h"

#include <linux/rtnetlink.h>
#include <sys/socket.h>

static _Thread_local int descriptor = -1;
static _Thread_local unsigned question;

int netlink_socket(void)
{
    if (descriptor < 0) {
        descriptor = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    }
    return descriptor;
}

unsigned netlink_question(void)
{
    return ++question;
}
