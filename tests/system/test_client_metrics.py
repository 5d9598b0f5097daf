"""udpecho --metrics-listen: what Prometheus gets agrees with what the client tells otherwise."""

import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import unittest

import client_harness
import harness
import pages
from client_harness import Client, run
from reflector import LossyPath, Reflector
from responder import Responder, Unreliable, echo
from test_client_formats import COUNTS, REPLIES, TRIPS

PROMTOOL = shutil.which("promtool")


def _has_metrics():
    done = run("--metrics-listen=127.0.0.1:0", "--count=1", "--timeout=1ms", "127.0.0.1:1")
    return "libmicrohttpd" not in done.stderr


HAS_METRICS = _has_metrics()
needs_metrics = unittest.skipUnless(HAS_METRICS, "built without libmicrohttpd")
needs_module = unittest.skipUnless(os.environ["UDPECHO_MODULES"], "HTTP is no module")
asks_for_reports = harness.posix_only("it has no SIGUSR1")

# JSON's names of what metrics have under others.
NUMBERS = {"sent": "udpecho_sent_datagrams_total", "received": "udpecho_received_datagrams_total",
           "bytes": "udpecho_received_bytes_total", "lost": "udpecho_lost_datagrams",
           "corrupted": "udpecho_corrupted_datagrams",
           "outstanding": "udpecho_outstanding_datagrams",
           "reordered": "udpecho_reordered_datagrams_total",
           "not_sent": "udpecho_not_sent_total",
           "missed": "udpecho_missed_total",
           "round_trips": "udpecho_round_trip_seconds_count"}

# What metrics have of what the text says, in its order; None: the share of the lost ones.
COUNTS_OF_TEXT = (NUMBERS["sent"], NUMBERS["received"], NUMBERS["corrupted"], NUMBERS["lost"], None,
                  NUMBERS["outstanding"], NUMBERS["not_sent"], "udpecho_refused_total")
REPLIES_OF_TEXT = ("late", "duplicate", None, "corrupt", "misdelivered", "elsewhere", "unknown")


def address_of(where):
    """Converts a value of --metrics-listen to an address of pages.py."""
    if where.startswith("unix:"):
        return where[len("unix:"):]
    host, port = where.rsplit(":", 1)
    return host, int(port)


def get(where, page="/metrics"):
    """The status and the text."""
    return pages.get(address_of(where), page)


def is_there(where):
    try:
        return get(where)[0] == 200
    except OSError:
        return False


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return sock.getsockname()[1]


def samples(text):
    """{(name, labels): number}, the labels as a frozenset of (name, value)."""
    found = {}
    for line in text.splitlines():
        if not line.startswith("#"):
            name, labels, value = re.fullmatch(r"(\w+)(?:\{(.*)\})? (\S+)", line).groups()
            key = name, frozenset(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', labels or ""))
            assert key not in found, key
            found[key] = float(value)
    return found


def of(found, name, **labels):
    """The only sample of this name that has these labels."""
    value, = (value for (other, have), value in found.items()
              if other == name and have >= labels.items())
    return value


def so_far(found, name, **labels):
    """The same, 0 where nothing is asked yet."""
    return sum(value for (other, have), value in found.items()
               if other == name and have >= labels.items())


def digits(number):
    """Formats a count like the text report."""
    return f"{number:.0f}"


def counters(text):
    """Returns the samples that must never decrease."""
    kinds = dict(re.findall(r"^# TYPE (\w+) (\w+)$", text, re.M))
    return {key: value for key, value in samples(text).items()
            if kinds.get(re.sub("_(bucket|count|sum)$", "", key[0]), kinds.get(key[0]))
            in ("counter", "histogram")}


class Watched(Client):
    """A client that serves metrics, at a socket in a directory of its own where there are such."""

    def __init__(self, *arguments):
        self._place = tempfile.TemporaryDirectory(prefix="udpecho-")
        self.where = (f"127.0.0.1:{free_port()}" if harness.WINDOWS
                      else f"unix:{self._place.name}/metrics")
        super().__init__(f"--metrics-listen={self.where}", *arguments)

    def __enter__(self):
        harness.wait_until(lambda: is_there(self.where) or self.process.poll() is not None)
        return self

    def __exit__(self, *what):
        super().__exit__(*what)
        self._place.cleanup()

    def scrape(self):
        status, text = get(self.where)
        assert status == 200, text
        return text

    def records(self):
        return [record for record in client_harness.Report(0, "", "", self._text(self.json_file),
                                                           "").records]

    def moment(self, reports=1):
        """A scrape and what the client reports while nothing happens between: two scrapes on both
        sides of so many reports are the same. Returns the samples and the records."""
        agreed = []

        def interim():
            return self._text(self.json_file).count('"interim":true')

        def ask():
            told, before = interim(), self.scrape()
            self.process.send_signal(signal.SIGUSR1)
            harness.wait_until(lambda: interim() >= told + reports)
            after = self.scrape()
            if before == after:
                agreed.append(after)
            return bool(agreed)

        harness.wait_until(ask)
        return samples(agreed[0]), self.records()

    def wait_until_sent(self, count):
        harness.wait_until(lambda: sum(value for (name, _), value in samples(self.scrape()).items()
                                       if name == "udpecho_sent_datagrams_total") >= count)


def last_of(records, kind, **fields):
    return [record for record in records if record["record"] == kind
            and all(record.get(name) == value for name, value in fields.items())][-1]


class Build(unittest.TestCase):
    @unittest.skipIf(HAS_METRICS, "built with libmicrohttpd")
    def test_without_the_library_the_option_is_an_error(self):
        done = run("--metrics-listen=127.0.0.1:0", "127.0.0.1")
        self.assertEqual(done.returncode, 2)
        self.assertIn("--metrics-listen: expected an udpecho that is built with libmicrohttpd",
                      done.stderr)

    def test_wrong_values(self):
        for value in "", "127.0.0.1", "*:9000", "unix:relative", "9000":
            done = run(f"--metrics-listen={value}", "127.0.0.1")
            self.assertEqual(done.returncode, 2)
            for word in "--metrics-listen", "ADDRESS:PORT", "unix:/PATH":
                self.assertIn(word, done.stderr)


@needs_metrics
class Metrics(unittest.TestCase):
    @asks_for_reports
    def test_numbers_are_those_of_the_summary(self):
        with Responder(Unreliable()) as server, \
                Watched(server.address(), "--interval=300ms", "--timeout=250ms") as client:
            client.wait_until_sent(15)
            found, records = client.moment()
            client.interrupt()
            report = client.finish()
        self.assertEqual(report.code, 0, report.errors)
        summary = last_of(records, "summary", interim=True)
        self.check_numbers(found, summary)
        for kind in "duplicate", "corrupt", "misdelivered", "elsewhere", "unknown":
            self.assertEqual(of(found, "udpecho_replies_total", kind=kind),
                             summary[f"{kind}_replies"])
        self.assertEqual(of(found, "udpecho_replies_total", kind="late"), summary["late"])
        self.assertEqual(of(found, "udpecho_replies_total", kind="answer"),
                         summary["received"] - summary["late"])
        self.assertGreater(summary["lost"], 0)
        self.assertGreaterEqual(of(found, "udpecho_timed_out_datagrams_total"), summary["lost"])
        self.check_histogram(found, "udpecho_round_trip_seconds",
                             [record["round_trip_us"] for record in records
                              if record.get("verdict") in ("answer", "late")])
        self.check_text(found, report.text)
        labels, = (dict(labels) for name, labels in found if name == NUMBERS["sent"])
        self.assertEqual(labels, {"target": server.address(), "address": server.address(),
                                  "protocol": "echo", "dscp": "0"})

    def check_numbers(self, found, summary, **labels):
        for name, metric in NUMBERS.items():
            self.assertEqual(of(found, metric, **labels), summary[name], name)

    def check_counts_of_text(self, found, text):
        """That the metrics have the digits of the last summary on the way, as people read it, which
        is returned."""
        summary = text[text.rindex(", so far ---\n"):text.rindex("\n--- ")]
        sent, lost, outstanding = (so_far(found, NUMBERS[name])
                                   for name in ("sent", "lost", "outstanding"))
        share = f"{100 * lost / (sent - outstanding):.4f}".rstrip("0").rstrip(".")
        self.assertEqual(re.search(COUNTS, summary).groups(default="0"),
                         tuple(share if name is None else digits(so_far(found, name))
                               for name in COUNTS_OF_TEXT))
        return summary

    def check_text(self, found, text):
        summary = self.check_counts_of_text(found, text)
        self.assertEqual(re.search(REPLIES, summary).groups(default="0"),
                         tuple(digits(so_far(found, NUMBERS["reordered"]) if kind is None else
                                      so_far(found, "udpecho_replies_total", kind=kind))
                               for kind in REPLIES_OF_TEXT))
        mean = (1e6 * of(found, "udpecho_round_trip_seconds_sum")
                / of(found, "udpecho_round_trip_seconds_count"))
        self.assertAlmostEqual(1000 * float(re.search(TRIPS, summary)[2]), mean, delta=0.501)

    def check_histogram(self, found, name, times):
        """That each bucket counts those of these times, microseconds, that it should."""
        buckets = {dict(labels)["le"]: value for (other, labels), value in found.items()
                   if other == f"{name}_bucket"}
        self.assertEqual(buckets.pop("+Inf"), len(times))
        self.assertEqual(len(buckets), 35)
        for bound, value in buckets.items():
            self.assertEqual(value, sum(time < float(bound) * 1e6 for time in times), bound)
        self.assertAlmostEqual(of(found, f"{name}_sum"), sum(times) / 1e6, places=6)

    @asks_for_reports
    def test_numbers_are_those_of_each_of_several_targets(self):
        with Responder(Unreliable()) as bad, Responder(echo, host="127.0.0.2") as good, \
                Watched(bad.address(), good.address(), "nowhere.invalid", "--interval=500ms",
                        "--timeout=200ms") as client:
            client.wait_until_sent(12)
            harness.wait_until(lambda: so_far(samples(client.scrape()),
                                              "udpecho_lookup_failures_total",
                                              target="nowhere.invalid") > 0)
            found, records = client.moment(reports=3)
            client.interrupt()
            report = client.finish()
        self.check_counts_of_text(found, report.text)
        summaries = {record["target"]: record for record in records
                     if record["record"] == "summary" and record["interim"]}
        for server in bad, good:
            self.check_numbers(found, summaries[server.address()], target=server.address(),
                               address=server.address())
            self.assertEqual(of(found, "udpecho_lookup_failures_total", target=server.address()),
                             0)
        total = last_of(records, "total", interim=True)
        self.assertEqual(sum(value for (name, _), value in found.items()
                             if name == "udpecho_sent_datagrams_total"), total["sent"])
        self.assertEqual(of(found, "udpecho_send_lateness_seconds_count"), total["sent"])
        self.assertEqual((of(found, "udpecho_targets"), of(found, "udpecho_peers")), (3, 2))

    @harness.posix_only("it has no SIGHUP")
    def test_a_target_that_is_removed_is_told_no_more(self):
        with Responder(echo) as stays, Responder(echo, host="127.0.0.2") as goes, \
                tempfile.NamedTemporaryFile("w", prefix="targets-") as targets:
            targets.write(f"{stays.address()}\n{goes.address()}\n")
            targets.flush()
            with Watched(f"--targets={targets.name}", "--interval=200ms") as client:
                client.wait_until_sent(4)
                self.assertIn(goes.address(), client.scrape())
                targets.seek(0)
                targets.truncate()
                targets.write(f"{stays.address()}\n")
                targets.flush()
                before = counters(client.scrape())
                client.process.send_signal(signal.SIGHUP)
                harness.wait_until(lambda: goes.address() not in client.scrape())
                after = counters(client.scrape())
                client.interrupt()
                client.finish()
        for key in "udpecho_send_lateness_seconds_count", "udpecho_send_lateness_seconds_sum":
            self.assertGreaterEqual(of(after, key), of(before, key))
        self.assertGreater(of(after, NUMBERS["sent"], target=stays.address()), 0)

    @asks_for_reports
    def test_losses_and_delays_each_way_are_those_of_the_summary(self):
        with Responder(LossyPath(Reflector(stateful=True))) as server, \
                Watched("--stamp", server.address(), "--interval=300ms", "--timeout=250ms",
                        "--stamp-sessions=stateful", "--dscp=EF") as client:
            client.wait_until_sent(23)
            found, records = client.moment()
            client.interrupt()
            client.finish()
        told = last_of(records, "one_way_summary")
        self.assertEqual(of(found, "udpecho_lost_forward_datagrams", protocol="stamp", dscp="46"),
                         told["lost_forward"])
        self.assertEqual(of(found, "udpecho_lost_backward_datagrams"), told["lost_backward"])
        self.assertGreater(told["lost_forward"] + told["lost_backward"], 0)
        one_way = [record for record in records if record["record"] == "one_way"]
        for way in "forward", "backward":
            self.assertEqual(of(found, f"udpecho_{way}_delay_variation_seconds_count"),
                             len(one_way))
        self.assertNotIn("udpecho_forward_delay_seconds_count", {name for name, _ in found})

    @asks_for_reports
    def test_refusals_are_counted_by_reason(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
            taken.bind(("127.0.0.1", 0))
            port = taken.getsockname()[1]
        with Watched(f"127.0.0.1:{port}", "--interval=300ms") as client:
            harness.wait_until(lambda: so_far(samples(client.scrape()), "udpecho_refused_total",
                                              reason="port_unreachable") >= 2)
            found, records = client.moment()
            client.interrupt()
            client.finish()
        self.assertEqual(of(found, "udpecho_refused_total", reason="port_unreachable"),
                         last_of(records, "summary", interim=True)["refused"])
        self.assertEqual(of(found, "udpecho_refused_total", reason="too_big"), 0)

    def test_no_counter_ever_falls(self):
        """Under a flood that loses, doubles and reorders."""
        with Responder(Unreliable()) as server, \
                Watched(server.address(), "--flood", "--rate=2000/s", "--duration=2s",
                        "--timeout=50ms") as client:
            scrapes = []
            while client.process.poll() is None:
                try:
                    scrapes.append(counters(client.scrape()))
                except OSError:  # it has ended
                    break
            report = client.finish()
        self.assertEqual(report.code, 0, report.errors)
        self.assertGreater(len(scrapes), 2)
        for before, after in zip(scrapes, scrapes[1:]):
            for key, value in before.items():
                self.assertGreaterEqual(after.get(key, value), value, key)

    @unittest.skipUnless(PROMTOOL, "no promtool here, which is in Debian's package prometheus")
    def test_promtool_finds_nothing(self):
        with Responder(Reflector(stateful=True)) as server, \
                Watched("--stamp", server.address(), "--interval=200ms") as client:
            client.wait_until_sent(3)
            text = client.scrape()
        done = subprocess.run([PROMTOOL, "check", "metrics"], input=text, capture_output=True,
                              text=True, timeout=harness.PATIENCE)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))

    def test_there_are_no_other_pages(self):
        with Responder(echo) as server, Watched(server.address()) as client:
            self.assertEqual(get(client.where, "/"), (404, "there is /metrics\n"))
            self.assertEqual(get(client.where, "/metrics?name=value")[0], 200)

    def test_an_address_that_is_in_use(self):
        with socket.create_server(("127.0.0.1", 0)) as other, Responder(echo) as server:
            where = f"127.0.0.1:{other.getsockname()[1]}"
            done = run(f"--metrics-listen={where}", "--count=1", server.address())
            self.assertEqual(server.requests, [])
        self.assertEqual(done.returncode, 2)
        self.assertEqual(done.stdout, "")
        words = "" if harness.WINDOWS else "Address already in use"
        for word in f"--metrics-listen={where}", "cannot bind", words:
            self.assertIn(word, done.stderr)

    @needs_module
    def test_a_program_without_its_module(self):
        with tempfile.TemporaryDirectory() as directory:
            alone = shutil.copy(client_harness.UDPECHO, directory)
            done = harness.run("--metrics-listen=127.0.0.1:0", "127.0.0.1", program=alone)
        self.assertEqual(done.returncode, 2)
        for word in "--metrics-listen=127.0.0.1:0: cannot load", "/http.so":
            self.assertIn(word, done.stderr)

    def test_who_asks_for_nothing_does_not_hold_up_the_end(self):
        with Responder(echo) as server, Watched(server.address()) as client:
            client.wait_for("reply")
            idle = pages.connection_to(address_of(client.where))
            idle.connect()
            idle.sock.send(b"GET /metr")
            client.interrupt()
            self.assertEqual(client.finish().code, 0)
            idle.close()

    @harness.posix_only("it has no sockets with paths")
    def test_its_path_can_be_had_again(self):
        with tempfile.TemporaryDirectory() as directory, Responder(echo) as server:
            for _ in range(2):
                done = run(f"--metrics-listen=unix:{directory}/metrics", "--count=1",
                           server.address())
                self.assertEqual(done.returncode, 0, done.stderr)


if __name__ == "__main__":
    harness.main()
