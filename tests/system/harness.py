"""Runs the real udpechod from outside: what every system test shares.

The binary is named by the environment variable UDPECHOD. Every port is chosen by the kernel (port
0) and read from the server's log, so tests never share one.
"""

import collections
import contextlib
import functools
import glob
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import unittest

UDPECHOD = os.environ["UDPECHOD"]

WINDOWS = UDPECHOD.endswith(".exe")

# What runs it where it is a program of another system, as "COMMAND:ARGUMENT": Wine.
EMULATOR = [part for part in os.environ.get("UDPECHOD_EMULATOR", "").split(":") if part]

# What every server is started by, if anything: a whole file of tests can be run on a system that
# lacks something.
PREFIX = os.environ.get("UDPECHOD_PREFIX", "").split()

# What asks the server to drain and end. Wine makes a Ctrl-C of it, and ends a program that gets any
# other.
STOP = signal.SIGINT if WINDOWS else signal.SIGTERM

# The leak sanitizer of clang 14 mistakes where the thread-local variables of a library are that was
# loaded later, the one for HTTP, and crashes as the program ends, unless it does not ask.
os.environ["ASAN_OPTIONS"] = os.environ.get("ASAN_OPTIONS", "") + ":intercept_tls_get_addr=0"

# Before a command that leaves the leak sanitizer nothing to work with: too few descriptors, a tracer.
WITHOUT_LEAKS = ("env", f"ASAN_OPTIONS={os.environ['ASAN_OPTIONS']}:detect_leaks=0")

# A shell starts what runs in the background with SIGINT ignored, which its children inherit.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# How long anything may take that normally takes milliseconds. Generous: it is a guard against
# hanging, not a measurement.
PATIENCE = 20


@functools.lru_cache(maxsize=None)
def has_thread_sanitizer():
    with open(UDPECHOD, "rb") as program:
        return b"__tsan_init" in program.read()


class Server:
    """A running udpechod. Its log is JSON on standard error and collected as dictionaries.

    `descriptors` are those that the command inherits besides the standard three.

    With another --log-format, `parse` makes the same dictionaries of its lines. While the event
    `reading` is cleared, nobody reads the log.
    """

    def __init__(self, *options, listen=("127.0.0.1:0",), prefix=(), wait=True, environment=None,
                 descriptors=(), parse=json.loads):
        command = [*PREFIX, *prefix, *EMULATOR, UDPECHOD, "--log-format=json"]
        command += [f"--listen={address}" for address in listen]
        command += options
        self.lines = []
        self.raw = []
        self.reading = threading.Event()
        self.reading.set()
        self._parse = parse
        self._grown = threading.Condition()
        self._closed = False
        self.process = subprocess.Popen(
            command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL,
            env={**os.environ, **(environment or {})}, pass_fds=descriptors)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        if wait:
            self.wait_for("serving")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()

    def _read(self):
        for line in self.process.stderr:
            with self._grown:
                self.raw.append(line)
                # A line that is none of the log's, of a sanitizer for one, is only in `raw`.
                with contextlib.suppress(ValueError):
                    self.lines.append(self._parse(line.decode()))
                self._grown.notify_all()
            self.reading.wait()
        with self._grown:
            self._closed = True
            self._grown.notify_all()

    def find(self, message, **fields):
        """All log lines so far with this message and these fields."""
        with self._grown:
            return [line for line in self.lines if line["message"] == message
                    and all(line.get(name) == value for name, value in fields.items())]

    def wait_for(self, message, count=1, **fields):
        """Waits for the count-th such line and returns it."""
        deadline = time.monotonic() + PATIENCE
        while True:
            with self._grown:
                closed = self._closed
                if len(found := self.find(message, **fields)) >= count:
                    return found[count - 1]
                if not closed:
                    self._grown.wait(timeout=0.1)
            if closed or time.monotonic() > deadline:
                raise AssertionError(f"no line {message!r} {fields} in the log:\n{self.log()}")

    def log(self):
        with self._grown:
            return b"".join(self.raw).decode(errors="replace")

    @property
    def addresses(self):
        """The addresses it listens on, as (host, port), in the order of --listen."""
        found = []
        for line in self.find("listening"):
            host, port = re.fullmatch(r"\[?([^\]]*?)\]?:(\d+)", line["address"]).groups()
            found.append((host, int(port)))
        return found

    @property
    def address(self):
        return self.addresses[0]

    def status(self, field):
        """A field of /proc/PID/status, as text."""
        with open(f"/proc/{self.process.pid}/status") as lines:
            return re.search(rf"(?m)^{field}:\s+(.*)$", lines.read())[1]

    def waits(self):
        """How often its threads have gone to sleep so far."""
        waits = 0
        for name in glob.glob(f"/proc/{self.process.pid}/task/*/status"):
            with open(name) as lines:
                waits += int(re.search(r"(?m)^voluntary_ctxt_switches:\s+(.*)$", lines.read())[1])
        return waits

    def check_asleep(self, test):
        """Checks that no thread wakes up while the server is idle."""
        if "sanitizer" in self.find("confined")[0]["sandbox"]:
            test.skipTest("a sanitizer's runtime has a thread that wakes by itself")
        time.sleep(0.1)
        waits = self.waits()
        time.sleep(0.5)
        test.assertEqual(self.waits(), waits)

    def processor_seconds(self):
        """How long its threads have kept processors busy so far."""
        with open(f"/proc/{self.process.pid}/stat") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def signal(self, number):
        if has_thread_sanitizer() and number not in (signal.SIGSTOP, signal.SIGCONT):
            self._await_rest()
        self.process.send_signal(number)

    def _await_rest(self):
        """Waits for a second at most until the main thread does not move. clang 14's thread sanitizer
        can lose a signal that comes between two system calls: strace shows it delivered, and the
        handler not called."""
        for _ in range(50):
            if self.process.poll() is not None:
                return
            before = self.status("State"), self.status("voluntary_ctxt_switches")
            time.sleep(0.02)
            if before[0].startswith("S") and self.status("voluntary_ctxt_switches") == before[1]:
                return

    @contextlib.contextmanager
    def frozen(self):
        """Within it no thread of the server runs: what is sent waits in the kernel."""
        self.signal(signal.SIGSTOP)
        os.waitid(os.P_PID, self.process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
        yield
        self.signal(signal.SIGCONT)

    def finish(self):
        """Waits until the server ends by itself; returns its exit code."""
        code = self.process.wait(timeout=PATIENCE)
        self._reader.join(timeout=PATIENCE)
        return code

    def stop(self):
        """Asks it to drain and end; returns the counters of its last line."""
        self.signal(STOP)
        code = self.finish()
        if code != 0:
            raise AssertionError(f"udpechod ended with {code}:\n{self.log()}")
        return self.wait_for("stopped")

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.reading.set()
        self._reader.join(timeout=PATIENCE)
        self.process.stdout.close()
        self.process.stderr.close()


def run(*options, prefix=(), program=UDPECHOD):
    """Runs udpechod to its end; returns the completed process with text output."""
    return subprocess.run([*PREFIX, *prefix, *EMULATOR, program, *options], capture_output=True, text=True,
                          timeout=PATIENCE, stdin=subprocess.DEVNULL)


Option = collections.namedtuple("Option", "letter argument is_reloadable help")


def options(program=UDPECHOD):
    """{name: Option} of a program, as its --help shows them; None for what there is not."""
    found = re.findall(r"^  (?:-(\w), )?--([a-z0-9-]+)(?:=(\S+)|\[=(\S+)\])?(  \(reload\))?\n((?: {8}.*\n)+)",
                       run("--help", program=program).stdout, re.MULTILINE)
    return {name: Option(letter or None, argument or bare or None, bool(mark),
                         " ".join(text.split()))
            for letter, name, argument, bare, mark, text in found}


def client(address, family=None, bind=None, timeout=PATIENCE):
    """A UDP socket connected to `address`, a tuple as the socket module has it."""
    if family is None:
        family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_DGRAM)
    sock.settimeout(timeout)
    if bind is not None:
        sock.bind(bind)
    sock.connect(address)
    return sock


def echo(sock, payload):
    """Sends one datagram and returns what comes back."""
    sock.send(payload)
    return sock.recv(65536)


def replies(sock):
    """All that waits in a client's socket, which does not block from then on."""
    received = []
    sock.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        while True:
            received.append(sock.recv(65536))
    return received


def received(server):
    """How many datagrams it had received a moment ago, where it tells by SIGUSR1."""
    server.signal(signal.SIGUSR1)
    counters = server.find("counters")
    return counters[-1]["received"] if counters else 0


def wait_until(condition):
    """Waits for what no line of the log tells. In vain at most PATIENCE: then asserting fails."""
    deadline = time.monotonic() + PATIENCE
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)


def accounted(counters):
    """Received datagrams less all that the counters say became of them: 0 when they agree."""
    endings = sum(value for name, value in counters.items()
                  if name == "echoed" or name.startswith(("dropped_", "failed_")))
    return counters["received"] - endings


@functools.lru_cache(maxsize=None)
def features():
    """{feature: what it is by} of all that this system has, as --show-platform tells."""
    shown = json.loads(run("--show-platform", "--json").stdout)
    return {entry["feature"]: entry["by"] for entry in shown["features"] if entry["works"]}


def needs_feature(feature):
    return unittest.skipUnless(feature in features(), f"this system has no {feature}")


def posix_only(why):
    """Skips a test of what Windows does not have."""
    return unittest.skipIf(WINDOWS, f"Windows: {why}")


def not_under_wine(why):
    """Skips a test of what Windows does and Wine does not."""
    return unittest.skipIf(EMULATOR, f"Wine: {why}")


needs_loopback_addresses = not_under_wine("127.0.0.2 is bound as 0.0.0.0")


def _has_ipv6():
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
            sock.bind(("::1", 0))
    except OSError:
        return False
    return True


needs_ipv6 = unittest.skipUnless(_has_ipv6(), "no ::1 on this host")


class _Result(unittest.TextTestResult):
    """Counts what passed, subtests too."""

    passed = 0

    def addSuccess(self, test):
        super().addSuccess(test)
        self.passed += 1

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        self.passed += err is None


def main(**options):
    """Runs the tests of the file that was started. If all of them were skipped, the exit code says so
    to CTest (SKIP_RETURN_CODE in tests/CMakeLists.txt)."""
    runner = unittest.TextTestRunner(verbosity=2, resultclass=_Result)
    result = unittest.main(testRunner=runner, exit=False, **options).result
    if not result.wasSuccessful():
        sys.exit(1)
    if result.skipped and not result.passed:
        sys.exit(77)
