#ifndef UDPECHO_VERDICT_H
#define UDPECHO_VERDICT_H

/* How the program ends, by what it measured. */

#include "client/client_settings.h"
#include "client/destination.h"

/* How udpecho ends: as ping(8) does. */
typedef enum client_exit {
    CLIENT_ANSWERED = 0,
    CLIENT_UNANSWERED =
        1, /* by one of the targets at least; or worse than --max-loss or --max-rtt */
    CLIENT_ERROR = 2
} client_exit_t;

/* What all that was measured came to. */
typedef struct outcome {
    const client_settings_t *settings;
    const destination_t *destination; /* NULL: several targets may have been asked */
    const probe_summary_t *summary;
    unsigned peers;       /* that were asked */
    unsigned answered;    /* of these */
    unsigned targets;     /* of the user */
    unsigned not_asked;   /* of these: no address was found, or none could be asked */
    int is_limit_unknown; /* an MTU search ended too early */
    unsigned suspects;    /* source ports of a sweep */
} outcome_t;

/* Sets `error` to why it does not end with CLIENT_ANSWERED, as a sentence; NULL if it does or the
 * reports say why. Any thread; memory from `pool`. */
client_exit_t verdict_of(const outcome_t *outcome, const char **error, apr_pool_t *pool);

#endif
