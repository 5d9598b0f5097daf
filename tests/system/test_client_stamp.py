"""udpecho --stamp (RFC 8762), with reflectors of the test and with udpechod."""

import datetime
import itertools
import os
import pathlib
import shutil
import struct
import subprocess
import tempfile
import time
import unittest

import client_harness
import harness
from client_harness import ask
from one_way import flood, serve
from reflector import BASE, AuthenticatedReflector, LossyPath, Reflector
from responder import Responder, echo

NTP_EPOCH = 2208988800


def capture(payloads):
    """A file of tcpdump with these datagrams from 192.0.2.2 to port 862 of 192.0.2.1."""
    data = struct.pack("=IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 101)
    for payload in payloads:
        udp = struct.pack("!HHHH", 40000, 862, 8 + len(payload), 0) + payload
        packet = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0,
                             bytes([192, 0, 2, 2]), bytes([192, 0, 2, 1])) + udp
        data += struct.pack("=IIII", 0, 0, len(packet), len(packet)) + packet
    return data


def stamp(answer, *options, count=5):
    """A run with a reflector that answers so; with the requests that it got."""
    with Responder(answer) as server:
        report = flood("--stamp", server, *options, count=count)
    return report, [request.payload for request in server.requests]


class Stamp(unittest.TestCase):
    def test_requests_are_those_of_rfc_8762(self):
        before = time.time()
        report, requests = stamp(Reflector(), "--stamp-ssid=4660", count=3)
        self.assertEqual(report.code, 0)
        client_harness.check_sums(self, report)
        self.assertEqual(report.of("start")[0]["protocol"], "stamp")
        for number, request in enumerate(requests):
            sequence, seconds, fraction, error, ssid = struct.unpack("!IIIHH", request[:16])
            self.assertEqual((len(request), sequence, ssid), (BASE, number, 4660))
            self.assertEqual(request[16:], bytes(28))
            self.assertTrue(before <= seconds - NTP_EPOCH + fraction / 2 ** 32 <= time.time())
            self.assertEqual(error & 0x4000, 0)
            self.assertNotEqual(error & 0xff, 0)

    def test_time_stamps_of_ptp(self):
        for ptp in False, True:
            with self.subTest(reflector="ptp" if ptp else "ntp"):
                report, requests = stamp(Reflector(ptp=ptp), "--stamp-clock=ptp")
                self.assertEqual(report.summary["received"], 5)
                self.assertAlmostEqual(struct.unpack("!I", requests[0][4:8])[0], time.time(),
                                       delta=60)
                for told in report.of("one_way"):
                    self.assertTrue(told["t1_ns"] <= told["t2_ns"] <= told["t3_ns"]
                                    <= told["t4_ns"], told)

    def test_time_stamps_of_ptp_ahead_of_utc(self):
        """A reflector with TAI is ahead; one with NTP time stamps is not."""
        for ptp, ahead in (True, 37), (False, 0):
            with self.subTest(reflector="ptp" if ptp else "ntp"):
                reflector = Reflector(ptp=ptp, ahead=ahead * 10 ** 9)
                report, requests = stamp(reflector, "--stamp-clock=ptp", "--stamp-ptp-offset=37s")
                self.assertAlmostEqual(struct.unpack("!I", requests[0][4:8])[0],
                                       time.time() + 37, delta=15)
                self.assertEqual(len(report.of("one_way")), 5)
                for told in report.of("one_way"):
                    self.assertTrue(told["t1_ns"] <= told["t2_ns"] <= told["t3_ns"]
                                    <= told["t4_ns"], told)

    def test_the_direction_of_every_loss_is_reported(self):
        """A stateful reflector numbers its replies. The last request is answered."""
        path = LossyPath(Reflector(stateful=True))
        report, _ = stamp(path, "--timeout=100ms", count=143)
        client_harness.check_sums(self, report)
        summary, = report.of("one_way_summary")
        self.assertEqual((path.lost_requests, path.lost_replies), (14, 18))
        self.assertEqual((summary["lost_forward"], summary["lost_backward"],
                          summary["lost_either_way"]), (14, 18, 0))
        self.assertEqual(report.summary["lost"], 32)
        self.assertIn("\nlost forward 14, backward 18\n", report.text)

    def test_each_source_port_is_a_session(self):
        path = LossyPath(Reflector(stateful=True))
        with Responder(path) as server:
            report = ask("--stamp", server.address(), "--flood", "--window=1", "--flows=3",
                         "--timeout=100ms", "--count=99", "--verbose")
        client_harness.check_sums(self, report)
        summary, = report.of("one_way_summary")
        told = summary["lost_forward"], summary["lost_backward"]
        # What follows the last answer of each port may have been lost either way.
        self.assertEqual(sum(told) + summary["lost_either_way"],
                         path.lost_requests + path.lost_replies)
        self.assertLessEqual(told[0], path.lost_requests)
        self.assertLessEqual(told[1], path.lost_replies)
        self.assertLessEqual(summary["lost_either_way"], 6)

    def test_a_sweep_tells_which_way_a_port_is_bad(self):
        """Two of six ports lose: one all that it sends from its second on, one all its replies."""
        reflector, numbers = Reflector(stateful=True), {}

        def one_way(request):
            index = numbers.setdefault(request.source, len(numbers))
            count = sum(earlier.source == request.source for earlier in server.requests)
            if index == 0 and 1 < count < 10:
                return []
            replies = reflector(request)
            return [] if index == 1 and 1 < count < 10 else replies

        with Responder(one_way) as server:
            report = ask("--stamp", server.address(), "--sweep=6", "--count=10",
                         "--interval=200ms", "--timeout=100ms")
        client_harness.check_sums(self, report)
        ports = {source[1]: index for source, index in numbers.items()}
        told = {ports[row["source_port"]]: (row["lost_forward"], row["lost_backward"])
                for row in report.of("sweep_port")}
        self.assertEqual(told, {0: (8, 0), 1: (0, 8), **{index: (0, 0) for index in range(2, 6)}})
        self.assertIn("  8 forward, 0 backward  suspect\n", report.text)

    def test_the_direction_is_unknown_with_a_stateless_reflector(self):
        report, _ = stamp(LossyPath(Reflector()), "--timeout=100ms", count=23)
        summary, = report.of("one_way_summary")
        self.assertGreater(report.summary["lost"], 0)
        self.assertFalse(summary["peer_counts"])
        self.assertIsNone(summary["lost_forward"])
        self.assertIn("which way they were lost is not known: the peer seems to be stateless\n",
                      report.text)

    def test_reflectors_of_all_lengths(self):
        """TWAMP Light reflectors return 36 or 38 octets, or as many as they got; some copy one time."""
        for length in 36, 38, 44, None:
            for size in 14, 41, 44, 200:
                with self.subTest(length=length, size=size):
                    report, requests = stamp(Reflector(length=length, one_time=length == 38),
                                             f"--size={size}", count=2)
                    self.assertEqual({len(request) for request in requests}, {size})
                    self.assertEqual(report.summary["received"], 2)
                    known = length in (44, None)
                    self.assertEqual([told["peer_hop_limit"] for told in report.of("one_way")],
                                     [57 if known else None] * 2)

    def test_one_way_delays_need_synchronised_clocks(self):
        for error in 0x0d01, 0x8d00:
            report, _ = stamp(Reflector(error=error))
            summary, = report.of("one_way_summary")
            self.assertNotEqual(summary["clocks"], "synchronised")
            self.assertIsNone(summary["forward_min_us"])
            self.assertIsNotNone(summary["forward_variation_p50_us"])
            self.assertEqual({told["forward_us"] for told in report.of("one_way")}, {None})
            self.assertNotIn("forward=", report.text)
            self.assertRegex(report.text, r"(?m) ms forward\+\d+\.\d{3} backward\+\d+\.\d{3}$")
            self.assertIn(": one-way delays are not known, only PDV\n", report.text)

    def test_the_largest_error_estimate(self):
        """Some reflectors always say the largest, 17,000 years: more than 64 bits of nanoseconds."""
        report, _ = stamp(Reflector(error=0x3fff))
        self.assertEqual({told["peer_error_us"] for told in report.of("one_way")},
                         {2 ** 63 // 1000 + 1})

    def test_a_reflector_that_is_wrong_by_an_hour_is_not_believed(self):
        """No one-way delay is shown, whether or not this host's clock is synchronised."""
        for ahead in 3600 * 10 ** 9, -3600 * 10 ** 9:
            report, _ = stamp(Reflector(error=0x8d01, ahead=ahead))
            summary, = report.of("one_way_summary")
            self.assertIn(summary["clocks"], ("contradictory", "own_not_synchronised"))
            self.assertIsNone(summary["forward_min_us"])
            self.assertLess(report.summary["round_trip_max_us"], 10 ** 6)
            self.assertLess(summary["forward_variation_max_us"], 10 ** 6)

    def test_the_minimum_is_an_offset_if_it_is_asked_for(self):
        report, _ = stamp(Reflector(ahead=3600 * 10 ** 9), "--clock-offset=minimum")
        summary, = report.of("one_way_summary")
        self.assertAlmostEqual(summary["assumed_offset_us"], 3600 * 10 ** 6, delta=10 ** 5)
        self.assertAlmostEqual(summary["forward_min_us"], summary["backward_min_us"], delta=1)
        self.assertIn("offset      the peer's clock is assumed to be 3", report.text)

    @harness.not_under_wine("it lets no program set the code point")
    def test_tlvs_report_what_happened_to_a_request(self):
        reflector = Reflector(stateful=True, traffic_class=10 << 2 | 1,
                              seen_from=("198.51.100.9", 4000))
        report, requests = stamp(reflector, "--stamp-tlv=all", "--dscp=46")
        self.assertEqual({len(request) for request in requests}, {BASE + 48 + 8 + 8 + 16 + 20})
        summary, = report.of("one_way_summary")
        self.assertEqual((summary["peer_dscp_min"], summary["peer_dscp_max"]), (10, 10))
        self.assertEqual(summary["peer_ecn_max"], 1)
        self.assertEqual(summary["dscp_refused"], 5)
        self.assertEqual((summary["seen_from"], summary["address_translated"]),
                         ("198.51.100.9:4000", True))
        last = report.of("one_way")[-1]
        self.assertEqual((last["peer_requests"], last["peer_replies"]), (5, 5))
        self.assertEqual(last["previous_number"], 3)
        before = report.of("one_way")[-2]
        self.assertEqual(last["previous_left_ns"] - before["t3_ns"], 5000)
        self.assertIn("\npeer counts 5 requests, 5 replies\n", report.text)
        self.assertIn("\nleft later  min/mean/max         0.005/0.005/0.005 ms\n", report.text)
        self.assertIn("\nthere       ttl 57, dscp 10, ecn 1\n", report.text)
        self.assertIn("\ndscp        sent as 46, changed on the way there\n", report.text)
        self.assertIn("\nseen as     198.51.100.9:4000, translated by NAT\n", report.text)

    def test_an_address_that_is_not_translated(self):
        report, _ = stamp(Reflector(), "--stamp-tlv=location")
        summary, = report.of("one_way_summary")
        self.assertFalse(summary["address_translated"])
        self.assertRegex(report.text, r"\nseen as     127\.0\.0\.1:\d+\n")

    def test_a_reflector_that_knows_no_tlvs(self):
        report, _ = stamp(Reflector(tlvs=False), "--stamp-tlv=location,class-of-service")
        self.assertEqual(report.summary["received"], 5)
        summary, = report.of("one_way_summary")
        self.assertIsNone(summary["address_translated"])
        self.assertEqual(summary["unrecognised_tlvs"], 1 << 2 | 1 << 4)
        self.assertIn("the reflector does not know location, class-of-service\n", report.text)

    def test_a_reflector_that_writes_over_the_time_stamp_of_the_request(self):
        report, _ = stamp(Reflector(keeps_timestamp=False))
        self.assertEqual(report.summary["received"], 5)
        self.assertEqual(report.of("one_way_summary")[0]["time_stamps_changed"], 5)

    def test_a_plain_echo_is_no_reflector(self):
        with Responder(echo) as server:
            report = flood("--stamp", server, "--timeout=100ms", count=3)
        self.assertEqual(report.code, 1)
        self.assertEqual((report.summary["received"], report.summary["unknown_replies"]), (0, 3))

    def test_histograms_have_each_way(self):
        report, _ = stamp(Reflector(), "--histogram", count=50)
        for what in "round trip", "forward PDV", "backward PDV":
            self.assertRegex(report.text, f"(?m)^{what}, ms, (log|linear) scale$")

    def test_mistakes(self):
        for arguments, words in (
                (["--stamp", "--echo-plus", "127.0.0.1:9"], "--stamp and --echo-plus: expected one"),
                (["--stamp", "--mtu", "127.0.0.1"], "--stamp and --mtu: expected one of them"),
                (["--stamp", "--payload-hex=00", "127.0.0.1"], "--stamp and --payload-hex: expect"),
                (["--stamp", "--broadcast", "127.0.0.1"], "--stamp and --broadcast: expected one"),
                (["--stamp", "--size=13", "127.0.0.1"], "--size=13: expected 14 or more with --s"),
                (["--stamp", "--size=46", "127.0.0.1"], "--size=46: expected 44, or at least 4 mo"),
                (["--stamp", "--size=50", "--stamp-tlv=location", "127.0.0.1"],
                 "--size=50: expected 92 or more with --stamp and these TLVs"),
                (["--stamp", "--stamp-tlv=place", "127.0.0.1"], "all, or some of location"),
                (["--stamp-ssid=1", "127.0.0.1"], "--stamp-ssid: expected --stamp with it"),
                (["--clock-offset=minimum", "127.0.0.1"],
                 "--clock-offset: expected --stamp or --echo-plus with it")):
            done = client_harness.run(*arguments)
            self.assertEqual((done.returncode, done.stdout), (2, ""), arguments)
            self.assertIn(words, done.stderr)

    @unittest.skipIf(shutil.which("tshark") is None, "tshark is not installed")
    def test_another_program_reads_the_requests(self):
        before = time.time()
        _, requests = stamp(Reflector(), "--stamp-ssid=7", "--stamp-tlv=all", count=3)
        fields = [f"twamp.test.{name}" for name in (
            "seq_number", "timestamp", "error_estimate.z", "mbz1", "sender_seq_number",
            "sender_ttl")] + ["_ws.malformed"]
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder, "requests.pcap")
            file.write_bytes(capture(requests))
            done = subprocess.run(
                ["tshark", "-r", file, "-d", "udp.port==862,twamp.test", "-T", "fields",
                 *itertools.chain(*(("-e", field) for field in fields))],
                check=True, capture_output=True, text=True, env={**os.environ, "TZ": "UTC"})
        rows = [line.split("\t") for line in done.stdout.splitlines()]
        self.assertEqual([row[0] for row in rows], ["0", "1", "2"])
        for row in rows:
            read = datetime.datetime.strptime(row[1][:27].rstrip(), "%b %d, %Y %H:%M:%S.%f")
            at = read.replace(tzinfo=datetime.timezone.utc).timestamp()
            self.assertTrue(before - 1 <= at <= time.time() + 1, row)
            # Z, what is at the place of the SSID, and what a reflector fills in, some of it twice.
            self.assertEqual([int(value.split(",")[0], 0) for value in row[2:6]], [0, 7, 0, 0])
            self.assertEqual([value for value in row[6:] if value], [])

    def test_udpechod_answers(self):
        address = serve(self, "stamp", "--stamp-sessions=stateful")
        report = ask("--stamp", address, "--count=3", "--interval=200ms", "--ttl=40",
                     "--stamp-tlv=all", *([] if harness.WINDOWS else ["--dscp=46"]))
        client_harness.check_sums(self, report)
        self.assertEqual(report.summary["received"], 3)
        summary, = report.of("one_way_summary")
        self.assertEqual((summary["unrecognised_tlvs"], summary["malformed_tlvs"]), (0, 0))
        self.assertFalse(summary["address_translated"])
        last = report.of("one_way")[-1]
        self.assertEqual((last["number"], last["peer_number"]), (2, 2))
        self.assertEqual((last["peer_requests"], last["peer_replies"]), (3, 3))
        self.assertTrue(last["t1_ns"] <= last["t2_ns"] <= last["t3_ns"] <= last["t4_ns"], last)
        if not harness.WINDOWS:
            self.assertEqual((last["peer_hop_limit"], last["peer_dscp"], last["dscp"]),
                             (40, 46, 46))
            self.assertEqual({reply["hop_limit"] for reply in report.of("reply")}, {255})


class Authenticated(unittest.TestCase):
    KEY = bytes(range(32))

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.file = pathlib.Path(folder.name, "key")
        self.write(f"# of the tests\n\n{self.KEY.hex()}\n")
        done = client_harness.run("--stamp", f"--stamp-key-file={self.file}", "--size=1", "host")
        if "libsodium" in done.stderr:
            self.skipTest("udpecho was built without libsodium")

    def write(self, text, mode=0o600):
        self.file.write_text(text)
        self.file.chmod(mode)

    def test_both_sides_authenticate(self):
        reflector = AuthenticatedReflector(self.KEY)
        report, requests = stamp(reflector, f"--stamp-key-file={self.file}")
        self.assertEqual((report.summary["received"], reflector.refused), (5, 0))
        self.assertEqual({len(request) for request in requests}, {112})
        self.assertEqual([told["peer_hop_limit"] for told in report.of("one_way")], [57] * 5)

    def test_a_reply_that_is_not_authentic_is_corrupt(self):
        for damaged in 0, 40, 96:
            report, _ = stamp(AuthenticatedReflector(self.KEY, damaged), "--timeout=100ms",
                              f"--stamp-key-file={self.file}", count=2)
            self.assertEqual(report.summary["received"], 0)
            self.assertEqual(report.of("one_way"), [])

    def test_another_key_is_not_answered(self):
        reflector = AuthenticatedReflector(b"another")
        report, _ = stamp(reflector, "--timeout=100ms", f"--stamp-key-file={self.file}", count=2)
        self.assertEqual((report.code, reflector.refused), (1, 2))

    def test_mistakes(self):
        for text, mode, words in (
                ("", 0o600, " expected a key"),
                ("00\n01\n", 0o600, "2: expected one key and nothing else"),
                ("00 01\n", 0o600, "1: expected one key and nothing else"),
                ("# key\n0g", 0o600, "2: expected a key of pairs of hexadecimal digits"),
                ("00ff", 0o644, " expected a file that others cannot read")):
            if mode != 0o600 and harness.WINDOWS:
                continue
            self.write(text, mode)
            done = client_harness.run("--stamp", f"--stamp-key-file={self.file}", "127.0.0.1")
            self.assertEqual((done.returncode, done.stdout), (2, ""))
            self.assertIn(f"--stamp-key-file={self.file}:{words}", done.stderr)
        done = client_harness.run("--stamp", "--stamp-key-file=/no/such/key", "127.0.0.1")
        self.assertIn("--stamp-key-file=/no/such/key", done.stderr)


if __name__ == "__main__":
    harness.main()
