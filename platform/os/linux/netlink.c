/* The socket by which Linux is asked for addresses and routes. */

#include "os/linux/netlink.h"

#include <assert.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include "os/main_thread.h"

int netlink_socket(void)
{
    assert(is_main_thread());

    static int descriptor = -1;

    if (descriptor < 0) {
        descriptor = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    }
    return descriptor;
}

unsigned netlink_question(void)
{
    static unsigned question = 0;

    return ++question;
}
