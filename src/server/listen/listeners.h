#ifndef UDPECHO_LISTENERS_H
#define UDPECHO_LISTENERS_H

/* From what --listen, --stamp and --echo-plus say, or this process was handed, to bound listeners.
 */

#include <apr_pools.h>
#include <apr_tables.h>

#include "common/exit_codes.h"
#include "server/listen/listener_set.h"
#include "server/log/log.h"
#include "server/settings.h"
#include "udpecho/transport.h"

/* How listeners are opened. */
typedef struct opening {
    const settings_t *settings;
    const listener_options_t *options;
    const listener_set_t *current; /* to keep what is open already; NULL: nothing is */
    listener_set_t *inherited;     /* from the process before this one; NULL: nothing was */
    int is_confined;               /* in the sandbox, where no interface can be looked up */
    apr_time_t patience_ends;      /* for addresses that are not ready; set by listeners_open() */
    apr_array_header_t *streams;   /* receives those of host_take_over() */
    log_t *log;
    apr_pool_t *pool; /* that the listeners live in */
} opening_t;

/*
 * Takes over the sockets of the service manager. If there are none, looks up and binds all
 * addresses of the settings, except those whose sockets were inherited from the previous
 * process; other inherited sockets are closed. A --listen that `current` has too keeps its
 * listeners and is not looked up again; so does an address. A listener whose network interface
 * no longer exists is opened again, or kept if that fails. They are added to `set`, which is
 * empty. On error one log line says what is wrong, the exit code is returned, and `set` has what
 * must be closed. `pool` is for temporary memory. Main thread.
 */
exit_code_t listeners_open(listener_set_t *set, const opening_t *opening, apr_pool_t *pool);

/* How a listener is opened by these settings. Any thread. */
listener_options_t listener_options(const settings_t *settings, const platform_t *platform);

#endif
