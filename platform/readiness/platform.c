/* Asks the kernel for each feature, as the listeners and transports will ask for it. */

#include <apr_poll.h>
#include <errno.h>
#include <unistd.h>

#include "readiness/details.h"
#include "readiness/message_batch.h"
#include "readiness/socket_options.h"
#include "readiness/system.h"
#include "readiness/timer.h"

/* How often to ask anew where the system has run short of something. */
#define ATTEMPTS_MAX 10

/* The sockets that are asked, each with what socket(2) said. */
typedef struct asked {
    int ipv4;
    int ipv6;
    apr_status_t ipv4_status;
    apr_status_t ipv6_status;
} asked_t;

/* Whether it says nothing of what the system has, but that it is short of something just now. */
static int is_short(apr_status_t status)
{
    return status == ENOMEM || status == ENOBUFS || status == EMFILE || status == ENFILE ||
           status == EAGAIN || status == EINTR;
}

static apr_status_t open_socket(int *descriptor, int family)
{
    int attempts = 0;

    do {
        *descriptor = socket(family, SOCK_DGRAM, 0);
    } while (*descriptor < 0 && is_short(errno) && ++attempts < ATTEMPTS_MAX);
    return *descriptor >= 0 ? APR_SUCCESS : errno;
}

/* What a call said of a socket, if there was one to ask. */
static apr_status_t status_of(apr_status_t opened, int result)
{
    if (opened != APR_SUCCESS) {
        return opened;
    }
    return result == 0 ? APR_SUCCESS : errno;
}

typedef int set_each_family_t(int descriptor, int family, int value);

/* What the families that this host has say: the first refusal, if there is one. */
static apr_status_t ask_each_family(const asked_t *asked, set_each_family_t *set, int value)
{
    apr_status_t ipv4 = status_of(asked->ipv4_status, set(asked->ipv4, AF_INET, value));
    apr_status_t ipv6 = status_of(asked->ipv6_status, set(asked->ipv6, AF_INET6, value));
    int has_ipv4 = asked->ipv4_status == APR_SUCCESS;
    int has_ipv6 = asked->ipv6_status == APR_SUCCESS;

    return has_ipv6 && (!has_ipv4 || ipv4 == APR_SUCCESS) ? ipv6 : ipv4;
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

static apr_status_t ask_timer(void)
{
    apr_os_sock_t timer;
    apr_status_t status = timer_open(&timer);

    if (status == APR_SUCCESS) {
        timer_close(timer);
    }
    return status;
}

static apr_status_t ask(feature_t feature, const asked_t *asked, apr_pool_t *pool)
{
    int has_ipv4 = asked->ipv4_status == APR_SUCCESS;
    int any = has_ipv4 ? asked->ipv4 : asked->ipv6;
    apr_status_t any_status = has_ipv4 ? APR_SUCCESS : asked->ipv6_status;
    apr_uint32_t drops;

    switch (feature) {
    case FEATURE_POLL_METHOD:
        return ask_poll_method(pool);
    case FEATURE_TIMER:
        return ask_timer();
    case FEATURE_PORT_SHARING:
        return status_of(any_status, system_share_port(any));
    case FEATURE_ARRIVAL_IPV4:
        return status_of(asked->ipv4_status, report_arrival(asked->ipv4, AF_INET));
    case FEATURE_ARRIVAL_IPV6:
        return status_of(asked->ipv6_status, report_arrival(asked->ipv6, AF_INET6));
    case FEATURE_BATCHED_RECEIVE:
        return batched_receive_status();
    case FEATURE_BATCHED_SEND:
        return batched_send_status();
    case FEATURE_IPV6:
        return status_of(asked->ipv6_status, 0);
    case FEATURE_IPV6_ONLY:
        return status_of(asked->ipv6_status, set_ipv6_only(asked->ipv6));
    case FEATURE_FRAGMENTING:
        return status_of(asked->ipv4_status, system_ignore_path_mtu(asked->ipv4));
    case FEATURE_DROP_COUNTER:
        return status_of(any_status, system_read_drops(any, &drops));
    case FEATURE_SEGMENTED_SEND:
        return status_of(any_status, system_ask_segments(any));
    case FEATURE_COALESCED_RECEIVE:
        return status_of(any_status, system_coalesce(any, 1));
    case FEATURE_ARRIVAL_TIME:
        return status_of(any_status, system_report_arrival_time(any, 1));
    case FEATURE_HOP_LIMIT:
        return ask_each_family(asked, report_hop_limit, 1);
    case FEATURE_TRAFFIC_CLASS:
        return ask_each_family(asked, report_traffic_class, 1);
    case FEATURE_REPLY_TRAFFIC_CLASS:
        /* Whether a message takes it only sending one would tell; it came after the option. */
        return ask_each_family(asked, set_traffic_class, 0);
    case FEATURE_DEPARTURE_TIME:
        return status_of(any_status, system_ask_departures(any, has_ipv4 ? AF_INET : AF_INET6));
    case FEATURES:
        break;
    }
    return APR_ENOTIMPL;
}

static apr_status_t ask_again(feature_t feature, const asked_t *asked, apr_pool_t *pool)
{
    apr_status_t status = ask(feature, asked, pool);

    for (int attempts = 1; is_short(status) && attempts < ATTEMPTS_MAX; attempts++) {
        status = ask(feature, asked, pool);
    }
    return status;
}

apr_status_t platform_probe(platform_t *platform, apr_pool_t *pool)
{
    asked_t asked;
    apr_status_t result = APR_SUCCESS;

    asked.ipv4_status = open_socket(&asked.ipv4, AF_INET);
    asked.ipv6_status = open_socket(&asked.ipv6, AF_INET6);
    for (feature_t feature = 0; feature < FEATURES; feature++) {
        const char *by = system_feature_names[feature];
        apr_status_t status = by != NULL ? ask_again(feature, &asked, pool) : APR_ENOTIMPL;

        platform->features[feature] = (feature_state_t){by, status};
        result = is_short(status) ? status : result;
    }
    if (asked.ipv4 >= 0) {
        close(asked.ipv4);
    }
    if (asked.ipv6 >= 0) {
        close(asked.ipv6);
    }
    return result;
}
