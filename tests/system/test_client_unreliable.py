"""What udpecho says of a server that loses, doubles and reorders replies by rule: exactly that."""

import signal
import threading
import time
import unittest

import client_harness
import harness
from client_harness import Client, ask
from responder import Responder, Unreliable

# Long enough for a busy machine: who is late would not be lost.
PATIENT = "--timeout=2s"


class UnreliableServer(unittest.TestCase):
    def check(self, count, *options):
        with Responder(Unreliable()) as server:
            report = ask(server.address(), f"--count={count}", PATIENT, *options)
        client_harness.check_sums(self, report)
        expected = Unreliable.expected(count)
        self.assertEqual({name: report.summary[name] for name in expected}, expected)
        self.assertEqual(report.code, 0)
        return report

    def test_one_datagram_after_the_other(self):
        report = self.check(22, "--interval=200ms")
        self.assertEqual([record["sequence"] for record in report.of("missing")], [9, 19])
        self.assertEqual([record["sequence"] for record in report.of("reply", reordered=True)],
                         [4, 14])
        self.assertEqual([record["sequence"] for record in report.of("reply", verdict="duplicate")],
                         [6, 13, 20])

    def test_a_paced_flood(self):
        self.check(3003, "--flood", "--rate=1000/s")

    def test_a_paced_flood_that_tells_of_each(self):
        self.check(1001, "--flood", "--rate=1000/s", "--verbose")

    def test_a_closed_loop(self):
        # A window above what waits at any time, so that it does not stop for what is held back.
        self.check(501, "--flood", "--window=64")

    def test_datagrams_of_the_largest_size(self):
        self.check(101, "--flood", "--rate=100/s", "--size=65507")

    @harness.posix_only("Windows cannot stop a process")
    def test_answers_that_came_while_it_was_stopped(self):
        """They are read before anything is judged missing, with the time when they came."""
        waiting = threading.Event()

        def answer(request):
            if request.number == 2:
                waiting.wait(harness.PATIENCE)
                time.sleep(0.3)
            return [request.payload]

        with Responder(answer) as server, \
                Client(server.address(), "--count=2", "--interval=200ms", "--timeout=1s") as client:
            harness.wait_until(lambda: len(server.requests) == 2)
            client.process.send_signal(signal.SIGSTOP)
            waiting.set()
            time.sleep(2)
            client.process.send_signal(signal.SIGCONT)
            report = client.finish()
        self.assertEqual(report.of("missing"), [])
        self.assertEqual([reply["verdict"] for reply in report.of("reply")], ["answer"] * 2)
        self.assertLess(report.of("reply")[1]["round_trip_us"], 1000000)

    def test_a_payload_of_the_user(self):
        """Answers that are slower than the timeout, and a datagram that is lost."""
        def slow(request):
            if request.number == 2:
                return []
            time.sleep(0.3 if request.number > 3 else 0)
            return [request.payload]

        with Responder(slow) as server:
            report = ask(server.address(), "--payload=hello", "--count=6", "--interval=200ms",
                         "--timeout=250ms")
        client_harness.check_sums(self, report)
        trips = [reply["round_trip_us"] for reply in report.of("reply")]
        self.assertEqual(report.summary["round_trips"],
                         sum(trip is not None for trip in trips))
        self.assertIn(None, trips)
        for reply in report.of("reply"):  # none is told that is wrong
            if reply["round_trip_us"] is not None:
                slow = reply["sequence"] > 2
                self.assertEqual(reply["round_trip_us"] > 290000, slow, reply)
        self.assertIn(" round trips are not known: ", report.text)

    def test_datagrams_that_say_little_of_themselves(self):
        self.check(101, "--flood", "--rate=100/s", "--size=3")


if __name__ == "__main__":
    harness.main()
