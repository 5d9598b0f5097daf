#ifndef UDPECHO_FLOWS_FIXTURE_H
#define UDPECHO_FLOWS_FIXTURE_H

/* Flows under test with a peer to talk to, both in one thread. A failure ends the scene. */

#include <apr_general.h>
#include <apr_network_io.h>

#include "cmocka_versions.h"
#include "udpecho/clock.h"
#include "udpecho/flows.h"
#include "variants.h"

typedef struct fixture {
    apr_pool_t *pool;
    platform_t platform;
    flows_options_t options;
    apr_socket_t *peer;
    apr_sockaddr_t *peer_address;
    apr_sockaddr_t *client_address; /* of what the peer received last */
    flows_t *flows;
    arrivals_t arrivals;
} fixture_t;

/* A peer on `host`, and options for flows of the variant that ask for nothing special. */
fixture_t *open_fixture(const flows_variant_t *variant, const char *host);
void close_fixture(fixture_t *fixture);

/* Opens the flows with the options and the peer's address as they are by now. */
void open_flows(fixture_t *fixture);

/* Opens one more flow, to this peer and from wherever the system chooses; returns its number. */
unsigned add_flow(fixture_t *fixture, const apr_sockaddr_t *peer);

/* Skips the scene for this reason, unless it is NULL. */
void skip_if(const char *reason);

apr_sockaddr_t *address_of(fixture_t *fixture, const char *host, apr_port_t port);

/* A UDP socket of the test; `address` becomes where it is bound. */
apr_socket_t *open_socket(fixture_t *fixture, const char *host, apr_sockaddr_t **address);

/* The first of `count` ports that follow each other and were free a moment ago. */
apr_port_t find_free_ports(fixture_t *fixture, unsigned count);

/* Waits for a datagram at the peer; returns its length. */
apr_size_t peer_receive(fixture_t *fixture, void *data, apr_size_t room);

/* Sends to where the peer received from last. */
void send_from(fixture_t *fixture, apr_socket_t *socket, const void *data, apr_size_t length);

/* Answers `count` datagrams with what they hold. */
void peer_echo(fixture_t *fixture, unsigned count);

/* A datagram of `length` bytes, of which the first ones are a head that holds the sequence. */
request_t request_of(unsigned flow, apr_uint64_t sequence, apr_size_t length);

/* The low bits of the sequence in such a head. */
unsigned sequence_of(const unsigned char *head);

/* All of them leave. */
void send_all(fixture_t *fixture, const request_t *requests, unsigned count);

/* Waits for something to arrive, asking again after early ends of the wait. */
void receive_some(fixture_t *fixture);
const arrival_t *receive_one(fixture_t *fixture);

void assert_nothing_is_left(fixture_t *fixture);

/* The arrival holds the first `known` bytes of the request. */
void assert_holds(const arrival_t *arrival, const request_t *request, apr_size_t known);

#endif
