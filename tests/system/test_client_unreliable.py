"""What udpecho says of a server that loses, doubles and reorders replies by rule: exactly that."""

import unittest

import client_harness
import harness
from client_harness import ask
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

    def test_datagrams_that_say_little_of_themselves(self):
        self.check(101, "--flood", "--rate=100/s", "--size=3")


if __name__ == "__main__":
    harness.main()
