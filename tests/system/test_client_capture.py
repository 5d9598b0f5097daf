"""udpecho's round trips beside those of a packet capture, which has other code, another program and
the kernel's clock at the link.

The capture sees less of the way: its round trip begins when the question has passed the client's
system call, and both end when the kernel has taken in the answer. So the client's can only be the
longer one; by how much depends on the machine, and is printed.
"""

import math
import shutil
import statistics
import struct
import subprocess
import sys
import tempfile
import unittest

import client_harness
import harness
import namespaces
from client_harness import ask

COUNT = 4000
SIZE = 56

# The client counts in microseconds and cuts off the rest: where it takes the time of sending, that
# of receiving, and where it compares two clocks.
RESOLUTION = 3

PCAP_NANOSECONDS = 0xa1b23c4d
ETHERNET, IPV4, UDP = 14, 20, 8


class Capture:
    """tcpdump on the loopback."""

    def __init__(self, port):
        self._file = tempfile.TemporaryFile()
        self._process = subprocess.Popen(
            ["tcpdump", "-i", "lo", "-n", "-U", "-B", "8192", "--time-stamp-precision=nano",
             "-w", "-", f"udp port {port}"],
            stdout=self._file, stderr=subprocess.PIPE, text=True)

    def __enter__(self):
        for line in self._process.stderr:
            if "listening on" in line:
                return self
        raise unittest.SkipTest("tcpdump may not capture here")

    def __exit__(self, *_):
        self._process.kill()
        self._process.communicate()
        self._file.close()

    def datagrams(self):
        """The time in nanoseconds, the source port and the payload of each so far."""
        self._file.seek(0)
        data = self._file.read()
        if struct.unpack_from("=I", data)[0] != PCAP_NANOSECONDS:
            raise AssertionError("tcpdump writes another format")
        place = 24
        while place + 16 <= len(data):
            seconds, nanoseconds, length, _ = struct.unpack_from("=IIII", data, place)
            packet = data[place + 16:place + 16 + length]
            port, = struct.unpack_from("!H", packet, ETHERNET + IPV4)
            payload = packet[ETHERNET + IPV4 + UDP:]
            # udpechod may hand several to the kernel at once, which then pass the loopback as one.
            for part in range(0, len(payload), SIZE):
                yield seconds * 1000000000 + nanoseconds, port, payload[part:part + SIZE]
            place += 16 + length

    def wait_for(self, count):
        harness.wait_until(lambda: sum(1 for _ in self.datagrams()) >= count)


def captured_round_trips(capture, server_port):
    """Maps the sequence number at the start of a payload to its round trip in microseconds."""
    asked, trips = {}, {}
    for at, port, payload in capture.datagrams():
        sequence = int.from_bytes(payload[:4], "little")
        if port != server_port:
            asked[sequence] = at
        else:
            trips[sequence] = (at - asked[sequence]) / 1000
    return trips


def quantile(values, fraction):
    """Uses the nearest rank, like histogram.h."""
    return sorted(values)[math.ceil(fraction * len(values)) - 1]


@unittest.skipIf(shutil.which("tcpdump") is None, "tcpdump is not installed")
class RoundTrips(unittest.TestCase):
    def setUp(self):
        if namespaces.missing():
            self.skipTest(namespaces.missing())

    def measure(self, *options):
        with harness.Server() as server, Capture(server.address[1]) as capture:
            report = ask(f"127.0.0.1:{server.address[1]}", "--flood", f"--count={COUNT}",
                         f"--size={SIZE}", "--verbose", *options)
            capture.wait_for(2 * COUNT)
            captured = captured_round_trips(capture, server.address[1])
        client_harness.check_sums(self, report)
        told = {reply["sequence"]: reply["round_trip_us"] for reply in report.of("reply")}
        self.assertEqual(sorted(told), sorted(captured))
        return report, told, captured

    def check(self, *options):
        report, told, captured = self.measure(*options)
        differences = [told[sequence] - captured[sequence] for sequence in told]
        self.assertGreaterEqual(min(differences), -RESOLUTION)
        for name, fraction in ("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p999", 0.999):
            with self.subTest(quantile=name):
                self.check_quantile(report.summary[f"round_trip_{name}_us"], fraction, told,
                                    captured)
        self.print_differences(options, differences, told, captured)
        return differences

    def check_quantile(self, shown, fraction, told, captured):
        # Under 0.8 % from the middle of a bucket (histogram.h).
        self.assertAlmostEqual(shown, quantile(told.values(), fraction), delta=1 + shown * 0.008)
        self.assertGreaterEqual(shown * 1.008 + 1 + RESOLUTION,
                                quantile(captured.values(), fraction))

    @staticmethod
    def print_differences(options, differences, told, captured):
        rows = [("capture", captured.values()), ("udpecho", told.values()),
                ("difference", differences)]
        for name, values in rows:
            figures = [f"p{100 * fraction:g}={quantile(values, fraction):.1f}"
                       for fraction in (0.5, 0.9, 0.99, 0.999)]
            print(f"{' '.join(options)} {name} in us: mean={statistics.mean(values):.1f}",
                  *figures, file=sys.stderr)

    def test_one_at_a_time(self):
        self.check("--interval=1ms")

    def test_as_fast_as_they_come_back(self):
        self.check("--window=16")

    def test_what_is_sent_first_does_not_wait_for_the_rest(self):
        """All at once are a hundred messages, each of which has its own time of sending."""
        differences = self.check("--window=4000")
        self.assertLess(statistics.median(differences), 150)


if __name__ == "__main__":
    namespaces.enter_own_loopback()
    harness.main()
