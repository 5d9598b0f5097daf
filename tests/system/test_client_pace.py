"""udpecho keeps the pace that was asked for, and says so where it could not."""

import signal
import time
import unittest

import client_harness
import harness
from client_harness import Client
from responder import Responder, echo


@harness.posix_only("nothing stops a process on Windows")
class Pace(unittest.TestCase):
    def run_stopped(self, stops, seconds, *options):
        """Runs udpecho, which is stopped that often for so long."""
        with Responder(echo) as server, Client(server.address(), *options) as client:
            client.wait_for("start")
            for _ in range(stops):
                time.sleep(0.3)
                client.process.send_signal(signal.SIGSTOP)
                time.sleep(seconds)
                client.process.send_signal(signal.SIGCONT)
            report = client.finish()
        client_harness.check_sums(self, report)
        return report

    def check(self, report, asked, at_least):
        summary = report.summary
        self.assertEqual(summary["asked"], asked)
        self.assertEqual(summary["sent"] + summary["not_sent"] + summary["missed"], asked)
        self.assertGreaterEqual(summary["missed"], at_least)
        line = (f"{asked} were due, {summary['missed']} missed: "
                "this host did not keep the requested rate\n")
        self.assertEqual(line in report.text, summary["missed"] > 0, report.text)
        rows = {row["name"]: row["value"] for row in report.rows if row["record"] == "summary"}
        self.assertEqual((rows["asked"], rows["missed"]), (str(asked), str(summary["missed"])))

    def test_a_rate_is_kept_or_its_gaps_are_told(self):
        report = self.run_stopped(3, 0.2, "--flood", "--rate=50/s", "--duration=2s")
        self.check(report, 100, 3 * 8)

    def test_what_is_missed_at_the_end_is_told_too(self):
        report = self.run_stopped(1, 2, "--flood", "--rate=50/s", "--duration=1s")
        self.check(report, 50, 30)

    def test_a_count_is_sent_however_long_it_takes(self):
        report = self.run_stopped(1, 1, "--interval=200ms", "--count=5")
        self.assertEqual(report.summary["sent"], 5)
        self.check(report, 5 + report.summary["missed"], 3)

    def test_gaps_of_less_than_an_interval_cost_nothing(self):
        report = self.run_stopped(3, 0.05, "--flood", "--rate=5/s", "--duration=2s")
        self.check(report, 10, 0)
        self.assertEqual(report.summary["sent"], 10)

    def test_the_shortest_interval_needs_no_flood(self):
        report = self.run_stopped(0, 0, "--interval=20ms", "--count=50")
        self.check(report, 50 + report.summary["missed"], 0)
        self.assertEqual(len(report.of("reply")), 50)

    def test_a_bitrate_counts_payload_and_headers(self):
        for bitrate, size, asked in ("800kbit/s", 972, 50), ("8k", 22, 10):
            with self.subTest(bitrate=bitrate):
                report = self.run_stopped(0, 0, "--flood", f"--bitrate={bitrate}",
                                          f"--size={size}", "--duration=500ms")
                self.check(report, asked, 0)
                summary, bits = report.summary, 8 * (size + 28)
                # From the first to the last it is one interval less, and to the last answer more.
                most_us = summary["elapsed_us"] * summary["sent"] / (summary["sent"] - 1)
                way_us = 2 * summary["round_trip_max_us"]
                self.assertGreaterEqual(summary["sent_ip_bits_per_second"],
                                        int(summary["sent"] * bits / most_us * 1e6))
                self.assertLessEqual(summary["sent_ip_bits_per_second"],
                                     summary["sent"] * bits / (most_us - way_us) * 1e6 + 1)
                self.assertRegex(report.text, r"\nbitrate     sent/received        "
                                              r"[\d.]+/[\d.]+ kbit/s, with UDP and IP headers\n")

    def test_without_a_pace_nothing_is_asked(self):
        report = self.run_stopped(0, 0, "--flood", "--count=1000")
        self.assertEqual((report.summary["asked"], report.summary["missed"]), (None, None))


if __name__ == "__main__":
    harness.main()
