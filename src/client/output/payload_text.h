#ifndef UDPECHO_PAYLOAD_TEXT_H
#define UDPECHO_PAYLOAD_TEXT_H

/* A payload that the user wrote. Each function returns NULL, or what is wrong as a sentence that
 * names the option. Memory comes from `pool`. */

#include "client/client_settings.h"

/* Sets payload and size from whichever of --payload, --payload-hex and --payload-file was given, if
 * one was. */
const char *payload_from_options(client_settings_t *settings, apr_pool_t *pool);

/* What is wrong with a payload, of whichever option, that is longer than `most` bytes; `why` says
 * where the bound comes from: " over IPv4", or "". */
const char *payload_too_long(const client_settings_t *settings, apr_size_t most, const char *why,
                             apr_pool_t *pool);

#endif
