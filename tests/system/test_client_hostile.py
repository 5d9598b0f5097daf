"""Servers that answer wrongly, from elsewhere, late or with something else: udpecho says what it
was, and counts it as that."""

import os
import random
import time
import unittest

import client_harness
import harness
from client_harness import Client, ask
from responder import Delayed, Reply, Responder, echo, flip, silence

SIZES = 0, 1, 3, 7, 8, 65507

FEW = ("--count=3", "--interval=200ms")


class HostileServer(unittest.TestCase):
    def run_against(self, answer, *options, elsewhere="127.0.0.1"):
        with Responder(answer, others=[(elsewhere, 0)]) as server:
            self.server = server
            report = ask(server.address(), *options)
        client_harness.check_sums(self, report)
        return report

    def check(self, report, **expected):
        self.assertEqual({name: report.summary[name] for name in expected}, expected)


class Corrupt(HostileServer):
    def check_corrupt(self, change, size, length):
        report = self.run_against(lambda request: [change(request.payload)], *FEW,
                                  f"--size={size}")
        self.check(report, sent=3, received=0, corrupted=3, lost=0, corrupt_replies=3)
        for reply in report.of("reply"):
            self.assertEqual((reply["verdict"], reply["length"], reply["expected_length"]),
                             ("corrupt", length, size))
        self.assertEqual(report.code, 1)
        return report

    def test_one_byte_differs(self):
        for size in 9, 56, 65507:
            with self.subTest(size=size):
                report = self.check_corrupt(flip, size, size)
                self.assertIn("(corrupt: bytes differ)", report.text)

    def test_shorter(self):
        for size, length in (56, 55), (65507, 8), (9, 4):
            with self.subTest(size=size, length=length):
                report = self.check_corrupt(lambda payload: payload[:length], size, length)
                self.assertIn(f"(corrupt: expected {size} bytes)", report.text)

    def test_longer(self):
        for size, length in (56, 57), (10, 65507), (8, 9), (4, 6), (4, 44), (3, 2000), (0, 1):
            with self.subTest(size=size, length=length):
                self.check_corrupt(lambda payload: payload.ljust(length, b"!"), size, length)

    def test_too_short_to_tell_which_of_two(self):
        answers = {1: [], 2: [b""]}
        report = self.run_against(
            lambda request: answers.get(request.number, [request.payload]), *FEW, "--timeout=2s")
        self.check(report, sent=3, received=1, corrupted=0, lost=2, corrupt_replies=1)
        self.assertEqual([record["sequence"] for record in report.of("missing")], [0, 1])

    def test_then_right(self):
        report = self.run_against(lambda request: [flip(request.payload), request.payload], *FEW)
        self.check(report, sent=3, received=3, corrupted=0, lost=0, corrupt_replies=3)
        self.assertEqual(report.code, 0)

    def test_after_the_right_one(self):
        report = self.run_against(lambda request: [request.payload, flip(request.payload)], *FEW)
        self.check(report, sent=3, received=3, corrupted=0, lost=0)
        self.assertGreaterEqual(report.summary["corrupt_replies"], 2)
        self.assertEqual(report.code, 0)


class Mtu(HostileServer):
    """The search gets replies of another length, or none, and ends all the same."""

    def search(self, answer, *options):
        report = self.run_against(answer, "--mtu", "--timeout=100ms", *options)
        found, = report.of("mtu")
        self.assertLess(report.summary["sent"], 100)
        return report, found

    def test_a_peer_with_a_short_buffer(self):
        for length in 1024, 4096, 60000:
            with self.subTest(length=length):
                report, found = self.search(lambda request: [request.payload[:length]])
                self.assertEqual((found["payload"], found["limit"]), (length, "peer"))
                self.assertEqual(report.code, 0)
                self.assertIn("the limit seems to be the peer", report.text)

    def test_replies_that_are_longer_or_other_bytes_above_a_size(self):
        for change in flip, lambda payload: payload + b"!":
            report, found = self.search(
                lambda request, change=change: [change(request.payload)
                                                if len(request.payload) > 2000
                                                else request.payload] * 3)
            self.assertEqual((found["payload"], found["limit"]), (2000, "peer"))

    def test_replies_that_are_always_corrupt(self):
        for change in (lambda payload: payload[:6], lambda payload: payload + b"!"):
            report, found = self.search(
                lambda request, change=change: [change(request.payload)])
            self.assertEqual((found["payload"], found["mtu"], found["limit"]),
                             (None, None, "no_answer"))
            self.assertEqual((report.code, report.summary["sent"]), (1, 3))
            self.assertIn("nothing came back as it was sent, at any size\n", report.text)

    def check_not_found(self, report):
        found, = report.of("mtu")
        self.assertEqual((found["payload"], found["mtu"], found["limit"]),
                         (None, None, "not_found"))
        self.assertEqual(report.code, 1)
        self.assertIn("the search ended before it had found the largest payload", report.errors)
        return found

    def test_a_deadline_ends_it_and_it_claims_nothing(self):
        started = time.monotonic()
        report = self.run_against(lambda request: echo(request) if len(request.payload) < 9 else [],
                                  "--mtu", "--deadline=1500ms")
        self.assertLess(time.monotonic() - started, 1.5 + 3)
        found = self.check_not_found(report)
        self.assertEqual((found["largest_returned"], found["smallest_failed"]), (8, None))
        self.assertIn("largest payload not known: 8 bytes came back\n", report.text)

    def test_the_question_where_the_limit_is_keeps_to_the_deadline_too(self):
        """The search itself takes 3 seconds, and that would take 3 more."""
        started = time.monotonic()
        report = self.run_against(
            lambda request: echo(request) if len(request.payload) < 1473 else [],
            "--mtu", "--deadline=3500ms")
        self.assertLess(time.monotonic() - started, 5.5)
        found, = report.of("mtu")
        self.assertEqual((found["payload"], found["limit"]), (1472, "unknown"))

    def test_a_signal_ends_it_and_it_claims_nothing(self):
        with Responder(lambda request: echo(request) if len(request.payload) < 9 else []) as server:
            with Client("--mtu", server.address()) as client:
                client.wait_for("reply")
                client.interrupt()
                self.check_not_found(client.finish())


class Late(HostileServer):
    def test_missing_first_then_late_and_not_lost(self):
        report = self.run_against(Delayed(), "--timeout=20ms", "--count=4", "--interval=200ms")
        self.check(report, sent=4, received=3, late=3, lost=1)
        self.assertEqual([record["sequence"] for record in report.of("missing")], [0, 1, 2, 3])
        late = report.of("reply", verdict="late")
        self.assertEqual([reply["sequence"] for reply in late], [0, 1, 2])
        for reply in late:
            self.assertGreaterEqual(reply["round_trip_us"], 20000)
        told = [(record["record"], record["sequence"]) for record in report.records[1:-1]]
        self.assertLess(told.index(("missing", 1)), told.index(("reply", 1)))

    def test_corrupt_and_late(self):
        delayed = Delayed()
        report = self.run_against(lambda request: [flip(reply) for reply in delayed(request)],
                                  "--timeout=20ms", "--count=4", "--interval=200ms")
        self.check(report, sent=4, received=0, corrupted=3, lost=1, late=0)


class Duplicates(HostileServer):
    def test_a_hundred(self):
        report = self.run_against(lambda request: [request.payload] * (101 if request.number < 3
                                                                       else 1), *FEW)
        self.check(report, sent=3, received=3, duplicate_replies=200, lost=0)

    def test_of_late_ones(self):
        delayed = Delayed()
        report = self.run_against(lambda request: delayed(request) * 2, "--timeout=20ms", *FEW)
        self.check(report, sent=3, received=2, late=2, duplicate_replies=2, lost=1)


class Elsewhere(HostileServer):
    def check_elsewhere(self, host):
        report = self.run_against(lambda request: [Reply(request.payload, by=1)],
                                  "--timeout=100ms", *FEW, elsewhere=host)
        self.check(report, sent=3, received=0, lost=3, elsewhere_replies=3)
        self.assertEqual(report.code, 1)
        for reply in report.of("reply"):
            self.assertEqual(reply["verdict"], "elsewhere")
            self.assertEqual(reply["from"].rsplit(":", 1)[0], host)
            self.assertIn(f"bytes from {reply['from']}: ", report.text)
        self.assertIn("(elsewhere, not 127.0.0.1:", report.text)

    def test_another_address(self):
        self.check_elsewhere("127.0.0.2")

    def test_another_port(self):
        self.check_elsewhere("127.0.0.1")

    def test_and_from_the_right_one_too(self):
        report = self.run_against(lambda request: [Reply(request.payload, by=1), request.payload],
                                  *FEW)
        self.check(report, sent=3, received=3, lost=0)


class Misdelivered(HostileServer):
    def test_to_the_other_flow(self):
        sources = set()

        def cross(request):
            sources.add(request.source)
            return [Reply(request.payload, to=other) for other in sources - {request.source}]

        report = self.run_against(cross, "--sweep=2", "--count=3", "--interval=200ms", "--verbose",
                                  "--timeout=300ms")
        self.check(report, sent=6, received=0, lost=6, misdelivered_replies=5)
        self.assertIn("(misdelivered: sent from another port)", report.text)
        self.assertEqual(report.code, 1)


class Unknown(HostileServer):
    def check_unknown(self, answer, *options):
        report = self.run_against(answer, "--timeout=100ms", *FEW, *options)
        self.check(report, sent=3, received=0, lost=3, unknown_replies=3)
        self.assertIn("(to no datagram of this run)", report.text)
        for reply in report.of("reply"):
            self.assertEqual((reply["sequence"], reply["round_trip_us"]), (None, None))

    def test_garbage(self):
        self.check_unknown(lambda _: [os.urandom(40)])

    def test_replies_of_another_run(self):
        self.run_against(silence, "--timeout=100ms", *FEW)
        others = [request.payload for request in self.server.requests]
        self.check_unknown(lambda _: [others.pop()])


class Sizes(HostileServer):
    def test_echoed(self):
        for size in SIZES:
            with self.subTest(size=size):
                report = self.run_against(echo, *FEW, f"--size={size}")
                self.check(report, sent=3, received=3, lost=0, bytes=3 * size)
                self.assertEqual({len(request.payload) for request in self.server.requests}, {size})

    def test_no_two_datagrams_are_alike_from_8_bytes_on(self):
        for size in 8, 56, 65507:
            with self.subTest(size=size):
                self.run_against(echo, *FEW, f"--size={size}")
                self.assertEqual(len({request.payload for request in self.server.requests}), 3)

    def test_lost(self):
        for size in SIZES:
            with self.subTest(size=size):
                report = self.run_against(silence, "--timeout=100ms", *FEW, f"--size={size}")
                self.check(report, sent=3, received=0, lost=3)
                self.assertEqual(report.code, 1)

    def test_flooded(self):
        for size in SIZES:
            with self.subTest(size=size):
                report = self.run_against(echo, "--flood", "--window=2", "--count=500",
                                          f"--size={size}", "--flows=3")
                self.check(report, sent=500, received=500, lost=0, corrupted=0, bytes=500 * size)


class Anything(HostileServer):
    """The sums of the report hold for any replies."""

    def check_seed(self, seed):
        chance = random.Random(seed)
        kept = [b""]

        def answer(request):
            kept.append(request.payload)
            choices = [request.payload, flip(request.payload), request.payload * 2,
                       request.payload[:chance.randrange(9)], chance.choice(kept),
                       chance.randbytes(12), b"",
                       Reply(request.payload, by=1), Reply(chance.choice(kept), by=1)]
            return chance.choices(choices, k=chance.randrange(4))

        options = [f"--size={chance.choice(SIZES[:-1] + (56,))}",
                   f"--flows={chance.choice((1, 5))}",
                   chance.choice(("--window=8", "--rate=2000/s"))]
        report = self.run_against(answer, "--flood", "--verbose", "--count=400", "--timeout=50ms",
                                  *options)
        self.check(report, sent=400, outstanding=0)
        self.assertLessEqual(len(report.of("reply")), self.server.sent)

    def test_what_comes_adds_up(self):
        for seed in range(12):
            with self.subTest(seed=seed):
                self.check_seed(seed)


if __name__ == "__main__":
    harness.main()
