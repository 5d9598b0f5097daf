#ifndef UDPECHO_JSON_TEXT_H
#define UDPECHO_JSON_TEXT_H

/* Strings of JSON (RFC 8259 section 7). What is written is UTF-8 whatever is given: a byte that
 * is no part of a character (RFC 3629 section 4) is escaped, as are control characters. */

#include <apr_pools.h>

enum {
    JSON_OF_BYTES = 1, /* not of text: every byte above ASCII is escaped, whatever it looks like */
    JSON_WITH_X = 2, /* no JSON, but alike: \xNN, where JSON has \u00NN, for characters that are not
                      * seen or that move text, too */
    JSON_AS_SHOWN = 4 /* no JSON: what a terminal shows as it is, quotes and \ too, stays */
};

/*
 * Writes what stands between the quotes of a string to `out`, without a NUL. `how` is 0 or a sum of
 * the above. Returns its length; if that is more than `room`, what was written is not to be used.
 * Any thread.
 */
apr_size_t json_escape(char *out, apr_size_t room, const unsigned char *bytes, apr_size_t length,
                       unsigned how);

/* The string of a text, with its quotes, in `pool`. */
const char *json_text(const char *text, apr_pool_t *pool);

/* A text that may hold what a user or a file said, for a terminal: with \xNN, \n, \r and \t in
 * place of control characters and of bytes that are no UTF-8, none of which a terminal may be told
 * by a name or an argument (ECMA-48 has sequences that rename windows and type for the user), and
 * of characters that are not seen or that change the order of others, by which one name looks like
 * another (Unicode Technical Report 36, section 2.2). From `pool`. */
const char *printable_text(const char *text, apr_pool_t *pool);

#endif
