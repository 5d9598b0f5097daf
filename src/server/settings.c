#include "server/settings.h"

#include <apr_file_info.h>
#include <apr_strings.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "common/memory.h"
#include "core/rate_limit.h"
#include "core/source_ports.h"
#include "core/token_bucket.h"
#include "server/access_rules.h"
#include "server/log/log.h"
#include "server/setting_kinds.h"
#include "udpecho/datagram.h"
#include "udpecho/host.h"
#include "udpecho/transport.h"

#define AT(member) offsetof(settings_t, member)

#define YEAR_US    (365 * APR_INT64_C(86400000000))
#define BUFFER_MAX (1 << 30)

const option_t settings_table[] = {
    {.name = "listen",
     .argument = "ADDRESS[:PORT]",
     .offset = AT(listen),
     .kind = &option_listen,
     .also = "port|p|address|bind|host|l",
     .reloadable = 1,
     .help = "Answer datagrams sent to this address; may be given again. An IPv6\n"
             "address goes in brackets, with its interface if it is link-local:\n"
             "[fe80::1%eth0]:7. Any may have one, 192.0.2.1%eth0:7, by which alone\n"
             "datagrams come and go. A host name stands for all its addresses, * for\n"
             "every address of this host, port 0 for a free port. Default:\n"
             "localhost:8888, which is 127.0.0.1 and [::1]."},
    {.name = "workers",
     .argument = "N",
     .offset = AT(workers),
     .kind = &option_number,
     .minimum = 1,
     .maximum = WORKERS_MAX,
     .zero = "auto",
     .also = "threads|t|jobs|j",
     .help = "Threads that answer. Default: auto, one for each processor that this\n"
             "process may use, and no more than its control groups leave it time of."},
    {.name = "pin",
     .offset = AT(pin),
     .kind = &option_flag,
     .help = "Bind each worker to a processor of its own, as long as there are any."},
    {.name = "spin",
     .argument = "TIME",
     .offset = AT(spin),
     .kind = &option_duration,
     .minimum = 1,
     .maximum = APR_USEC_PER_SEC,
     .zero = "off",
     .help = "Look for more datagrams this long after each batch before going to\n"
             "sleep: 50us. Answers come sooner, and an idle worker costs processor\n"
             "time. Default: off."},
    {.name = "reuse-port",
     .argument = "WHO",
     .offset = AT(reuse_port),
     .kind = &option_choice,
     .choices = "workers|processes|off",
     .help = "Who may share a port: the workers of this process (default), other\n"
             "processes too, or nobody, so that all workers use one socket."},
    {.name = "receive-buffer",
     .argument = "SIZE",
     .offset = AT(receive_buffer),
     .kind = &option_size,
     .minimum = 4096,
     .maximum = BUFFER_MAX,
     .zero = "default",
     .help = "Buffer to ask the kernel for, for datagrams that wait to be received.\n"
             "\"default\" leaves it as it is. Default: 4MiB."},
    {.name = "send-buffer",
     .argument = "SIZE",
     .offset = AT(send_buffer),
     .kind = &option_size,
     .minimum = 4096,
     .maximum = BUFFER_MAX,
     .zero = "default",
     .help = "The same for replies that wait to be sent. Default: 4MiB."},
    {.name = "offload",
     .argument = "on|off",
     .offset = AT(offload),
     .kind = &option_choice,
     .choices = "off|on",
     .reloadable = 1,
     .help = "Whether several datagrams may go through the network stack as one:\n"
             "segmentation and coalescing, on Linux. Default: on."},
    {.name = "payload-max",
     .argument = "SIZE",
     .offset = AT(payload_max),
     .kind = &option_size,
     .minimum = 1,
     .maximum = PAYLOAD_MAX_IPV6,
     .also = "size|s",
     .help = "Longest payload to echo; longer datagrams are dropped and counted.\n"
             "Default: 65527, which is every datagram."},
    {.name = "allow",
     .argument = "NETWORK",
     .offset = AT(allow),
     .kind = &option_access,
     .reloadable = 1,
     .help = "Answer sources in this network, 192.0.2.0/24, or in those that a file\n"
             "lists, @FILE, and none that no --allow names; may be given again. Of\n"
             "networks that hold a source, the smallest decides. Default: everybody."},
    {.name = "deny",
     .argument = "NETWORK",
     .offset = AT(deny),
     .kind = &option_access,
     .reloadable = 1,
     .help = "The same for sources that are not answered."},
    {.name = "deny-source-ports",
     .argument = "LIST",
     .offset = AT(deny_source_ports),
     .kind = &option_source_ports,
     .reloadable = 1,
     .help = "Source ports to drop datagrams from: ports and ranges (7,9,1000-1010),\n"
             "below-1024 or none. Default: those of services that answer whatever\n"
             "they get: " SOURCE_PORTS_DEFAULT "."},
    {.name = "rate-limit",
     .argument = "N/s",
     .offset = AT(rate_limit),
     .kind = &option_rate,
     .minimum = 1,
     .maximum = RATE_LIMIT_MAX,
     .zero = "off",
     .reloadable = 1,
     .help = "Echo at most this many datagrams in a second to one address, and to the\n"
             "networks around it in fixed proportion. Default: 10000/s."},
    {.name = "rate-limit-exempt",
     .argument = "NETWORK",
     .offset = AT(rate_limit_exempt),
     .kind = &option_exempt,
     .reloadable = 1,
     .help = "Networks that have no such limit, or @FILE, or none; may be given again.\n"
             "Default: 127.0.0.0/8 and ::1."},
    {.name = "rate-limit-dry-run",
     .offset = AT(rate_limit_dry_run),
     .kind = &option_flag,
     .reloadable = 1,
     .help = "Count what the limit would drop, and echo it."},
    {.name = "max-rate",
     .argument = "N/s",
     .offset = AT(max_rate),
     .kind = &option_rate,
     .minimum = 1,
     .maximum = TOKEN_RATE_MAX,
     .zero = "off",
     .reloadable = 1,
     .help = "Echo at most this many datagrams in a second, of all sources: 50k/s.\n"
             "Default: off."},
    {.name = "max-bandwidth",
     .argument = "SIZE/s",
     .offset = AT(max_bandwidth),
     .kind = &option_bandwidth,
     .minimum = 1,
     .maximum = TOKEN_RATE_MAX,
     .zero = "off",
     .reloadable = 1,
     .help = "Echo at most this many bytes of payload in a second: 10MB/s.\n"
             "Default: off."},
    {.name = "loop-detector",
     .argument = "on|off",
     .offset = AT(loop_detector),
     .kind = &option_choice,
     .choices = "off|on",
     .help = "Whether to end loops between echo servers: the same payload from the\n"
             "same port more than 1,000 times a second. Default: on."},
    {.name = "count",
     .argument = "N",
     .offset = AT(count),
     .kind = &option_number,
     .minimum = 1,
     .maximum = APR_INT64_C(1000000000000000),
     .zero = "unlimited",
     .also = "n",
     .help = "End after N echoes. Default: unlimited."},
    {.name = "duration",
     .argument = "TIME",
     .offset = AT(duration),
     .kind = &option_duration,
     .minimum = 1000,
     .maximum = 100 * YEAR_US,
     .zero = "unlimited",
     .help = "End after this time: 90s, 10m, 1h30m. Default: unlimited."},
    {.name = "log-level",
     .argument = "LEVEL",
     .offset = AT(log_level),
     .kind = &option_choice,
     .choices = "error|warning|info|debug",
     .also = "verbose|v|debug|quiet|q",
     .reloadable = 1,
     .help = "Least important lines to log: error, warning, info or debug, which has\n"
             "a line for every datagram. Default: info."},
    {.name = "log-format",
     .argument = "FORMAT",
     .offset = AT(log_format),
     .kind = &option_choice,
     .choices = "text|logfmt|json",
     .help = "How log lines are written: text, logfmt or json. Default: text."},
    {.name = "log-payload",
     .argument = "SIZE",
     .offset = AT(log_payload),
     .kind = &option_size,
     .minimum = 0,
     .maximum = LOG_PAYLOAD_MAX,
     .help = "How much of each payload a debug line shows. Default: 64 bytes."},
    {.name = "user",
     .argument = "NAME",
     .offset = AT(user),
     .kind = &option_text,
     .also = "u",
     .help = "Become this user, a name or a number, once everything is bound."},
    {.name = "group",
     .argument = "NAME",
     .offset = AT(group),
     .kind = &option_text,
     .also = "g",
     .help = "The group then. Default: that of the user."},
    {.name = "chroot",
     .argument = "DIRECTORY",
     .offset = AT(chroot),
     .kind = &option_text,
     .also = "root",
     .help = "Make this directory the root of all that the process can see of files."},
    {.name = "sandbox",
     .argument = "WHEN",
     .offset = AT(sandbox),
     .kind = &option_choice,
     .choices = "auto|on|off",
     .help = "Give up all system calls but those that serving needs: auto, where this\n"
             "system can; on, or else do not start; off. Default: auto."},
    {.name = "metrics-listen",
     .argument = "ADDRESS:PORT",
     .offset = AT(metrics_listen),
     .kind = &option_metrics,
     .help = "Serve metrics for Prometheus by HTTP there, 127.0.0.1:9000, or at the\n"
             "path of a socket, unix:/PATH. Default: nowhere."},
    {.name = "control",
     .argument = "PATH",
     .offset = AT(control),
     .kind = &option_control,
     .help = "Make a socket at this path by which udpechod --status asks the service,\n"
             "for its own user and root; or at an ADDRESS:PORT of the loopback, for\n"
             "all users of this host. Default: none."},
    {.name = "takeover",
     .argument = "PATH",
     .offset = AT(takeover),
     .kind = &option_socket_path,
     .help = "Take over the sockets of the process that serves with the same PATH,\n"
             "which ends once this one serves, and lose nothing; or be the first, and\n"
             "wait for a successor at this path. Default: none."},
    {.name = "config",
     .argument = "FILE",
     .offset = AT(config),
     .kind = &option_text,
     .command_line_only = 1,
     .also = "file|f|c",
     .help = "Read options from this file first; each line is an option without the\n"
             "dashes. What the command line says wins."},
    {.name = "check-config",
     .offset = AT(check_config),
     .kind = &option_flag,
     .command_line_only = 1,
     .also = "test",
     .help = "Read everything, print the settings that result, and exit."},
    {.name = "show-platform",
     .offset = AT(show_platform),
     .kind = &option_flag,
     .command_line_only = 1,
     .help = "Print what this system offers, what these options make of it and why,\n"
             "and exit. Good to have in a bug report."},
    {.name = "status",
     .offset = AT(status),
     .kind = &option_flag,
     .command_line_only = 1,
     .help = "Ask the running service how it fares, by the socket that --control names\n"
             "or a package makes, print its counters and rates, and exit."},
    {.name = "json",
     .offset = AT(json),
     .kind = &option_flag,
     .command_line_only = 1,
     .help = "With --show-platform or --status: print it as a JSON object."},
    {.name = "service",
     .offset = AT(service),
     .kind = &option_flag,
     .command_line_only = 1,
     .help = "Run under the service control manager of Windows. It starts udpechod\n"
             "with this option; nobody else can."},
    {.name = "install-service",
     .offset = AT(install_service),
     .kind = &option_flag,
     .command_line_only = 1,
     .help = "Make this program a service of Windows that starts with the system, with\n"
             "the other options given here, and exit."},
    {.name = "open-firewall",
     .offset = AT(open_firewall),
     .kind = &option_flag,
     .command_line_only = 1,
     .help = "With --install-service: let UDP in to this program through the firewall\n"
             "of Windows, unless all it listens on is the loopback."},
    {.name = "uninstall-service",
     .offset = AT(uninstall_service),
     .kind = &option_flag,
     .command_line_only = 1,
     .help = "Stop that service, remove it, and exit."},
    {.name = "help",
     .offset = AT(help),
     .kind = &option_flag,
     .letter = 'h',
     .command_line_only = 1,
     .help = "Print this text and exit."},
    {.name = "version",
     .offset = AT(version),
     .kind = &option_flag,
     .letter = 'V',
     .command_line_only = 1,
     .help = "Print the version and exit."},
    {.name = NULL},
};

settings_t settings_default(apr_pool_t *pool)
{
    settings_t settings = {
        .listen = apr_array_make(pool, 1, sizeof(const char *)),
        .reuse_port = PORT_REUSE_WORKERS,
        .receive_buffer = 4 << 20,
        .send_buffer = 4 << 20,
        .payload_max = PAYLOAD_MAX_IPV6,
        .offload = 1,
        .deny_source_ports = SOURCE_PORTS_DEFAULT,
        .rate_limit = 10000,
        .rate_limit_exempt = apr_array_make(pool, 2, sizeof(const char *)),
        .loop_detector = 1,
        .log_level = LOG_LEVEL_INFO,
        .log_format = LOG_FORMAT_TEXT,
        .log_payload = 64,
    };

    APR_ARRAY_PUSH(settings.listen, const char *) = "localhost:8888";
    APR_ARRAY_PUSH(settings.rate_limit_exempt, const char *) = "127.0.0.0/8";
    APR_ARRAY_PUSH(settings.rate_limit_exempt, const char *) = "::1";
    return settings;
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
    if (error == NULL && rules->nelts > 0) {
        error = access_list_create(&settings->access, rules, pool);
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

    return error != NULL ? error : access_list_create(&settings->exempt, rules, pool);
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

static const char *read_arguments(settings_t *settings, int argc, const char *const *argv,
                                  apr_pool_t *pool)
{
    apr_array_header_t *operands;
    const char *error =
        options_read_arguments(settings_table, settings, argc, argv, &operands, pool);

    if (error == NULL && operands->nelts > 0) {
        const char *operand = APR_ARRAY_IDX(operands, 0, const char *);
        int is_number = strspn(operand, "0123456789") == strlen(operand);

        error = apr_psprintf(pool, "%s: expected options only; addresses go to --listen=%s%s",
                             operand, is_number ? "localhost:" : "", operand);
    }
    return error != NULL ? error : find_conflict(settings);
}

static const char *file_to_read(const settings_t *settings, apr_pool_t *pool)
{
    apr_finfo_t info;

    if (settings->help || settings->version) {
        return NULL;
    }
    if (settings->config != NULL ||
        !(settings->service || settings->install_service || settings->status)) {
        return settings->config;
    }
    const char *file = host_config_file(pool);
    apr_status_t status = file == NULL ? APR_ENOENT : apr_stat(&info, file, APR_FINFO_TYPE, pool);

    return APR_STATUS_IS_ENOENT(status) ? NULL : file;
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
    const char *error = read_arguments(settings, argc, argv, pool);

    const char *file = error == NULL ? file_to_read(settings, pool) : NULL;

    *code = error != NULL ? EXIT_USAGE : EXIT_OK;
    if (file != NULL) {
        *settings = settings_default(pool);
        error = options_read_file(settings_table, settings, file, &refusal, pool);
        *code = error != NULL ? code_of_file(refusal) : EXIT_OK;
        read_arguments(settings, argc, argv, pool);
        if (refusal != APR_SUCCESS && settings->config != NULL) {
            error = apr_pstrcat(pool, "--config=", error, NULL);
        }
    }
    settings->file = file;
    if (error == NULL && !settings->help && !settings->version) {
        error = read_networks(settings, &refusal, pool);
        *code = error != NULL ? code_of_networks(settings, refusal) : EXIT_OK;
    }
    settings->argc = argc;
    settings->argv = argv;
    return error;
}
