#include "os/openbsd/promises.h"

#include <apr_strings.h>

/*
 * What holds for every server: "stdio" would do for messages to the peer of a connected socket; to
 * name an address in sendmsg(2), or to open a listener, takes "inet", which is enough for HTTP,
 * too. "route" is for getifaddrs(3).
 *
 * The rest is for some. Files are read again with "rpath". To accept what connects to a path takes
 * "unix". APR calls unlink(2) when it closes such a socket, which ends a process that has not
 * promised "cpath". Descriptors go to the service manager and to a successor with "sendfd".
 */
void promises_write(char text[PROMISES_MAX], const sandbox_needs_t *needs)
{
    apr_snprintf(text, PROMISES_MAX, "stdio inet route%s%s%s%s",
                 needs->files->nelts > 0 ? " rpath" : "",
                 needs->connections > 0 || needs->hands_over ? " unix" : "",
                 needs->connections > 0 ? " cpath" : "",
                 needs->stores_listeners || needs->hands_over ? " sendfd" : "");
}
