#ifndef UDPECHO_SHOW_PLATFORM_H
#define UDPECHO_SHOW_PLATFORM_H

/* --show-platform: what this system offers, what these settings make of it, and why. */

#include <apr_file_io.h>

#include "server/settings.h"

/* Writes one screen for people, or, as `settings` say, one JSON object (RFC 8259). What is said of
 * sockets is seen on one of the loopback, which is closed again. Main thread. */
void show_platform(const settings_t *settings, apr_file_t *out, apr_pool_t *pool);

#endif
