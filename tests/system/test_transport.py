"""System calls of the real server that fail: each costs what it must, and nothing more."""

import contextlib
import re
import signal
import time
import unittest

import harness
import tracing

SIZES = (0, 1, 1472, 8000, 65507)


@tracing.needs_strace
class Faults(unittest.TestCase):
    def server(self, call, failure, *options):
        """A server with one worker in which `call` fails, but not the first time.

        The first of the main thread is the question whether the kernel has such a call.
        """
        server = tracing.TracedServer(call, "--workers=1", *options, inject=f"{call}:{failure}")
        self.assertEqual(server.find("serving")[0]["batching"], "recvmmsg/sendmmsg")
        return server

    def check_stops(self, server):
        """The counters of the end, which agree. The fault must have been met."""
        counters = server.stop()
        self.assertTrue(server.calls("INJECTED"))
        self.assertEqual(harness.accounted(counters), 0)
        return counters

    def queue(self, server, sock, datagrams):
        """Lets datagrams wait together, so that they come in one batch."""
        with server.frozen():
            for datagram in datagrams:
                sock.send(datagram)


class Batching(Faults):
    def check_single(self, missing, batching):
        with tracing.TracedServer(f"{missing},recvmsg,sendmsg", inject=f"{missing}:error=ENOSYS",
                                  listen=("127.0.0.1:0", "*:0")) as server:
            serving, = server.find("serving")
            self.assertEqual(serving["batching"], batching)
            for address in server.addresses[0], ("127.0.0.2", server.addresses[1][1]):
                with harness.client(address) as sock:
                    for size in SIZES:
                        with self.subTest(size=size):
                            self.assertEqual(harness.echo(sock, bytes(size)), bytes(size))
            counters = self.check_stops(server)
            self.assertEqual(counters["echoed"], 2 * len(SIZES))
            self.assertEqual(counters["echoed_bytes"], 2 * sum(SIZES))
            self.assertEqual(len(server.calls(missing)), len(server.calls(missing, "INJECTED")))

    def test_kernel_without_recvmmsg(self):
        self.check_single("recvmmsg", "single/sendmmsg")

    def test_kernel_without_sendmmsg(self):
        self.check_single("sendmmsg", "recvmmsg/single")

    def test_queue_is_answered_in_batches(self):
        with tracing.TracedServer("recvmmsg,sendmmsg", "--workers=1") as server, \
                harness.client(server.address) as sock:
            sent = [b"%d" % number for number in range(200)]
            self.queue(server, sock, sent)
            self.assertEqual([sock.recv(100) for _ in sent], sent)
            server.stop()
            self.assertLess(len(server.calls("sendmmsg(")), 20)


class Sending(Faults):
    def check_loss(self, error, counter, when, lost):
        """Of ten replies in a batch, each to a client of its own, those with these numbers fail,
        and only those."""
        with self.server("sendmmsg", f"error={error}:when={when}") as server, \
                contextlib.ExitStack() as stack:
            socks = [stack.enter_context(harness.client(server.address)) for _ in range(10)]
            self.assertEqual(harness.echo(socks[0], b"first call"), b"first call")
            with server.frozen():
                for sock in socks:
                    sock.send(b"hello")
            for number, sock in enumerate(socks):
                if number not in lost:
                    self.assertEqual(sock.recv(100), b"hello")
            counters = self.check_stops(server)
            echoed = len(socks) - len(lost)
            self.assertEqual(counters["received"], 1 + len(socks))
            self.assertEqual(counters["echoed"], 1 + echoed)
            self.assertEqual(counters[counter], len(lost))
            self.assertEqual(counters["echoed_bytes"], len(b"first call") + echoed * len(b"hello"))
            warning, = server.find("reply not sent")
            self.assertEqual(warning["reason"], counter)

    def test_a_refused_reply_costs_only_itself(self):
        for error in ("EPERM", "EAGAIN", "ENOBUFS", "EHOSTUNREACH", "ENETUNREACH", "EMSGSIZE",
                      "EINVAL", "ECONNREFUSED"):
            with self.subTest(error=error):
                self.check_loss(error, f"failed_{error}", when="2", lost=[0])

    def test_an_unknown_error_is_counted_too(self):
        self.check_loss("EIO", "failed_other", when="2", lost=[0])

    def test_several_refused_in_a_row(self):
        self.check_loss("EPERM", "failed_EPERM", when="2..4", lost=[0, 1, 2])

    def test_an_interrupted_call_costs_nothing(self):
        with self.server("sendmmsg", "error=EINTR:when=2..4") as server, \
                harness.client(server.address) as sock:
            for number in b"1", b"2", b"3":
                self.assertEqual(harness.echo(sock, number), number)
            self.assertEqual(self.check_stops(server)["echoed"], 3)

    def test_count_counts_replies_that_left(self):
        with self.server("sendmmsg", "error=EPERM:when=2", "--count=2") as server, \
                harness.client(server.address) as sock:
            self.assertEqual(harness.echo(sock, b"first"), b"first")
            sock.send(b"refused")
            server.wait_for("reply not sent")
            self.assertEqual(harness.echo(sock, b"second"), b"second")
            self.assertEqual(server.finish(), 0)
            stopped, = server.find("stopped", reason="count", echoed=2, failed_EPERM=1)
            self.assertEqual(harness.accounted(stopped), 0)


class Gathering(Faults):
    """Replies to one client that leave as one message, which fails. The second sendmmsg(2) of the
    worker is the first that gathers."""

    COUNT = 10

    def setUp(self):
        with harness.Server() as server:
            if server.find("refused by the system", by="UDP_SEGMENT"):
                self.skipTest("this kernel gathers no replies")

    def datagrams(self, length):
        return [b"%d" % number * length for number in range(self.COUNT)]

    def ask(self, server, *flows):
        """Datagrams of each flow, a pair of a socket and a length, wait together."""
        with server.frozen():
            for sock, length in flows:
                for datagram in self.datagrams(length):
                    sock.send(datagram)

    def expect(self, sock, length):
        self.assertEqual([sock.recv(1000) for _ in range(self.COUNT)], self.datagrams(length))

    def messages(self, server):
        """How many messages each sendmmsg(2) was to send; the question whether there is such a
        call has none."""
        ends = (re.search(r", ([1-9]\d*), \w+\) += ", line) for line in server.calls("sendmmsg"))
        return [int(end[1]) for end in ends if end]

    def test_one_message_is_counted_for_what_it_carries(self):
        with tracing.TracedServer("sendmmsg", "--workers=1") as server, \
                harness.client(server.address) as sock:
            self.ask(server, (sock, 5))
            self.expect(sock, 5)
            counters = server.stop()
            self.assertEqual((counters["echoed"], counters["echoed_bytes"]), (10, 50))
            self.assertEqual(self.messages(server), [1])

    def test_what_is_refused_gathered_is_sent_one_by_one(self):
        for error in "EMSGSIZE", "EINVAL", "EIO":
            with self.subTest(error=error), \
                    self.server("sendmmsg", f"error={error}:when=2") as server, \
                    harness.client(server.address) as sock, \
                    harness.client(server.address) as other:
                harness.echo(sock, b"first call")
                self.ask(server, (sock, 5), (other, 4))
                self.expect(sock, 5)
                self.expect(other, 4)
                # What was refused once is not tried again, nor what is longer; what is shorter is.
                for length in 5, 6:
                    self.ask(server, (sock, length), (other, 4))
                    self.expect(sock, length)
                    self.expect(other, 4)
                counters = self.check_stops(server)
                self.assertEqual(counters["echoed"], 1 + 6 * self.COUNT)
                self.assertEqual(server.find("reply not sent"), [])
                self.assertEqual(self.messages(server), [1, 2, *[1] * self.COUNT, 1, 11, 11])

    def test_the_shortest_that_was_refused_counts(self):
        # Both of a batch: the first call for it, and the one after those for its first run.
        with self.server("sendmmsg", "error=EMSGSIZE:when=2..13+11") as server, \
                harness.client(server.address) as sock, harness.client(server.address) as other:
            harness.echo(sock, b"first call")
            self.ask(server, (sock, 5), (other, 7))
            self.expect(sock, 5)
            self.expect(other, 7)
            self.ask(server, (other, 6))
            self.expect(other, 6)
            self.check_stops(server)
            self.assertEqual(self.messages(server), [1, 2, *[1] * self.COUNT, 1, *[1] * self.COUNT, 10])

    def test_what_is_refused_either_way_does_not_end_the_gathering(self):
        with self.server("sendmmsg", "error=EINVAL:when=2..12") as server, \
                harness.client(server.address) as sock, harness.client(server.address) as other:
            harness.echo(sock, b"first call")
            self.ask(server, (sock, 5), (other, 5))
            self.expect(other, 5)
            self.ask(server, (sock, 5))
            self.expect(sock, 5)
            counters = self.check_stops(server)
            self.assertEqual((counters["echoed"], counters["failed_EINVAL"]), (21, 10))
            self.assertEqual(self.messages(server), [1, 2, *[1] * self.COUNT, 1, 1])

    def test_another_failure_costs_no_reply_that_can_be_sent_alone(self):
        for error in "EPERM", "ENOBUFS", "EHOSTUNREACH":
            with self.subTest(error=error), \
                    self.server("sendmmsg", f"error={error}:when=2") as server, \
                    harness.client(server.address) as sock, \
                    harness.client(server.address) as other:
                harness.echo(sock, b"first call")
                self.ask(server, (sock, 5), (other, 5))
                self.expect(sock, 5)
                self.expect(other, 5)
                self.ask(server, (sock, 5))  # and does not end the gathering
                self.expect(sock, 5)
                counters = self.check_stops(server)
                self.assertEqual((counters["echoed"], counters[f"failed_{error}"]), (31, 0))
                self.assertEqual(self.messages(server), [1, 2, *[1] * self.COUNT, 1, 1])

    def test_another_failure_loses_the_replies_of_one_client_only(self):
        for error in "EPERM", "ENOBUFS", "EHOSTUNREACH":
            with self.subTest(error=error), \
                    self.server("sendmmsg", f"error={error}:when=2..12") as server, \
                    harness.client(server.address) as sock, \
                    harness.client(server.address) as other:
                harness.echo(sock, b"first call")
                self.ask(server, (sock, 5), (other, 5))
                self.expect(other, 5)
                counters = self.check_stops(server)
                self.assertEqual((counters["echoed"], counters[f"failed_{error}"]), (11, 10))


class Receiving(Faults):
    def test_a_failed_call_loses_nothing(self):
        for error in "ENOMEM", "ENOBUFS", "EIO":
            with self.subTest(error=error), \
                    self.server("recvmmsg", f"error={error}:when=2..4") as server, \
                    harness.client(server.address) as sock:
                for number in b"1", b"2", b"3":
                    self.assertEqual(harness.echo(sock, number), number)
                counters = self.check_stops(server)
                self.assertEqual((counters["echoed"], counters["receive_errors"]), (3, 3))
                self.assertEqual(server.find("cannot receive")[0]["level"], "warning")

    def test_an_interrupted_call_is_no_error(self):
        with self.server("recvmmsg", "error=EINTR:when=2..4") as server, \
                harness.client(server.address) as sock:
            for number in b"1", b"2":
                self.assertEqual(harness.echo(sock, number), number)
            # It did not take the interruption for a request to end, either.
            server.signal(signal.SIGUSR1)
            server.wait_for("counters")
            self.assertEqual(harness.echo(sock, b"3"), b"3")
            self.assertEqual(self.check_stops(server)["receive_errors"], 0)

    def test_permanent_failure_neither_spins_nor_hangs(self):
        with self.server("recvmmsg", "error=ENOMEM:when=2+") as server, \
                harness.client(server.address) as sock:
            self.assertEqual(harness.echo(sock, b"works"), b"works")
            start = time.monotonic()
            sock.send(b"waits without end")
            server.wait_for("cannot receive", count=2)
            server.signal(signal.SIGUSR1)
            counters = server.wait_for("counters", health="degraded")
            elapsed = time.monotonic() - start
            # Bounds that hold however slow this machine is: seven pauses are shorter than a second,
            # and after each warning the worker is silent for as long.
            self.assertGreater(counters["receive_errors"], 2)
            self.assertLessEqual(counters["receive_errors"], 8 + elapsed)
            self.assertLessEqual(len(server.find("cannot receive")), elapsed + 1)
            self.assertEqual(self.check_stops(server)["echoed"], 1)

    def test_degraded_is_over_when_a_call_works(self):
        for failing, sent in ("recvmmsg", b"one"), ("epoll_wait", None):
            with self.subTest(call=failing), \
                    self.server(failing, "error=ENOMEM:when=2..3") as server, \
                    harness.client(server.address) as sock:
                self.assertEqual(harness.echo(sock, b"works"), b"works")
                if sent:
                    self.assertEqual(harness.echo(sock, sent), sent)
                server.wait_for("cannot receive")
                # The pauses, and a wait of a second at most that brings nothing.
                harness.wait_until(lambda: self.health(server) == "ok")
                self.assertEqual(self.health(server), "ok")
                self.assertEqual(self.check_stops(server)["health"], "ok")

    def health(self, server):
        server.signal(signal.SIGUSR1)
        return server.wait_for("counters", count=1 + len(server.find("counters")))["health"]


if __name__ == "__main__":
    harness.main()
