#ifndef UDPECHO_CLIENT_SETTINGS_H
#define UDPECHO_CLIENT_SETTINGS_H

/* What udpecho can be told, and its table of options. */

#include "client/output/report_check.h"
#include "client/targets/target_list.h"
#include "common/address.h"
#include "common/authentication.h"
#include "common/options.h"

/* The port of RFC 862, which a host without one stands for. */
#define ECHO_PORT 7

/* The shortest interval without --flood, and of a sweep, whose rounds are many datagrams. */
#define INTERVAL_MIN_US       20000
#define SWEEP_INTERVAL_MIN_US 200000

/* The payload of a ping, unless it is asked for, bytes. */
#define PING_SIZE 56

typedef struct client_settings {
    apr_int64_t count;    /* datagrams, or rounds of a sweep; 0: without end */
    apr_int64_t interval; /* microseconds; of a sweep, between two rounds */
    apr_int64_t size;     /* payload, bytes */
    apr_int64_t timeout;  /* microseconds */
    apr_int64_t deadline; /* microseconds; 0: none */
    apr_int64_t quiet;
    apr_int64_t verbose;
    apr_int64_t ipv4;
    apr_int64_t ipv6;
    const char *targets_file; /* NULL: none */
    apr_int64_t all_addresses;
    apr_int64_t resolve_interval; /* microseconds; 0: never */
    const char *device;           /* NULL: any */
    const char *source;           /* NULL: the system's choice */
    apr_int64_t source_port;
    apr_int64_t dscp;      /* -1: the system's default */
    apr_int64_t hop_limit; /* 0: the system's default */
    apr_int64_t dont_fragment;
    int offload; /* 0: off */
    apr_int64_t broadcast;
    const char *payload_text; /* as given; at most one of the three */
    const char *payload_hex;
    const char *payload_file;
    apr_int64_t flood;
    apr_int64_t rate;    /* datagrams a second; 0: as they come back, or ... */
    apr_int64_t bitrate; /* ... bits a second, UDP and IP headers included; 0: not given */
    apr_int64_t load;    /* bits a second; 0: none */
    apr_int64_t window;
    apr_int64_t flows;
    apr_int64_t duration; /* microseconds; 0: without end */
    apr_int64_t sweep;    /* source ports; 0: no sweep */
    apr_int64_t mtu;
    apr_int64_t echo_plus;
    apr_int64_t stamp;
    apr_int64_t stamp_tlvs; /* types, as bits; -1: not given */
    apr_int64_t stamp_ssid;
    const char *stamp_key_file;   /* NULL: unauthenticated */
    unsigned stamp_clock;         /* a stamp_clock_t */
    apr_int64_t stamp_ptp_offset; /* microseconds; 0: none */
    unsigned stamp_sessions;      /* a counting_t */
    unsigned clock_offset;        /* an offset_estimate_t */
    apr_int64_t report_interval;  /* microseconds; 0: none */
    apr_int64_t histogram;
    unsigned timestamps; /* a line_times_t */
    apr_int64_t json;
    apr_int64_t csv;
    const char *json_file;
    const char *csv_file;
    const char *plot;           /* the file; NULL: none */
    const char *metrics_listen; /* NULL: nowhere */
    apr_int64_t max_loss;       /* millionths of what was sent; -1: not asked */
    apr_int64_t max_rtt;        /* microseconds; 0: not asked */
    apr_int64_t check;
    check_thresholds_t thresholds; /* of that */
    const char *config;            /* NULL: no file of options */
    apr_int64_t service;
    apr_int64_t install_service;
    apr_int64_t uninstall_service;
    apr_int64_t help;
    apr_int64_t version;

    /* What follows from them. */
    int argc; /* of the command line that they were read from */
    const char *const *argv;
    measurement_t measurement;
    protocol_t protocol;
    authentication_key_t *stamp_key;    /* that is in the file */
    const apr_array_header_t *operands; /* of const char * */
    target_list_t *targets;             /* of the operands and the file */
    int has_several;                    /* several targets are asked, or there may be several */
    const char *host;                   /* the first target as given */
    address_t address;                  /* of that */
    const unsigned char *payload;       /* of `size` bytes; NULL: made by the probe */
} client_settings_t;

extern const option_t client_settings_table[];

/* Whether the command line has --check, which gives -w and -c to --warning and --critical. */
int client_settings_is_check(int argc, const char *const *argv);

/* Reads the command line, and the file of --config before it. Returns NULL, or what is wrong with
 * them as a sentence. Reads --payload-file, and looks nothing up. `argv` must outlive the settings.
 */
const char *client_settings_read(client_settings_t *settings, int argc, const char *const *argv,
                                 apr_pool_t *pool);

/* Sets `targets` to what the operands and --targets name, which is one target at least. Reads the
 * file. Returns NULL, or what is wrong as a sentence. Main thread; the list lives in `pool`. */
const char *client_settings_targets(target_list_t **targets, const client_settings_t *settings,
                                    apr_pool_t *pool);

/* Non-zero if the targets can be read again. */
int client_settings_can_reload(const client_settings_t *settings);

/* What the size of the payload comes from: "size", or the option of the payload that the user
 * wrote. Static. */
const char *client_settings_size_option(const client_settings_t *settings);

#endif
