#include "client/client_conflicts.h"

#include <apr_strings.h>
#include <string.h>

#include "client/client_setting_kinds.h"
#include "common/units.h"

/* Two options of which one says that the other is not wanted. */
typedef struct pair {
    int is_first, is_second;
    const char *first, *second;
} pair_t;

static const char *find_exclusive(const client_settings_t *given, apr_pool_t *pool)
{
    int is_text = given->payload_text != NULL, is_hex = given->payload_hex != NULL;
    int is_file = given->payload_file != NULL, is_sized = given->size >= 0;
    int is_resolving = given->resolve_interval > 0;
    int is_payload = is_text || is_hex || is_file;
    const char *protocol = given->stamp ? "stamp" : given->echo_plus ? "echo-plus" : NULL;
    const pair_t pairs[] = {
        {given->ipv4 != 0, given->ipv6 != 0, "ipv4", "ipv6"},
        {given->quiet != 0, given->verbose != 0, "quiet", "verbose"},
        {given->flood != 0, given->sweep != 0, "flood", "sweep"},
        {given->flood != 0, given->mtu != 0, "flood", "mtu"},
        {given->sweep != 0, given->mtu != 0, "sweep", "mtu"},
        {is_text, is_hex, "payload", "payload-hex"},
        {is_text, is_file, "payload", "payload-file"},
        {is_hex, is_file, "payload-hex", "payload-file"},
        {is_payload, is_sized, "size", client_settings_size_option(given)},
        {given->mtu != 0, is_sized, "mtu", "size"},
        {given->mtu != 0, is_payload, "mtu", client_settings_size_option(given)},
        {given->mtu != 0, given->count != 0, "mtu", "count"},
        {given->mtu != 0, given->max_loss >= 0, "mtu", "max-loss"},
        {given->mtu != 0, given->broadcast != 0, "mtu", "broadcast"},
        {given->mtu != 0, given->plot != NULL, "mtu", "plot"},
        {given->stamp != 0, given->echo_plus != 0, "stamp", "echo-plus"},
        {protocol != NULL, is_payload, protocol, client_settings_size_option(given)},
        {protocol != NULL, given->mtu != 0, protocol, "mtu"},
        {protocol != NULL, given->broadcast != 0, protocol, "broadcast"},
        {given->rate != 0, given->bitrate != 0, "rate", "bitrate"},
        {given->rate != 0, given->window != 0, "rate", "window"},
        {given->bitrate != 0, given->window != 0, "bitrate", "window"},
        {given->rate != 0, given->interval != 0, "rate", "interval"},
        {given->bitrate != 0, given->interval != 0, "bitrate", "interval"},
        {given->window != 0, given->interval != 0, "window", "interval"},
        {given->load != 0, given->flood != 0, "load", "flood"},
        {given->load != 0, given->sweep != 0, "load", "sweep"},
        {given->load != 0, given->mtu != 0, "load", "mtu"},
        {given->load != 0, given->check != 0, "load", "check"},
        {given->load != 0, given->stamp != 0, "load", "stamp"},
        {given->load != 0, given->echo_plus != 0, "load", "echo-plus"},
        {given->load != 0, is_payload, "load", client_settings_size_option(given)},
        {given->load != 0, given->count != 0, "load", "count"},
        {given->load != 0, given->broadcast != 0, "load", "broadcast"},
        {given->load != 0, given->verbose != 0, "load", "verbose"},
        {given->load != 0, given->histogram != 0, "load", "histogram"},
        {given->load != 0, given->report_interval != 0, "load", "report-interval"},
        {given->load != 0, given->metrics_listen != NULL, "load", "metrics-listen"},
        {is_resolving, given->load != 0, "resolve-interval", "load"},
        {is_resolving, given->flood != 0, "resolve-interval", "flood"},
        {is_resolving, given->sweep != 0, "resolve-interval", "sweep"},
        {is_resolving, given->mtu != 0, "resolve-interval", "mtu"},
        {is_resolving, given->source_port != 0, "resolve-interval", "source-port"},
        {given->check != 0, given->flood != 0, "check", "flood"},
        {given->check != 0, given->sweep != 0, "check", "sweep"},
        {given->check != 0, given->mtu != 0, "check", "mtu"},
        {given->check != 0, given->json != 0, "check", "json"},
        {given->check != 0, given->csv != 0, "check", "csv"},
        {given->check != 0, given->timestamps != 0, "check", "timestamps"},
        {given->check != 0, given->quiet != 0, "check", "quiet"},
        {given->check != 0, given->verbose != 0, "check", "verbose"},
        {given->check != 0, given->max_loss >= 0, "check", "max-loss"},
        {given->check != 0, given->max_rtt != 0, "check", "max-rtt"},
        {given->check != 0, given->report_interval != 0, "check", "report-interval"},
        {given->check != 0, given->service != 0, "check", "service"},
        {given->check != 0, given->metrics_listen != NULL, "check", "metrics-listen"},
        {given->json != 0, given->csv != 0, "json", "csv"},
        {given->json != 0, given->timestamps != 0, "json", "timestamps"},
        {given->csv != 0, given->timestamps != 0, "csv", "timestamps"},
        {given->json != 0, given->histogram != 0, "json", "histogram"},
        {given->csv != 0, given->histogram != 0, "csv", "histogram"},
    };

    for (unsigned i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        if (pairs[i].is_first && pairs[i].is_second) {
            return apr_psprintf(pool, "--%s and --%s: expected one of them, not both",
                                pairs[i].first, pairs[i].second);
        }
    }
    return NULL;
}

/* Written, the second file would destroy the first one. */
static const char *find_same_file(const client_settings_t *given, apr_pool_t *pool)
{
    const struct {
        const char *option, *path;
        int is_read;
    } files[] = {
        {"json-file", given->json_file, 0},
        {"csv-file", given->csv_file, 0},
        {"plot", given->plot, 0},
        {"targets", given->targets_file, 1},
        {"payload-file", given->payload_file, 1},
        {"stamp-key-file", given->stamp_key_file, 1},
        {"config", given->config, 1},
    };
    const unsigned count = sizeof files / sizeof files[0];

    for (unsigned first = 0; first < count; first++) {
        for (unsigned second = first + 1; second < count && !files[first].is_read; second++) {
            if (files[first].path != NULL && files[second].path != NULL &&
                strcmp(files[first].path, files[second].path) == 0) {
                return apr_psprintf(pool, "--%s and --%s: expected two files, not twice %s",
                                    files[first].option, files[second].option, files[first].path);
            }
        }
    }
    return NULL;
}

/* Programs tell what a file is by how its name ends. */
static const char *find_wrong_ending(const client_settings_t *given, apr_pool_t *pool)
{
    static const char ending[] = ".svg";
    apr_size_t length = given->plot != NULL ? strlen(given->plot) : 0;

    return given->plot == NULL || (length >= sizeof ending &&
                                   strcmp(given->plot + length - strlen(ending), ending) == 0)
               ? NULL
               : apr_psprintf(pool, "--plot=%s: expected a name that ends with .svg", given->plot);
}

static const char *find_without_flood(const client_settings_t *given, apr_pool_t *pool)
{
    const char *name = given->rate != 0                       ? "rate"
                       : given->bitrate != 0                  ? "bitrate"
                       : given->window != 0                   ? "window"
                       : given->flows != 0                    ? "flows"
                       : given->duration != 0 && !given->load ? "duration"
                                                              : NULL;

    if (given->flood) {
        return NULL;
    }
    if (name != NULL) {
        return apr_psprintf(pool, "--%s: expected --flood with it", name);
    }
    apr_int64_t minimum = given->sweep ? SWEEP_INTERVAL_MIN_US : INTERVAL_MIN_US;

    return given->interval == 0 || given->interval >= minimum
               ? NULL
               : apr_psprintf(pool, "--interval=%s: expected %s or more%s",
                              format_duration(given->interval, pool),
                              format_duration(minimum, pool),
                              given->sweep ? " with --sweep" : ", or --flood with it");
}

static const char *find_without_protocol(const client_settings_t *given, apr_pool_t *pool)
{
    const char *name = given->stamp_tlvs >= 0          ? "stamp-tlv"
                       : given->stamp_ssid != 0        ? "stamp-ssid"
                       : given->stamp_key_file != NULL ? "stamp-key-file"
                       : given->stamp_clock != 0       ? "stamp-clock"
                       : given->stamp_ptp_offset != 0  ? "stamp-ptp-offset"
                       : given->stamp_sessions != 0    ? "stamp-sessions"
                                                       : NULL;

    if (name != NULL && !given->stamp) {
        return apr_psprintf(pool, "--%s: expected --stamp with it", name);
    }
    return given->clock_offset != 0 && !given->stamp && !given->echo_plus
               ? "--clock-offset: expected --stamp or --echo-plus with it"
               : NULL;
}

/* Other plugins want a host behind this letter. */
static const char *find_host_letter(const client_settings_t *given)
{
    return given->check && given->histogram ? "--check and --histogram (-H): expected one of them, "
                                              "not both; with --check a host "
                                              "has no -H before it"
                                            : NULL;
}

static int is_above(apr_int64_t warning, apr_int64_t critical)
{
    return warning >= 0 && critical >= 0 && warning > critical;
}

static const char *find_thresholds(const client_settings_t *given, apr_pool_t *pool)
{
    const check_threshold_t *warning = &given->thresholds.warning;
    const check_threshold_t *critical = &given->thresholds.critical;
    int has_warning = warning->rtt >= 0 || warning->loss >= 0;

    if (!given->check && (has_warning || critical->rtt >= 0 || critical->loss >= 0)) {
        return apr_psprintf(pool, "--%s: expected --check with it",
                            has_warning ? "warning" : "critical");
    }
    if (is_above(warning->rtt, critical->rtt) || is_above(warning->loss, critical->loss)) {
        return apr_psprintf(pool, "--warning=%s: expected no more than --critical=%s",
                            option_threshold.format(NULL, warning, pool),
                            option_threshold.format(NULL, critical, pool));
    }
    return NULL;
}

const char *client_conflicts_find(const client_settings_t *given, apr_pool_t *pool)
{
    const char *error = find_exclusive(given, pool);

    if (error == NULL) {
        error = find_same_file(given, pool);
    }
    if (error == NULL) {
        error = find_wrong_ending(given, pool);
    }
    if (error == NULL) {
        error = find_without_protocol(given, pool);
    }
    if (error == NULL) {
        error = find_host_letter(given);
    }
    if (error == NULL) {
        error = find_thresholds(given, pool);
    }
    return error == NULL ? find_without_flood(given, pool) : error;
}
