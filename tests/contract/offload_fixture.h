#ifndef UDPECHO_OFFLOAD_FIXTURE_H
#define UDPECHO_OFFLOAD_FIXTURE_H

/* A client that sends to a transport whose kernel knows USO and URO, and checks the replies. */

#include "iocp_calls.h"

#define SEGMENT 10

/* The payload of send_coalesced(), or of the last datagram of send_many(). */
extern unsigned char sent[4000];

/* Sends one message of `length` bytes. Its bytes differ, so that each segment is recognised. */
void send_coalesced(fixture_t *fixture, apr_size_t length);

/* Sends `count` datagrams of `length` bytes; every byte of a datagram is its number. */
void send_many(fixture_t *fixture, unsigned count, apr_size_t length);

/* Receives the replies to send_many(), in order. */
void expect_many(fixture_t *fixture, unsigned count, apr_size_t length);

/* Receives the bytes `from` to `end` of send_coalesced() in datagrams of SEGMENT bytes; the last
 * one may be shorter. */
void expect_segments(fixture_t *fixture, apr_size_t from, apr_size_t end);

/* Receives `count` requests and answers each. Returns the sum of the outcomes. */
send_outcome_t answer_all(fixture_t *fixture, unsigned count);

/* `count` replies of `bytes` in all were sent, and none failed. */
void assert_sent(send_outcome_t outcome, unsigned count, apr_size_t bytes);

/* Checks the message `number` that the kernel was asked to segment. */
void assert_cut(unsigned number, unsigned parts, DWORD segment, apr_size_t length);

/* Checks that no datagram is left and that every receive is posted again, and closes the fixture.
 */
void end(fixture_t *fixture);

#endif
