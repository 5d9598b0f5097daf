#ifndef UDPECHO_FIXTURE_H
#define UDPECHO_FIXTURE_H

/* A transport under test with a client to talk to it, both in one thread. A failure ends the
 * scene. */

#include <apr_general.h>
#include <apr_network_io.h>

#include "cmocka_versions.h"
#include "variants.h"

/* A wait that takes longer counts as a hang. */
#define PATIENCE_US (10 * APR_USEC_PER_SEC)

typedef struct fixture {
    const variant_t *variant;
    platform_t platform;
    apr_pool_t *pool;
    listener_t *listeners[4];
    unsigned listener_count;
    apr_size_t payload_max;
    struct service *service; /* of listeners that are added */
    unsigned details;        /* which they have */
    apr_port_t port;         /* of the listener added last */
    transport_t *transport;  /* opened last */
    apr_pool_t *transport_pool;
    apr_socket_t *client;
} fixture_t;

/* A listener on `address`, a transport of the variant on it, and a client connected to it. A
 * variant that this machine lacks skips the scene. */
fixture_t *open_fixture(const variant_t *variant, const char *address, apr_size_t payload_max);
void close_fixture(fixture_t *fixture);

/* The same with a listener that has a service and details. */
fixture_t *open_service_fixture(const variant_t *variant, const char *address,
                                apr_size_t payload_max, struct service *service, unsigned details);

/* One more listener, on a port of its own; the transport sees it after reopen_transport(). */
void add_listener(fixture_t *fixture, const char *address);
void reopen_transport(fixture_t *fixture);

/* A new client socket, connected to `address` and the fixture's port. Returns its own address. */
endpoint_t client_connect(fixture_t *fixture, const char *address);
void client_send(fixture_t *fixture, const void *data, apr_size_t length);

/* Waits for one datagram; returns its length. */
apr_size_t client_receive(fixture_t *fixture, void *data, apr_size_t room);

/* Nothing that was sent before is left to be received: a datagram that is echoed now is the first
 * to come. */
void assert_client_gets_nothing(fixture_t *fixture);

/* Non-zero if this host has the address. All of 127.0.0.0/8 is Linux's. */
int is_local(fixture_t *fixture, const char *host);

/* Receives a batch, asking again after early ends of the wait. */
apr_status_t receive(fixture_t *fixture, batch_t *batch);

void add_outcome(send_outcome_t *sum, const send_outcome_t *more);

/* Returns the batch as it was judged, and waits until it is known what became of all replies. */
send_outcome_t answer(fixture_t *fixture, batch_t *batch);

/* Returns the batch with the same verdict for all. */
send_outcome_t give_back(fixture_t *fixture, batch_t *batch, verdict_t verdict);

/* Receives and echoes until `count` datagrams are answered; returns how many were. */
unsigned serve(fixture_t *fixture, unsigned count);

#endif
