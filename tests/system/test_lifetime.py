"""How long the server serves, and that it ends without leaving anybody unanswered."""

import contextlib
import signal
import time
import unittest

import harness
import tracing


class Lifetime(unittest.TestCase):
    def check_ended(self, server, reason, code=0):
        """The server ends by itself; returns its last counters, which must agree."""
        self.assertEqual(server.finish(), code)
        counters, = server.find("stopped")
        self.assertEqual(counters["reason"], reason)
        self.assertEqual(harness.accounted(counters), 0)
        return counters


class Count(Lifetime):
    def check_count(self, count, workers, queued):
        """With more datagrams queued than it may echo, the server echoes `count`, and ends."""
        with harness.Server(f"--count={count}", f"--workers={workers}") as server, \
                contextlib.ExitStack() as stack:
            sockets = [stack.enter_context(harness.client(server.address)) for _ in range(queued)]
            with server.frozen():
                for sock in sockets:
                    sock.send(b"hello")
            counters = self.check_ended(server, "count")
            self.assertEqual(counters["echoed"], count)
            self.assertEqual(counters["dropped_past_count"], counters["received"] - count)
            self.assertEqual(sum(len(harness.replies(sock)) for sock in sockets), count)

    def test_one(self):
        self.check_count(1, workers=1, queued=50)

    def test_one_among_workers(self):
        self.check_count(1, workers=4, queued=50)

    def test_five_among_workers(self):
        self.check_count(5, workers=4, queued=200)

    def test_more_than_a_batch(self):
        self.check_count(100, workers=4, queued=400)

    def test_workers_that_race_for_it(self):
        with harness.Server("--count=10000", "--workers=4") as server, \
                contextlib.ExitStack() as stack:
            sockets = [stack.enter_context(harness.client(server.address)) for _ in range(100)]
            with server.frozen():
                for sock in 100 * sockets:
                    sock.send(b"hello")
            # Where the buffers are small, much of this was lost.
            with contextlib.suppress(ConnectionRefusedError):
                for sock in 1000 * sockets:
                    sock.send(b"hello")
            self.assertEqual(self.check_ended(server, "count")["echoed"], 10000)

    def test_reached_one_by_one(self):
        with harness.Server("--count=3", "--workers=4") as server:
            for _ in range(3):
                with harness.client(server.address) as sock:
                    self.assertEqual(harness.echo(sock, b"hello"), b"hello")
            self.assertEqual(self.check_ended(server, "count")["received"], 3)

    def test_drops_do_not_count(self):
        with harness.Server("--count=1", "--payload-max=10") as server, \
                harness.client(server.address) as sock:
            sock.send(bytes(11))
            self.assertEqual(harness.echo(sock, bytes(10)), bytes(10))
            self.assertEqual(self.check_ended(server, "count")["dropped_truncated"], 1)


class Duration(Lifetime):
    def test_ends_by_itself(self):
        with harness.Server("--duration=300ms") as server:
            self.check_ended(server, "duration")

    def test_answers_what_has_come(self):
        with harness.Server("--duration=2s", "--workers=4") as server, \
                harness.client(server.address) as sock:
            with server.frozen():
                for number in range(200):
                    sock.send(b"%d" % number)
                time.sleep(2)  # its time is over before it has seen one of them
            counters = self.check_ended(server, "duration")
            self.assertEqual(counters["echoed"], 200)
            # Workers that share a socket answer in no order.
            self.assertEqual(sorted(harness.replies(sock), key=int),
                             [b"%d" % number for number in range(200)])

    def test_whatever_comes_first(self):
        with harness.Server("--duration=1h", "--count=1") as server, \
                harness.client(server.address) as sock:
            harness.echo(sock, b"hello")
            self.check_ended(server, "count")


class Drain(Lifetime):
    def check_drained(self, number, workers, queued=40):
        """Requests that are queued when the signal arrives are answered."""
        with harness.Server(f"--workers={workers}") as server, contextlib.ExitStack() as stack:
            sockets = [stack.enter_context(harness.client(server.address)) for _ in range(queued)]
            with server.frozen():
                for sock in sockets:
                    sock.send(b"hello")
                server.signal(number)
            counters = self.check_ended(server, "request")
            self.assertEqual((counters["received"], counters["echoed"]), (queued, queued))
            for sock in sockets:
                self.assertEqual(harness.replies(sock), [b"hello"])

    @harness.posix_only("no SIGTERM")
    def test_sigterm(self):
        self.check_drained(signal.SIGTERM, workers=4)

    def test_sigint(self):
        self.check_drained(signal.SIGINT, workers=4)

    def test_more_than_a_batch(self):
        self.check_drained(harness.STOP, workers=1, queued=300)

    def test_several_listeners(self):
        with harness.Server("--workers=4",
                            listen=("127.0.0.1:0", "127.0.0.1:0")) as server, \
                contextlib.ExitStack() as stack:
            sockets = [stack.enter_context(harness.client(address))
                       for address in server.addresses for _ in range(100)]
            with server.frozen():
                for sock in sockets:
                    sock.send(b"hello")
                server.signal(harness.STOP)
            self.assertEqual(self.check_ended(server, "request")["echoed"], len(sockets))

    @tracing.needs_strace
    def test_second_signal_ends_at_once(self):
        for first, second in ((signal.SIGTERM, signal.SIGTERM), (signal.SIGINT, signal.SIGTERM),
                              (signal.SIGTERM, signal.SIGINT)):
            # The second send of the worker lasts a minute, and so does draining.
            slow = "sendmmsg:delay_exit=60s:when=2"
            with self.subTest(first=first, second=second), \
                    tracing.TracedServer("sendmmsg", "--workers=1", inject=slow) as server, \
                    harness.client(server.address) as sock:
                harness.echo(sock, b"first")
                self.assertEqual(harness.echo(sock, b"second"), b"second")
                server.signal(first)
                server.wait_for("draining, a second signal exits immediately")
                server.signal(second)
                # A thread that strace delays cannot end, but the process is dead without it. If it
                # is not, it drains as soon as strace lets go, and ends well.
                harness.wait_until(lambda: server.status("State").startswith("Z"))
                server.end_tracing()
                self.assertEqual(server.finish(), -second)
                self.assertEqual(server.find("stopped"), [])


class GoesOn(Lifetime):
    """Events that must not end the server."""

    def check_serves(self, server):
        with harness.client(server.address) as sock:
            self.assertEqual(harness.echo(sock, b"hello"), b"hello")
        self.assertEqual(server.stop()["reason"], "request")

    @harness.posix_only("no SIGUSR1")
    def test_sigusr1_logs_the_counters(self):
        with harness.Server() as server, harness.client(server.address) as sock:
            for count in 1, 2:
                harness.echo(sock, b"hello")
                server.signal(signal.SIGUSR1)
                counters = server.wait_for("counters", count=count)
                self.assertEqual(counters["received"], count)
            self.check_serves(server)
            self.assertEqual(set(counters) | {"reason"}, set(server.find("stopped")[0]))

    @harness.posix_only("no SIGUSR1")
    def test_a_thousand_sigusr1(self):
        with harness.Server() as server:
            for _ in range(1000):
                server.signal(signal.SIGUSR1)
            server.wait_for("counters")
            self.check_serves(server)

    def test_stop_and_continue(self):
        with harness.Server("--workers=4") as server:
            for _ in range(10):
                with server.frozen():
                    pass
            self.check_serves(server)
            self.assertEqual(server.find("stopped")[0]["received"], 1)


if __name__ == "__main__":
    harness.main()
