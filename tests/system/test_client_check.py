"""udpecho --check as a plugin of Nagios and Icinga: its line, its exit code, and its end in time.

What a line must look like is in https://www.monitoring-plugins.org/doc/guidelines.html.
"""

import pathlib
import re
import subprocess
import tempfile
import time
import unittest

import client_harness
import harness
import namespaces
from client_harness import full_pipe, run
from reflector import Reflector
from responder import Responder, echo, silence

OK, WARNING, CRITICAL, UNKNOWN = range(4)
WORDS = ("OK", "WARNING", "CRITICAL", "UNKNOWN")

NUMBER = r"(?:\d+(?:\.\d+)?|U)"
DATUM = rf"(?:\w+|'[^'=]+')={NUMBER}(?:s|%)?;(?:{NUMBER})?;(?:{NUMBER})?;0(?:;100)?"
LINE = rf"UDPECHO (?P<state>\w+) - (?P<text>[^|]+?)(?: \|(?P<data>(?: {DATUM})+))?\n"

# What a busy machine and sanitizers may add to the time that a run should take, seconds.
SLACK = 5

FAST = ("--interval=20ms", "--timeout=200ms")


# Runs a program while port 53 takes requests that nobody answers.
ASKS_NOBODY = """\
import socket, subprocess, sys
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("127.0.0.1", 53))
sys.exit(subprocess.run(sys.argv[1:]).returncode)
"""


class Check(unittest.TestCase):
    def check(self, code, *arguments):
        """Runs a check, and returns its text and its data."""
        done = run("--check", *arguments)
        self.assertEqual((done.returncode, done.stderr), (code, ""), done.stdout)
        line = re.match(LINE, done.stdout)
        self.assertIsNotNone(line, done.stdout)
        self.assertEqual(line["state"], WORDS[code])
        return line["text"], dict(datum.split("=") for datum in (line["data"] or "").split())

    def test_ok(self):
        with Responder(echo) as server:
            text, data = self.check(OK, server.address(), "-w", "10s,20%", "-c", "20s,60%")
        self.assertEqual(len(server.requests), 5)
        self.assertRegex(text, rf"\A{server.address()}: rtt \d+\.\d{{3}} ms, lost 0 %\Z")
        self.assertRegex(data["rtt"], r"\A\d\.\d{6}s;10;20;0\Z")
        self.assertEqual(data["loss"], "0%;20;60;0;100")

    def test_thresholds(self):
        lossy = lambda request: [request.payload] * (request.number != 2)  # noqa: E731
        for code, arguments in ((OK, ["-w", "25%"]), (WARNING, ["-w", "24%", "-c", "50%"]),
                                (CRITICAL, ["-w", "1%", "-c", "24%"]),
                                (WARNING, ["-w", "1us"]), (CRITICAL, ["-c", "0.001,100%"]),
                                (OK, ["-w", "60000,100%", "-c", "60000.0,100%"])):
            with self.subTest(arguments=arguments), Responder(lossy) as server:
                self.check(code, server.address(), "--count=4", *FAST, *arguments)

    def test_no_answer_is_critical(self):
        with Responder(silence) as server:
            text, data = self.check(CRITICAL, server.address(), *FAST)
        self.assertEqual(text, f"{server.address()}: no answer")
        self.assertEqual(data, {"rtt": "U;;;0", "loss": "100%;;;0;100"})

    def test_what_cannot_be_asked_is_unknown(self):
        for arguments, words in (([], "expected HOST[:PORT] or --targets=FILE"), (["-w", "x", "h"], "--warning=x"),
                                 (["--nosuch", "h"], "unknown option --nosuch"),
                                 (["-H", "h"], "a host has no -H before it"),
                                 (["-w", "2", "-c", "1", "h"], "--warning=2ms: expected no more"),
                                 (["127.0.0.1:0"], "0 is not a port"),
                                 (["no.such.host.invalid"], "no.such.host.invalid: cannot find it"),
                                 (["--config=/no/such/file", "h"], "cannot be read"),
                                 (["--source=nosuch0", "127.0.0.1"], "--source=nosuch0")):
            with self.subTest(arguments=arguments):
                text, data = self.check(UNKNOWN, *arguments)
                self.assertIn(words, text)
                self.assertEqual(data, {})

    def test_stamp(self):
        with Responder(Reflector(stateful=True)) as server:
            text, data = self.check(OK, "--stamp", server.address(), *FAST, "-w", "10s")
        self.assertRegex(text, "rtt .* ms, lost 0 %")
        self.assertEqual(data["loss"], "0%;;;0;100")

    def test_several_targets(self):
        with Responder(echo) as good, Responder(silence) as bad:
            done = run("--check", good.address(), bad.address(), "no.such.host.invalid", *FAST)
        first, *rest = done.stdout.splitlines()
        self.assertEqual((done.returncode, done.stderr), (CRITICAL, ""), done.stdout)
        self.assertRegex(first + "\n", rf"\A{LINE}\Z")
        self.assertTrue(first.startswith(
            "UDPECHO CRITICAL - 3 targets: 1 critical, 1 unknown, 1 ok | "), first)
        self.assertIn(f"'{bad.address()} loss'=100%;;;0;100", first)
        self.assertEqual(rest[0], f"CRITICAL - {bad.address()}: no answer")
        self.assertTrue(rest[1].startswith("UNKNOWN - no.such.host.invalid: cannot find it: "))
        self.assertRegex(rest[2], rf"\AOK - {good.address()}: rtt [\d.]+ ms, lost 0 %\Z")

    def test_the_letters_are_those_of_ping_else(self):
        with Responder(echo) as server:
            done = run("-w", "60", "-c", "1", server.address())
        self.assertEqual(done.returncode, 0)
        self.assertIn("1 sent, 1 received", done.stdout)

    @harness.posix_only("pipes are given over as they are made")
    def test_an_end_in_time_where_nobody_reads(self):
        with Responder(echo) as server, full_pipe() as pipe:
            start = time.monotonic()
            done = subprocess.run([*harness.EMULATOR, client_harness.UDPECHO, "--check",
                                   server.address()], stdout=pipe, timeout=harness.PATIENCE)
            self.assertEqual(done.returncode, OK)
            self.assertLess(time.monotonic() - start, 1 + 1 + SLACK)


@unittest.skipIf(harness.EMULATOR, "an emulator may look names up outside of the namespace")
class SilentNameServer(unittest.TestCase):
    """Asks a name server that takes requests and never answers."""

    def setUp(self):
        if namespaces.missing() is not None:
            self.skipTest(namespaces.missing())
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.files = pathlib.Path(directory.name)
        (self.files / "resolv.conf").write_text("nameserver 127.0.0.1\noptions timeout:30\n")
        (self.files / "nsswitch.conf").write_text("hosts: dns\n")

    def check(self, *arguments):
        command = [client_harness.UDPECHO, "--check", "--count=1", "--timeout=100ms", *arguments]
        setup = (f"ip link set lo up\nmount --bind {self.files}/resolv.conf /etc/resolv.conf\n"
                 f"mount --bind {self.files}/nsswitch.conf /etc/nsswitch.conf\n")
        return subprocess.run(["unshare", "-n", "-m", "sh", "-e", "-c", setup + 'exec "$@"', "sh",
                               "python3", "-c", ASKS_NOBODY, *command],
                              capture_output=True, text=True, timeout=3 * harness.PATIENCE)

    def test_an_end_in_time(self):
        start = time.monotonic()
        done = self.check("host.example")
        self.assertRegex(done.stdout, r"\AUDPECHO UNKNOWN - no result within 7s\d+ms\n\Z")
        self.assertEqual((done.returncode, done.stderr), (UNKNOWN, ""))
        self.assertLess(time.monotonic() - start, 8.5 + SLACK)

    def test_others_have_results_all_the_same(self):
        done = self.check("127.0.0.1:53", "host.example", "--deadline=1s")
        self.assertEqual(done.returncode, CRITICAL, done.stdout)
        self.assertEqual(done.stdout.splitlines()[1:],
                         ["CRITICAL - 127.0.0.1:53: no answer",
                          "UNKNOWN - host.example: its name was not looked up in time"])


if __name__ == "__main__":
    harness.main()
