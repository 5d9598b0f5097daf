"""Every system call that serving needs, failing in every way: the server neither dies nor spins nor
hangs, answers what comes later, accounts for every datagram, and still drains when it is asked to.

Not futex(2), whose failures glibc makes an abort of or does not look at.
"""

import concurrent.futures
import itertools
import os
import re
import signal
import socket
import subprocess
import tempfile
import time
import unittest

import harness
import namespaces
import tracing

ERRORS = "EINTR", "EAGAIN", "ENOMEM", "ENOBUFS", "EPERM", "ENOSYS"

# A call, and what has to fail besides for it to be used.
SINGLE = "recvmmsg:error=ENOSYS sendmmsg:error=ENOSYS"
POLL = "epoll_create1:error=ENOSYS"
RECEIVES = ("recvmmsg", ""), ("recvmsg", SINGLE)
WAITS = ("epoll_wait", ""), ("poll", POLL)
SENDS = ("sendmmsg", ""), ("sendmsg", SINGLE)

# Which calls of each thread fail. The first recvmmsg(2) and sendmmsg(2) of the main thread ask
# whether the kernel has them; that they fail means that it has not.
PASSING = [
    *itertools.product(RECEIVES + WAITS + SENDS, ERRORS, ("1", "2", "3..6")),
    *itertools.product([("getsockopt", "")], ERRORS, ("1", "2", "3+")),
    # A line of the log may be lost, and so may not be those before and after it.
    *itertools.product([("write", "")], ERRORS, ("1", "2", "3", "4")),
]
# Not waits that are interrupted each time: only signals do that, and no worker gets any.
LASTING = [
    *itertools.product(RECEIVES[:1], ERRORS, ["2+"]),
    *itertools.product(RECEIVES[1:], ERRORS, ["9+"]),  # the main thread lists addresses with some
    *itertools.product(WAITS, ERRORS[1:], ["2+"]),
]
LASTING_SENDS = [*itertools.product(SENDS, ERRORS, ["2+"])]

# More calls than it makes in vain before it pauses, and then in a few seconds.
CALLS_MAX = 1500


def at_once(check, rows):
    """Does it for several rows at a time, since mostly they wait."""
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        return [pool.submit(check, number, row) for number, row in enumerate(rows)]


class Row:
    """A server with a fault and a client. Its port needs no line of the log, which may be lost."""

    def __init__(self, number, row):
        (self.call, besides), error, when = row
        self.address = "127.0.0.1", 10000 + number
        self.sent = 0
        trace = "recvmmsg,sendmmsg,recvmsg,sendmsg,epoll_create1," + self.call
        self.server = tracing.TracedServer(
            trace, "--workers=1", listen=["%s:%d" % self.address], wait=False,
            inject=f"{besides} {self.call}:error={error}:when={when}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.kill()

    def echo(self, answers):
        """Sends until so many are answered; some replies are what fails here."""
        deadline = time.monotonic() + harness.PATIENCE
        with harness.client(self.address, timeout=0.1) as sock:
            while answers > 0:
                assert time.monotonic() < deadline, f"no answer:\n{self.server.log()}"
                try:
                    sock.send(b"hello")
                    self.sent += 1
                    answers -= sock.recv(100) == b"hello"
                except ConnectionRefusedError:
                    time.sleep(0.01)  # not bound yet
                except socket.timeout:
                    pass

    def tells(self):
        """Asks for the counters; whether they came already. A line may be what fails here."""
        self.server.signal(signal.SIGUSR1)
        return self.server.find("counters")

    def stop(self):
        """Drains; returns the counters of the end, which agree. The fault must have been met."""
        counters = self.server.stop()
        failed = [line for line in self.server.calls("INJECTED")
                  if re.search(rf"\b{self.call}\b", line)]
        assert failed, "nothing failed"
        assert harness.accounted(counters) == 0, counters
        return counters


def check_passes(number, row):
    """The server recovers when the failure ends."""
    with Row(number, row) as fault:
        fault.echo(answers=10)
        harness.wait_until(fault.tells)
        assert fault.server.find("counters"), "it does not tell its counters"
        fault.echo(answers=10)
        counters = fault.stop()
        assert counters["echoed"] >= 20 and counters["health"] == "ok", counters


def check_lasts(number, row):
    """Nothing can be received any more, which costs next to nothing."""
    with Row(number, row) as fault:
        fault.echo(answers=1)
        start, used = time.monotonic(), fault.server.processor_seconds()
        with harness.client(fault.address) as sock:
            for _ in range(10):
                sock.send(b"waits without end")
        fault.server.wait_for("cannot receive", count=2)
        fault.server.signal(signal.SIGUSR1)
        fault.server.wait_for("counters", health="degraded")
        used, elapsed = fault.server.processor_seconds() - used, time.monotonic() - start
        assert used < elapsed / 2, f"{used} s of {elapsed} s"
        fault.stop()
        assert len(fault.server.calls(f"{fault.call}(")) < CALLS_MAX


def check_sends_last(number, row):
    """No reply leaves any more."""
    with Row(number, row) as fault:
        fault.echo(answers=1)
        with harness.client(fault.address) as sock:
            for _ in range(10):
                sock.send(b"lost")
        fault.server.wait_for("reply not sent")
        counters = fault.stop()
        assert counters["echoed"] == 1, counters


def event_read():
    """Which read(2) of the main thread is the first that waits for an event."""
    with tracing.TracedServer("read", "--workers=1") as server:
        server.stop()
        calls = server.calls(f"{server.process.pid} ", "read(")
    return 1 + next(index for index, call in enumerate(calls)
                    if ", 1)" in call or "unfinished" in call)


@tracing.needs_strace
@unittest.skipUnless(namespaces.INSIDE in os.environ, "no network namespace for its ports")
class Sweep(unittest.TestCase):
    def check(self, check, rows):
        for row, done in zip(rows, at_once(check, rows)):
            with self.subTest(row=row):
                done.result()

    def test_a_call_fails_and_works_again(self):
        self.check(check_passes, PASSING)

    def test_an_event_cannot_be_read(self):
        first = event_read()
        self.check(check_passes, [*itertools.product(
            [("read", "")], ERRORS, (f"{first}", f"{first + 1}..{first + 4}"))])

    def test_nothing_can_be_received(self):
        self.check(check_lasts, LASTING)

    def test_nothing_can_be_sent(self):
        self.check(check_sends_last, LASTING_SENDS)


@tracing.needs_strace
class Client(unittest.TestCase):
    def test_refusals_by_the_network_fail_no_send(self):
        """Each comes in before the next attempt to send, as anybody can have it with forged ICMP."""
        with harness.Server() as server:
            done = subprocess.run(
                ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=sendmmsg", "-e",
                 "inject=sendmmsg:error=ECONNREFUSED:when=3..12", os.environ["UDPECHO"],
                 "--count=3", "--interval=200ms", "%s:%d" % server.address],
                capture_output=True, text=True, timeout=harness.PATIENCE,
                env=tracing.environment())
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("3 sent, 3 received, 0 lost", done.stdout)

    def test_an_end_where_it_cannot_wait_for_one(self):
        for error in "ENOMEM", "EIO":
            with self.subTest(error), tempfile.NamedTemporaryFile() as calls:
                done = subprocess.run(
                    ["strace", "-f", "-qq", "-o", calls.name, "-e", "trace=poll", "-e",
                     f"inject=poll:error={error}", os.environ["UDPECHO"],
                     "--count=3", "--interval=200ms", "127.0.0.1:9"],
                    capture_output=True, text=True, timeout=harness.PATIENCE,
                    env=tracing.environment())
                self.assertEqual(done.returncode, 1, done.stderr)
                self.assertIn("3 sent, 0 received, 3 lost", done.stdout)
                self.assertLess(len(calls.readlines()), CALLS_MAX)


if __name__ == "__main__":
    namespaces.enter_own_loopback()
    harness.main()
