#include "iocp/flow_dscp.h"

#include "iocp/qwave.h"

struct flow_dscp {
    DWORD value;
    qwave_t calls;
    HANDLE handle; /* NULL: not opened yet */
    UINT32 flow;   /* that all sockets belong to; 0: there is none yet */
    apr_pool_t *pool;
};

flow_dscp_t *flow_dscp_create(int value, apr_pool_t *pool)
{
    flow_dscp_t *dscp = apr_pcalloc(pool, sizeof *dscp);

    dscp->value = (DWORD)value;
    dscp->pool = pool;
    return dscp;
}

static apr_status_t close_handle(void *data)
{
    flow_dscp_t *dscp = data;

    dscp->calls.close_handle(dscp->handle);
    return APR_SUCCESS;
}

static DWORD open_handle(flow_dscp_t *dscp, const char **step)
{
    qwave_version_t version = {1, 0};

    *step = "set the DSCP: qwave.dll, a feature that servers have to add, cannot be loaded";
    DWORD error = qwave_load(&dscp->calls);

    if (error != 0) {
        return error;
    }
    *step = "set the DSCP: no quality of service (QOSCreateHandle)";
    if (!dscp->calls.create_handle(&version, &dscp->handle)) {
        dscp->handle = NULL;
        return GetLastError();
    }
    apr_pool_cleanup_register(dscp->pool, dscp, close_handle, apr_pool_cleanup_null);
    return 0;
}

static DWORD mark(flow_dscp_t *dscp, SOCKET socket, const endpoint_t *peer, const char **step)
{
    endpoint_t copy = *peer; /* it may be written to, as far as it says */
    int is_first = dscp->flow == 0;

    *step = "set the DSCP (QOSAddSocketToFlow)";
    if (!dscp->calls.add_socket(dscp->handle, socket, &copy.sa.any, QWAVE_BEST_EFFORT,
                                QWAVE_NON_ADAPTIVE, &dscp->flow)) {
        return GetLastError();
    }
    if (!is_first || dscp->calls.set_flow(dscp->handle, dscp->flow, QWAVE_SET_DSCP,
                                          sizeof dscp->value, &dscp->value, 0, NULL)) {
        return 0;
    }
    DWORD error = GetLastError();

    *step = error == ERROR_ACCESS_DENIED
                ? "set the DSCP without the rights of Administrators or Network Configuration "
                  "Operators"
                : "set the DSCP (QOSSetFlow)";
    return error;
}

apr_status_t flow_dscp_mark(flow_dscp_t *dscp, SOCKET socket, const endpoint_t *peer,
                            const char **step)
{
    DWORD error = dscp->handle == NULL ? open_handle(dscp, step) : 0;

    error = error == 0 ? mark(dscp, socket, peer, step) : error;
    return error == 0 ? APR_SUCCESS : (apr_status_t)APR_FROM_OS_ERROR(error);
}
