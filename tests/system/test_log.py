"""What the log says, in each of its formats, and that it never holds the server up."""

import contextlib
import glob
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

import harness
import tracing

EVERY_BYTE = bytes(range(256))
SALUTE = 'hello, "echo" = \\o/'

# Asked for more than a user may have, the kernel gives less, and the log has a line for that.
SMALL_BUFFERS = ("--receive-buffer=default", "--send-buffer=default")

COUNTERS = {"received", "received_bytes", "echoed", "echoed_bytes", "health"}

# The text format prints only those that are not 0. Windows does not report kernel drops.
COUNTER_NAMES = os.path.join(os.environ["UDPECHO_TOOLS"], "counter_names" + (".exe" if harness.WINDOWS else ""))
TROUBLES = set(harness.run(program=COUNTER_NAMES).stdout.split("\n\n")[0].split()) - COUNTERS
TROUBLES -= {"kernel_drops"} if harness.WINDOWS else set()

# ---- Strict parsers: each makes of a line what json.loads() makes of the JSON line ----

ESCAPES = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\"}
NAME = r"[A-Za-z_]+"
QUOTED = r'"(?:[ !#-\[\]-~]|\\[nrt"\\]|\\x[0-9a-f]{2})*"'
BARE = r'[!#-<>-\[\]-~]+'
FIELD = re.compile(rf"({NAME})=({QUOTED}|{BARE})")
FIELDS = rf"{NAME}=(?:{QUOTED}|{BARE})(?: {NAME}=(?:{QUOTED}|{BARE}))*"
TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z"
TEXT = re.compile(rf"({TIME}) (error|warning|info|debug) ([^=\"]+?)(?: ({FIELDS}))?")


def unescape(match):
    escape = match[1]
    return ESCAPES[escape] if escape in ESCAPES else chr(int(escape[1:], 16))


def value_of(text):
    if text.startswith('"'):
        return re.sub(r'\\(x..|.)', unescape, text[1:-1])
    return int(text) if text.isdigit() else text


def parse_logfmt(line):
    if not re.fullmatch(FIELDS + "\n", line):
        raise ValueError(f"no logfmt: {line!r}")
    return {name: value_of(value) for name, value in FIELD.findall(line)}


def parse_text(line):
    match = TEXT.fullmatch(line.removesuffix("\n"))
    if not match:
        raise ValueError(f"no line of text: {line!r}")
    time, level, message, fields = match.groups()
    return {"time": time, "level": level, "message": message,
            **(parse_logfmt(fields + "\n") if fields else {})}


def text_of(name):
    """An address as the log writes it."""
    return "%s:%d" % name[:2]


class Lines:
    """What holds in every format; a class below gives FORMAT and its PARSE."""

    UNTROUBLED = COUNTERS | TROUBLES

    @contextlib.contextmanager
    def server(self, *options):
        with harness.Server(f"--log-format={self.FORMAT}", *options, parse=self.PARSE) as server:
            yield server
            server.finish()
            self.assertEqual(len(server.lines), len(server.raw), server.log())

    def test_start_and_end(self):
        with self.server("--workers=2", *SMALL_BUFFERS) as server:
            server.stop()
        confined, listening, serving, draining, stopped = server.lines
        common = {"time", "level", "message"}
        self.assertEqual(set(confined), common | {"sandbox"})
        self.assertEqual(set(listening), common | {"address", "protocol", "sharing", "because",
                                                   "receive_buffer", "send_buffer"})
        self.assertEqual(listening["sharing"],
                         "shared completion port" if harness.WINDOWS else "socket per worker")
        self.assertGreater(listening["receive_buffer"], 4096)
        self.assertGreater(listening["send_buffer"], 4096)
        self.assertEqual(set(serving), common | {"workers", "backend", "batching"})
        self.assertEqual(serving["workers"], 2)
        self.assertEqual(set(draining), common)
        self.assertEqual(set(stopped), common | self.UNTROUBLED | {"reason"})
        for line in server.lines:
            self.assertRegex(line["time"], rf"\A{TIME}\Z")
            self.assertEqual(line["level"], "info")

    def test_debug_has_two_lines_for_an_echo(self):
        with self.server("--log-level=debug") as server, harness.client(server.address) as sock:
            harness.echo(sock, SALUTE.encode())
            server.stop()
            client, here = text_of(sock.getsockname()), text_of(server.address)
        (received,), (reply,) = server.find("received"), server.find("reply")
        self.assertEqual((received["from"], received["to"]), (client, here))
        self.assertEqual((reply["from"], reply["to"]), (here, client))
        for line in received, reply:
            self.assertEqual(set(line), {"time", "level", "message", "thread", "thread_id",
                                         "from", "to", "length", "payload"})
            self.assertEqual(line["level"], "debug")
            self.assertRegex(line["thread"], r"\Aworker-\d+\Z")
            self.assertGreater(line["thread_id"], 0)
            self.assertEqual((line["length"], line["payload"]), (len(SALUTE), SALUTE))

    def test_debug_has_one_line_for_a_drop(self):
        with self.server("--log-level=debug", "--payload-max=4") as server, \
                harness.client(server.address) as sock:
            sock.send(b"hello")
            server.wait_for("dropped", reason="truncated", payload="hell")
            self.assertEqual(server.stop()["dropped_truncated"], 1)
            self.assertEqual(server.find("received") + server.find("reply"), [])

    def test_every_byte_of_a_payload_can_be_read_back(self):
        with self.server("--log-level=debug", "--log-payload=256") as server, \
                harness.client(server.address) as sock:
            harness.echo(sock, EVERY_BYTE)
            server.stop()
        for line in server.find("received") + server.find("reply"):
            self.assertEqual(line["payload"].encode("latin-1"), EVERY_BYTE)
        self.assertTrue(server.log().isascii())

    def test_payloads_are_bounded(self):
        for bound in 0, 1, 64, 1024:
            with self.subTest(bound=bound), \
                    self.server("--log-level=debug", f"--log-payload={bound}") as server, \
                    harness.client(server.address) as sock:
                harness.echo(sock, bytes(2000))
                line = server.wait_for("received")
                self.assertEqual((line["payload"], line["length"]), (bound * "\0", 2000))
                self.assertNotIn("cut", line)
                server.stop()

    def test_error(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as owner:
            owner.bind(("127.0.0.1", 0))
            address = text_of(owner.getsockname())
            done = harness.run(f"--listen={address}", f"--log-format={self.FORMAT}",
                               "--log-level=error")
        line = self.PARSE(done.stderr)
        self.assertEqual((line["level"], line["address"], line["step"], line["error"]),
                         ("error", address, "bind", "Address already in use"))


class Text(Lines, unittest.TestCase):
    FORMAT, PARSE = "text", staticmethod(parse_text)
    UNTROUBLED = COUNTERS


class Logfmt(Lines, unittest.TestCase):
    FORMAT, PARSE = "logfmt", staticmethod(parse_logfmt)


class Json(Lines, unittest.TestCase):
    FORMAT, PARSE = "json", staticmethod(json.loads)


class Levels(unittest.TestCase):
    def test_error_and_warning_are_silent_when_all_is_well(self):
        for level in "error", "warning":
            done = harness.run("--listen=127.0.0.1:0", "--duration=10ms", f"--log-level={level}")
            self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))

    def test_info_has_no_line_for_a_datagram(self):
        with harness.Server("--log-level=info", "--payload-max=4", *SMALL_BUFFERS) as server, \
                harness.client(server.address) as sock:
            sock.send(b"too long")
            harness.echo(sock, b"good")
            server.stop()
            self.assertEqual([line["message"].split(",")[0] for line in server.lines],
                             ["confined", "listening", "serving", "draining", "stopped"])

    def test_standard_output_stays_empty(self):
        with harness.Server("--log-level=debug") as server, harness.client(server.address) as sock:
            harness.echo(sock, b"hello")
            server.stop()
            self.assertEqual(server.process.stdout.read(), b"")


NON_BLOCKING = sys.executable, "-c", ("import os, sys; os.set_blocking(2, False);"
                                      "os.execvp(sys.argv[1], sys.argv[1:])")


class NobodyReads(unittest.TestCase):
    """A log whose reader has stopped, or left."""

    # Far more lines than the server and the pipe together hold.
    ECHOES = 3000

    def flood(self, address):
        with harness.client(address) as sock:
            for number in range(self.ECHOES):
                self.assertEqual(harness.echo(sock, b"%d" % number), b"%d" % number)

    def check_echoes_go_on_and_lines_left_out_are_told(self, prefix=()):
        with harness.Server("--log-level=debug", prefix=prefix) as server:
            server.reading.clear()
            self.flood(server.address)
            server.reading.set()
            self.assertEqual(server.stop()["echoed"], self.ECHOES)
            written = len(server.find("received")) + len(server.find("reply"))
            left_out = sum(line["count"] for line in server.find("log lines left out"))
        self.assertGreater(left_out, 0)
        self.assertEqual(written + left_out, 2 * self.ECHOES)
        self.assertEqual(len(server.lines), len(server.raw))  # none is cut

    def test_echoes_go_on_and_lines_left_out_are_told(self):
        self.check_echoes_go_on_and_lines_left_out_are_told()

    @harness.posix_only("pipes are given over as they are made")
    def test_the_same_where_standard_error_is_non_blocking(self):
        self.check_echoes_go_on_and_lines_left_out_are_told(NON_BLOCKING)

    def check_end(self, *options, prefix=(), ask=lambda server: None):
        """It ends within the time to drain and a second, whatever becomes of the lines."""
        with harness.Server("--log-level=debug", *options, prefix=prefix) as server:
            server.reading.clear()
            self.flood(server.address)
            began = time.monotonic()
            ask(server)
            self.assertEqual(server.process.wait(timeout=harness.PATIENCE), 0)
            elapsed = time.monotonic() - began
            server.reading.set()
        self.assertEqual(len(server.lines), len(server.raw))  # none is cut
        return elapsed

    def test_end(self):
        self.assertLess(self.check_end(ask=lambda server: server.signal(harness.STOP)), 2.5)

    @harness.posix_only("pipes are given over as they are made")
    def test_end_where_standard_error_is_non_blocking(self):
        self.assertLess(self.check_end(prefix=NON_BLOCKING,
                                       ask=lambda server: server.signal(harness.STOP)), 2.5)

    def test_end_by_itself(self):
        self.assertLess(self.check_end("--count=3000"), 2.5)

    @harness.posix_only("no signals")
    def test_end_in_a_row_of_reloads(self):
        """Each has lines that are not left out while the output moves."""
        def ask(server):
            for _ in range(5):
                server.signal(signal.SIGHUP)
                time.sleep(0.05)
            server.signal(signal.SIGTERM)
        self.assertLess(self.check_end(ask=ask), 3)

    @harness.posix_only("no pipes of this kind")
    def test_start_and_end(self):
        """Without a line of the log; where it serves, the control socket knows."""
        inside, outside = os.pipe()
        os.set_blocking(outside, False)
        with contextlib.suppress(BlockingIOError):
            while True:
                os.write(outside, b"x")
        os.set_blocking(outside, True)
        with tempfile.TemporaryDirectory() as directory:
            control = os.path.join(directory, "control")
            process = subprocess.Popen([harness.UDPECHOD, "--listen=127.0.0.1:0",
                                        f"--control={control}"], stderr=outside)
            self.addCleanup(process.kill)
            harness.wait_until(lambda: harness.run("--status", f"--control={control}").returncode == 0)
            done = harness.run("--status", "--json", f"--control={control}")
            host, port = json.loads(done.stdout)["listening"][0].split(":")
            with harness.client((host, int(port))) as sock:
                self.assertEqual(harness.echo(sock, b"hello"), b"hello")
            began = time.monotonic()
            process.send_signal(signal.SIGTERM)
            self.assertEqual(process.wait(timeout=harness.PATIENCE), 0)
            self.assertLess(time.monotonic() - began, 2.5)
        os.close(outside)
        with open(inside, "rb") as pipe:
            self.assertEqual(set(pipe.read()), {ord("x")})

    @tracing.needs_strace
    def test_disk_that_is_full_for_a_while(self):
        """Lines that could not be written are counted with the suppressed ones."""
        with tracing.TracedServer("write", "--log-level=debug", "--workers=1",
                                  inject="write:error=ENOSPC:when=11..20") as server, \
                harness.client(server.address) as sock:
            for _ in range(30):
                harness.echo(sock, b"hello")
            server.stop()
            lost = [call for call in server.calls("INJECTED") if "write(2" in call]
        left_out = sum(line["count"] for line in server.find("log lines left out"))
        written = len(server.find("received")) + len(server.find("reply"))
        self.assertGreater(len(lost), 0)
        self.assertEqual(written + left_out, 60)

    @harness.posix_only("no signal handlers to look at")
    def test_second_signal_ends_at_once(self):
        with harness.Server("--log-level=debug") as server:
            server.reading.clear()
            self.flood(server.address)
            server.signal(signal.SIGTERM)
            # The first has been taken when its handler is gone.
            term = 1 << signal.SIGTERM - 1
            harness.wait_until(lambda: not int(server.status("SigCgt"), 16) & term)
            server.signal(signal.SIGINT)
            self.assertEqual(server.process.wait(timeout=harness.PATIENCE), -signal.SIGINT)

    @unittest.skipUnless(os.path.exists("/proc/self/fd"), "there is no /proc/self/fd")
    @harness.posix_only("handles have no such numbers")
    def test_no_socket_in_place_of_standard_files(self):
        """Otherwise the log would be written to the socket."""
        with harness.Server("--duration=1h", wait=False, prefix=(
                "sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh")) as server:
            descriptors = f"/proc/{server.process.pid}/fd"

            def has_socket():
                with contextlib.suppress(FileNotFoundError):  # a descriptor that was closed meanwhile
                    return any("socket:" in os.readlink(name) for name in glob.glob(f"{descriptors}/*"))
                return False

            harness.wait_until(has_socket)
            for number in 0, 1, 2:
                self.assertIn("pipe:", os.readlink(f"{descriptors}/{number}"))
            server.signal(signal.SIGTERM)
            self.assertEqual(server.finish(), 0)

    @harness.posix_only("files have no limit there")
    def test_file_at_its_limit_ends_nothing(self):
        with tempfile.NamedTemporaryFile() as log:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
                sock.bind(("127.0.0.1", 0))
                address = sock.getsockname()
            server = subprocess.Popen(
                ["sh", "-c", f'ulimit -f 1; exec "$@" 2>{log.name}', "sh", harness.UDPECHOD,
                 "--listen=%s:%d" % address, "--log-level=debug"])
            self.addCleanup(server.wait)
            self.addCleanup(server.kill)
            harness.wait_until(lambda: b"serving" in pathlib.Path(log.name).read_bytes())
            with harness.client(address) as client:
                for _ in range(50):
                    self.assertEqual(harness.echo(client, b"hello"), b"hello")
            self.assertLess(os.stat(log.name).st_size, 1025)

    def test_reader_that_left_ends_nothing(self):
        process = subprocess.Popen([*harness.EMULATOR, harness.UDPECHOD, "--listen=127.0.0.1:0",
                                    "--log-level=debug", "--workers=1"],
                                   stderr=subprocess.PIPE, text=True)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        lines = (parse_text(line) for line in process.stderr)
        listening = next(line for line in lines if line["message"] == "listening")
        host, port = listening["address"].split(":")
        process.stderr.close()
        self.flood((host, int(port)))


if __name__ == "__main__":
    harness.main()
