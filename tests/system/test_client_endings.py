"""Every kind of run of udpecho against every way in which a datagram can end, at the peer, in the
network and in this host: each run ends when it should, and accounts for what it sent."""

import collections
import concurrent.futures
import contextlib
import re
import signal
import tempfile
import threading
import time
import unittest

import client_harness
import harness
import tracing
from client_harness import Client
from responder import Reply, Responder, echo, flip, silence

# What a busy machine, strace and sanitizers may add to the time that a run should take, seconds.
SLACK = 12

TIMEOUT = 0.2

# With the seconds after which it should have ended at the latest.
Run = collections.namedtuple("Run", "options seconds")

RUNS = {
    "ping": Run(("--count=3", "--interval=200ms"), 0.4 + TIMEOUT),
    "payload": Run(("--payload=ping", "--count=3", "--interval=200ms"), 0.4 + TIMEOUT),
    "deadline": Run(("--deadline=500ms", "--interval=200ms"), 0.5),
    "flood": Run(("--flood", "--duration=400ms"), 0.4 + TIMEOUT),
    "flood of many flows": Run(("--flood", "--flows=8", "--window=512", "--duration=400ms"),
                               0.4 + TIMEOUT),
    "flood by count": Run(("--flood", "--window=1000", "--count=1000"), 2 * TIMEOUT),
    "flood until a deadline": Run(("--flood", "--deadline=400ms"), 0.4),
    "rate": Run(("--flood", "--rate=500/s", "--duration=400ms"), 0.4 + TIMEOUT),
    "rate by count": Run(("--flood", "--rate=2k/s", "--count=800"), 0.4 + TIMEOUT),
    "sweep": Run(("--sweep=4", "--count=3", "--interval=200ms"), 0.4 + TIMEOUT),
    "mtu": Run(("--mtu",), 20 * 3 * TIMEOUT),
    "mtu until a deadline": Run(("--mtu", "--deadline=500ms"), 0.5),
}


class Late:
    """Answers what came longer ago than the timeout, whenever something comes."""

    def __init__(self):
        self._held = collections.deque()

    def __call__(self, request):
        now = time.monotonic()
        self._held.append((now + 1.5 * TIMEOUT, Reply(request.payload, to=request.source)))
        replies = []
        while self._held[0][0] <= now:
            replies.append(self._held.popleft()[1])
        return replies


class Mixed:
    """Ends each datagram in another way."""

    def __init__(self):
        self._late = Late()

    def __call__(self, request):
        late = self._late(request)
        ways = [late, [], [request.payload], [request.payload] * 3, [flip(request.payload)],
                [request.payload[:-1]], [request.payload + b"!"], [Reply(request.payload, by=1)]]
        return ways[request.number % len(ways)]


@contextlib.contextmanager
def closed_port():
    """An address that nobody serves: a socket that is connected elsewhere keeps others away."""
    with harness.client(("127.0.0.1", 1)) as sock:
        yield f"127.0.0.1:{sock.getsockname()[1]}"


@contextlib.contextmanager
def peer(answer):
    with Responder(answer, others=[("127.0.0.1", 0)]) as server:
        yield server.address()


class Endings(unittest.TestCase):
    def run_one(self, run, open_peer, *options, prefix=()):
        with open_peer() as address:
            started = time.monotonic()
            with Client(address, "--quiet", f"--timeout={TIMEOUT}s", *run.options, *options,
                        prefix=prefix) as client:
                report = client.finish()
            return report, time.monotonic() - started

    def check_all(self, run_one):
        """All runs at once, since they mostly wait. Returns their reports by name."""
        reports = {}
        with concurrent.futures.ThreadPoolExecutor(len(RUNS)) as pool:
            ended = {name: pool.submit(run_one, run) for name, run in RUNS.items()}
        for name, future in ended.items():
            with self.subTest(run=name):
                report, seconds = future.result()
                self.assertNotIn("Sanitizer", report.errors)
                self.assertIn(report.code, (0, 1, 2), report.errors)
                self.assertLess(seconds, RUNS[name].seconds + SLACK)
                client_harness.check_sums(self, report)
                reports[name] = report
        return reports


class AtThePeer(Endings):
    def check_answer(self, make_answer, *nonzero, is_answered=False):
        """Checks that at least one of these members of the summary is not 0 in every run."""
        reports = self.check_all(lambda run: self.run_one(run, lambda: peer(make_answer())))
        for name, report in reports.items():
            with self.subTest(run=name):
                self.assertGreater(sum(report.summary[member] for member in nonzero), 0,
                                   report.summary)
                if not is_answered:
                    self.assertEqual(report.summary["received"], 0)
                    self.assertEqual(report.code, 1)
        return reports

    def test_absent(self):
        self.check_answer(lambda: silence, "lost", "outstanding")

    def test_late(self):
        for name, report in self.check_answer(Late, "sent", is_answered=True).items():
            if name != "payload":  # where nothing tells which datagram a reply answers
                self.assertEqual(report.summary["received"], report.summary["late"], name)

    def test_duplicate(self):
        self.check_answer(lambda: lambda request: [request.payload] * 3, "duplicate_replies",
                          is_answered=True)

    def test_corrupt(self):
        # 8 bytes with another one of the key are of no run that this one knows of.
        self.check_answer(lambda: lambda request: [flip(request.payload)], "corrupt_replies",
                          "unknown_replies")

    def test_truncated(self):
        self.check_answer(lambda: lambda request: [request.payload[:-1]], "corrupt_replies")

    def test_empty(self):
        self.check_answer(lambda: lambda request: [b""], "corrupt_replies", "unknown_replies")

    def test_longer(self):
        self.check_answer(lambda: lambda request: [request.payload + b"!"], "corrupt_replies")

    def test_longer_than_anything_sent(self):
        self.check_answer(lambda: lambda request: [request.payload.ljust(65507, b"!")],
                          "corrupt_replies", "received", is_answered=True)

    def test_from_elsewhere(self):
        self.check_answer(lambda: lambda request: [Reply(request.payload, by=1)],
                          "elsewhere_replies")

    def test_mixed(self):
        self.check_answer(Mixed, "sent", is_answered=True)

    def test_refused_by_a_closed_port(self):
        for name, report in self.check_all(lambda run: self.run_one(run, closed_port)).items():
            self.assertEqual(report.summary["received"], 0, name)
            self.assertNotEqual(report.code, 0, name)


@tracing.needs_strace
class InThisHost(Endings):
    """System calls that keep failing."""

    def strace(self, inject):
        log = tempfile.NamedTemporaryFile(suffix=".strace")
        self.addCleanup(log.close)
        call = inject.split(":")[0]
        return log, (*harness.WITHOUT_LEAKS, "strace", "-D", "-f", "-qq", "-o",
                     log.name, "-e", f"trace={call}", "-e", f"inject={inject}")

    def check_fault(self, inject, open_peer=lambda: peer(echo)):
        def run_one(run):
            log, strace = self.strace(inject)
            ended = self.run_one(run, open_peer, prefix=strace)
            self.assertIn(b"INJECTED", log.read())
            return ended

        return self.check_all(run_one)

    def test_a_send_buffer_that_stays_full(self):
        reports = self.check_fault("sendmsg:error=EAGAIN:when=2+")
        for name, report in reports.items():
            if "deadline" not in name:
                self.assertGreater(report.summary["not_sent"], 0, name)
        self.assertEqual(reports["ping"].summary["not_sent"], 2)
        self.assertEqual(reports["rate by count"].summary["not_sent"], 799)

    def test_a_send_buffer_that_was_always_full(self):
        for name, report in self.check_fault("sendmsg:error=EAGAIN").items():
            self.assertEqual(report.summary["sent"], report.summary["outstanding"], name)
            self.assertNotEqual(report.code, 0, name)

    def test_a_send_buffer_with_little_room(self):
        self.check_fault("sendmsg:error=EAGAIN:when=1+3")

    def test_refused_by_this_host(self):
        for name, report in self.check_fault("sendmsg:error=ENETUNREACH").items():
            # A search has its next one waiting when it ends.
            self.assertEqual(report.summary["sent"], report.summary["outstanding"], name)
            self.assertEqual(report.code, 2, name)

    def test_some_refused_by_this_host(self):
        # It tries again: the reason may be what the network said of an earlier datagram.
        for name, report in self.check_fault("sendmsg:error=EPERM:when=1+2").items():
            self.assertGreater(report.summary["sent"], 0, name)

    def test_what_was_not_sent_counts_for_max_loss(self):
        for most, code in ("25%", 0), ("24%", 1):
            with self.subTest(most=most), peer(echo) as address, \
                 Client(address, "--count=4", "--interval=200ms", f"--max-loss={most}",
                        prefix=self.strace("sendmsg:error=EPERM:when=1..4")[1]) as client:
                report = client.finish()
                self.assertEqual((report.code, report.summary["not_sent"]), (code, 1), report.text)

    def test_too_big_for_this_host(self):
        for name, report in self.check_fault("sendmsg:error=EMSGSIZE").items():
            self.assertEqual(report.summary["sent"], 0, name)

    def test_receives_with_nothing(self):
        # The first call is to find out whether there is such a call.
        for name, report in self.check_fault("recvmmsg,recvmsg:error=EAGAIN:when=2+").items():
            self.assertLess(report.summary["received"], report.summary["sent"], name)

    def test_receives_that_fail(self):
        """Later losses may be this host's, and are not reported as loss in the network only."""
        for name, report in self.check_fault("recvmmsg,recvmsg:error=ENOMEM:when=2+").items():
            self.assertEqual(report.code, 2, name)
            self.assertIn("cannot receive: Cannot allocate memory", report.errors, name)

    def test_receives_that_fail_for_a_moment(self):
        with peer(echo) as address, \
             Client(address, "--flood", "--rate=200/s", "--duration=3s",
                    prefix=self.strace("epoll_wait,epoll_pwait:error=ENOMEM:when=50..160")[1]) \
                as client:
            report = client.finish()
        self.assertEqual((report.code, report.errors), (0, ""), report.text)
        self.assertGreater(report.summary["received"], 200)

    def test_a_link_that_is_down_for_a_moment_says_nothing_of_sizes(self):
        for error in "ENETDOWN", "EPERM", "EINVAL":
            for when, code, limit in ("8..24", 0, "none"), ("9+", 1, "not_found"):
                with self.subTest(error=error, when=when), peer(echo) as address, \
                     Client(address, "--mtu", f"--timeout={TIMEOUT}s",
                            prefix=self.strace(f"sendmsg:error={error}:when={when}")[1]) as client:
                    report = client.finish()
                    found, = report.of("mtu")
                    self.assertEqual((report.code, found["limit"]), (code, limit), report.text)

    def test_refusals_without_end(self):
        for name, report in self.check_fault("recvmsg:retval=0", closed_port).items():
            self.assertEqual(report.summary["received"], 0, name)

    def test_the_reason_is_told(self):
        with peer(echo) as address, \
             Client(address, "--count=2",
                    prefix=self.strace("sendmsg:error=EAGAIN:when=2+")[1]) as client:
            report = client.finish()
        self.assertIn("not sent: no room in this host's buffers", report.text)

    def test_answers_that_take_long_to_read(self):
        """A stopped process does not report replies as missing that arrived in time."""
        flows = 256
        held = []
        stopped = threading.Event()

        def answer(request):
            held.append(Reply(request.payload, to=request.source))
            if len(held) < flows:
                return []
            stopped.wait(harness.PATIENCE)
            return held

        _, strace = self.strace("recvmmsg,recvmsg:delay_enter=2000")
        with Responder(answer) as server, \
             Client(server.address(), "--flood", f"--flows={flows}", "--window=1",
                    f"--count={flows}", "--timeout=3s", "--verbose", prefix=strace) as client:
            harness.wait_until(lambda: len(held) == flows)
            client.process.send_signal(signal.SIGSTOP)
            stopped.set()
            time.sleep(3.5)
            client.process.send_signal(signal.SIGCONT)
            report = client.finish()
        self.assertEqual((report.verdicts(), report.of("missing")), ({"answer": flows}, []))

    def test_each_datagram_waits_for_room_for_as_long(self):
        """Also after one before it was given up."""
        log, strace = self.strace("sendmsg:error=EAGAIN")
        with peer(echo) as address, \
             Client(address, "--count=4", "--interval=200ms",
                    prefix=(*strace[:3], "-ttt", *strace[3:])) as client:
            self.assertEqual(client.finish().summary["not_sent"], 4)
        tries = [float(re.search(rb"\d+\.\d+", line).group())
                 for line in log if b"INJECTED" in line]
        groups = collections.Counter(int((at - tries[0] + 0.05) / 0.2) for at in tries)
        self.assertEqual(len(groups), 4, tries)
        self.assertGreater(min(groups.values()), 1, tries)

    def test_a_signal_ends_a_flood_whose_sends_are_refused(self):
        for error in "ENETUNREACH", "EAGAIN":
            log, strace = self.strace(f"sendmsg:error={error}")
            with self.subTest(error=error), peer(echo) as address, \
                 Client(address, "--flood", "--duration=60s", prefix=strace) as client:
                harness.wait_until(lambda log=log: b"INJECTED" in log.read())
                started = time.monotonic()
                client.interrupt()
                client.finish()
                self.assertLess(time.monotonic() - started, SLACK)


if __name__ == "__main__":
    harness.main()
