/* Where a socket that takes connections is to be: a port, or a path, unix(7), which a process
 * before may have left as it is. */

#include "udpecho/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* For TCP it differs from UDP: a second listening socket is still refused. */
apr_status_t host_bind_stream(apr_socket_t *socket, apr_sockaddr_t *address)
{
    apr_socket_opt_set(socket, APR_SO_REUSEADDR, 1);
    return apr_socket_bind(socket, address);
}

/* Does not wait where many connect: a listener whose queue is full answers EAGAIN. */
static apr_status_t connect_to(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int descriptor = socket(AF_UNIX, SOCK_STREAM, 0);
    apr_status_t status = APR_SUCCESS;

    if (descriptor < 0) {
        return errno;
    }
    memcpy(address.sun_path, path, strlen(path));
    if (fcntl(descriptor, F_SETFL, O_NONBLOCK) != 0 ||
        connect(descriptor, (const struct sockaddr *)&address, sizeof address) != 0) {
        status = errno;
    }
    close(descriptor);
    return status;
}

apr_status_t host_clear_path(const char *path, const char **step)
{
    struct stat info;
    apr_status_t status;

    *step = "examine the existing file";
    if (strlen(path) >= sizeof((struct sockaddr_un *)NULL)->sun_path) {
        return ENAMETOOLONG;
    }
    if (lstat(path, &info) != 0) {
        return errno == ENOENT ? APR_SUCCESS : errno;
    }
    if (!S_ISSOCK(info.st_mode)) {
        *step = "replace a file that is not a socket";
        return EEXIST;
    }
    status = connect_to(path);
    if (status == APR_SUCCESS || status == EAGAIN) {
        *step = "replace a socket on which another process listens";
        return EEXIST;
    }
    *step = "replace the existing file";
    if (status == ECONNREFUSED) {
        return unlink(path) == 0 ? APR_SUCCESS : errno;
    }
    return status;
}
