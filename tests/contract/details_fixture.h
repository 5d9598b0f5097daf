#ifndef UDPECHO_DETAILS_FIXTURE_H
#define UDPECHO_DETAILS_FIXTURE_H

/* What the tests of listeners with details have in common: a client whose datagrams have a traffic
 * class, and who sees what replies came with. */

#include "fixture.h"
#include "scenes.h"

/* The transport keeps the pointer and does not look at what it points to. */
struct service {
    int untouched; /* cppcheck-suppress unusedStructMember */
};

extern struct service service;

#define ADDRESSES 4

extern const char *const addresses[ADDRESSES];

/* EF, and the ECT(0) of ECN: RFC 3246, RFC 3168. */
#define CLASS 0xba

int family_of(const char *address);
int descriptor_of(apr_socket_t *socket);

/* The traffic class of all that the client sends from now on. */
void set_client_class(const fixture_t *fixture, int family, int traffic_class);

/* `value` where a listener's datagrams can tell this; else the number that says that they do not.
 */
int told(const fixture_t *fixture, feature_t feature, int value);

/* Receives a batch of one datagram; ask() sends it, too. */
void receive_one(fixture_t *fixture, batch_t *batch);
void ask(fixture_t *fixture, batch_t *batch);

/* Has the client's replies tell what they came with. */
void have_replies_tell(const fixture_t *fixture, int family);

/* Waits for a reply, and fills of `reply` what it came with. */
void read_reply(fixture_t *fixture, int family, datagram_t *reply);

/* A request of this class tells of itself what belongs to these details, and no more. */
void assert_told(const fixture_t *fixture, const datagram_t *datagram, unsigned details);

/* Every second reply tells when it left, as far as the platform has that. */
void check_departures(fixture_t *fixture);

#define TOGETHER 40

/* Sends so many datagrams of 4 bytes, each its number, as one message where the system can: the
 * kernel may hand them over as one, too. */
void send_together(fixture_t *fixture);

/* Replies that are longer than their requests cost no other datagram its bytes. */
void check_long_replies(fixture_t *fixture);

#endif
