#ifndef UDPECHO_ECHO_PLUS_SENDER_H
#define UDPECHO_ECHO_PLUS_SENDER_H

/*
 * Requests and replies of UDPEchoPlus (TR-143 Issue 1, Appendix A.1). A request has the sender's
 * number and four empty fields, which the server fills in: how many it answered, when the request
 * came and when the reply left, in microseconds of a clock that begins anywhere and has 32 bits,
 * and how many it did not answer. What follows comes back as it was sent.
 */

#include "client/core/session_sender.h"

/* The protocol with requests of `length` bytes, ECHO_PLUS_LENGTH or more. What is behind the fields
 * is `filling`, `length` less ECHO_PLUS_LENGTH bytes, which are copied. From `pool`. */
session_format_t echo_plus_format(apr_size_t length, const unsigned char *filling,
                                  apr_pool_t *pool);

#endif
