#ifndef UDPECHO_RELOAD_H
#define UDPECHO_RELOAD_H

/* What a reload replaces: the settings, the listeners, and the policy that comes of both. */

#include <apr_pools.h>

#include "server/listen/listeners.h"
#include "server/policy.h"

typedef struct setup {
    settings_t settings; /* as they are in effect */
    settings_t fresh;    /* as they were read, what only a restart changes included */
    listener_set_t listeners;
    impair_lines_t *lines; /* NULL: no reply has been impaired yet */
    const echo_policy_t *policy;
    const char *changed;       /* by the reload, and what needs a restart: names of options, */
    const char *needs_restart; /* separated by commas; NULL in the first setup */
    apr_pool_t *pool;          /* of all this but the listeners and lines; destroyed to free it */
} setup_t;

/* What is the same for all setups of a process. */
typedef struct setup_frame {
    const settings_t *settings; /* as they were at the start; what they point to stays valid */
    platform_t platform;
    listener_options_t options;
    policy_basis_t basis;
    int is_confined;             /* by the sandbox */
    apr_array_header_t *streams; /* as opening_t has them */
    log_t *log;
    apr_pool_t *pool; /* that listeners and lines live in */
} setup_frame_t;

/* Makes the first setup, of the settings at the start. On error one line in the log says what is
 * wrong, and the exit code is returned. Main thread. */
exit_code_t reload_first(setup_t **setup, const setup_frame_t *frame);

/*
 * Reads the settings again and makes a setup of them, except for those that only a restart
 * changes. Both setups share the listeners that `current` has too. Returns NULL if something is
 * wrong or there is no memory: the log says what, and nothing has changed. Main thread.
 */
setup_t *reload_next(const setup_t *current, const setup_frame_t *frame);

/* Puts the level of the log in effect, and logs what `next` has otherwise than `current`, and what
 * needs a restart. Main thread, when all the rest of `next` is in effect. */
void reload_log(const setup_t *current, const setup_t *next, const setup_frame_t *frame);

/* Closes the listeners that `next` has not, which the log is told, and frees the rest of `setup`.
 * Main thread, once no worker uses it. */
void reload_retire(setup_t *setup, const setup_t *next, log_t *log);

#endif
