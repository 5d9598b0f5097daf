#ifndef UDPECHO_STAMP_KEY_FILE_H
#define UDPECHO_STAMP_KEY_FILE_H

/* The file that --stamp-key-file names: keys of STAMP's authenticated mode (RFC 8762 section 4.4),
 * and which sessions each is for. Main thread. */

#include <apr_pools.h>
#include <apr_tables.h>

#include "common/cidr.h"

/* Whom a key is for. */
typedef enum stamp_key_scope {
    STAMP_KEY_SSID,    /* sessions of this identifier (RFC 8972 section 3) */
    STAMP_KEY_NETWORK, /* senders in this network */
    STAMP_KEY_REST     /* all that have none of their own */
} stamp_key_scope_t;

/* A line of the file. */
typedef struct stamp_key_line {
    stamp_key_scope_t scope;
    unsigned ssid;
    cidr_t network;
    const unsigned char *key;
    apr_size_t length; /* of the key, bytes */
} stamp_key_line_t;

/*
 * Appends to `lines`, an array of stamp_key_line_t, what the file says, of which at least one line
 * and at most STAMP_KEYS_MAX have a key:
 *
 *     KEY               hexadecimal digits, an even number of them
 *     ssid=N KEY        N from 1 to 65535
 *     NETWORK KEY       192.0.2.0/24, or an address
 *
 * Nothing follows # on a line. The file has to be safe: host_secret_file_check(). Returns NULL, or
 * the error as a sentence that begins with the file and, if it is about one, the line, and never
 * has a key in it; `refusal` is set if the error is one of the system, as for lines_read().
 * Memory from `pool`.
 */
const char *stamp_key_file_read(apr_array_header_t *lines, const char *path, apr_status_t *refusal,
                                apr_pool_t *pool);

#endif
