#include "client/client_settings.h"

#include <apr_strings.h>
#include <string.h>

#include "client/client_conflicts.h"
#include "client/core/stamp_sender.h"
#include "client/output/payload_text.h"
#include "client/stamp_key.h"
#include "client/targets/targets_file.h"
#include "common/echo_plus_packet.h"
#include "common/installation.h"

#define FLOOD_WINDOW      32
#define FLOOD_DURATION_US (10 * APR_USEC_PER_SEC)
#define SWEEP_ROUNDS      10
#define LOAD_FLOWS        2
#define LOAD_SIZE         1400
#define CHECK_COUNT       5
#define CHECK_INTERVAL_US (200 * 1000)

#define RESOLVE_INTERVAL_US (5 * 60 * APR_USEC_PER_SEC)

const char *client_settings_size_option(const client_settings_t *settings)
{
    return settings->payload_text != NULL   ? "payload"
           : settings->payload_hex != NULL  ? "payload-hex"
           : settings->payload_file != NULL ? "payload-file"
                                            : "size";
}

/* Its run has no end, and an address may change in this time. With two sockets for one target at
 * a time, the second would not get the port. */
static int is_resident(const client_settings_t *settings)
{
    return settings->measurement == MEASURE_PING && settings->count == 0 &&
           settings->deadline == 0 && settings->source_port == 0;
}

static void fill_defaults(client_settings_t *settings)
{
    settings->protocol = settings->echo_plus ? PROTOCOL_ECHO_PLUS
                         : settings->stamp   ? PROTOCOL_STAMP
                                             : PROTOCOL_ECHO;
    settings->stamp_tlvs = settings->stamp_tlvs < 0 ? 0 : settings->stamp_tlvs;
    if (settings->stamp && settings->size < 0) {
        settings->size = (apr_int64_t)stamp_request_length((unsigned)settings->stamp_tlvs,
                                                           settings->stamp_key_file != NULL);
    }
    settings->measurement = settings->flood   ? MEASURE_FLOOD
                            : settings->sweep ? MEASURE_SWEEP
                            : settings->mtu   ? MEASURE_MTU
                            : settings->load  ? MEASURE_LOAD
                                              : MEASURE_PING;
    if (settings->flood && settings->rate == 0 && settings->bitrate == 0 &&
        settings->interval == 0 && settings->window == 0) {
        settings->window = FLOOD_WINDOW;
    }
    if ((settings->flood || settings->load) && settings->duration == 0 && settings->count == 0) {
        settings->duration = FLOOD_DURATION_US;
    }
    if (settings->sweep && settings->count == 0) {
        settings->count = SWEEP_ROUNDS;
    }
    if (settings->check && settings->count == 0) {
        settings->count = CHECK_COUNT;
    }
    if (settings->interval == 0 && !settings->flood) {
        settings->interval = settings->check  ? CHECK_INTERVAL_US
                             : settings->load ? INTERVAL_MIN_US
                                              : APR_USEC_PER_SEC;
    }
    settings->flows = settings->sweep != 0   ? settings->sweep
                      : settings->load != 0  ? LOAD_FLOWS
                      : settings->flows != 0 ? settings->flows
                                             : 1;
    if (settings->size < 0) {
        settings->size = settings->load ? LOAD_SIZE : PING_SIZE;
    }
    if (settings->resolve_interval < 0) {
        settings->resolve_interval = is_resident(settings) ? RESOLVE_INTERVAL_US : 0;
    }
}

static const char *check_device(const client_settings_t *settings, apr_pool_t *pool)
{
    const char *device = settings->device;

    return device != NULL && (*device == '\0' || strlen(device) >= INTERFACE_NAME_MAX)
               ? apr_psprintf(pool, "--interface=%s: expected the name of a network interface",
                              device)
               : NULL;
}

const char *client_settings_targets(target_list_t **targets, const client_settings_t *settings,
                                    apr_pool_t *pool)
{
    static const apr_port_t ports[PROTOCOLS] = {
        [PROTOCOL_ECHO] = ECHO_PORT, [PROTOCOL_STAMP] = STAMP_PORT, [PROTOCOL_ECHO_PLUS] = 0};
    const char *error = NULL;

    *targets = target_list_create(ports[settings->protocol], settings->device, pool);
    for (int i = 0; i < settings->operands->nelts && error == NULL; i++) {
        error = target_list_add(*targets, APR_ARRAY_IDX(settings->operands, i, const char *));
    }
    return error == NULL && settings->targets_file != NULL
               ? targets_file_read(*targets, settings->targets_file)
               : error;
}

int client_settings_can_reload(const client_settings_t *settings)
{
    return settings->targets_file != NULL &&
           strcmp(settings->targets_file, TARGETS_STANDARD_INPUT) != 0;
}

/* Where only one target can be asked. */
static const char *check_several(const client_settings_t *settings, apr_pool_t *pool)
{
    const char *option = settings->flood              ? "flood"
                         : settings->sweep            ? "sweep"
                         : settings->mtu              ? "mtu"
                         : settings->load             ? "load"
                         : settings->source_port != 0 ? "source-port"
                                                      : NULL;

    return settings->has_several && option != NULL
               ? apr_psprintf(pool, "--%s: expected one HOST[:PORT] only", option)
               : NULL;
}

static const char *read_targets(client_settings_t *settings, const apr_array_header_t *operands,
                                apr_pool_t *pool)
{
    if (operands->nelts == 0 && settings->targets_file == NULL) {
        return "expected HOST[:PORT] or --targets=FILE; --help lists the options";
    }
    settings->operands = operands;
    const char *error = check_device(settings, pool);

    if (error == NULL) {
        error = client_settings_targets(&settings->targets, settings, pool);
    }
    if (error != NULL) {
        return error;
    }
    const target_name_t *first = &APR_ARRAY_IDX(settings->targets->names, 0, target_name_t);

    settings->host = first->text;
    settings->address = first->address;
    settings->has_several = settings->targets->names->nelts > 1 || settings->targets_file != NULL ||
                            settings->all_addresses;
    if (!settings->has_several) {
        settings->device = first->address.device;
    }
    return check_several(settings, pool);
}

/* The fields of the protocol take room. */
static const char *check_size(const client_settings_t *settings, apr_pool_t *pool)
{
    apr_size_t size = (apr_size_t)settings->size;
    unsigned tlvs = (unsigned)settings->stamp_tlvs;
    int is_authenticated = settings->stamp_key_file != NULL;

    if (settings->protocol == PROTOCOL_ECHO_PLUS && size < ECHO_PLUS_LENGTH) {
        return apr_psprintf(pool,
                            "--size=%" APR_SIZE_T_FMT ": expected %d or more with --echo-plus",
                            size, ECHO_PLUS_LENGTH);
    }
    if (settings->protocol != PROTOCOL_STAMP || stamp_request_fits(tlvs, is_authenticated, size)) {
        return NULL;
    }
    apr_size_t plain = stamp_request_length(tlvs, is_authenticated);

    return size > plain
               ? apr_psprintf(pool,
                              "--size=%" APR_SIZE_T_FMT ": expected %" APR_SIZE_T_FMT
                              ", or at least 4 more for padding, with --stamp",
                              size, plain)
               : apr_psprintf(
                     pool,
                     "--size=%" APR_SIZE_T_FMT ": expected %" APR_SIZE_T_FMT
                     " or more with --stamp%s",
                     size, tlvs == 0 && !is_authenticated ? (apr_size_t)STAMP_REQUEST_MIN : plain,
                     tlvs != 0          ? " and these TLVs"
                     : is_authenticated ? " and a key"
                                        : "");
}

static void clear(client_settings_t *settings)
{
    *settings = (client_settings_t){.size = -1,
                                    .stamp_tlvs = -1,
                                    .resolve_interval = -1,
                                    .timeout = APR_USEC_PER_SEC,
                                    .dscp = -1,
                                    .offload = 1,
                                    .max_loss = -1,
                                    .thresholds = {{-1, -1}, {-1, -1}}};
}

int client_settings_is_check(int argc, const char *const *argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strcmp(argv[i], "--check") == 0) {
            return 1;
        }
    }
    return 0;
}

/* The table with the letters that monitoring plugins have. */
static const option_t *table_of_check(apr_pool_t *pool)
{
    apr_size_t count = 0;

    while (client_settings_table[count++].name != NULL) {
    }
    option_t *table = apr_pmemdup(pool, client_settings_table, count * sizeof *table);

    for (option_t *option = table; option->name != NULL; option++) {
        if (strcmp(option->name, "warning") == 0) {
            option->letter = 'w';
        } else if (strcmp(option->name, "critical") == 0) {
            option->letter = 'c';
        } else if (option->letter == 'w' || option->letter == 'c') {
            option->letter = 0;
        }
    }
    return table;
}

/* Whether nothing is to be measured: then no file is read, which may be for the service alone. */
static int only_manages(const client_settings_t *settings)
{
    return settings->help || settings->version || settings->install_service ||
           settings->uninstall_service;
}

/* The command line of a service, which may stand for its options, names the program first. */
static const char *check_service(const client_settings_t *settings,
                                 const apr_array_header_t *operands, apr_pool_t *pool)
{
    const char *files[] = {settings->targets_file, settings->plot,
                           settings->json_file,    settings->csv_file,
                           settings->payload_file, settings->stamp_key_file};

    if (settings->install_service && settings->uninstall_service) {
        return "--install-service and --uninstall-service: expected one of them, not both";
    }
    if (operands->nelts > (settings->install_service && settings->service ? 1 : 0)) {
        return apr_psprintf(pool, "%s: expected options only; a service has its targets in a file",
                            APR_ARRAY_IDX(operands, 0, const char *));
    }
    for (unsigned i = 0; i < sizeof files / sizeof files[0]; i++) {
        if (files[i] != NULL && installation_is_relative(files[i], pool)) {
            return apr_psprintf(pool, "%s: a service needs the full path of a file", files[i]);
        }
    }
    return NULL;
}

/* The command line wins over the file that it names, so it is read before it, to find that file,
 * and again after it. */
static const char *read_options(client_settings_t *settings, int argc, const char *const *argv,
                                apr_array_header_t **operands, apr_pool_t *pool)
{
    const option_t *table =
        client_settings_is_check(argc, argv) ? table_of_check(pool) : client_settings_table;
    apr_status_t refusal = APR_SUCCESS;

    clear(settings);
    const char *error = options_read_arguments(table, settings, argc, argv, operands, pool);
    const char *file = settings->config;

    if (error == NULL && file == NULL && settings->service && !only_manages(settings)) {
        error = installation_config_file(&file, pool);
    }
    if (error != NULL || file == NULL || only_manages(settings)) {
        return error;
    }
    clear(settings);
    error = options_read_file(table, settings, file, &refusal, pool);
    if (error != NULL) {
        return refusal != APR_SUCCESS ? apr_pstrcat(pool, "--config=", error, NULL) : error;
    }
    return options_read_arguments(table, settings, argc, argv, operands, pool);
}

const char *client_settings_read(client_settings_t *settings, int argc, const char *const *argv,
                                 apr_pool_t *pool)
{
    apr_array_header_t *operands;
    const char *error = read_options(settings, argc, argv, &operands, pool);

    settings->argc = argc;
    settings->argv = argv;
    if (error != NULL || settings->help || settings->version) {
        return error;
    }
    if (only_manages(settings)) {
        return check_service(settings, operands, pool);
    }
    error = client_conflicts_find(settings, pool);
    if (error == NULL) {
        fill_defaults(settings);
        error = payload_from_options(settings, pool);
    }
    if (error == NULL) {
        error = check_size(settings, pool);
    }
    if (error == NULL && settings->stamp_key_file != NULL) {
        error = stamp_key_read(&settings->stamp_key, settings->stamp_key_file, pool);
    }
    if (error == NULL && settings->source_port + settings->flows > 65536) {
        error = apr_psprintf(pool,
                             "--source-port=%" APR_INT64_T_FMT
                             ": expected one with %" APR_INT64_T_FMT " ports above it",
                             settings->source_port, settings->flows - 1);
    }
    return error == NULL ? read_targets(settings, operands, pool) : error;
}
