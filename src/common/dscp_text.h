#ifndef UDPECHO_DSCP_TEXT_H
#define UDPECHO_DSCP_TEXT_H

#include <apr.h>

/* Reads a differentiated services code point (RFC 2474 section 3): a number from 0 to 63, or a name
 * of IANA's registry in capital or small letters, CS0 to CS7, AF11 to AF43, EF, VA (VOICE-ADMIT)
 * or LE. Returns 0 if it is neither. Any thread. */
int dscp_read(apr_int64_t *dscp, const char *text);

#endif
