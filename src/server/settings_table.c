/* The options of udpechod. */

#include <stddef.h>

#include "core/rate_limit.h"
#include "core/source_ports.h"
#include "core/token_bucket.h"
#include "server/log/log.h"
#include "server/setting_kinds.h"
#include "server/settings.h"
#include "udpecho/datagram.h"

#define AT(member) offsetof(settings_t, member)

#define YEAR_US    (365 * APR_INT64_C(86400000000))
#define BUFFER_MAX (1 << 30)

static const char *const port_reuse_words[] = {
    [PORT_REUSE_WORKERS] = "workers",
    [PORT_REUSE_PROCESSES] = "processes",
    [PORT_REUSE_OFF] = "off",
    NULL,
};

static const char *const sandbox_words[] = {
    [SANDBOX_AUTO] = "auto",
    [SANDBOX_ON] = "on",
    [SANDBOX_OFF] = "off",
    NULL,
};

static const char *const stamp_session_words[] = {
    [STAMP_SESSIONS_STATELESS] = "stateless",
    [STAMP_SESSIONS_STATEFUL] = "stateful",
    NULL,
};

static const char *const stamp_mode_words[] = {
    [STAMP_MODE_AUTO] = "auto",
    [STAMP_MODE_UNAUTHENTICATED] = "unauthenticated",
    [STAMP_MODE_AUTHENTICATED] = "authenticated",
    NULL,
};

static const char *const stamp_short_words[] = {"refuse", "answer", NULL};

static const char *const stamp_clock_words[] = {
    [STAMP_CLOCK_NTP] = "ntp",
    [STAMP_CLOCK_PTP] = "ptp",
    NULL,
};

/* The kind of choices stores them so. */
_Static_assert(sizeof(port_reuse_t) == sizeof(int) && sizeof(log_level_t) == sizeof(int) &&
                   sizeof(stamp_clock_t) == sizeof(int) &&
                   sizeof(stamp_sessions_mode_t) == sizeof(int) &&
                   sizeof(stamp_mode_t) == sizeof(int) && sizeof(log_format_t) == sizeof(int) &&
                   sizeof(sandbox_mode_t) == sizeof(int),
               "an enum is as large as an int");

const option_t settings_table[] = {
    {.name = "listen",
     .argument = "ADDRESS[:PORT]",
     .offset = AT(listen[PROTOCOL_ECHO]),
     .kind = &option_listen,
     .also = "port|p|address|bind|host|l",
     .reloadable = 1,
     .help = "Answer datagrams sent to this address; may be given again. An IPv6\n"
             "address goes in brackets, with its interface if it is link-local:\n"
             "[fe80::1%eth0]:7. Any may have one, 192.0.2.1%eth0:7, by which alone\n"
             "datagrams come and go. A host name stands for all its addresses, * for\n"
             "every address of this host, port 0 for a free port. Default, unless\n"
             "--stamp or --echo-plus is given: localhost:8888, which is 127.0.0.1 and\n"
             "[::1]."},
    {.name = "stamp",
     .argument = "ADDRESS[:PORT]",
     .offset = AT(listen[PROTOCOL_STAMP]),
     .kind = &option_listen,
     .also = "twamp|twamp-light|reflector",
     .reloadable = 1,
     .help = "Be a STAMP reflector (RFC 8762) at this address, which answers TWAMP\n"
             "Light too; may be given again. The default port is 862. Default: none."},
    {.name = "echo-plus",
     .argument = "ADDRESS:PORT",
     .offset = AT(listen[PROTOCOL_ECHO_PLUS]),
     .kind = &option_echo_plus,
     .also = "udpechoplus|tr143",
     .reloadable = 1,
     .help = "Be a UDPEchoPlus server (TR-143) at this address; may be given again.\n"
             "Default: none."},
    {.name = "stamp-sessions",
     .argument = "stateless|stateful",
     .offset = AT(stamp_sessions),
     .kind = &option_choice,
     .choices = stamp_session_words,
     .reloadable = 1,
     .help = "How to number STAMP replies: stateless copies the request's number;\n"
             "stateful counts the replies of each session, so that a sender can tell\n"
             "in which direction a packet was lost. Default: stateless."},
    {.name = "stamp-key-file",
     .argument = "FILE",
     .offset = AT(stamp_key_file),
     .kind = &option_text,
     .reloadable = 1,
     .help = "Authenticate STAMP packets with the keys in this file, one a line: KEY,\n"
             "ssid=N KEY or NETWORK KEY, with KEY in hexadecimal. Only its owner and\n"
             "group may be able to read the file (chmod 640). Default: none."},
    {.name = "stamp-mode",
     .argument = "auto|unauthenticated|authenticated",
     .offset = AT(stamp_mode),
     .kind = &option_choice,
     .choices = stamp_mode_words,
     .reloadable = 1,
     .help = "STAMP mode. In unauthenticated mode keys are used for HMAC TLVs only.\n"
             "auto is authenticated if there is a key file, else unauthenticated.\n"
             "Default: auto."},
    {.name = "stamp-short-requests",
     .argument = "answer|refuse",
     .offset = AT(stamp_short_requests),
     .kind = &option_choice,
     .choices = stamp_short_words,
     .reloadable = 1,
     .help = "What to do with STAMP and TWAMP Light requests of 14 to 43 bytes, whose\n"
             "replies of 44 bytes are longer than the request. Default: answer."},
    {.name = "stamp-clock",
     .argument = "ntp|ptp",
     .offset = AT(stamp_clock),
     .kind = &option_choice,
     .choices = stamp_clock_words,
     .reloadable = 1,
     .help = "Time stamp format of STAMP replies: ntp, seconds since 1900 and a\n"
             "fraction; ptp, seconds and nanoseconds since 1970. Both are UTC unless\n"
             "--stamp-ptp-offset is given. Default: ntp."},
    {.name = "stamp-ptp-offset",
     .argument = "TIME",
     .offset = AT(stamp_ptp_offset),
     .kind = &option_duration,
     .minimum = 1,
     .maximum = APR_USEC_PER_SEC * 3600,
     .zero = "none",
     .reloadable = 1,
     .help = "Offset of the time stamps of --stamp-clock=ptp from UTC: 37s for TAI,\n"
             "the time scale of PTP, until the next leap second. Default: none."},
    {.name = "stamp-dscp",
     .argument = "LIST",
     .offset = AT(stamp_dscp),
     .kind = &option_dscps,
     .reloadable = 1,
     .help = "DSCPs that a Class of Service TLV may choose for the reply: numbers,\n"
             "names and ranges (8,EF,40-46), all or none. 0 and the DSCP of the\n"
             "request are always allowed. Default: none."},
    {.name = "stamp-tlv",
     .argument = "on|off",
     .offset = AT(stamp_tlv),
     .kind = &option_choice,
     .choices = option_off_on,
     .reloadable = 1,
     .help = "Whether to read the bytes after a STAMP packet as TLVs (RFC 8972); off\n"
             "returns them unchanged. Default: on."},
    {.name = "stamp-strict",
     .argument = "on|off",
     .offset = AT(stamp_strict),
     .kind = &option_choice,
     .choices = option_off_on,
     .reloadable = 1,
     .help = "Whether to drop STAMP requests whose error estimate has a multiplier of\n"
             "0. RFC 4656 says so, but some senders write it. Default: off."},
    {.name = "mirror-dscp",
     .argument = "on|off",
     .offset = AT(mirror_dscp),
     .kind = &option_choice,
     .choices = option_off_on,
     .reloadable = 1,
     .help = "Whether to send plain echoes with the DSCP of their requests, as STAMP\n"
             "replies always are. Default: off."},
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
     .choices = port_reuse_words,
     .help = "Who may share a port: workers, those of this process; processes, others\n"
             "too; or off, nobody, so that all workers use one socket. Default:\n"
             "workers."},
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
     .choices = option_off_on,
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
     .choices = option_off_on,
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
     .choices = log_level_words,
     .also = "verbose|v|debug|quiet|q",
     .reloadable = 1,
     .help = "Least important lines to log: error, warning, info or debug, which has\n"
             "a line for every datagram. Default: info."},
    {.name = "log-format",
     .argument = "FORMAT",
     .offset = AT(log_format),
     .kind = &option_choice,
     .choices = log_format_words,
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
     .choices = sandbox_words,
     .help = "Give up all system calls but those that serving needs: auto, where this\n"
             "system can; on, or else do not start; off. Default: auto."},
    {.name = "metrics-listen",
     .argument = "ADDRESS:PORT",
     .offset = AT(metrics_listen),
     .kind = &option_stream,
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
     .help = "Ask the running service for its status, by the socket that --control\n"
             "names or a package makes, print its counters and rates, and exit."},
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
             "the other options given here, and exit. One that is there gets them, or\n"
             "keeps its own if none are given."},
    {.name = "open-firewall",
     .offset = AT(open_firewall),
     .kind = &option_flag,
     .command_line_only = 1,
     .help = "With --install-service: let UDP in to this program through the firewall\n"
             "of Windows."},
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
