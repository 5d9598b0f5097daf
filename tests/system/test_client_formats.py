"""One run as text, as JSON and as CSV: every number in the one is in the others, to the digit."""

import datetime
import re
import socket
import unittest

import client_harness
import harness
from client_harness import ask, matches
from responder import Reply, Responder, Unreliable, echo, flip, silence

DATAGRAMS = ("reply", "missing", "refused", "not_sent")
COUNTS = r"(\d+) sent, (\d+) received(?:, (\d+) corrupted)?, (\d+) lost(?: \((\S+) %\))?" \
         r"(?:, (\d+) outstanding)?(?:, (\d+) not sent)?(?:, (\d+) refused)?"
REPLIES = r"(\d+) late, (\d+) duplicate, (\d+) reordered, (\d+) corrupt" \
          r"(?:, (\d+) misdelivered)?(?:, (\d+) from elsewhere)?(?:, (\d+) unknown)?"
RATE = r"(\d+) datagrams/s came back, (\S+) Mbit/s of payload, for (\S+) s"
TRIPS = r"round trip  min/mean/max/stddev  (\S+)/(\S+)/(\S+)/(\S+) ms\n" \
        r" +p50/p90/p99/p99.9    (\S+)/(\S+)/(\S+)/(\S+) ms\n" \
        r" +jitter               (\S+) ms"
IDENTITY = r"seq=(?P<sequence>\d+)(?: port=(?P<source_port>\d+))?"
REPLY = rf"(?P<length>\d+) bytes?(?P<truncated> or more)? from (?P<source>\S+):(?: {IDENTITY})?" \
        r"(?: ttl=(?P<hop_limit>\d+))?(?: time=(?P<time>\S+) ms)?" \
        r"(?: fragment=(?P<fragment>\d+))?(?: \((?P<remark>.*)\))?"
MISSING = rf"(?P<length>\d+) bytes? to \S+: {IDENTITY} no answer within .*"
ROW = r" *(?P<port>\d+) +(?P<sent>\d+) +(?P<loss>\S+) +(?P<min>\S+) +(?P<p50>\S+) +(?P<max>\S+)" \
      r"(?P<suspect>  suspect)?"

COUNT_NAMES = ("sent", "received", "corrupted", "lost", "loss_percent", "outstanding", "not_sent",
               "refused")
REPLY_NAMES = ("late", "duplicate_replies", "reordered", "corrupt_replies", "misdelivered_replies",
               "elsewhere_replies", "unknown_replies")
TRIP_NAMES = [f"round_trip_{name}_us" for name in
              ("min", "mean", "max", "stddev", "p50", "p90", "p99", "p999", "jitter")]


def milliseconds(microseconds):
    """Formats a value like the text report."""
    if microseconds is None:
        return None
    return f"{int(microseconds) // 1000}.{int(microseconds) % 1000:03}"


def cell(value):
    return {None: "", True: "true", False: "false"}.get(value, value)


class Hostile:
    """Every kind of reply there is."""

    def __init__(self):
        self._unreliable = Unreliable()

    def __call__(self, request):
        replies = self._unreliable(request)
        extra = {3: Reply(request.payload, by=1), 4: b"?" * 40, 6: flip(request.payload),
                 8: request.payload + b"longer"}
        return replies + [extra[request.number % 20]] if request.number % 20 in extra else replies


class Formats(unittest.TestCase):
    def run_against(self, answer, *options):
        with Responder(answer, others=[("127.0.0.1", 0)]) as server:
            report = ask(server.address(), "--timeout=500ms", *options)
        client_harness.check_sums(self, report)
        self.check_csv(report)
        return report

    def check_csv(self, report):
        """A row for each datagram, and one for each other value."""
        rows = iter(report.rows)
        for record in report.exact_records:
            own = {name: cell(value) for name, value in record.items()}
            if record["record"] in DATAGRAMS:
                self.check_row(next(rows), own)
                continue
            first = {name: own.pop(name) for name in ("record", "time", "target", "address", "source_port")
                     if name in own}
            for name, value in own.items():
                self.check_row(next(rows), {**first, "name": name, "value": value})
        self.assertEqual(list(rows), [])

    def check_row(self, row, expected):
        self.assertEqual({name: value for name, value in row.items() if value != ""},
                         {name: value for name, value in expected.items() if value != ""})

    def check_text_summary(self, report):
        summary = report.exact_records[-1]
        self.assertEqual(summary["record"], "summary")
        counts = re.search(COUNTS, report.text).groups(default="0")
        self.assertEqual(counts, tuple(summary[name] for name in COUNT_NAMES))
        replies = re.search(REPLIES, report.text).groups(default="0")
        self.assertEqual(replies, tuple(summary[name] for name in REPLY_NAMES))
        if summary["received"] != "0":
            trips = re.search(TRIPS, report.text).groups()
            self.assertEqual(trips, tuple(milliseconds(summary[name]) for name in TRIP_NAMES))

    def check_text_rate(self, report):
        summary = report.exact_records[-1]
        rate, bits, elapsed = re.search(RATE, report.text).groups()
        self.assertEqual(rate, summary["received_per_second"])
        self.assertEqual(bits, milliseconds(int(summary["bits_per_second"]) // 1000))
        self.assertEqual(elapsed, milliseconds(int(summary["elapsed_us"]) // 1000))

    def check_text_datagrams(self, report):
        replies = [record for record in report.exact_records if record["record"] == "reply"]
        lines = matches(REPLY, report.text)
        self.assertEqual(len(lines), len(replies))
        for line, reply in zip(lines, replies):
            self.check_text_reply(line, reply)
        missing = [record for record in report.exact_records if record["record"] == "missing"]
        self.assertEqual([(line["sequence"], line["length"])
                          for line in matches(MISSING, report.text)],
                         [(record["sequence"], record["length"]) for record in missing])

    def check_text_reply(self, line, reply):
        for name in "length", "sequence", "hop_limit", "fragment":
            self.assertEqual(line[name], reply[name], (line, reply))
        if line["source_port"] is not None:
            self.assertEqual(line["source_port"], reply["source_port"])
        self.assertEqual(line["source"], reply["from"])
        self.assertEqual(line["time"], milliseconds(reply["round_trip_us"]))
        self.assertEqual(line["truncated"] is not None, reply["truncated"])
        remark = line["remark"] or "answer"
        words = {"unknown": "to no datagram of this run"}
        word = words.get(reply["verdict"], reply["verdict"])
        if not (word == "answer" and reply["reordered"]):
            self.assertTrue(remark.startswith(word), (line, reply))
        self.assertEqual("reordered" in remark, reply["reordered"])


class Measurements(Formats):
    def test_ping(self):
        report = self.run_against(Hostile(), "--count=13", "--interval=200ms")
        self.check_text_summary(report)
        self.check_text_datagrams(report)
        self.assertEqual(report.verdicts(), {"answer": 12, "duplicate": 1, "elsewhere": 1,
                                             "unknown": 1, "corrupt": 2})

    def test_ping_without_an_answer(self):
        report = self.run_against(lambda _: [], "--count=2", "--interval=200ms")
        self.check_text_summary(report)
        self.check_text_datagrams(report)
        self.assertNotIn("round trip", report.text)

    def test_flood(self):
        report = self.run_against(Hostile(), "--flood", "--rate=1000/s", "--count=1001")
        self.check_text_summary(report)
        self.check_text_rate(report)
        self.assertEqual(len(report.records), 2)

    def test_flood_that_tells_of_each(self):
        report = self.run_against(Hostile(), "--flood", "--rate=1000/s", "--count=501", "--flows=4",
                                  "--verbose")
        self.check_text_summary(report)
        self.check_text_rate(report)
        self.check_text_datagrams(report)

    def test_sweep(self):
        for options in (), ("--verbose",):
            with self.subTest(options=options):
                report = self.run_against(echo, "--sweep=6", "--count=2", "--interval=200ms",
                                          *options)
                self.check_text_summary(report)
                self.check_text_datagrams(report)
                self.check_text_sweep(report)

    def check_text_sweep(self, report):
        ports = [record for record in report.exact_records if record["record"] == "sweep_port"]
        table = report.text.split("by source port ---\n")[1]
        rows = matches(ROW, table.split("---")[0])
        self.assertEqual(
            [tuple(row.values())[:-1] for row in rows],
            [(port["source_port"], port["sent"], port["loss_percent"],
              *(milliseconds(port[f"round_trip_{name}_us"]) for name in ("min", "p50", "max")))
             for port in ports])
        self.assertEqual([row["suspect"] is not None for row in rows],
                         [port["suspect"] for port in ports])
        result, = report.of("sweep")
        self.assertIn(f"\n{result['conclusion']}\n", report.text)
        self.check_sweep_adds_up(report, result)

    def check_sweep_adds_up(self, report, result):
        ports = report.of("sweep_port")
        self.assertEqual((result["source_ports"], result["suspects"]),
                         (len(ports), sum(port["suspect"] for port in ports)))
        for name in "sent", "received", "lost", "corrupted", "late", "reordered", "bytes":
            self.assertEqual(report.summary[name], sum(port[name] for port in ports), name)

    def test_mtu(self):
        report = self.run_against(echo, "--mtu")
        result, = [record for record in report.exact_records if record["record"] == "mtu"]
        found, = re.findall(r"largest payload (\d+) bytes, MTU (\d+)\n", report.text)
        self.assertEqual(found, (result["payload"], result["mtu"]))


class OneFormat(Formats):
    def test_json_instead_of_text(self):
        with Responder(echo) as server:
            report = ask(server.address(), "--json", "--count=2", "--interval=200ms")
        self.assertEqual(client_harness.Report(0, "", "", report.text, "").exact_records,
                         report.exact_records)

    def test_csv_instead_of_text(self):
        with Responder(echo) as server:
            report = ask(server.address(), "--csv", "--count=2", "--interval=200ms")
        self.assertEqual(client_harness.Report(0, "", "", "", report.text).rows, report.rows)

    def test_quiet_leaves_out_each_datagram_that_would_be_shown(self):
        report = self.run_against(Hostile(), "--quiet", "--count=3", "--interval=200ms")
        self.assertEqual(matches(REPLY, report.text), [])
        self.assertGreater(len(report.of("reply")), 2)  # the file has them
        for form, count in (("--json", 2), ("--csv", None)):
            report = self.run_against(Hostile(), "--quiet", form, "--count=2", "--interval=200ms")
            self.assertNotIn("reply", report.text.replace("_replies", ""))
            if count is not None:
                self.assertEqual(len(report.text.splitlines()), count)

    def test_nothing_is_known_before_the_first_fate(self):
        """Loss in percent, and the payload of a search that tries many."""
        with Responder(silence) as server:
            report = ask(server.address(), "--count=1", "--deadline=100ms")
            self.assertIsNone(report.summary["loss_percent"])
            self.assertIn("1 sent, 0 received, 0 lost, 1 outstanding\n", report.text)
            report = ask(server.address(), "--mtu", "--deadline=100ms")
        self.assertIsNone(report.of("start")[0]["payload"])

    @harness.posix_only("Wine does not tell of it")
    def test_lines_have_the_times_of_their_records(self):
        zero = datetime.datetime(1970, 1, 1)
        for option in "-D", "--timestamps", "--timestamps=iso":
            with Responder(echo) as server:
                report = ask(server.address(), "--count=3", "--interval=20ms", "-H", option)
            stamps = re.findall(r"(?m)^(\[\d+\.\d{6}\]|\S+Z) (\d+ bytes)?", report.text)
            self.assertEqual(len(stamps), len(report.text.splitlines()), report.text)
            times = [reply["time"] for reply in report.of("reply")]
            if option != "--timestamps=iso":
                times = [datetime.datetime.strptime(time, "%Y-%m-%dT%H:%M:%S.%fZ") - zero
                         for time in times]
                times = [f"[{time // datetime.timedelta(seconds=1)}.{time.microseconds:06}]"
                         for time in times]
            self.assertEqual([stamp for stamp, is_reply in stamps if is_reply], times)

    @harness.not_under_wine("WSAECONNRESET never arrives")
    def test_quiet_tells_why_all_was_refused(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as unused:
            unused.bind(("127.0.0.1", 0))
            port = unused.getsockname()[1]
        report = ask(f"127.0.0.1:{port}", "--quiet", "--count=1", "--timeout=100ms")
        self.assertIn("last refused by 127.0.0.1: port unreachable\n", report.text)


if __name__ == "__main__":
    harness.main()
