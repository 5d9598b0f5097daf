#include "readiness/readiness.h"

#include <errno.h>

#include "offload/gather_limits.h"

send_error_t send_error_kind(int error)
{
    /* Not a switch: on some systems EAGAIN and EWOULDBLOCK are two numbers, on others one. */
    static const struct {
        int error;
        send_error_t kind;
    } kinds[] = {
        {EAGAIN, SEND_EAGAIN},
        {EWOULDBLOCK, SEND_EAGAIN},
        {ENOBUFS, SEND_ENOBUFS},
        {ENOMEM, SEND_ENOBUFS},
        {EPERM, SEND_EPERM},
        {EACCES, SEND_EPERM},
        {EHOSTUNREACH, SEND_EHOSTUNREACH},
        {EHOSTDOWN, SEND_EHOSTUNREACH},
        {ENETUNREACH, SEND_ENETUNREACH},
        {ENETDOWN, SEND_ENETUNREACH},
        {EMSGSIZE, SEND_EMSGSIZE},
        {EINVAL, SEND_EINVAL},
        {EADDRNOTAVAIL, SEND_EINVAL}, /* BSD and macOS, of port 0 */
        {ECONNREFUSED, SEND_ECONNREFUSED},
    };

    for (unsigned i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (kinds[i].error == error) {
            return kinds[i].kind;
        }
    }
    return SEND_OTHER;
}

/* A length above the interface's MTU, which plain replies are cut into fragments for (EMSGSIZE;
 * EINVAL from older kernels), or a device or IPsec that cannot cut messages apart (EIO). */
int gather_limits_may_cause(int error)
{
    return error == EMSGSIZE || error == EINVAL || error == EIO;
}
