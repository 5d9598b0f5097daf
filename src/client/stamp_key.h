#ifndef UDPECHO_STAMP_KEY_H
#define UDPECHO_STAMP_KEY_H

#include "common/authentication.h"

/* Reads the key of --stamp-key-file: pairs of hexadecimal digits on one line, comments after #
 * and empty lines besides, in a file that others than its owner and group can neither read nor
 * write, where the system has such permissions. Returns NULL, or what is wrong as a sentence.
 * Memory from `pool`. Any thread. */
const char *stamp_key_read(authentication_key_t **key, const char *path, apr_pool_t *pool);

#endif
