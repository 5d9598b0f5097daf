#include "server/observe/show_platform.h"

#include <apr_strings.h>
#include <apr_version.h>
#include <apu_version.h>

#include "common/file_print.h"
#include "common/json_text.h"
#include "common/version.h"
#include "server/confine.h"
#include "server/listen/listener_log.h"
#include "server/listen/listeners.h"
#include "server/observe/feature_table.h"
#include "server/observe/name_values.h"
#include "udpecho/error_text.h"
#include "udpecho/machine.h"
#include "udpecho/transport.h"

/* ---- Finding out ---- */

static void add_program(apr_array_header_t *values, apr_pool_t *pool)
{
    name_values_add_text(values, "udpechod", UDPECHO_VERSION);
    name_values_add_text(values, "system", host_system(pool));
    name_values_add_text(
        values, "libraries",
        apr_psprintf(pool, "APR %s, APR-util %s", apr_version_string(), apu_version_string()));
    name_values_add_number(values, "processors", host_processors());
}

static void add_transport(apr_array_header_t *values, listener_t *listener, apr_pool_t *pool)
{
    transport_t *transport;

    if (transport_open(&transport, &listener, 1, 0, 1, pool) == APR_SUCCESS) {
        name_values_add_text(values, "backend", transport_backend(transport));
    }
}

static void add_listener(apr_array_header_t *values, const settings_t *settings,
                         const platform_t *platform, apr_pool_t *pool)
{
    listener_options_t options = listener_options(settings, platform);
    listener_error_t error = {.step = "look up the loopback"};
    apr_sockaddr_t *address;
    listener_t *listener;
    char reason[128];
    apr_status_t status = apr_sockaddr_info_get(&address, "127.0.0.1", APR_INET, 0, 0, pool);

    name_values_add_number(values, "workers", options.workers);
    if (status == APR_SUCCESS) {
        status = listener_open(&listener, address, &options, &error, pool);
    }
    if (status != APR_SUCCESS) {
        error_text(status, reason, sizeof reason);
        name_values_add_text(values, "listener",
                             apr_psprintf(pool, "cannot %s: %s", error.step, reason));
        return;
    }
    const listener_info_t *info = listener_describe(listener);

    add_transport(values, listener, pool);
    name_values_add_text(values, "batching", features_batching(platform, pool));
    name_values_add_text(values, "offload", option_off_on[options.offload]);
    name_values_add_text(values, "port_sharing", listener_sharing(info));
    name_values_add_text(values, "because", listener_sharing_reason(info, platform, pool));
    name_values_add_number(values, "receive_buffer", info->receive_buffer);
    name_values_add_number(values, "receive_buffer_asked", options.receive_buffer);
    name_values_add_number(values, "send_buffer", info->send_buffer);
    name_values_add_number(values, "send_buffer_asked", options.send_buffer);
}

/* Last, since it is found out by entering it. */
static void add_sandbox(apr_array_header_t *values, const settings_t *settings,
                        const platform_t *platform, apr_pool_t *pool)
{
    const char *found;

    confine_found(settings, platform, &found, pool);
    name_values_add_text(values, "sandbox", found);
}

/* ---- Writing ---- */

static void write_text(const apr_array_header_t *values, const platform_t *platform,
                       apr_file_t *out, apr_pool_t *pool)
{
    for (int i = 0; i < values->nelts; i++) {
        const name_value_t *value = &APR_ARRAY_IDX(values, i, name_value_t);

        file_print(out, "%-26s %s\n", name_value_title(value, pool), name_value_words(value, pool));
    }
    file_print(out, "\n");
    for (feature_t feature = 0; feature < FEATURES; feature++) {
        const char *by = platform->features[feature].by;
        const char *reason = feature_missing(platform, feature, pool);

        if (reason == NULL) {
            file_print(out, "%-26s yes  %s\n", feature_name(feature), by);
        } else {
            file_print(out, "%-26s no   %s%s%s; %s\n", feature_name(feature), by != NULL ? by : "",
                       by != NULL ? ": " : "", reason, feature_instead(feature));
        }
    }
}

static void write_json(const apr_array_header_t *values, const platform_t *platform,
                       apr_file_t *out, apr_pool_t *pool)
{
    file_print(out, "{%s,\"features\":[", name_values_json(values, pool));
    for (feature_t feature = 0; feature < FEATURES; feature++) {
        const char *by = platform->features[feature].by;
        const char *reason = feature_missing(platform, feature, pool);

        file_print(out, "%s{\"feature\":%s,\"by\":%s,\"works\":%s", feature > 0 ? "," : "",
                   json_text(feature_name(feature), pool),
                   by != NULL ? json_text(by, pool) : "null", reason == NULL ? "true" : "false");
        if (reason != NULL) {
            file_print(out, ",\"error\":%s,\"instead\":%s", json_text(reason, pool),
                       json_text(feature_instead(feature), pool));
        }
        file_print(out, "}");
    }
    file_print(out, "]}\n");
}

void show_platform(const settings_t *settings, apr_file_t *out, apr_pool_t *pool)
{
    apr_array_header_t *values = apr_array_make(pool, 16, sizeof(name_value_t));
    platform_t platform;

    platform_probe(&platform, pool);
    add_program(values, pool);
    add_listener(values, settings, &platform, pool);
    add_sandbox(values, settings, &platform, pool);
    if (settings->json) {
        write_json(values, &platform, out, pool);
    } else {
        write_text(values, &platform, out, pool);
    }
}
