"""udpecho's sweep over source ports: it names those whose path is bad, and no others.

The client runs on the far side of namespaces.py, and its datagrams pass the near one's filter.
"""

import collections
import statistics
import time
import unittest

import client_harness
import namespaces
import harness
from responder import Delayed, Responder, echo

PORTS = 32
FIRST = 41000

ROUNDS = ("--count=6", "--interval=200ms", "--timeout=1s")

FILTER = """\
chain input {{
    type filter hook input priority 0
    {rule}
}}
"""

# The paths' shares are 4 : 1, so that fewer than half of the ports have the bad one.
PATHS = """\
sysctl -qw net.ipv4.fib_multipath_hash_policy=1
ip route replace 10.5.5.5 nexthop via 10.0.0.9 weight 4 nexthop via 10.1.0.9 weight 1
"""


def setUpModule():
    namespaces.set_up()


class Sweep(unittest.TestCase):
    def sweep(self, *options, host="10.0.0.9", ports=PORTS, answer=echo):
        with Responder(answer, host=host) as server:
            report = client_harness.ask(f"--sweep={ports}", *ROUNDS, server.address(), *options,
                                        prefix=namespaces.IN_SERVER)
        client_harness.check_sums(self, report)
        self.answered = {request.source[1] for request in server.requests}
        return report

    def filter(self, rule):
        namespaces.filter_packets(self, FILTER.format(rule=rule), ())

    @staticmethod
    def delayed(rows):
        """The ports that are answered, but slowly: on a busy machine there may be some at any time,
        and they are suspects with good reason."""
        trips = {row["source_port"]: row["round_trip_p50_us"] for row in rows
                 if row["round_trip_p50_us"] is not None}
        usual = statistics.median(trips.values())
        return {port for port, trip in trips.items() if trip > usual + 500}

    def check_suspects(self, report, bad):
        rows = report.of("sweep_port")
        suspects = {row["source_port"] for row in rows if row["suspect"]}
        self.assertEqual([row["suspect"] for row in rows],
                         [place < len(suspects) for place in range(len(rows))])
        self.assertLessEqual(bad, suspects)
        self.assertLessEqual(suspects, bad | self.delayed(rows))
        self.check_conclusion(report, rows, suspects)

    def check_conclusion(self, report, rows, suspects):
        conclusion = report.of("sweep")[0]["conclusion"]
        lost = sum(row["lost"] for row in rows if not row["suspect"])
        untried = sum(row["sent"] < 2 for row in rows)
        self.assertEqual(report.code, 1 if suspects else 0, report.errors)
        if suspects:
            self.assertRegex(conclusion,
                             f"^{len(suspects)} of {len(rows)} source ports are worse than the "
                             "others, as if (all but )?1 path of [0-9]+ were bad; they lose "
                             r"[0-9.]+ %, the others [0-9.]+ %\.$")
        elif untried > 0:
            self.assertEqual(conclusion,
                             f"Too few datagrams to tell: {untried} of {len(rows)} source ports have "
                             "fewer than 2 that were answered or lost.")
        elif lost > 0:
            self.assertEqual(conclusion,
                             f"What {len(rows)} source ports lose differs by no more than chance.")
        else:
            self.assertEqual(conclusion, f"All {len(rows)} source ports are alike.")


class Ports(Sweep):
    BAD = {FIRST + 3, FIRST + 4, FIRST + 31}

    def check_bad(self, fate):
        # A rule for each: one that counts counts each port's datagrams alone.
        self.filter("\n    ".join(f"udp sport {port} {fate}" for port in self.BAD))
        for host in "10.0.0.9", "fd00::9":
            with self.subTest(host=host):
                report = self.sweep(f"--source-port={FIRST}", host=host)
                self.check_suspects(report, self.BAD)
                yield report

    def test_all_good(self):
        for host in "10.0.0.9", "fd00::9":
            report = self.sweep(host=host)
            self.check_suspects(report, set())
            self.assertEqual((report.code, report.summary["lost"]), (0, 0))

    def test_some_without_an_answer(self):
        for report in self.check_bad("drop"):
            self.assertEqual(report.summary["lost"], 6 * len(self.BAD))

    def test_some_that_lose_half(self):
        for report in self.check_bad("numgen inc mod 2 0 drop"):
            self.assertEqual(report.summary["lost"], 3 * len(self.BAD))

    def test_some_that_are_slow(self):
        """Each of their replies waits for the next round, and the last one without end."""
        lines = {port: Delayed() for port in self.BAD}

        def answer(request):
            return lines.get(request.source[1], echo)(request)

        report = self.sweep(f"--source-port={FIRST}", "--timeout=2s", answer=answer)
        self.check_suspects(report, self.BAD)
        self.assertEqual((report.summary["lost"], report.summary["late"]), (len(self.BAD), 0))

    def test_half_or_more_without_an_answer(self):
        for bad in 8, 13:
            with self.subTest(bad=bad):
                self.filter(f"udp sport {FIRST}-{FIRST + bad - 1} drop")
                report = self.sweep(f"--source-port={FIRST}", ports=16)
                self.check_suspects(report, {FIRST + i for i in range(bad)})
                self.assertIn("they lose 100 %, the others 0 %",
                              report.of("sweep")[0]["conclusion"])
                self.doCleanups()

    def test_loss_on_all_ports_marks_no_port(self):
        for loss in 5, 40:
            with self.subTest(loss=loss):
                self.filter(f"meta l4proto udp numgen random mod 100 < {loss} drop")
                report = self.sweep(ports=64)
                self.check_suspects(report, set())
                self.assertGreater(report.summary["lost"], 0)
                self.doCleanups()

    def test_a_rate_limit_per_second_marks_no_port(self):
        """Many firewalls have such a limit. Each round reaches it at the same offset."""
        passed = collections.Counter()

        def answer(request):
            second = int(time.monotonic())
            passed[second] += 1
            return [request.payload] if passed[second] <= 50 else []

        report = self.sweep("--interval=1s", ports=64, answer=answer)
        self.check_suspects(report, set())
        self.assertGreaterEqual(report.summary["lost"], 50)

    def test_many_ports_once_each(self):
        report = self.sweep("--count=1", ports=4096)
        self.check_suspects(report, set())

    def test_all_bad(self):
        self.filter("udp sport >= 41000 drop")
        report = self.sweep(f"--source-port={FIRST}", ports=4)
        self.assertEqual(report.code, 1)
        self.assertEqual(report.of("sweep")[0]["conclusion"], "No port got an answer.")


class Paths(Sweep):
    """Two ways of equal cost, between which the sender chooses by a hash (RFC 2992)."""

    def setUp(self):
        namespaces.do(PATHS, namespaces.IN_SERVER)

    def check_paths(self):
        report = self.sweep("--source=10.9.9.9", host="10.5.5.5", ports=64)
        ports = {row["source_port"] for row in report.of("sweep_port")}
        return report, ports - self.answered

    def test_one_of_them_drops_everything(self):
        self.filter('iifname "near1" meta l4proto udp drop')
        report, silent = self.check_paths()
        self.assertNotEqual(silent, set())
        self.check_suspects(report, silent)

    def test_both_good(self):
        report, silent = self.check_paths()
        self.assertEqual(silent, set())
        self.check_suspects(report, set())


if __name__ == "__main__":
    namespaces.enter()
    harness.main()
