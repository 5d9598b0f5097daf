"""udpecho --echo-plus (TR-143), with servers of the test and with udpechod."""

import struct
import time
import unittest

import client_harness
import harness
from client_harness import ask
from one_way import flood, serve
from responder import Responder, echo


class EchoPlusServer:
    """Answers as TR-143 has it, but for what its path loses: every tenth request and every seventh
    reply, if it is `lossy`. Its clock begins `epoch` microseconds before it wraps."""

    def __init__(self, lossy=False, epoch=10 ** 6, failing=0):
        self._lossy, self._failing = lossy, failing
        self._began, self._epoch = time.monotonic(), epoch
        self.answered = self.failures = self.lost_requests = self.lost_replies = 0

    def _clock(self):
        return int((time.monotonic() - self._began) * 1e6) - self._epoch & 0xffffffff

    def __call__(self, request):
        arrived = self._clock()
        if self._lossy and request.number % 10 == 0:
            self.lost_requests += 1
            return []
        if self._failing and request.number % self._failing == 0:
            self.failures += 1
            return []
        self.answered += 1
        if self._lossy and self.answered % 7 == 0:
            self.lost_replies += 1
            return []
        return [request.payload[:4]
                + struct.pack("!IIII", self.answered, arrived, self._clock(), self.failures)
                + request.payload[20:]]


class EchoPlus(unittest.TestCase):
    def test_requests_are_those_of_tr_143(self):
        with Responder(EchoPlusServer()) as server:
            report = ask("--echo-plus", server.address(), "--count=3", "--interval=200ms",
                         "--size=40")
        self.assertEqual(report.code, 0)
        client_harness.check_sums(self, report)
        payloads = [request.payload for request in server.requests]
        self.assertEqual([payload[:24] for payload in payloads],
                         [struct.pack("!I16xI", number, 1) for number in range(3)])
        self.assertEqual({payload[24:] for payload in payloads}, {payloads[0][24:]})
        self.assertEqual(report.of("start")[0]["protocol"], "echo-plus")

    def test_the_direction_of_every_loss_is_reported(self):
        # The last request is answered, so that no loss comes after it.
        answers = EchoPlusServer(lossy=True)
        with Responder(answers) as server:
            report = flood("--echo-plus", server, "--timeout=100ms", count=143)
        client_harness.check_sums(self, report)
        summary, = report.of("one_way_summary")
        self.assertEqual((answers.lost_requests, answers.lost_replies), (14, 18))
        self.assertEqual((summary["lost_forward"], summary["lost_backward"]), (14, 18))
        self.assertEqual((summary["lost_at_peer"], summary["lost_either_way"]), (0, 0))
        self.assertEqual(report.summary["lost"], 32)
        self.assertIn("\nlost forward 14, backward 18\n", report.text)

    def test_requests_that_the_server_does_not_answer_are_reported(self):
        answers = EchoPlusServer(failing=10)
        with Responder(answers) as server:
            report = flood("--echo-plus", server, "--timeout=100ms", count=55)
        summary, = report.of("one_way_summary")
        self.assertEqual((summary["lost_forward"], summary["lost_backward"],
                          summary["lost_at_peer"]), (0, 0, answers.failures))
        self.assertIn(", 5 not answered by the peer\n", report.text)

    def test_no_one_way_delay_is_reported(self):
        with Responder(EchoPlusServer()) as server:
            report = flood("--echo-plus", server, count=50)
        summary, = report.of("one_way_summary")
        self.assertEqual(summary["clocks"], "not_told")
        for name in "min", "mean", "max", "p50", "p90", "p99", "p999":
            self.assertIsNone(summary[f"forward_{name}_us"])
            self.assertIsNone(summary[f"backward_{name}_us"])
        self.assertEqual({reply["forward_us"] for reply in report.of("one_way")}, {None})
        self.assertNotIn("forward=", report.text)

    def test_delay_variation_is_reported_when_the_clock_wraps(self):
        """The server waits, in front of its first reading or behind its second, so that requests
        are late one way only; its clock wraps after some of them."""
        answers = EchoPlusServer(epoch=500)

        def late_there(request):
            if request.number % 2 == 0:
                time.sleep(0.05)
            return answers(request)

        with Responder(late_there) as server:
            report = flood("--echo-plus", server, count=20)
        summary, = report.of("one_way_summary")
        self.assertGreater(summary["delays"], 5)  # none is told where this host's clock was set
        self.assertGreaterEqual(summary["forward_variation_max_us"], 50000)
        # It is busy otherwise, but far from a wrap of 71 minutes.
        self.assertLess(summary["forward_variation_max_us"], 10 * 10 ** 6)
        self.assertLess(summary["backward_variation_p50_us"], 50000)

    def test_the_round_trip_excludes_the_time_at_the_server(self):
        def slow(request, answers=EchoPlusServer()):
            (reply,) = answers(request)
            time.sleep(0.03)
            later = struct.unpack("!I", reply[8:12])[0] + 30000 & 0xffffffff
            return [reply[:12] + struct.pack("!I", later) + reply[16:]]

        with Responder(slow) as server:
            report = flood("--echo-plus", server, count=5)
        summary, = report.of("one_way_summary")
        self.assertEqual((summary["peer_min_us"], summary["peer_max_us"]), (30000, 30000))
        for reply in report.of("one_way"):
            self.assertEqual(reply["peer_us"], 30000)
            whole = (reply["t4_ns"] - reply["t1_ns"]) // 1000
            trip, = (told["round_trip_us"] for told in report.of("reply")
                     if told["sequence"] == reply["sequence"])
            # It began later than T1 was written, by as long as this host pleased.
            self.assertLess(trip, whole - 29000)

    def test_a_plain_echo_is_corrupt(self):
        with Responder(echo) as server:
            report = flood("--echo-plus", server, count=3)
        self.assertEqual(report.code, 1)
        self.assertEqual(report.summary["corrupt_replies"], 3)
        self.assertEqual(report.of("one_way"), [])

    def test_other_clients_of_the_server_are_noticed(self):
        answers = EchoPlusServer()

        def busy(request):
            answers.answered += 5
            return answers(request) if request.number != 2 else []

        with Responder(busy) as server:
            report = flood("--echo-plus", server, "--timeout=100ms", count=4)
        summary, = report.of("one_way_summary")
        self.assertFalse(summary["peer_counts"])
        self.assertIsNone(summary["lost_forward"])
        self.assertIn("which way they were lost is not known: others ask the same peer\n",
                      report.text)

    def test_mistakes(self):
        for arguments, words in (
                (["127.0.0.1"], "expected HOST:PORT (--echo-plus has no standard port)"),
                (["127.0.0.1:7", "--size=23"], "--size=23: expected 24 or more with --echo-plus"),
                (["127.0.0.1:7", "--mtu"], "--echo-plus and --mtu: expected one of them"),
                (["127.0.0.1:7", "--payload=x"], "--echo-plus and --payload: expected one of")):
            done = client_harness.run("--echo-plus", *arguments)
            self.assertEqual((done.returncode, done.stdout), (2, ""))
            self.assertIn(words, done.stderr)

    def test_udpechod_answers(self):
        report = ask("--echo-plus", serve(self, "echo-plus"), "--count=3", "--interval=200ms")
        client_harness.check_sums(self, report)
        self.assertEqual(report.summary["received"], 3)
        summary, = report.of("one_way_summary")
        self.assertEqual((summary["lost_forward"], summary["lost_backward"]), (0, 0))
        self.assertEqual([told["peer_number"] for told in report.of("one_way")], [0, 1, 2])


if __name__ == "__main__":
    harness.main()
