#include "server/setting_words.h"

#include "server/settings.h"

const char *const port_reuse_words[] = {
    [PORT_REUSE_WORKERS] = "workers",
    [PORT_REUSE_PROCESSES] = "processes",
    [PORT_REUSE_OFF] = "off",
    NULL,
};

const char *const sandbox_words[] = {
    [SANDBOX_AUTO] = "auto",
    [SANDBOX_ON] = "on",
    [SANDBOX_OFF] = "off",
    NULL,
};

const char *const stamp_session_words[] = {
    [STAMP_SESSIONS_STATELESS] = "stateless",
    [STAMP_SESSIONS_STATEFUL] = "stateful",
    NULL,
};

const char *const stamp_mode_words[] = {
    [STAMP_MODE_AUTO] = "auto",
    [STAMP_MODE_UNAUTHENTICATED] = "unauthenticated",
    [STAMP_MODE_AUTHENTICATED] = "authenticated",
    NULL,
};

const char *const stamp_short_words[] = {"refuse", "answer", NULL};

const char *const stamp_clock_words[] = {
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
