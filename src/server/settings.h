#ifndef UDPECHO_SETTINGS_H
#define UDPECHO_SETTINGS_H

/* What udpechod can be told, and its table of options. */

#include "common/exit_codes.h"
#include "common/options.h"
#include "common/stamp_packet.h"
#include "core/access_list.h"
#include "server/log/log.h"
#include "udpecho/transport.h"

/* How --sandbox reads. */
typedef enum sandbox_mode { SANDBOX_AUTO, SANDBOX_ON, SANDBOX_OFF } sandbox_mode_t;

/* How --stamp-sessions and --stamp-mode read. */
typedef enum stamp_sessions_mode {
    STAMP_SESSIONS_STATELESS,
    STAMP_SESSIONS_STATEFUL
} stamp_sessions_mode_t;
typedef enum stamp_mode {
    STAMP_MODE_AUTO, /* authenticated if there are keys */
    STAMP_MODE_UNAUTHENTICATED,
    STAMP_MODE_AUTHENTICATED
} stamp_mode_t;

typedef struct settings {
    apr_array_header_t *listen[PROTOCOLS]; /* of const char *, as given; NULL: nowhere */
    stamp_sessions_mode_t stamp_sessions;
    stamp_mode_t stamp_mode;
    const char *stamp_key_file; /* NULL: none */
    int stamp_short_requests;   /* 0: refused */
    stamp_clock_t stamp_clock;
    apr_int64_t stamp_ptp_offset; /* microseconds; 0: none */
    const char *stamp_dscp;       /* as given */
    int stamp_tlv;                /* 0: off */
    int stamp_strict;
    int mirror_dscp;
    apr_array_header_t *impair; /* of const char *, as given; NULL: replies are not impaired */
    apr_int64_t impair_buffer;  /* bytes for each worker */
    apr_int64_t impair_drain;   /* microseconds; 0: delayed replies are dropped at the end */
    apr_int64_t workers;        /* 0: one for each processor */
    apr_int64_t pin;
    apr_int64_t spin; /* microseconds; 0: off */
    port_reuse_t reuse_port;
    apr_int64_t receive_buffer; /* bytes; 0: the system's default */
    apr_int64_t send_buffer;
    apr_int64_t payload_max;
    int offload;               /* 0: off */
    apr_array_header_t *allow; /* of const char *, as given; NULL: none */
    apr_array_header_t *deny;
    const char *deny_source_ports;         /* as given */
    apr_int64_t rate_limit;                /* datagrams a second; 0: without limit */
    apr_array_header_t *rate_limit_exempt; /* of const char *, as given */
    apr_int64_t rate_limit_dry_run;
    apr_int64_t max_rate;      /* datagrams a second; 0: without limit */
    apr_int64_t max_bandwidth; /* bytes a second; 0: without limit */
    int loop_detector;         /* 0: off */
    apr_int64_t count;         /* 0: without end */
    apr_int64_t duration;      /* microseconds; 0: without end */
    apr_int64_t lame_duck;     /* microseconds; 0: none */
    log_level_t log_level;
    log_format_t log_format;
    apr_int64_t log_payload;
    const char *user;   /* NULL: the one who started it */
    const char *group;  /* NULL: the user's */
    const char *chroot; /* NULL: none */
    sandbox_mode_t sandbox;
    const char *metrics_listen; /* as given; NULL: nowhere */
    const char *health_listen;  /* as given; NULL: nowhere */
    const char *control;        /* where the control socket is; NULL: none */
    const char *takeover;       /* a path; NULL: none */
    const char *config;         /* a path; NULL: none */
    apr_int64_t check_config;
    apr_int64_t show_platform;
    apr_int64_t status;
    apr_int64_t ready;
    apr_int64_t drain;
    apr_int64_t undrain;
    apr_int64_t json;
    apr_int64_t service;
    apr_int64_t install_service;
    apr_int64_t uninstall_service;
    apr_int64_t open_firewall;
    apr_int64_t help;
    apr_int64_t version;
    access_list_t *access;          /* what allow and deny say; NULL: nothing */
    access_list_t *exempt;          /* what rate_limit_exempt says; NULL: nobody */
    apr_array_header_t *stamp_keys; /* of stamp_key_line_t, what the key file says; NULL: nothing */
    apr_array_header_t *impairments; /* of impair_profile_t, what impair says; NULL: nothing */
    const char *file;                /* the configuration file that was read; NULL: none */
    int argc;                        /* where all this was read, to read it again */
    const char *const *argv;
} settings_t;

/* The port of a --listen that names none. */
#define DEFAULT_PORT 8888

/* The most worker threads. */
#define WORKERS_MAX 256

extern const option_t settings_table[];

/* Everything at its default. */
settings_t settings_default(apr_pool_t *pool);

/* The port of an address to listen on that names none, by what is spoken there: UDPEchoPlus has
 * none of its own, and its option wants one named. Any thread. */
apr_port_t settings_default_port(protocol_t protocol);

/* Reads the command line and the file that it names, or else, for a service, that of
 * host_config_file() if it exists. Sets `code` to EXIT_OK and returns NULL; or
 * to the code to end with, and returns what is wrong as a sentence. `argv` must outlive the
 * settings. Main thread. */
const char *settings_read(settings_t *settings, int argc, const char *const *argv,
                          exit_code_t *code, apr_pool_t *pool);

#endif
