"""udpecho --load measures how much longer round trips take while the path carries a load.

The addresses are those of routed.py.
"""

import shutil
import subprocess
import unittest

import client_harness
import harness
import namespaces
import routed
from client_harness import ask
from responder import Responder, echo, silence

# The router's link to the server: 1 Mbit/s, with a queue that holds 30,000 bytes, which are 240 ms.
SHAPER = "tc qdisc replace dev right0 root tbf rate 1mbit burst 5kb limit 30kb"


def setUpModule():
    routed.set_up()
    global server
    server = harness.Server(listen=["10.2.0.2:0"], prefix=routed.SERVER)


def tearDownModule():
    server.kill()


def target():
    host, port = server.addresses[0]
    return f"{host}:{port}"


class Load(unittest.TestCase):
    def shape(self):
        if shutil.which("tc") is None:
            self.skipTest("tc is not installed")
        done = subprocess.run([*routed.ROUTER, *SHAPER.split()], capture_output=True, text=True)
        if done.returncode != 0:
            self.skipTest(f"no token bucket filter: {done.stderr}")
        self.addCleanup(namespaces.do, "tc qdisc del dev right0 root", routed.ROUTER)

    def test_a_queue_that_fills_up_shows(self):
        self.shape()
        report = ask("--load=2Mbit/s", "--duration=3s", target())
        load, = report.of("load")
        self.assertEqual(report.code, 0, report.text)
        self.assertGreater(load["increase_p50_us"], 100000, report.text)
        self.assertEqual(load["increase_p50_us"], load["loaded_p50_us"] - load["idle_p50_us"])
        self.assertGreater(load["load_loss_percent"], 20)
        self.assertLess(load["received_ip_bits_per_second"], 1200000)
        self.assertGreater(load["sent_ip_bits_per_second"], 1500000)
        self.assertRegex(report.text, r"\np50 ms +[\d.]+ +\d{3}\.\d{3} +\d{3}\.\d{3}\n")
        self.check_rows(report, load)

    def test_a_load_below_the_rate_of_the_link_waits_in_no_queue(self):
        self.shape()
        report = ask("--load=300k", "--size=200", "--duration=3s", target())
        load, = report.of("load")
        self.assertLess(load["increase_p50_us"], 100000, report.text)
        self.assertEqual((load["load_payload"], load["load_loss_percent"]), (200, 0))

    def check_rows(self, report, load):
        """CSV and the summary say the same."""
        rows = {row["name"]: row["value"] for row in report.rows if row["record"] == "load"}
        self.assertEqual(rows["loaded_p99_us"], str(load["loaded_p99_us"]))
        self.assertEqual(report.summary["round_trip_p50_us"], load["loaded_p50_us"])
        self.assertEqual(report.summary["sent"], load["loaded_sent"])

    def test_pings_and_load_come_from_two_ports(self):
        with Responder(echo) as responder:
            report = ask("--load=1M", "--duration=500ms", responder.address())
        lengths = {}
        for request in responder.requests:
            lengths.setdefault(request.source, set()).add(len(request.payload))
        self.assertEqual(sorted(lengths.values(), key=min), [{56}, {1400}])
        load, = report.of("load")
        pings = sum(len(request.payload) == 56 for request in responder.requests)
        self.assertEqual(load["idle_sent"] + load["loaded_sent"], pings)
        self.assertEqual(load["load_sent"], len(responder.requests) - pings)
        client_harness.check_sums(self, report)

    def test_no_load_for_who_does_not_answer(self):
        with Responder(silence) as responder:
            report = ask("--load=1M", "--duration=200ms", "--timeout=100ms", responder.address())
        self.assertEqual({len(request.payload) for request in responder.requests}, {56})
        load, = report.of("load")
        self.assertEqual((report.code, load["load_sent"], load["loaded_p50_us"]), (1, 0, None))
        self.assertIn("no load was sent: nothing was answered without it\n", report.text)

    def test_no_load_after_an_early_end(self):
        with Responder(echo) as responder:
            report = ask("--load=1M", "--duration=10s", "--deadline=300ms", responder.address())
        self.assertEqual({len(request.payload) for request in responder.requests}, {56})
        self.assertIn("no load was sent: the run ended before it\n", report.text)


if __name__ == "__main__":
    namespaces.enter()
    harness.main()
