#include "server/settings.h"

#include <apr_cstr.h>
#include <apr_strings.h>
#include <errno.h>
#include <string.h>

#include "common/address.h"
#include "common/installation.h"
#include "common/memory.h"
#include "common/stamp_packet.h"
#include "core/source_ports.h"
#include "server/access_rules.h"
#include "server/impair_service.h"
#include "server/stamp_key_file.h"
#include "server/stamp_service.h"
#include "udpecho/datagram.h"
#include "udpecho/host.h"

settings_t settings_default(apr_pool_t *pool)
{
    settings_t settings = {
        .listen = {[PROTOCOL_ECHO] = apr_array_make(pool, 1, sizeof(const char *))},
        .stamp_short_requests = 1,
        .stamp_dscp = "none",
        .stamp_tlv = 1,
        .reuse_port = PORT_REUSE_WORKERS,
        .receive_buffer = 4 << 20,
        .send_buffer = 4 << 20,
        .payload_max = PAYLOAD_MAX_IPV6,
        .offload = 1,
        .deny_source_ports = SOURCE_PORTS_DEFAULT,
        .rate_limit = 10000,
        .rate_limit_exempt = apr_array_make(pool, 2, sizeof(const char *)),
        .loop_detector = 1,
        .impair_buffer = 4 << 20,
        .impair_drain = 1 * APR_USEC_PER_SEC,
        .log_level = LOG_LEVEL_INFO,
        .log_format = LOG_FORMAT_TEXT,
        .log_payload = 64,
    };

    APR_ARRAY_PUSH(settings.listen[PROTOCOL_ECHO], const char *) = "localhost:8888";
    APR_ARRAY_PUSH(settings.rate_limit_exempt, const char *) = "127.0.0.0/8";
    APR_ARRAY_PUSH(settings.rate_limit_exempt, const char *) = "::1";
    return settings;
}

apr_port_t settings_default_port(protocol_t protocol)
{
    return protocol == PROTOCOL_STAMP ? STAMP_PORT : DEFAULT_PORT;
}

/* ---- What goes together ---- */

/* Also where both are NULL. */
static int is_same_text(const char *one, const char *other)
{
    return one == NULL || other == NULL ? one == other : apr_cstr_casecmp(one, other) == 0;
}

/* Whether both are written as the same address and port, apart from default ports. Different
 * spellings of the same address are found when they are opened. */
static int is_same_place(const char *text, protocol_t protocol, const char *other,
                         protocol_t of_other, apr_pool_t *pool)
{
    address_t one;
    address_t two;

    return address_parse(&one, text, settings_default_port(protocol), pool) == NULL &&
           address_parse(&two, other, settings_default_port(of_other), pool) == NULL &&
           one.port == two.port && one.port != 0 && is_same_text(one.host, two.host) &&
           is_same_text(one.scope, two.scope) && is_same_text(one.device, two.device);
}

static const char *listen_option(protocol_t protocol)
{
    return protocol == PROTOCOL_ECHO ? "listen" : protocol_name(protocol);
}

static const char *find_shared(const settings_t *settings, protocol_t protocol, protocol_t other,
                               apr_pool_t *pool)
{
    const apr_array_header_t *of_one = settings->listen[protocol];
    const apr_array_header_t *of_other = settings->listen[other];

    for (int i = 0; of_one != NULL && of_other != NULL && i < of_one->nelts * of_other->nelts;
         i++) {
        const char *one = APR_ARRAY_IDX(of_one, i / of_other->nelts, const char *);
        const char *two = APR_ARRAY_IDX(of_other, i % of_other->nelts, const char *);

        if (is_same_place(one, protocol, two, other, pool)) {
            return apr_psprintf(pool, "--%s=%s and --%s=%s: only one protocol is possible there",
                                listen_option(protocol), one, listen_option(other), two);
        }
    }
    return NULL;
}

/* Only one protocol can be spoken at an address and port. */
static const char *check_listen(const settings_t *settings, apr_pool_t *pool)
{
    const char *error = find_shared(settings, PROTOCOL_ECHO, PROTOCOL_STAMP, pool);

    if (error == NULL) {
        error = find_shared(settings, PROTOCOL_ECHO, PROTOCOL_ECHO_PLUS, pool);
    }
    if (error == NULL) {
        error = find_shared(settings, PROTOCOL_STAMP, PROTOCOL_ECHO_PLUS, pool);
    }
    return error;
}

/* An option that says where to speak another protocol leaves no plain echo at its default place. */
static void drop_standard(settings_t *settings, const apr_array_header_t *standard)
{
    if (settings->listen[PROTOCOL_ECHO] == standard &&
        (settings->listen[PROTOCOL_STAMP] != NULL ||
         settings->listen[PROTOCOL_ECHO_PLUS] != NULL)) {
        settings->listen[PROTOCOL_ECHO] = NULL;
    }
}

/* Whether the running service is asked for something. */
static int asks_service(const settings_t *settings)
{
    return settings->status || settings->ready || settings->drain || settings->undrain;
}

static const char *find_conflict(const settings_t *settings)
{
    if (settings->install_service && settings->uninstall_service) {
        return "--install-service and --uninstall-service: give one of them";
    }
    if (settings->json && !settings->show_platform && !settings->status) {
        return "--json goes with --show-platform or --status; for the log there is "
               "--log-format=json";
    }
    if (settings->status + settings->ready + settings->drain + settings->undrain > 1) {
        return "--status, --ready, --drain and --undrain: give one of them";
    }
    if (settings->open_firewall && !settings->install_service) {
        return "--open-firewall goes with --install-service";
    }
    return NULL;
}

static const char *read_access_list(settings_t *settings, apr_array_header_t *rules,
                                    apr_status_t *refusal, apr_pool_t *pool)
{
    const char *error = access_rules_read(rules, "allow", 1, settings->allow, refusal, pool);

    if (error == NULL) {
        error = access_rules_read(rules, "deny", 0, settings->deny, refusal, pool);
    }
    if (error == NULL && (settings->allow != NULL || rules->nelts > 0)) {
        error = access_list_create(&settings->access, rules, settings->allow == NULL, host_work_on,
                                   pool);
    }
    return error;
}

static const char *read_exempt_list(settings_t *settings, apr_array_header_t *rules,
                                    apr_status_t *refusal, apr_pool_t *pool)
{
    const apr_array_header_t *given = settings->rate_limit_exempt;

    if (given->nelts == 1 && strcmp(APR_ARRAY_IDX(given, 0, const char *), "none") == 0) {
        return NULL;
    }
    const char *error = access_rules_read(rules, "rate-limit-exempt", 1, given, refusal, pool);

    return error != NULL ? error
                         : access_list_create(&settings->exempt, rules, 0, host_work_on, pool);
}

/* The files that lists of networks name are read only here, when all is known. */
static const char *read_networks(settings_t *settings, apr_status_t *refusal, apr_pool_t *pool)
{
    apr_pool_t *scratch = memory_pool(pool);
    apr_array_header_t *rules = apr_array_make(scratch, 16, sizeof(access_rule_t));
    const char *error = read_access_list(settings, rules, refusal, pool);

    apr_array_clear(rules);
    if (error == NULL) {
        error = read_exempt_list(settings, rules, refusal, pool);
    }
    apr_pool_destroy(scratch);
    return error;
}

static const char *read_keys(settings_t *settings, apr_status_t *refusal, apr_pool_t *pool)
{
    settings->stamp_keys = NULL;
    if (settings->stamp_key_file == NULL) {
        return NULL;
    }
    settings->stamp_keys = apr_array_make(pool, 4, sizeof(stamp_key_line_t));
    const char *error =
        stamp_key_file_read(settings->stamp_keys, settings->stamp_key_file, refusal, pool);

    return error != NULL ? apr_pstrcat(pool, "--stamp-key-file=", error, NULL) : NULL;
}

/* Schedules are read only here, too. */
static const char *read_impairments(settings_t *settings, apr_status_t *refusal, apr_pool_t *pool)
{
    const char *error = impair_read(&settings->impairments, settings->impair, refusal, pool);

    return error != NULL ? apr_pstrcat(pool, "--impair=schedule=", error, NULL) : NULL;
}

static const char *read_arguments(settings_t *settings, int argc, const char *const *argv,
                                  apr_pool_t *pool)
{
    apr_array_header_t *operands;
    const char *error =
        options_read_arguments(settings_table, settings, argc, argv, &operands, pool);

    /* The command line of a service, in place of options, names its program first. */
    int has_program = settings->install_service && settings->service && operands->nelts == 1;

    if (error == NULL && operands->nelts > 0 && !has_program) {
        const char *operand = APR_ARRAY_IDX(operands, 0, const char *);
        int is_number = strspn(operand, "0123456789") == strlen(operand);

        error = apr_psprintf(pool, "%s: expected options only; addresses go to --listen=%s%s",
                             operand, is_number ? "localhost:" : "", operand);
    }
    return error != NULL ? error : find_conflict(settings);
}

/* Returns NULL and sets `file`, to NULL if there is none to read; or else why it must not be read.
 */
static const char *file_to_read(const char **file, const settings_t *settings, apr_pool_t *pool)
{
    int is_of_service = settings->service || settings->install_service || asks_service(settings);

    *file = settings->help || settings->version ? NULL : settings->config;
    if (settings->help || settings->version || settings->config != NULL || !is_of_service) {
        return NULL;
    }
    return installation_config_file(file, pool);
}

/* A file is to blame for its contents, and its path for where it leads and for what may not be
 * read; for all else the system is, and it may work the next time. */
static exit_code_t code_of_file(apr_status_t refusal)
{
    return refusal == APR_SUCCESS || APR_STATUS_IS_ENOENT(refusal) ||
                   APR_STATUS_IS_ENOTDIR(refusal) || APR_STATUS_IS_EACCES(refusal) ||
                   APR_STATUS_IS_ENAMETOOLONG(refusal) || refusal == APR_FROM_OS_ERROR(ELOOP)
               ? EXIT_CONFIG
               : EXIT_SYSTEM;
}

/* Whether nothing is to be answered, now or by a service: then no file of networks or keys is read,
 * which only the service may be allowed to. */
static int only_asks(const settings_t *settings)
{
    return settings->help || settings->version ||
           ((asks_service(settings) || settings->show_platform) && !settings->check_config);
}

/* Without a file, the command line is to blame. */
static exit_code_t code_of_networks(const settings_t *settings, apr_status_t refusal)
{
    return settings->file != NULL || access_rules_name_file(settings->allow) ||
                   access_rules_name_file(settings->deny) ||
                   access_rules_name_file(settings->rate_limit_exempt)
               ? code_of_file(refusal)
               : EXIT_USAGE;
}

/* The command line wins over the file that it names, so it is read before it, to find that file,
 * and again after it. */
const char *settings_read(settings_t *settings, int argc, const char *const *argv,
                          exit_code_t *code, apr_pool_t *pool)
{
    apr_status_t refusal = APR_SUCCESS;

    *settings = settings_default(pool);
    const apr_array_header_t *standard = settings->listen[PROTOCOL_ECHO];
    const char *error = read_arguments(settings, argc, argv, pool);
    const char *file = NULL;

    *code = error != NULL ? EXIT_USAGE : EXIT_OK;
    if (error == NULL) {
        error = file_to_read(&file, settings, pool);
        *code = error != NULL ? EXIT_CONFIG : EXIT_OK;
    }
    if (error == NULL && file != NULL) {
        *settings = settings_default(pool);
        standard = settings->listen[PROTOCOL_ECHO];
        error = options_read_file(settings_table, settings, file, &refusal, pool);
        *code = error != NULL ? code_of_file(refusal) : EXIT_OK;
        read_arguments(settings, argc, argv, pool);
        if (refusal != APR_SUCCESS && settings->config != NULL) {
            error = apr_pstrcat(pool, "--config=", error, NULL);
        }
    }
    settings->file = file;
    drop_standard(settings, standard);
    if (error == NULL) {
        error = check_listen(settings, pool);
        error = error != NULL ? error : stamp_check(settings);
        error = error != NULL ? error : impair_check(settings, pool);
        *code = error == NULL ? EXIT_OK : file != NULL ? EXIT_CONFIG : EXIT_USAGE;
    }
    if (error == NULL && !only_asks(settings)) {
        error = read_networks(settings, &refusal, pool);
        *code = error != NULL ? code_of_networks(settings, refusal) : EXIT_OK;
    }
    if (error == NULL && !only_asks(settings)) {
        error = read_keys(settings, &refusal, pool);
        error = error != NULL ? error : read_impairments(settings, &refusal, pool);
        *code = error != NULL ? code_of_file(refusal) : EXIT_OK;
    }
    settings->argc = argc;
    settings->argv = argv;
    return error;
}
