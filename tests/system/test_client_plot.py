"""The picture of a run is SVG that any reader of XML takes, and has the numbers of the other
formats in it."""

import os
import pathlib
import re
import shutil
import signal
import tempfile
import unittest
import xml.etree.ElementTree as xml

import harness
from client_harness import Client, ask, run
from responder import Responder, Unreliable, echo, flip, silence

SVG = "{http://www.w3.org/2000/svg}"
LANES = {"lost": "lost", "late": "late", "corrupt": "corrupt_replies",
         "duplicate": "duplicate_replies", "reordered": "reordered", "refused": "refused",
         "not sent": "not_sent"}


class Plot:
    def __init__(self, path):
        self.root = xml.parse(path).getroot()
        self.texts = ["".join(text.itertext()) for text in self.root.iter(f"{SVG}text")]

    def signs(self, name):
        """How many places the path of this class has."""
        return sum(path.get("d").count("M") for path in self.root.iter(f"{SVG}path")
                   if path.get("class") == name)


def summary_lines(report):
    """Returns the summary in the text report."""
    return re.split(r"(?m)^--- .* ---\n", report.text)[-1].splitlines()


class Plots(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="udpecho-")
        self.addCleanup(directory.cleanup)
        self.directory = pathlib.Path(directory.name)
        self.path = self.directory / "run.svg"

    def plot(self, answer, *options, host="127.0.0.1"):
        with Responder(answer, host) as server:
            report = ask(server.address(), "--timeout=300ms", f"--plot={self.path}", *options)
        self.assertEqual(os.listdir(self.directory), ["run.svg"])
        plot = Plot(self.path)
        self.check(plot, report)
        return plot, report

    def check(self, plot, report):
        self.assertEqual(plot.root.tag, f"{SVG}svg")
        self.assertEqual(plot.root.get("version"), "1.1")
        for line in summary_lines(report):
            self.assertIn(line, plot.texts)
        for lane, name in LANES.items():
            count = report.summary[name]
            if count > 0 or name in ("lost", "late", "corrupt_replies"):
                self.assertIn(f"{count} {lane}", plot.texts)
        if report.summary["round_trips"] > 0:
            for name in "p50", "p90", "p99":
                value = report.summary[f"round_trip_{name}_us"]
                self.assertIn(f"{name} {value // 1000}.{value % 1000:03} ms", plot.texts)


class Runs(Plots):
    def test_some_datagrams_are_drawn_one_by_one(self):
        plot, report = self.plot(Unreliable(), "--flood", "--rate=200/s", "--count=101")
        for name, count in (("round-trips", report.summary["round_trips"]),
                            ("lost", report.summary["lost"]),
                            ("duplicate", report.summary["duplicate_replies"]),
                            ("reordered", report.summary["reordered"])):
            self.assertEqual(plot.signs(name), count, name)

    def test_one_datagram(self):
        plot, _ = self.plot(echo, "--count=1")
        self.assertEqual(plot.signs("round-trips"), 1)

    def test_no_answer(self):
        plot, _ = self.plot(silence, "--count=2", "--interval=200ms")
        self.assertIn("no round trip is known", plot.texts)
        self.assertEqual(plot.signs("lost"), 2)

    def test_corrupt_replies(self):
        plot, _ = self.plot(lambda request: [flip(request.payload)], "--count=2",
                            "--interval=200ms")
        self.assertEqual(plot.signs("corrupt"), 2)

    def test_many_datagrams_are_drawn_as_shapes(self):
        plot, report = self.plot(Unreliable(), "--flood", "--window=256", "--count=5001")
        self.assertEqual(plot.signs("round-trips"), 0)
        self.assertGreater(report.summary["round_trips"], 2000)
        self.assertLess(self.path.stat().st_size, 200000)

    def test_a_sweep(self):
        plot, report = self.plot(echo, "--sweep=6", "--count=3", "--interval=200ms")
        for port in report.of("sweep_port"):
            self.assertIn(f"{'! ' if port['suspect'] else ''}{port['source_port']}", plot.texts)
        self.assertIn(report.of("sweep")[0]["conclusion"], plot.texts)

    def test_a_load(self):
        with Responder(echo) as server:
            report = ask(server.address(), "--load=1M", "--duration=1s", f"--plot={self.path}")
        plot = Plot(self.path)
        for line in summary_lines(report):
            self.assertIn(line, plot.texts)
        self.assertIn("with load", plot.texts)

    @harness.needs_ipv6
    def test_ipv6(self):
        plot, report = self.plot(echo, "--count=1", host="::1")
        self.assertIn(f"udpecho {report.of('summary')[0]['target']}", plot.texts)


    def test_several_peers(self):
        with Responder(echo) as good, Responder(silence) as bad:
            report = ask(good.address(), bad.address(), "--count=2", "--interval=200ms",
                         "--timeout=200ms", f"--plot={self.path}")
        plot = Plot(self.path)
        total, = report.of("total")
        self.assertIn(f"udpecho: {total['peers']} peers", plot.texts)
        for line in summary_lines(report):
            self.assertIn(line, plot.texts)
        rows = [text for text in plot.texts if text in (good.address(), bad.address())]
        self.assertEqual(rows, [bad.address(), good.address()])
        answered, = report.of("summary", target=good.address(), interim=False)
        value = answered["round_trip_p99_us"]
        self.assertIn(f"{value // 1000}.{value % 1000:03}", plot.texts)


class Files(Plots):
    @harness.posix_only("there is no SIGUSR1")
    def test_an_interim_plot(self):
        with Responder(echo) as server, \
                Client(server.address(), "--interval=200ms", f"--plot={self.path}") as client:
            client.wait_for("reply")
            self.assertFalse(self.path.exists())
            client.process.send_signal(signal.SIGUSR1)
            harness.wait_until(self.path.exists)
            self.assertIn("not at its end yet", Plot(self.path).texts[1])
            client.interrupt()
            report = client.finish()
        plot = Plot(self.path)
        self.check(plot, report)
        self.assertNotIn("not at its end yet", plot.texts[1])

    def check_refused(self, path, words):
        done = run(f"--plot={path}", "--count=1", "127.0.0.1")
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        self.assertIn(f"udpecho: --plot={path}: {words}", done.stderr)

    def test_another_ending(self):
        for path in "run.png", "run", ".svg", "run.svg.gz":
            self.check_refused(path, "expected a name that ends with .svg")

    def test_no_such_folder(self):
        self.check_refused("/no/such/folder/run.svg", "cannot write it")

    def test_not_for_the_search_for_the_mtu(self):
        done = run(f"--plot={self.path}", "--mtu", "127.0.0.1")
        self.assertEqual(done.returncode, 2)
        self.assertIn("--mtu and --plot: expected one of them", done.stderr)

    @harness.posix_only("there is no mount(8)")
    @unittest.skipUnless(shutil.which("unshare") and hasattr(os, "geteuid") and os.geteuid() == 0,
                         "only root can make a file system that is full")
    def test_a_full_disk(self):
        """Existing files stay unchanged."""
        script = (f"mount -t tmpfs -o size=4k none {self.directory} && "
                  f"echo before > {self.path} && \"$@\"; code=$?; cat {self.path}; "
                  f"ls {self.directory}; exit $code")
        with Responder(echo) as server:
            done = run("--quiet", "--count=1", f"--plot={self.path}", server.address(),
                       prefix=("unshare", "-m", "sh", "-c", script, "sh"))
        self.assertEqual(done.returncode, 2)
        self.assertEqual(done.stderr, f"udpecho: --plot={self.path}: cannot write it: "
                                      "No space left on device\n")
        self.assertTrue(done.stdout.endswith("ms\nbefore\nrun.svg\n"), done.stdout)


if __name__ == "__main__":
    harness.main()
