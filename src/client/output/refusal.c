#include "client/output/refusal.h"

#include <errno.h>
#include <stddef.h>

refusal_t refusal_of(apr_status_t status)
{
    return APR_STATUS_IS_ECONNREFUSED(status)   ? REFUSAL_PORT
           : APR_STATUS_IS_EHOSTUNREACH(status) ? REFUSAL_HOST
           : APR_STATUS_IS_ENETUNREACH(status)  ? REFUSAL_NETWORK
           : APR_STATUS_IS_ETIMEDOUT(status)    ? REFUSAL_TTL
           : status == EMSGSIZE                 ? REFUSAL_TOO_BIG
           : APR_STATUS_IS_EACCES(status)       ? REFUSAL_PROHIBITED
                                                : REFUSAL_OTHER;
}

static const struct {
    const char *text, *label;
} names[REFUSALS] = {
    [REFUSAL_PORT] = {"port unreachable", "port_unreachable"},
    [REFUSAL_HOST] = {"host unreachable", "host_unreachable"},
    [REFUSAL_NETWORK] = {"network unreachable", "network_unreachable"},
    [REFUSAL_TTL] = {"TTL expired", "ttl_expired"},
    [REFUSAL_TOO_BIG] = {"too big", "too_big"},
    [REFUSAL_PROHIBITED] = {"administratively prohibited (a packet filter)", "prohibited"},
    [REFUSAL_OTHER] = {NULL, "other"},
};

const char *refusal_text(refusal_t refusal)
{
    return names[refusal].text;
}

const char *refusal_label(refusal_t refusal)
{
    return names[refusal].label;
}
