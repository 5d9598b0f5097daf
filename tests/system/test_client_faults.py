"""System calls of udpecho that keep failing: however a run meets them, it ends when it should, and
says what it did not send."""

import signal
import tempfile
import time
import unittest

import client_harness
import harness
import tracing
from client_harness import Client
from responder import Responder, echo

# What a busy machine and strace may add to the time that a run should take, seconds.
SLACK = 4

# Each kind of run, with the seconds after which it should have ended at the latest.
RUNS = {
    "ping": (("--count=3", "--interval=200ms"), 1.4),
    "flood": (("--flood", "--duration=500ms"), 1.5),
    "flood of many flows": (("--flood", "--duration=500ms", "--flows=8", "--window=4096"), 1.5),
    "flood by count": (("--flood", "--window=1000", "--count=1000"), 2),
    "rate": (("--flood", "--rate=1k/s", "--duration=500ms"), 1.5),
    "rate by count": (("--flood", "--rate=2k/s", "--count=1000"), 1.5),
    "sweep": (("--sweep=4", "--count=3", "--interval=200ms"), 1.4),
    "mtu": (("--mtu", "--timeout=100ms"), 2),
    "deadline": (("--flood", "--deadline=500ms"), 0.5),
}


@tracing.needs_strace
class Faults(unittest.TestCase):
    def start(self, server, inject, *options):
        self.log = tempfile.NamedTemporaryFile(suffix=".strace")
        self.addCleanup(self.log.close)
        call = inject.split(":")[0]
        strace = ("env", "ASAN_OPTIONS=detect_leaks=0", "strace", "-D", "-f", "-qq", "-o",
                  self.log.name, "-e", f"trace={call}", "-e", f"inject={inject}")
        return Client(server.address(), *options, prefix=strace)

    def check_runs(self, inject):
        reports = {}
        for name, (options, seconds) in RUNS.items():
            with self.subTest(run=name), Responder(echo) as server:
                started = time.monotonic()
                with self.start(server, inject, "--quiet", *options) as client:
                    reports[name] = report = client.finish()
                self.assertLess(time.monotonic() - started, seconds + SLACK)
                self.assertIn(b"INJECTED", self.log.read())
                client_harness.check_sums(self, report)
        return reports

    def test_a_send_buffer_that_stays_full(self):
        reports = self.check_runs("sendmsg:error=EAGAIN:when=2+")
        for name, report in reports.items():
            if name != "deadline":
                self.assertGreater(report.summary["not_sent"], 0, name)
        self.assertEqual(reports["ping"].summary["not_sent"], 2)
        self.assertEqual(reports["rate by count"].summary["sent"], 1)

    def test_a_send_buffer_that_was_always_full(self):
        for name, report in self.check_runs("sendmsg:error=EAGAIN").items():
            self.assertEqual(report.summary["sent"] - report.summary["outstanding"], 0, name)
            self.assertNotEqual(report.code, 0, name)

    def test_sends_that_this_host_refuses(self):
        for name, report in self.check_runs("sendmsg:error=ENETUNREACH").items():
            self.assertEqual(report.summary["sent"], 0, name)
            self.assertEqual(report.code, 2, name)

    def test_sends_that_are_too_big(self):
        for name, report in self.check_runs("sendmsg:error=EMSGSIZE:when=2+").items():
            self.assertGreater(report.summary["not_sent"], 0, name)

    def test_receives_with_nothing(self):
        # The first call is to find out whether there is such a call.
        for name, report in self.check_runs("recvmmsg,recvmsg:error=EAGAIN:when=2+").items():
            self.assertLess(report.summary["received"], report.summary["sent"], name)

    def test_the_reason_is_told(self):
        with Responder(echo) as server, \
             self.start(server, "sendmsg:error=EAGAIN:when=2+", "--count=2") as client:
            report = client.finish()
        self.assertIn("not sent: no room in this host's buffers", report.text)

    def test_a_signal_ends_a_flood_whose_sends_are_refused(self):
        for error in "ENETUNREACH", "EAGAIN":
            with self.subTest(error=error), Responder(echo) as server, \
                 self.start(server, f"sendmsg:error={error}", "--flood",
                            "--duration=60s") as client:
                harness.wait_until(lambda: b"INJECTED" in self.log.read())
                started = time.monotonic()
                client.process.send_signal(signal.SIGINT)
                client.finish()
                self.assertLess(time.monotonic() - started, SLACK)


if __name__ == "__main__":
    harness.main()
