/* Asks the kernel for each feature, as the listeners and transports will ask for it. */

#include <apr_poll.h>
#include <errno.h>
#include <unistd.h>

#include "readiness.h"

/* What a call said of a socket, if there was one to ask. */
static apr_status_t status_of(int descriptor, int result)
{
    if (descriptor < 0) {
        return APR_EAFNOSUPPORT;
    }
    return result == 0 ? APR_SUCCESS : errno;
}

static apr_status_t ask_poll_method(apr_pool_t *pool)
{
    apr_pollset_t *pollset;
    apr_status_t status = apr_pollset_create_ex(
        &pollset, 1, pool, APR_POLLSET_WAKEABLE | APR_POLLSET_NODEFAULT, system_poll_method);

    if (status == APR_SUCCESS) {
        apr_pollset_destroy(pollset);
    }
    return status;
}

static apr_status_t ask(feature_t feature, int ipv4, int ipv6, apr_pool_t *pool)
{
    int any = ipv4 >= 0 ? ipv4 : ipv6;
    apr_uint32_t drops;

    switch (feature) {
    case FEATURE_POLL_METHOD:
        return ask_poll_method(pool);
    case FEATURE_PORT_SHARING:
        return status_of(any, system_share_port(any));
    case FEATURE_ARRIVAL_IPV4:
        return status_of(ipv4, report_arrival(ipv4, AF_INET));
    case FEATURE_ARRIVAL_IPV6:
        return status_of(ipv6, report_arrival(ipv6, AF_INET6));
    case FEATURE_BATCHED_RECEIVE:
        return batched_receive_status();
    case FEATURE_BATCHED_SEND:
        return batched_send_status();
    case FEATURE_IPV6:
        return status_of(ipv6, 0);
    case FEATURE_IPV6_ONLY:
        return status_of(ipv6, set_ipv6_only(ipv6));
    case FEATURE_FRAGMENTING:
        return status_of(ipv4, system_ignore_path_mtu(ipv4));
    case FEATURE_DROP_COUNTER:
        return status_of(any, system_read_drops(any, &drops));
    case FEATURE_SEGMENTED_SEND:
        return status_of(any, system_ask_segments(any));
    case FEATURE_COALESCED_RECEIVE:
        return status_of(any, system_coalesce(any));
    case FEATURES:
        break;
    }
    return APR_ENOTIMPL;
}

void platform_probe(platform_t *platform, apr_pool_t *pool)
{
    int ipv4 = socket(AF_INET, SOCK_DGRAM, 0);
    int ipv6 = socket(AF_INET6, SOCK_DGRAM, 0);

    for (feature_t feature = 0; feature < FEATURES; feature++) {
        const char *by = system_feature_names[feature];

        platform->features[feature].by = by;
        platform->features[feature].status =
            by != NULL ? ask(feature, ipv4, ipv6, pool) : APR_ENOTIMPL;
    }
    if (ipv4 >= 0) {
        close(ipv4);
    }
    if (ipv6 >= 0) {
        close(ipv6);
    }
}
