"""Reloads that nobody would write by hand, in the sandbox: every option, lists that grow and shrink,
thousands of lines with mistakes. Whatever a file says, the server goes on, and says so where it
changed nothing; and no library has made a call that the sandbox had to refuse.

UDPECHO_TEST_RELOADS is how many mutated lines are tried, UDPECHO_TEST_SEED where their random
numbers begin. Everything is in a network namespace of its own: a line may listen anywhere.
"""

import contextlib
import http.client
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

import harness
import namespaces

RELOADS = int(os.environ.get("UDPECHO_TEST_RELOADS", 500))
SEED = os.environ.get("UDPECHO_TEST_SEED", "1")
WITHOUT_VDSO = shutil.which("without_vdso", path=os.environ["UDPECHO_TOOLS"])

# What keeps the server where it can be asked.
BASE = "listen=127.0.0.1:0\n"

NETWORKS = ("192.0.2.0/24", "10.0.0.0/8", "198.51.100.7", "0.0.0.0/0", "2001:db8::/32", "::1", "::/0",
            "fe80::/10", "fe80::1", "ff02::/16", "64:ff9b::192.0.2.33")

KEYS = tempfile.NamedTemporaryFile("w", prefix="udpechod-")
KEYS.write(f"ssid=1 {32 * '0b'}\n192.0.2.0/24 {16 * '0c'}\n{20 * '0d'}\n")
KEYS.flush()

SCHEDULE = tempfile.NamedTemporaryFile("w", prefix="udpechod-")
SCHEDULE.write("after=1ms,delay=1ms\nafter=2ms,drop=1%\nafter=3ms,repeat\n")
SCHEDULE.flush()

# Values that are right, unless they are not for this host, of options that are no choice of words.
VALUES = {
    "listen": ("127.0.0.1:0", "127.0.0.2:0", "[::1]:0", "*:0", "localhost:0", "[fe80::1%lo]:0", "192.0.2.1",
               "[ff02::1]:7", "[::ffff:127.0.0.1]:0"),
    "workers": ("auto", "1", "64"), "spin": ("off", "50us"),
    "reuse-port": ("workers", "processes", "off"), "receive-buffer": ("default", "4MiB"),
    "send-buffer": ("default", "1GiB"), "payload-max": ("1", "65527"),
    "allow": NETWORKS, "deny": NETWORKS, "deny-source-ports": ("none", "below-1024", "7,9,1000-1010"),
    "rate-limit": ("off", "10k/s"), "rate-limit-exempt": (*NETWORKS, "none"),
    "max-rate": ("off", "50k/s"), "max-bandwidth": ("off", "10MB/s"),
    "count": ("unlimited", "1000000"), "duration": ("unlimited", "1h30m"),
    "lame-duck": ("none", "10s"), "health-listen": ("127.0.0.1:9002", "[::1]:0", "unix:/run/h"),
    "log-level": ("error", "warning", "info", "debug"), "log-format": ("text", "logfmt", "json"),
    "log-payload": ("0", "64"), "user": ("nobody", "12345"), "group": ("nogroup",), "chroot": ("/", "/nowhere"),
    "sandbox": ("auto", "on", "off"), "metrics-listen": ("127.0.0.1:9000", "[::1]:0", "unix:/run/m", "localhost:9"),
    "stamp": ("127.0.0.1:0", "[::1]:0", "*:0", "localhost:0", "192.0.2.1"),
    "stamp-key-file": (KEYS.name, "/nowhere"), "stamp-ptp-offset": ("none", "37s", "1h"),
    "stamp-dscp": ("none", "0-63", "46,10"),
    "impair": ("duplicate=1/1\nallow=127.0.0.0/8", "delay=5ms,jitter=2ms\nallow=127.0.0.0/8", "drop=1%",
               f"schedule={SCHEDULE.name}\nallow=127.0.0.0/8", "schedule=/nowhere\nallow=127.0.0.0/8"),
    "impair-buffer": ("256KiB",), "impair-drain": ("0s", "1ms"),
    "echo-plus": ("127.0.0.1:0", "[::1]:0"),
    "control": ("/run/c", "127.0.0.1:9001", "[::1]:0"), "takeover": ("/run/t",),
}

NOT_IN_A_FILE = {
    "config", "check-config", "show-platform", "status", "ready", "drain", "undrain", "json", "service",
    "install-service", "open-firewall", "uninstall-service", "help", "version"}


def values_by_option():
    """What to try for every option that a file may have; each word of those that are a choice."""
    values = {name: option.argument.split("|") if option.argument else (None,)
              for name, option in harness.options().items()
              if name not in NOT_IN_A_FILE and (option.argument is None or "|" in option.argument)}
    return {**values, **VALUES}


# Characters that mean something somewhere, and some that never do.
LETTERS = "0123456789.:/[]%*=@,-#'\"\\ \tabcdefxyz\0\x01\x7f\xe9\u20ac\ufeff"

# Would take the lines away that say what became of a reload.
QUIET = "log-level"


class Reloader(harness.Server):
    """A server that counts the outcomes of reloads, however long its log gets."""

    OUTCOMES = {"reloaded": True, "reload failed, nothing changed": False}

    def __init__(self, *options, **others):
        self._seen = 0
        self.accepted = self.refused = 0
        super().__init__(*options, **others)

    def _next_outcome(self):
        while self._seen < len(self.lines):
            message = self.lines[self._seen]["message"]
            self._seen += 1
            if message in self.OUTCOMES:
                return self.OUTCOMES[message]
        return None

    def reload(self):
        """Whether the server has accepted what it read."""
        self.signal(signal.SIGHUP)
        deadline = time.monotonic() + harness.PATIENCE
        with self._grown:
            while (outcome := self._next_outcome()) is None:
                if self._closed or time.monotonic() > deadline:
                    raise AssertionError("no outcome of the reload")
                self._grown.wait(timeout=0.1)
        self.accepted += outcome
        self.refused += not outcome
        return outcome


def line(option, value):
    return option if value is None else f"{option}={value}"


def mutate(text, numbers):
    """The text with one to four mistakes in it."""
    for _ in range(numbers.randint(1, 4)):
        place = numbers.randint(0, len(text))
        letter = numbers.choice(LETTERS)
        text = numbers.choice((text[:place] + letter + text[place:], text[:place] + letter + text[place + 1:],
                               text[:place] + text[place + 1:], text[:place], text[:place] + text[place // 2:],
                               text + letter))
    return text


class ReloadFuzz(unittest.TestCase):
    PREFIX = ()

    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="udpechod-")
        self.addCleanup(directory.cleanup)
        self.config = pathlib.Path(directory.name, "udpechod.conf")
        self.list = pathlib.Path(directory.name, "list")
        self.control = pathlib.Path(directory.name, "control")
        self.list.write_text("")
        self.write("")

    def write(self, text):
        self.config.write_bytes((BASE + text).encode())

    @contextlib.contextmanager
    def server(self, *options, listen=()):
        """A server with all that a sandbox may have to leave calls for; judged at its end."""
        options = options or (f"--config={self.config}",)
        extra = [f"--control={self.control}", f"--takeover={self.control}.takeover"]
        extra += ["--metrics-listen=127.0.0.1:0"] if HAS_METRICS else []
        with Reloader(*options, *extra, listen=listen, prefix=self.PREFIX) as server:
            sandbox = server.find("confined")[0]["sandbox"]
            if sandbox != "seccomp":
                self.skipTest(f"no sandbox here: {sandbox}")
            try:
                yield server
                self.assertEqual(server.stop()["reload_failures"], server.refused)
            except (AssertionError, OSError, subprocess.TimeoutExpired) as error:
                raise AssertionError(f"ended with {server.process.poll()}; the last file was "
                                     f"{self.config.read_bytes()!r}\n{server.log()[-2000:]}") from error
            self.assertEqual(server.find("the sandbox refused a system call"), [])
            print(f"{server.accepted + server.refused} reloads, {server.refused} refused, alive to the end",
                  file=sys.stderr)

    def check_answers(self, server):
        with harness.client(server.address) as sock:
            self.assertEqual(harness.echo(sock, b"here"), b"here")

    def check_told(self, server):
        """Reads the status and metrics; other libraries make the calls."""
        done = harness.run("--status", f"--control={self.control}")
        self.assertEqual(done.returncode, 0, done.stderr)
        if HAS_METRICS:
            host, port = server.find("metrics")[0]["address"].rsplit(":", 1)
            connection = http.client.HTTPConnection(host, int(port), timeout=harness.PATIENCE)
            connection.request("GET", "/metrics")
            self.assertIn(b"reload_failures", connection.getresponse().read())
            connection.close()

    def reload_and_return(self, server, text):
        """Reads a file with this in it, and then, if it was accepted, the one before."""
        self.write(text)
        if server.reload():
            self.write("")
            self.assertTrue(server.reload())

    def test_every_option(self):
        values_of = values_by_option()
        self.assertEqual(set(values_of), set(harness.options()) - NOT_IN_A_FILE)
        with self.server() as server:
            for option, values in values_of.items():
                for value in values:
                    if option != QUIET:
                        self.reload_and_return(server, line(option, value) + "\n")
                        self.check_answers(server)
            self.check_told(server)
            self.assertGreater(server.accepted, 100)

    def test_lists_that_grow_and_shrink(self):
        numbers = random.Random(SEED)
        with self.server() as server:
            for count in 0, 1, 56, 57, 58, 100, 1000, 20000, 0, 300, 5:
                networks = [f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}" for n in range(1, count + 1)]
                numbers.shuffle(networks)
                self.list.write_text("\n".join(networks))
                files = f"deny=@{self.list}\nrate-limit-exempt=@{self.list}\n"
                for text in files, "".join(f"deny={network}\n" for network in networks[:1000]):
                    self.write(text)
                    self.assertTrue(server.reload())
                    self.check_answers(server)
            self.list.write_text("10.0.0.0/8\n10./8\n")
            self.write(f"deny=@{self.list}\n")
            self.assertFalse(server.reload())
            self.check_answers(server)

    def test_a_list_alone(self):
        """Where there is no configuration file, fewer calls are left."""
        with self.server(f"--deny=@{self.list}", listen=["127.0.0.1:0"]) as server:
            for count in 1, 100, 5000, 0:
                self.list.write_text("\n".join(f"2001:db8:{n:x}::/48" for n in range(count)))
                self.assertTrue(server.reload())
                self.check_answers(server)
            self.list.write_text("fe80::1%lo\n")
            self.assertFalse(server.reload())
            self.check_answers(server)

    def test_a_host_with_many_addresses(self):
        with self.server() as server:
            for number in range(1, 101):
                subprocess.run(["ip", "address", "add", f"192.0.2.{number}/32", "dev", "lo"], check=True)
            self.assertTrue(server.reload())
            self.check_answers(server)
            subprocess.run(["ip", "address", "flush", "to", "192.0.2.0/24", "dev", "lo"], check=True)

    def test_lines_with_mistakes(self):
        numbers = random.Random(SEED)
        lines = [line(option, value) for option, values in values_by_option().items() for value in values
                 if option != QUIET]
        with self.server() as server:
            for number in range(RELOADS):
                text = mutate(numbers.choice(lines), numbers)
                self.reload_and_return(server, text + "\n")
                self.check_answers(server)
                if number % 100 == 0:
                    self.check_told(server)
            self.assertGreater(server.refused, RELOADS / 4)

    def test_networks_with_mistakes(self):
        """Many in each file, which is read to the first of them."""
        numbers = random.Random(SEED)
        with self.server(f"--config={self.config}") as server:
            for _ in range(RELOADS // 10):
                self.list.write_bytes("\n".join(
                    mutate(numbers.choice(NETWORKS), numbers) if numbers.random() < 0.02
                    else numbers.choice(NETWORKS) for _ in range(100)).encode())
                self.reload_and_return(server, f"deny=@{self.list}\n")
                self.check_answers(server)


@unittest.skipUnless(WITHOUT_VDSO, "the tool that removes the vDSO was not built")
class WithoutVdso(ReloadFuzz):
    PREFIX = (WITHOUT_VDSO,)


def main():
    if "UDPECHO_TEST_ALONE" not in os.environ:
        if missing := namespaces.missing():
            print(f"skipped: {missing}", file=sys.stderr)
            sys.exit(77)
        os.execvpe("unshare", ["unshare", "--net", sys.executable, *sys.argv],
                   {**os.environ, "UDPECHO_TEST_ALONE": "1"})
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    harness.main()


def _has_metrics():
    done = harness.run("--listen=127.0.0.1:0", "--metrics-listen=127.0.0.1:0", "--duration=1ms")
    return done.returncode == 0


if __name__ == "__main__":
    HAS_METRICS = "UDPECHO_TEST_ALONE" in os.environ and _has_metrics()
    main()
