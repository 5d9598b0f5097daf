#include "iocp/flow_dscp.h"

#include "iocp/qwave.h"

struct flow_dscp {
    DWORD value;
    qwave_t calls;
    HANDLE handle; /* NULL: not opened yet */
    apr_pool_t *pool;
};

/* A socket that has the code point. */
typedef struct marked {
    flow_dscp_t *dscp;
    SOCKET socket;
    UINT32 flow; /* a flow of qWAVE of its own */
} marked_t;

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

static apr_status_t remove_mark(void *data)
{
    const marked_t *marked = data;

    marked->dscp->calls.remove_socket(marked->dscp->handle, marked->socket, marked->flow, 0);
    return APR_SUCCESS;
}

static DWORD mark(flow_dscp_t *dscp, SOCKET socket, const endpoint_t *peer, const char **step,
                  apr_pool_t *pool)
{
    endpoint_t copy = *peer; /* it may be written to, as far as it says */
    marked_t *marked = apr_pcalloc(pool, sizeof *marked);

    *step = "set the DSCP (QOSAddSocketToFlow)";
    *marked = (marked_t){.dscp = dscp, .socket = socket};
    if (!dscp->calls.add_socket(dscp->handle, socket, &copy.sa.any, QWAVE_BEST_EFFORT,
                                QWAVE_NON_ADAPTIVE, &marked->flow)) {
        return GetLastError();
    }
    apr_pool_cleanup_register(pool, marked, remove_mark, apr_pool_cleanup_null);
    if (dscp->calls.set_flow(dscp->handle, marked->flow, QWAVE_SET_DSCP, sizeof dscp->value,
                             &dscp->value, 0, NULL)) {
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
                            const char **step, apr_pool_t *pool)
{
    DWORD error = dscp->handle == NULL ? open_handle(dscp, step) : 0;

    error = error == 0 ? mark(dscp, socket, peer, step, pool) : error;
    return error == 0 ? APR_SUCCESS : (apr_status_t)APR_FROM_OS_ERROR(error);
}
