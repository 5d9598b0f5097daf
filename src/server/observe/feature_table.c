#include "server/observe/feature_table.h"
#include "udpecho/error_text.h"

#include <apr_strings.h>
#include <assert.h>

/* The whole of it: each thing that a system may lack, and what is done then. */
static const struct {
    const char *name;
    const char *instead;
} table[FEATURES] = {
    [FEATURE_POLL_METHOD] = {"poll method of its own", "poll(2) waits for the sockets"},
    [FEATURE_TIMER] = {"timer", "waits end by the millisecond, except with kqueue"},
    [FEATURE_PORT_SHARING] = {"flows spread over sockets", "the workers share one socket"},
    [FEATURE_ARRIVAL_IPV4] = {"arrival address IPv4",
                              "each IPv4 address of this host is bound instead of 0.0.0.0"},
    [FEATURE_ARRIVAL_IPV6] = {"arrival address IPv6",
                              "each IPv6 address of this host is bound instead of [::]"},
    [FEATURE_BATCHED_RECEIVE] = {"batched receive", "each datagram is received by its own call"},
    [FEATURE_BATCHED_SEND] = {"batched send", "each reply is sent by its own call"},
    [FEATURE_IPV6] = {"IPv6", "only IPv4 is served"},
    [FEATURE_IPV6_ONLY] = {"IPv6 without IPv4",
                           "each IPv6 address of this host is bound instead of [::]"},
    [FEATURE_FRAGMENTING] = {"path MTU ignored", "the system decides how replies are fragmented"},
    [FEATURE_DROP_COUNTER] = {"drop counter", "datagrams that the kernel drops are not counted"},
    [FEATURE_SEGMENTED_SEND] = {"segmented send", "replies to the same client are not gathered"},
    [FEATURE_COALESCED_RECEIVE] = {"coalesced receive",
                                   "datagrams that were sent as one are received one by one"},
    [FEATURE_ARRIVAL_TIME] = {"arrival time", "STAMP and UDPEchoPlus count from when they receive"},
    [FEATURE_HOP_LIMIT] = {"arrival TTL", "STAMP does not tell it"},
    [FEATURE_TRAFFIC_CLASS] = {"arrival DSCP and ECN",
                               "STAMP does not tell them, and none is mirrored"},
    [FEATURE_REPLY_TRAFFIC_CLASS] = {"reply DSCP", "replies leave with the system's"},
    [FEATURE_DEPARTURE_TIME] = {"departure time",
                                "STAMP's follow-up tells when the reply was sent"},
};

const char *feature_name(feature_t feature)
{
    assert(feature < FEATURES);
    return table[feature].name;
}

const char *feature_instead(feature_t feature)
{
    assert(feature < FEATURES);
    return table[feature].instead;
}

const char *feature_missing(const platform_t *platform, feature_t feature, apr_pool_t *pool)
{
    apr_status_t status = platform->features[feature].status;
    char reason[128];

    if (status == APR_SUCCESS) {
        return NULL;
    }
    if (APR_STATUS_IS_ENOTIMPL(status)) {
        return "not available on this system";
    }
    return apr_pstrdup(pool, error_text(status, reason, sizeof reason));
}

static const char *batching_by(const platform_t *platform, feature_t feature)
{
    return platform_has(platform, feature) ? platform->features[feature].by : "single";
}

const char *features_batching(const platform_t *platform, apr_pool_t *pool)
{
    return apr_pstrcat(pool, batching_by(platform, FEATURE_BATCHED_RECEIVE), "/",
                       batching_by(platform, FEATURE_BATCHED_SEND), NULL);
}

static void log_refused(const platform_t *platform, feature_t feature, log_t *log)
{
    log_line_t *line = log_begin_waiting(log, LOG_LEVEL_INFO, "refused by the system");

    log_text(line, "feature", feature_name(feature));
    log_text(line, "by", platform->features[feature].by);
    log_status(line, "error", platform->features[feature].status);
    log_text(line, "instead", feature_instead(feature));
    log_end(line);
}

/* What a feature is part of need not be missed as well. */
static int is_missed(const platform_t *platform, feature_t feature)
{
    int is_part = feature == FEATURE_ARRIVAL_IPV6 || feature == FEATURE_IPV6_ONLY;

    return !platform_has(platform, feature) && !(is_part && !platform_has(platform, FEATURE_IPV6));
}

void features_log(const platform_t *platform, log_t *log, apr_pool_t *pool)
{
    apr_array_header_t *missing = apr_array_make(pool, FEATURES, sizeof(const char *));

    for (feature_t feature = 0; feature < FEATURES; feature++) {
        if (!is_missed(platform, feature)) {
            continue;
        }
        if (APR_STATUS_IS_ENOTIMPL(platform->features[feature].status)) {
            APR_ARRAY_PUSH(missing, const char *) = feature_name(feature);
        } else {
            log_refused(platform, feature, log);
        }
    }
    if (missing->nelts > 0) {
        log_line_t *line = log_begin(log, LOG_LEVEL_DEBUG, "not available on this system");

        log_text(line, "features", apr_array_pstrcat(pool, missing, ','));
        log_end(line);
    }
}
