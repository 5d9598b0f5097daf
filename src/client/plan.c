#include "client/plan.h"

#include <apr_general.h>
#include <apr_strings.h>
#include <errno.h>
#include <string.h>

#include "client/core/echo_plus_sender.h"
#include "client/core/headers.h"
#include "client/core/pace.h"
#include "client/core/schedule.h"
#include "client/core/stamp_sender.h"
#include "client/failure.h"
#include "client/output/payload_text.h"
#include "common/excluded_port.h"
#include "udpecho/machine.h"

/* Asked for each way, so that a datagram of any size has room, whatever the system's default, and
 * what waits while this host looks elsewhere is not lost here. */
#define BUFFER (4 * 1024 * 1024)

/* What is longer has no end that anybody would wait for: 1000 years, well below the last time. */
#define PLAN_LENGTH_MAX_US ((apr_interval_time_t)1000 * 366 * 86400 * APR_USEC_PER_SEC)

/* How many datagrams to remember at least, so that late answers are known: of one peer those of an
 * hour at one a second, and of each of several fewer, since there may be thousands. */
#define REMEMBERED     4096
#define FEW_REMEMBERED 256

/* ---- Flows ---- */

/* Which address and port could not be had, by the options that name them. */
static const char *describe_source(const client_settings_t *settings, unsigned flow,
                                   apr_pool_t *pool)
{
    const char *text = "bind";

    if (settings->source != NULL) {
        text = apr_psprintf(pool, "%s --source=%s", text, settings->source);
    }
    if (settings->source_port != 0) {
        text = apr_psprintf(pool, "%s --source-port=%" APR_INT64_T_FMT, text,
                            settings->source_port + flow);
    }
    return text;
}

/* What a buffer of this host has no room for would be taken for lost, or too big for the path. */
static const char *check_room(const flows_t *flows, const client_settings_t *settings,
                              apr_pool_t *pool)
{
    apr_size_t room = flows_payload_max(flows);

    if (settings->measurement == MEASURE_MTU || (apr_size_t)settings->size <= room) {
        return NULL;
    }
    return payload_too_long(settings, room,
                            ", which is what this host gives the buffers of a socket", pool);
}

/* What failed, on one of `count` sockets that were to be opened together. */
static const char *flow_failure(const client_settings_t *settings, const flows_error_t *error,
                                apr_status_t status, unsigned count, const char *device,
                                apr_pool_t *pool)
{
    const char *step = error->step;

    if (strcmp(step, "bind") == 0) {
        step = describe_source(settings, count > 1 ? error->flow : 0, pool);
    } else if (strcmp(step, "bind to the interface") == 0) {
        step = apr_psprintf(pool, "use --interface=%s", device);
    }
    if (count > 1) {
        step = apr_psprintf(pool, "%s (socket %u of %u)", step, error->flow + 1, count);
    }
    const char *reason = cannot(step, status, pool);

    return error->is_excluded ? apr_pstrcat(pool, reason, "; " EXCLUDED_PORT_HINT, NULL) : reason;
}

const char *plan_flows(flows_t **flows, const client_settings_t *settings,
                       const destination_t *destination, apr_pool_t *pool)
{
    platform_t *platform = apr_palloc(pool, sizeof *platform);
    const flows_options_t options = {
        .platform = platform,
        .count = destination != NULL ? (unsigned)settings->flows : 0,
        .source = destination != NULL ? destination->source : NULL,
        .payload_max = PAYLOAD_MAX_IPV6,
        .dscp = (int)settings->dscp,
        .hop_limit = (int)settings->hop_limit,
        .dont_fragment = settings->dont_fragment || settings->measurement == MEASURE_MTU,
        .broadcast = destination != NULL ? destination->is_broadcast : settings->broadcast != 0,
        .gathers = settings->measurement == MEASURE_FLOOD && settings->offload,
        .buffer = BUFFER,
        .device = settings->device,
        .traffic_class = settings->protocol != PROTOCOL_ECHO,
    };
    flows_error_t error;

    apr_status_t status = platform_probe(platform, pool);

    if (status != APR_SUCCESS) {
        return cannot("check the features of the system", status, pool);
    }
    status =
        flows_open(flows, destination != NULL ? destination->peer : NULL, &options, &error, pool);
    return status == APR_SUCCESS
               ? check_room(*flows, settings, pool)
               : flow_failure(settings, &error, status, options.count, settings->device, pool);
}

const char *plan_add_flow(unsigned *flow, const plan_t *plan, const destination_t *destination,
                          const char *device, apr_status_t *status, apr_pool_t *pool)
{
    flows_error_t error;
    const char *too_long;

    *status = flows_add(plan->flows, destination->peer, destination->source, device, flow, &error);
    if (*status != APR_SUCCESS) {
        return flow_failure(plan->settings, &error, *status, 1, device, pool);
    }
    too_long = check_room(plan->flows, plan->settings, pool);
    if (too_long != NULL) {
        flows_remove(plan->flows, *flow);
        *status = EMSGSIZE;
    }
    return too_long;
}

/* ---- Probe ---- */

static probe_plan_t make_plan(const plan_t *run, const destination_t *destination,
                              apr_uint64_t count)
{
    const client_settings_t *settings = run->settings;
    probe_plan_t plan = {.peer = endpoint_of(destination->peer),
                         .any_peer = destination->is_broadcast,
                         .size = (apr_size_t)settings->size,
                         .payload = settings->payload,
                         .random = run->random,
                         .flows = (unsigned)settings->flows,
                         .burst = 1,
                         .interval = settings->interval,
                         .window = (unsigned)settings->window,
                         .count = count,
                         .duration = settings->duration,
                         .timeout = settings->timeout,
                         .remembered = run->has_several ? FEW_REMEMBERED : REMEMBERED};

    if (settings->measurement == MEASURE_SWEEP) {
        memcpy(&plan.shuffle, run->random, sizeof plan.shuffle);
    }
    if (settings->rate > 0) {
        plan.burst = (unsigned)settings->rate;
        plan.interval = APR_USEC_PER_SEC;
    } else if (settings->bitrate > 0) {
        pace_t pace = pace_of_bitrate(settings->bitrate, plan.size + headers_length(&plan.peer));

        plan.burst = pace.burst;
        plan.interval = pace.interval;
    } else if (settings->measurement == MEASURE_SWEEP) {
        plan.burst = plan.flows;
    } else if (settings->measurement == MEASURE_MTU) {
        plan.window = 1;
        plan.interval = 0;
    }
    return plan;
}

static int is_paced(const client_settings_t *settings)
{
    return settings->measurement != MEASURE_MTU && settings->window == 0;
}

static apr_interval_time_t plan_patience(const client_settings_t *settings)
{
    return is_paced(settings) ? SCHEDULE_CATCH_UP_US : settings->timeout;
}

/* In double, as a count times an interval may be longer than any time. */
static double sooner(double one, double other)
{
    return one == 0 || (other > 0 && other < one) ? other : one;
}

/* For IPv6, whose headers are longer, if there is a bitrate. */
static double interval_of(const client_settings_t *settings)
{
    if (settings->bitrate > 0) {
        pace_t pace =
            pace_of_bitrate(settings->bitrate, (apr_size_t)settings->size + HEADERS_LENGTH_MAX);

        return (double)pace.interval / pace.burst;
    }
    return settings->rate > 0 ? APR_USEC_PER_SEC / (double)settings->rate
                              : (double)settings->interval;
}

apr_interval_time_t plan_length(const client_settings_t *settings)
{
    double timeout = (double)settings->timeout;
    double interval = interval_of(settings);
    double length = (double)settings->deadline;
    int has_load = settings->measurement == MEASURE_LOAD;

    if (settings->duration > 0) {
        length = sooner(length, has_load ? 2 * ((double)settings->duration + timeout) + LOAD_RAMP_US
                                         : (double)settings->duration + timeout);
    }
    if (settings->count > 0 && is_paced(settings)) {
        length = sooner(length, (double)settings->count * interval + timeout);
    }
    return length < (double)PLAN_LENGTH_MAX_US ? (apr_interval_time_t)length : 0;
}

static directions_t *make_directions(const client_settings_t *settings, apr_pool_t *pool)
{
    const directions_options_t options = {.flows = (unsigned)settings->flows,
                                          .is_shared = settings->protocol == PROTOCOL_ECHO_PLUS,
                                          .counting = (counting_t)settings->stamp_sessions,
                                          .offset = (offset_estimate_t)settings->clock_offset};

    return settings->protocol == PROTOCOL_ECHO ? NULL : directions_create(&options, pool);
}

/* For a protocol other than plain echo. */
static session_format_t make_format(const client_settings_t *settings, const unsigned char *random,
                                    apr_pool_t *pool)
{
    const stamp_options_t options = {.ssid = (apr_uint16_t)settings->stamp_ssid,
                                     .clock = (stamp_clock_t)settings->stamp_clock,
                                     .ptp_offset_ns = 1000 * settings->stamp_ptp_offset,
                                     .key = settings->stamp_key,
                                     .tlvs = (unsigned)settings->stamp_tlvs,
                                     .dscp = settings->dscp >= 0 ? (int)settings->dscp : 0,
                                     .length = (apr_size_t)settings->size};

    return settings->protocol == PROTOCOL_STAMP
               ? stamp_format(&options, pool)
               : echo_plus_format((apr_size_t)settings->size, random, pool);
}

/* Other protocols have their own requests. */
static const char *make_probe(probe_t **probe, const plan_t *run, const destination_t *destination,
                              apr_uint64_t count, apr_pool_t *pool)
{
    session_format_t format;
    probe_plan_t plan = make_plan(run, destination, count);

    if (run->settings->protocol != PROTOCOL_ECHO) {
        format = make_format(run->settings, run->random, pool);
        plan.format = &format;
    }
    if (probe_outstanding(&plan) > PROBE_OUTSTANDING_MAX) {
        return apr_psprintf(pool,
                            "--%s and --timeout: expected no more than %d datagrams outstanding, "
                            "not %.0f",
                            run->settings->load > 0      ? "load"
                            : run->settings->bitrate > 0 ? "bitrate"
                                                         : "rate",
                            PROBE_OUTSTANDING_MAX, probe_outstanding(&plan));
    }
    apr_status_t status = probe_create(probe, &plan, pool);

    return status == APR_SUCCESS ? NULL : cannot("make a probe", status, pool);
}

/* ---- Runs ---- */

static const apr_array_header_t *own_addresses(apr_pool_t *pool)
{
    apr_array_header_t *addresses;

    return host_addresses(&addresses, pool) == APR_SUCCESS ? addresses : NULL;
}

const char *plan_renew(plan_t *plan, apr_pool_t *pool)
{
    unsigned char *random = apr_palloc(pool, PROBE_RANDOM);
    apr_status_t status = apr_generate_random_bytes(random, PROBE_RANDOM);

    plan->random = random;
    return status == APR_SUCCESS ? NULL : cannot("get random bytes", status, pool);
}

const char *plan_make(plan_t *plan, const client_settings_t *settings, flows_t *flows,
                      apr_array_header_t *reports, int has_several, apr_pool_t *pool)
{
    *plan = (plan_t){.settings = settings,
                     .flows = flows,
                     .reports = reports,
                     .addresses = own_addresses(pool),
                     .has_several = has_several};
    return plan_renew(plan, pool);
}

run_t plan_run(const plan_t *plan, const char *host, endpoint_t peer)
{
    const client_settings_t *settings = plan->settings;

    return (run_t){.measurement = settings->measurement,
                   .protocol = settings->protocol,
                   .host = host,
                   .peer = peer,
                   .is_one_of_many = plan->has_several,
                   .size = (apr_size_t)settings->size,
                   .flows = (unsigned)settings->flows,
                   .timeout = settings->timeout,
                   .load = (apr_uint64_t)settings->load,
                   .bitrate = (apr_uint64_t)settings->bitrate,
                   .dscp = settings->dscp >= 0 ? (int)settings->dscp : 0,
                   .addresses = plan->addresses};
}

static const apr_port_t *ports_of(const flows_t *flows, unsigned first, unsigned count,
                                  apr_pool_t *pool)
{
    apr_port_t *ports = apr_palloc(pool, count * sizeof *ports);

    for (unsigned i = 0; i < count; i++) {
        ports[i] = flows_port(flows, first + i);
    }
    return ports;
}

const char *plan_peer(peer_options_t *options, const plan_t *plan, const char *host,
                      const destination_t *destination, unsigned first_flow, apr_uint64_t count,
                      apr_pool_t *pool)
{
    *options = (peer_options_t){.run = plan_run(plan, host, endpoint_of(destination->peer)),
                                .directions = make_directions(plan->settings, pool),
                                .flows = plan->flows,
                                .first_flow = first_flow,
                                .reports = plan->reports,
                                .patience = plan_patience(plan->settings),
                                .interval = plan->settings->report_interval};
    options->run.ports = ports_of(plan->flows, first_flow, options->run.flows, pool);
    return make_probe(&options->probe, plan, destination, count, pool);
}
