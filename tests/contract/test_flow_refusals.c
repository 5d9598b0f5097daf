/*
 * The contract of flows.h where word from the network comes in faster than sends can be tried: each
 * then fails for an earlier datagram, by the same errors that this host has of its own. The network
 * refuses by ICMP from a closed port; the test says for the kernel when sends fail, and how.
 */

#include "flows_fixture.h"
#include "scenes.h"

#include <errno.h>
#include <sys/socket.h>

/* ---- The kernel whose sends fail ---- */

static unsigned failures; /* of the sends to come */
static int failure;       /* their error */

/* NOLINTBEGIN(bugprone-reserved-identifier): the linker's names (ld(1), --wrap) */
ssize_t __real_sendmsg(int descriptor, const struct msghdr *header, int flags);
ssize_t __wrap_sendmsg(int descriptor, const struct msghdr *header, int flags);

ssize_t __wrap_sendmsg(int descriptor, const struct msghdr *header, int flags)
{
    if (failures > 0) {
        failures--;
        errno = failure;
        return -1;
    }
    return __real_sendmsg(descriptor, header, flags);
}

/* NOLINTEND(bugprone-reserved-identifier) */

/* What a send comes to while the next 100 of the kernel's fail. */
static apr_status_t send_in_vain(fixture_t *fixture, int error)
{
    request_t request = request_of(0, 1, 10);
    apr_status_t status = APR_SUCCESS;

    failures = 100;
    failure = error;
    assert_int_equal(flows_send(fixture->flows, &request, 1, &status), 0);
    failures = 0;
    return status;
}

/* Flows one of whose datagrams was refused, which nobody has read yet. */
static fixture_t *open_refused(void **state)
{
    fixture_t *fixture = open_fixture(*state, "127.0.0.1");
    request_t request = request_of(0, 0, 10);

    skip_if(no_refusals_here());
    /* Connected elsewhere, the peer takes nothing, and its port stays taken. */
    assert_int_equal(apr_socket_connect(fixture->peer, address_of(fixture, "127.0.0.1", 1)),
                     APR_SUCCESS);
    open_flows(fixture);
    send_all(fixture, &request, 1);
    return fixture;
}

/* ---- Scenes ---- */

/* What icmp_err_convert of net/ipv4/icmp.c and net/ipv6/icmp.c have, but for what is too long. */
static const int errors[] = {ECONNREFUSED, EHOSTUNREACH, ENETUNREACH, EHOSTDOWN, ENOPROTOOPT,
                             EOPNOTSUPP,   EACCES,       EPROTO,      ENONET};

static void what_the_network_may_have_refused_is_for_later(void **state)
{
    fixture_t *fixture = open_refused(state);

    for (unsigned i = 0; i < sizeof errors / sizeof errors[0]; i++) {
        assert_int_equal(send_in_vain(fixture, errors[i]), APR_EAGAIN);
    }

    const arrival_t *arrival = receive_one(fixture);
    endpoint_t peer = endpoint_of(fixture->peer_address);

    peer.sa.v4.sin_port = 0;
    assert_int_equal(arrival->refused, ECONNREFUSED);
    assert_true(endpoint_equal(&arrival->from, &peer));
    close_fixture(fixture);
}

/* A host that has no route finds none later, and nothing of that is said by the network. */
static void what_this_host_refuses_is_told_at_once(void **state)
{
    fixture_t *fixture = open_refused(state);

    receive_one(fixture); /* from here on the network has said nothing that is not read */
    for (unsigned i = 1; i < sizeof errors / sizeof errors[0]; i++) {
        assert_int_equal(send_in_vain(fixture, errors[i]), errors[i]);
    }
    close_fixture(fixture);
}

static void what_this_host_alone_refuses_is_told_whatever_the_network_said(void **state)
{
    static const int own[] = {EMSGSIZE, EPERM, EINVAL};
    fixture_t *fixture = open_refused(state);

    for (unsigned i = 0; i < sizeof own / sizeof own[0]; i++) {
        assert_int_equal(send_in_vain(fixture, own[i]), own[i]);
    }
    close_fixture(fixture);
}

/* A route that is gone for a moment, or a device that cannot cut messages apart, costs the rest of
 * the run nothing once it is another one. */
static void a_message_that_was_refused_is_tried_again_later(void **state)
{
    fixture_t *fixture = open_fixture(*state, "127.0.0.1");
    request_t requests[2] = {request_of(0, 0, 10), request_of(0, 1, 10)};
    apr_status_t status;
    unsigned apart = 0;

    fixture->options.gathers = 1;
    open_flows(fixture);
    if (flows_send(fixture->flows, requests, 2, &status) < 2) {
        skip_if("this kernel cuts no messages apart (UDP_SEGMENT)");
    }
    failures = 1;
    failure = EINVAL;
    while (flows_send(fixture->flows, requests, 2, &status) == 1) {
        assert_in_range(++apart, 1, 2000);
    }
    assert_in_range(apart, 100, 2000); /* not again each time, as it may go on so */
    close_fixture(fixture);
}

static void errors_of_the_network_are_known_as_such(void **state)
{
    static const int others[] = {EAGAIN, EINTR, ENOMEM, ENOBUFS, EPERM, EINVAL, EBADF};

    (void)state;
    for (unsigned i = 0; i < sizeof errors / sizeof errors[0]; i++) {
        assert_true(flows_is_refusal(errors[i]));
    }
    assert_true(flows_is_refusal(EMSGSIZE));
    for (unsigned i = 0; i < sizeof others / sizeof others[0]; i++) {
        assert_false(flows_is_refusal(others[i]));
    }
}

int main(void)
{
    static const scene_t scenes[] = {
        SCENE(what_the_network_may_have_refused_is_for_later),
        SCENE(what_this_host_refuses_is_told_at_once),
        SCENE(what_this_host_alone_refuses_is_told_whatever_the_network_said),
        SCENE(a_message_that_was_refused_is_tried_again_later),
        SCENE(errors_of_the_network_are_known_as_such),
    };

    return run_scenes(scenes, sizeof scenes / sizeof scenes[0], flows_variants, flows_variant_count,
                      sizeof *flows_variants);
}
