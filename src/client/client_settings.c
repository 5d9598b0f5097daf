#include "client/client_settings.h"

#include <apr_strings.h>
#include <stddef.h>
#include <string.h>

#include "client/client_conflicts.h"
#include "client/client_setting_kinds.h"
#include "client/core/stamp_sender.h"
#include "client/output/payload_text.h"
#include "client/stamp_key.h"
#include "common/echo_plus_packet.h"
#include "common/units.h"

#define AT(member) offsetof(client_settings_t, member)

#define DAY_US (APR_INT64_C(86400) * APR_USEC_PER_SEC)

#define COUNT_MAX  APR_INT64_C(1000000000000)
#define RATE_MAX   100000000
#define WINDOW_MAX 4096

static const char *const stamp_clocks[] = {"ntp", "ptp", NULL};
static const char *const stamp_countings[] = {"auto", "stateless", "stateful", NULL};
static const char *const offset_estimates[] = {"none", "minimum", NULL};

const option_t client_settings_table[] = {
    {.name = "count",
     .argument = "N",
     .offset = AT(count),
     .kind = &option_number,
     .command_line_only = 1,
     .letter = 'c',
     .minimum = 1,
     .maximum = COUNT_MAX,
     .also = "n",
     .help = "End when this many datagrams are sent and answered or lost; of --sweep,\n"
             "this many from each port. Default: without end, of --sweep 10."},
    {.name = "interval",
     .argument = "TIME",
     .offset = AT(interval),
     .kind = &option_duration,
     .command_line_only = 1,
     .letter = 'i',
     .minimum = 1,
     .maximum = DAY_US,
     .help = "Send a datagram every so often; of --sweep, one from each port. Less\n"
             "than 200ms only with --flood. Default: 1s."},
    {.name = "size",
     .argument = "SIZE",
     .offset = AT(size),
     .kind = &option_size,
     .command_line_only = 1,
     .letter = 's',
     .maximum = PAYLOAD_MAX_IPV6,
     .also = "length|l",
     .help = "Payload of each datagram. Default: 56 bytes, which make 64 of UDP."},
    {.name = "timeout",
     .argument = "TIME",
     .offset = AT(timeout),
     .kind = &option_duration,
     .command_line_only = 1,
     .letter = 'W',
     .minimum = 1000,
     .maximum = 3600 * APR_USEC_PER_SEC,
     .help = "A datagram that is not answered by then is lost, unless its answer comes\n"
             "late. Default: 1s."},
    {.name = "deadline",
     .argument = "TIME",
     .offset = AT(deadline),
     .kind = &option_duration,
     .command_line_only = 1,
     .letter = 'w',
     .minimum = 1000,
     .maximum = 365 * DAY_US,
     .help = "End after this time, whatever is still to come."},
    {.name = "quiet",
     .offset = AT(quiet),
     .kind = &option_flag,
     .letter = 'q',
     .help = "No line for each datagram, only what it all came to."},
    {.name = "verbose",
     .offset = AT(verbose),
     .kind = &option_flag,
     .letter = 'v',
     .help = "A line for each datagram, with --flood and --sweep too."},
    {.name = "ipv4",
     .offset = AT(ipv4),
     .kind = &option_flag,
     .letter = '4',
     .help = "Use IPv4 only."},
    {.name = "ipv6",
     .offset = AT(ipv6),
     .kind = &option_flag,
     .letter = '6',
     .help = "Use IPv6 only."},
    {.name = "source",
     .argument = "ADDRESS",
     .offset = AT(source),
     .kind = &option_text,
     .command_line_only = 1,
     .letter = 'I',
     .also = "bind|S|B",
     .help = "Send from this address of this host."},
    {.name = "interface",
     .argument = "NAME",
     .offset = AT(device),
     .kind = &option_text,
     .command_line_only = 1,
     .help = "Send and receive by this network interface only, whatever the routes\n"
             "say: eth0; also HOST%eth0."},
    {.name = "source-port",
     .argument = "PORT",
     .offset = AT(source_port),
     .kind = &option_number,
     .command_line_only = 1,
     .minimum = 1,
     .maximum = 65535,
     .help = "Send from this port; with more flows than one, from it and those above."},
    {.name = "dscp",
     .argument = "CODE",
     .offset = AT(dscp),
     .kind = &option_dscp,
     .command_line_only = 1,
     .letter = 'Q',
     .also = "tos|T",
     .help = "Mark the datagrams with this differentiated services code point, by\n"
             "number or name: 46, EF."},
    {.name = "ttl",
     .argument = "N",
     .offset = AT(hop_limit),
     .kind = &option_number,
     .command_line_only = 1,
     .letter = 't',
     .minimum = 1,
     .maximum = 255,
     .also = "hop-limit|m",
     .help = "Let the datagrams pass this many routers less one: TTL or hop limit."},
    {.name = "dont-fragment",
     .offset = AT(dont_fragment),
     .kind = &option_flag,
     .letter = 'D',
     .also = "df|M",
     .help = "Let nobody fragment the datagrams on their way."},
    {.name = "offload",
     .argument = "on|off",
     .offset = AT(offload),
     .kind = &option_choice,
     .command_line_only = 1,
     .choices = option_off_on,
     .help = "Whether --flood may have several datagrams go through the network stack\n"
             "as one: segmentation and coalescing, on Linux. Default: on."},
    {.name = "broadcast",
     .offset = AT(broadcast),
     .kind = &option_flag,
     .letter = 'b',
     .help = "Allow a broadcast or multicast address; who answers first is the peer."},
    {.name = "payload",
     .argument = "TEXT",
     .offset = AT(payload_text),
     .kind = &option_text,
     .command_line_only = 1,
     .letter = 'p',
     .also = "data",
     .help = "Send this text each time, for servers that want one. Replies cannot be\n"
             "told apart then, and are taken for those of the oldest datagrams."},
    {.name = "payload-hex",
     .argument = "HEX",
     .offset = AT(payload_hex),
     .kind = &option_text,
     .command_line_only = 1,
     .also = "hex",
     .help = "The same with bytes written in hexadecimal, 00ff1e or 00:ff:1e."},
    {.name = "payload-file",
     .argument = "FILE",
     .offset = AT(payload_file),
     .kind = &option_text,
     .command_line_only = 1,
     .help = "The same with what is in this file."},
    {.name = "flood",
     .offset = AT(flood),
     .kind = &option_flag,
     .letter = 'f',
     .help = "Load mode: send as fast as answers come back, or at --rate, for\n"
             "--duration. Only against servers that are yours."},
    {.name = "rate",
     .argument = "N/s",
     .offset = AT(rate),
     .kind = &option_rate,
     .command_line_only = 1,
     .minimum = 1,
     .maximum = RATE_MAX,
     .also = "bandwidth",
     .help = "With --flood: send this many datagrams a second, whatever comes back."},
    {.name = "window",
     .argument = "N",
     .offset = AT(window),
     .kind = &option_number,
     .command_line_only = 1,
     .minimum = 1,
     .maximum = WINDOW_MAX,
     .help = "With --flood and no --rate: leave this many unanswered on each flow.\n"
             "Default: 32."},
    {.name = "flows",
     .argument = "N",
     .offset = AT(flows),
     .kind = &option_number,
     .command_line_only = 1,
     .minimum = 1,
     .maximum = FLOWS_MAX,
     .also = "parallel|P|streams",
     .help = "With --flood: send from this many ports in turn. Default: 1."},
    {.name = "duration",
     .argument = "TIME",
     .offset = AT(duration),
     .kind = &option_duration,
     .command_line_only = 1,
     .minimum = 1000,
     .maximum = 365 * DAY_US,
     .also = "time",
     .help = "With --flood: send for this time. Default: 10s, unless --count is given."},
    {.name = "sweep",
     .argument = "N",
     .offset = AT(sweep),
     .kind = &option_number,
     .command_line_only = 1,
     .minimum = 2,
     .maximum = FLOWS_MAX,
     .help = "Send from this many ports and report the results of each: one bad path\n"
             "of several that share the load (ECMP, LAG) shows."},
    {.name = "mtu",
     .offset = AT(mtu),
     .kind = &option_flag,
     .help = "Search for the largest payload that comes back unfragmented."},
    {.name = "stamp",
     .offset = AT(stamp),
     .kind = &option_flag,
     .also = "twamp|twamp-light",
     .help = "Measure loss and delay in each direction with a STAMP (RFC 8762) or\n"
             "TWAMP Light reflector. The default port is 862."},
    {.name = "stamp-tlv",
     .argument = "LIST",
     .offset = AT(stamp_tlvs),
     .kind = &option_stamp_tlvs,
     .command_line_only = 1,
     .help = "With --stamp: send these TLVs of RFC 8972: all, or some of location,\n"
             "timestamp-info, class-of-service, direct-measurement and follow-up,\n"
             "separated by commas. Default: none."},
    {.name = "stamp-ssid",
     .argument = "N",
     .offset = AT(stamp_ssid),
     .kind = &option_number,
     .command_line_only = 1,
     .minimum = 1,
     .maximum = 65535,
     .help = "With --stamp: the session identifier (SSID). Default: none."},
    {.name = "stamp-key-file",
     .argument = "FILE",
     .offset = AT(stamp_key_file),
     .kind = &option_text,
     .command_line_only = 1,
     .help = "With --stamp: authenticate packets with the key in this file: one line\n"
             "of hexadecimal digits. Others must not be able to read it (chmod 640)."},
    {.name = "stamp-clock",
     .argument = "ntp|ptp",
     .offset = AT(stamp_clock),
     .kind = &option_choice,
     .command_line_only = 1,
     .choices = stamp_clocks,
     .help = "With --stamp: the time stamp format of requests. Default: ntp."},
    {.name = "stamp-ptp-offset",
     .argument = "TIME",
     .offset = AT(stamp_ptp_offset),
     .kind = &option_duration,
     .command_line_only = 1,
     .minimum = 1,
     .maximum = 3600 * APR_USEC_PER_SEC,
     .zero = "none",
     .help = "With --stamp: the offset of PTP time stamps, of both sides, from UTC:\n"
             "37s for TAI, until the next leap second. Default: none."},
    {.name = "stamp-sessions",
     .argument = "auto|stateless|stateful",
     .offset = AT(stamp_sessions),
     .kind = &option_choice,
     .command_line_only = 1,
     .choices = stamp_countings,
     .help = "With --stamp: whether the reflector numbers its replies (stateful),\n"
             "which tells the direction of losses. auto sees it when the first\n"
             "request is lost. Default: auto."},
    {.name = "clock-offset",
     .argument = "none|minimum",
     .offset = AT(clock_offset),
     .kind = &option_choice,
     .command_line_only = 1,
     .choices = offset_estimates,
     .help = "With --stamp and --echo-plus, if the clocks are not synchronised:\n"
             "minimum estimates one-way delays as if the shortest delay were the same\n"
             "in both directions. Default: none."},
    {.name = "echo-plus",
     .offset = AT(echo_plus),
     .kind = &option_flag,
     .also = "udpechoplus|tr143",
     .help = "Measure loss and delay variation in each direction with a UDPEchoPlus\n"
             "server (TR-143). HOST needs a port."},
    {.name = "histogram",
     .offset = AT(histogram),
     .kind = &option_flag,
     .letter = 'H',
     .help = "Draw the round trips; on a terminal while they come in."},
    {.name = "json",
     .offset = AT(json),
     .kind = &option_flag,
     .letter = 'j',
     .help = "Write one JSON object to a line instead of text."},
    {.name = "csv",
     .offset = AT(csv),
     .kind = &option_flag,
     .help = "Write comma-separated values instead of text."},
    {.name = "json-file",
     .argument = "FILE",
     .offset = AT(json_file),
     .kind = &option_text,
     .command_line_only = 1,
     .help = "Write the JSON to this file, besides what is shown."},
    {.name = "csv-file",
     .argument = "FILE",
     .offset = AT(csv_file),
     .kind = &option_text,
     .command_line_only = 1,
     .help = "Write the comma-separated values to this file, besides what is shown."},
    {.name = "max-loss",
     .argument = "PERCENT",
     .offset = AT(max_loss),
     .kind = &option_percent,
     .command_line_only = 1,
     .help = "Exit with 1 if more than this share is lost or comes back corrupt: 5%."},
    {.name = "max-rtt",
     .argument = "TIME",
     .offset = AT(max_rtt),
     .kind = &option_duration,
     .command_line_only = 1,
     .minimum = 1,
     .maximum = 3600 * APR_USEC_PER_SEC,
     .help = "Exit with 1 if the mean round trip is longer than this: 50ms."},
    {.name = "help",
     .offset = AT(help),
     .kind = &option_flag,
     .letter = 'h',
     .help = "Show this and exit."},
    {.name = "version",
     .offset = AT(version),
     .kind = &option_flag,
     .letter = 'V',
     .help = "Show the version and exit."},
    {.name = NULL},
};

/* ---- What follows ---- */

#define FLOOD_WINDOW      32
#define FLOOD_DURATION_US (10 * APR_USEC_PER_SEC)
#define SWEEP_ROUNDS      10

const char *client_settings_size_option(const client_settings_t *settings)
{
    return settings->payload_text != NULL   ? "payload"
           : settings->payload_hex != NULL  ? "payload-hex"
           : settings->payload_file != NULL ? "payload-file"
                                            : "size";
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
                                              : MEASURE_PING;
    if (settings->flood && settings->rate == 0 && settings->interval == 0 &&
        settings->window == 0) {
        settings->window = FLOOD_WINDOW;
    }
    if (settings->flood && settings->duration == 0 && settings->count == 0) {
        settings->duration = FLOOD_DURATION_US;
    }
    if (settings->sweep && settings->count == 0) {
        settings->count = SWEEP_ROUNDS;
    }
    if (settings->interval == 0 && !settings->flood) {
        settings->interval = APR_USEC_PER_SEC;
    }
    settings->flows = settings->sweep != 0   ? settings->sweep
                      : settings->flows != 0 ? settings->flows
                                             : 1;
    settings->size = settings->size < 0 ? 56 : settings->size;
}

/* HOST%eth0 is HOST with --interface=eth0. */
static const char *read_device(client_settings_t *settings, apr_pool_t *pool)
{
    const char *behind = settings->address.device;

    if (settings->device == NULL) {
        settings->device = behind;
    } else if (*settings->device == '\0' || strlen(settings->device) >= INTERFACE_NAME_MAX) {
        return apr_psprintf(pool, "--interface=%s: expected the name of a network interface",
                            settings->device);
    } else if (behind != NULL && strcmp(behind, settings->device) != 0) {
        return apr_psprintf(pool, "--interface=%s and %s: expected one of them, not both",
                            settings->device, settings->host);
    }
    return NULL;
}

static const char *read_host(client_settings_t *settings, const apr_array_header_t *operands,
                             apr_pool_t *pool)
{
    if (operands->nelts != 1) {
        return operands->nelts == 0
                   ? "expected whom to ask: udpecho HOST[:PORT]; --help lists the options"
                   : apr_psprintf(pool, "%s: expected one HOST[:PORT] only",
                                  APR_ARRAY_IDX(operands, 1, const char *));
    }
    settings->host = APR_ARRAY_IDX(operands, 0, const char *);
    const apr_port_t ports[PROTOCOLS] = {
        [PROTOCOL_ECHO] = ECHO_PORT, [PROTOCOL_STAMP] = STAMP_PORT, [PROTOCOL_ECHO_PLUS] = 0};
    apr_port_t port = ports[settings->protocol];
    const char *error = address_parse_host(&settings->address, settings->host, port, pool);

    if (error == NULL && settings->address.host == NULL) {
        error = "* is no host to ask";
    } else if (error == NULL && settings->address.port == 0) {
        error = port == 0 ? "--echo-plus has no standard port" : "0 is no port to ask";
    }
    return error == NULL ? read_device(settings, pool)
                         : apr_psprintf(pool, "%s: expected HOST%s (%s)", settings->host,
                                        port == 0 ? ":PORT" : "[:PORT]", error);
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

const char *client_settings_read(client_settings_t *settings, int argc, const char *const *argv,
                                 apr_pool_t *pool)
{
    apr_array_header_t *operands;

    *settings = (client_settings_t){.size = -1,
                                    .stamp_tlvs = -1,
                                    .timeout = APR_USEC_PER_SEC,
                                    .dscp = -1,
                                    .offload = 1,
                                    .max_loss = -1};
    const char *error =
        options_read_arguments(client_settings_table, settings, argc, argv, &operands, pool);

    if (error != NULL || settings->help || settings->version) {
        return error;
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
    return error == NULL ? read_host(settings, operands, pool) : error;
}
