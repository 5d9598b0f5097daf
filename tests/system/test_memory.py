"""Want of memory and of threads: every allocation fails once, and what comes of it is told.

Allocations fail by a library that is preloaded (exhaust.c), or by the limits of a process. By default
this is done for some of them, other ones each time; with UDPECHO_TEST_WHOLE=1 for all.
"""

import contextlib
import ctypes
import http.client
import json
import mmap
import os
import random
import re
import resource
import signal
import socket
import subprocess
import tempfile
import threading
import unittest

import harness
from responder import Responder, echo

UDPECHO = os.environ["UDPECHO"]
LIBRARY = os.path.join(os.environ["UDPECHO_TOOLS"], "exhaust.so")
WHOLE = "UDPECHO_TEST_WHOLE" in os.environ

# At most this many allocations fail in turn where a test does not try every one.
PART = 12

HEAP, POOLS, THREADS = 1, 2, 4

NO_MEMORY = re.compile("(no|out of) memory|cannot allocate memory|memory allocation|"
                       "resource temporarily unavailable", re.IGNORECASE)

# What ld.so says of libraries that it has no memory for, and how it ends.
NOT_LOADED = re.compile("DSO load failed|cannot allocate memory for thread-local data")
LOADER_CODES = (69, 71, 127)


def _is_sanitized():
    with open(harness.UDPECHOD, "rb") as program:
        content = program.read()
    return b"__asan_init" in content or b"__tsan_init" in content


needs_library = unittest.skipUnless(os.path.exists(LIBRARY), "the library that lets allocations fail was not built")
needs_plain_heap = unittest.skipIf(_is_sanitized(), "a sanitizer allocates in its own way and needs "
                                   "more address space than any limit would leave")


class _Layout(ctypes.Structure):
    _fields_ = [("kinds", ctypes.c_longlong), ("at", ctypes.c_longlong),
                ("lasts", ctypes.c_longlong), ("count", ctypes.c_longlong)]


class Plan:
    """Which allocation of a process is to fail. The process may be running or be started later."""

    def __init__(self):
        self._file = tempfile.NamedTemporaryFile(prefix="udpecho-exhaust-")
        self._file.truncate(ctypes.sizeof(_Layout))
        self._map = mmap.mmap(self._file.fileno(), ctypes.sizeof(_Layout))
        self._layout = _Layout.from_buffer(self._map)
        self.environment = {"LD_PRELOAD": LIBRARY, "UDPECHO_EXHAUST": self._file.name}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        del self._layout
        self._map.close()
        self._file.close()

    def arm(self, kinds, at, lasts=False):
        self._layout.kinds = 0
        self._layout.at = at
        self._layout.lasts = lasts
        self._layout.count = 0
        self._layout.kinds = kinds

    def disarm(self):
        """Returns how many allocations there were."""
        self._layout.kinds = 0
        return self._layout.count


def numbers(count):
    """Which of so many allocations fail, one in a run."""
    chosen = range(count) if WHOLE or count <= PART else random.sample(range(count), PART)
    return sorted(chosen)


def open_files(server):
    return len(os.listdir(f"/proc/{server.process.pid}/fd"))


class Serving(unittest.TestCase):
    def check_serves(self, server):
        self.assertIsNone(server.process.poll(), server.log())
        with harness.client(server.address) as client:
            self.assertEqual(harness.echo(client, b"here"), b"here")


@needs_library
@needs_plain_heap
class Walk(Serving):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = directory.name
        self.plan = self.enterContext(Plan()) if hasattr(self, "enterContext") else Plan()

    def path(self, name):
        return os.path.join(self.directory, name)

    def write(self, name, content):
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(content)
        return self.path(name)

    def server(self, *options, **others):
        server = harness.Server(*options, environment=self.plan.environment, **others)
        self.addCleanup(server.kill)
        return server

    def check_runs(self, command, kinds, code, is_same=False):
        """Runs a command to its end once for each allocation that fails, alone and with all that come
        after it. It does what it should all the same, and prints the same where that never differs,
        or ends with this code and says why."""
        self.plan.arm(kinds, -1)
        whole = self.execute(command)
        self.assertEqual(whole.returncode, 0, whole.stderr)
        count = self.plan.disarm()
        for lasts in (False, True):
            for number in numbers(count):
                self.plan.arm(kinds, number, lasts)
                done = self.execute(command)
                self.plan.disarm()
                with self.subTest(kinds=kinds, number=number, lasts=lasts):
                    if NOT_LOADED.search(done.stderr):
                        self.assertIn(done.returncode, LOADER_CODES, done.stderr)
                        continue
                    self.assertIn(done.returncode, (0, code), done.stderr)
                    if done.returncode != 0:
                        self.assertRegex(done.stderr, NO_MEMORY)
                    elif is_same:
                        self.assertEqual(done.stdout, whole.stdout)

    def execute(self, command):
        return subprocess.run(command, capture_output=True, text=True, timeout=harness.PATIENCE,
                              env={**os.environ, **self.plan.environment}, stdin=subprocess.DEVNULL)


class Start(Walk):
    def command(self, *options):
        config = self.write("udpechod.conf", "rate-limit=100/s\nallow=@" + self.write(
            "networks", "".join(f"10.{i}.0.0/16\n" for i in range(200))))
        return [harness.UDPECHOD, "--listen=127.0.0.1:0", "--listen=[::1]:0", "--workers=2",
                f"--config={config}", f"--control={self.path('control')}", "--duration=1ms", *options]

    def test_every_allocation(self):
        for kinds in (HEAP, POOLS, THREADS):
            self.check_runs(self.command("--metrics-listen=127.0.0.1:0", "--sandbox=off"), kinds, 71)

    def test_in_the_sandbox(self):
        self.check_runs(self.command(), HEAP, 71)

    def test_what_only_tells_something(self):
        for option in ("--show-platform", "--check-config", "--help", "--version"):
            for kinds in (HEAP, POOLS):
                # The first says what of the system did not work.
                self.check_runs(self.command(option), kinds, 71, option != "--show-platform")


class Asked(Walk):
    """Requests to a serving process."""

    def walk(self, server, kinds, act):
        """Has `act` done once for each allocation that fails."""
        number = 0
        while True:
            self.plan.arm(kinds, number)
            with self.subTest(kinds=kinds, number=number):
                act(number)
            if self.plan.disarm() <= number:
                return number
            number += 1

    def reload(self, server, config, contents):
        """Has the server read what comes next of the contents; returns whether it is in force then."""
        outcomes = ("reloaded", "reload failed, nothing changed")
        before = [len(server.find(outcome)) for outcome in outcomes]
        files = open_files(server)
        self.write(config, contents[0])
        server.signal(signal.SIGHUP)
        harness.wait_until(lambda: before != [len(server.find(outcome)) for outcome in outcomes] or
                           server.process.poll() is not None)
        self.check_serves(server)
        harness.wait_until(lambda: open_files(server) == files)
        self.assertEqual(open_files(server), files)
        if len(server.find(outcomes[0])) > before[0]:
            contents.reverse()
            return True
        self.assertRegex(str(server.find(outcomes[1])[-1:] + server.find("cannot listen")), NO_MEMORY)
        return False

    def configurations(self, networks):
        """Two, that have one listener and nothing else in common, with so many networks."""
        lists = [self.write(f"list-{i}", "".join(f"10.{n >> 8}.{n & 255}.{i}\n" for n in range(count)))
                 for i, count in enumerate(networks)]
        return ["listen=127.0.0.1:0\nlisten=[::1]:0\nallow=127.0.0.0/8\n"
                f"allow=@{lists[0]}\nrate-limit=6/s\n",
                "listen=127.0.0.1:0\nlisten=127.0.0.2:0\nallow=127.0.0.0/8\n"
                f"allow=@{lists[1]}\ndeny-source-ports=7\n"]

    def test_reload(self):
        contents = self.configurations([250, 250])
        server = self.server(f"--config={self.write('udpechod.conf', contents[1])}", "--workers=3",
                             listen=())
        in_force = []
        self.walk(server, POOLS,
                  lambda _: in_force.append(self.reload(server, "udpechod.conf", contents)))
        self.assertGreater(in_force.count(False), 10)
        self.assertTrue(in_force[-1])
        server.stop()

    def test_first_reload(self):
        """The heap is asked only for what no pool had before, so each time of a new server."""
        in_force = []
        while not in_force or self.plan.disarm() >= len(in_force):
            contents = self.configurations([1000, 10])
            config = self.write("udpechod.conf", contents[1])
            server = self.server(f"--config={config}", "--workers=3", listen=())
            self.plan.arm(HEAP, len(in_force))
            with self.subTest(number=len(in_force)):
                in_force.append(self.reload(server, "udpechod.conf", contents))
            server.stop()
        self.assertGreater(in_force.count(False), 3)
        self.assertTrue(in_force[-1])

    def test_status_and_metrics(self):
        control = self.path("control")
        server = self.server(f"--control={control}", "--metrics-listen=127.0.0.1:0")
        metrics = server.wait_for("metrics")["address"].rsplit(":", 1)
        before = open_files(server)

        def ask_status(_):
            with socket.socket(socket.AF_UNIX) as asking:
                asking.settimeout(harness.PATIENCE)
                asking.connect(control)
                asking.sendall(b"status\n")
                answer = b""
                while more := asking.recv(65536):
                    answer += more
            self.assertTrue(answer == b"" or json.loads(answer), answer)
            self.check_serves(server)

        def scrape(_):
            self.scrape(metrics[0], int(metrics[1]))
            self.check_serves(server)

        def report(_):
            before = len(server.find("counters"))
            server.signal(signal.SIGUSR1)
            server.wait_for("counters", count=before + 1)
            self.check_serves(server)

        for act in (ask_status, scrape, report):
            for kinds in (HEAP, POOLS):
                self.walk(server, kinds, act)
                harness.wait_until(lambda: open_files(server) == before)
                self.assertEqual(open_files(server), before)
        server.stop()

    def scrape(self, *where):
        """Returns the status, None if it is closed without an answer."""
        connection = http.client.HTTPConnection(*where, timeout=harness.PATIENCE)
        try:
            connection.request("GET", "/metrics")
            status = connection.getresponse().status
            self.assertIn(status, (200, 503))
            return status
        except (http.client.HTTPException, ConnectionError):
            return None
        finally:
            connection.close()

    def test_scrapes_of_a_client(self):
        """While it has nothing else to do: what it does itself ends it where there is no memory."""
        with socket.create_server(("127.0.0.1", 0)) as sock:
            where = sock.getsockname()
        with Responder(echo) as server:
            client = subprocess.Popen(
                [UDPECHO, "--metrics-listen={}:{}".format(*where), "--interval=1h",
                 server.address(), "192.0.2.1"], env={**os.environ, **self.plan.environment},
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
            self.addCleanup(client.wait)
            self.addCleanup(client.kill)
            harness.wait_until(lambda: server.requests and self.scrape(*where) == 200)
            statuses = set()

            def act(_):
                statuses.add(self.scrape(*where))
                self.assertIsNone(client.poll())

            self.walk(client, HEAP, act)
            self.walk(client, POOLS, act)
            self.assertIn(503, statuses)
            self.assertEqual(self.scrape(*where), 200)

    def test_takeover(self):
        """The serving process runs out of memory; the successor exits or takes over."""
        option = f"--takeover={self.path('takeover')}"
        serving = self.server(option, "--workers=2")
        port = serving.address
        handed_over = refused = 0
        for kinds in (HEAP, POOLS):
            number = 0
            while True:
                serving_plan = self.plan
                serving_plan.arm(kinds, number)
                self.plan = Plan()  # of the successor
                successor = self.server(option, "--workers=2", listen=(f"127.0.0.1:{port[1]}",),
                                        wait=False)
                harness.wait_until(lambda: successor.find("serving") or
                                   successor.process.poll() is not None)
                count = serving_plan.disarm()
                if successor.process.poll() is None:
                    handed_over += 1
                    self.assertEqual(serving.finish(), 0, serving.log())
                    serving = successor
                else:
                    refused += 1
                    self.assertRegex(serving.log(), NO_MEMORY)
                    self.plan = serving_plan
                self.check_serves(serving)
                if count <= number:
                    break
                number += 1
        self.assertGreater(handed_over, 0)
        serving.stop()

    def test_successor(self):
        """One of the two processes serves, even if the successor fails."""
        option = f"--takeover={self.path('takeover')}"
        serving = self.server(option, "--workers=2")
        port = serving.address[1]
        command = [harness.UDPECHOD, option, f"--listen=127.0.0.1:{port}", "--workers=2",
                   "--sandbox=off", "--log-format=json"]
        for kinds in (HEAP, POOLS, THREADS):
            number = 0
            while True:
                plan = Plan()
                plan.arm(kinds, number)
                self.plan = plan
                successor = self.server(*command[1:3], "--workers=2", "--sandbox=off", wait=False,
                                        listen=())
                harness.wait_until(lambda: successor.find("serving") or
                                   successor.process.poll() is not None)
                count = plan.disarm()
                with self.subTest(kinds=kinds, number=number):
                    if successor.process.poll() is None:
                        self.assertEqual(serving.finish(), 0, serving.log())
                        serving = successor
                    else:
                        self.assertEqual(successor.finish(), 71, successor.log())
                        self.assertRegex(successor.log(), NO_MEMORY)
                    self.check_serves(serving)
                if count <= number:
                    break
                number += 1 if WHOLE or kinds == THREADS else random.randint(1, 8)
        serving.stop()


class Client(Walk):
    MODES = [["-c1"], ["-c1", "--histogram"], ["-c1", "--json"], ["-c1", "--payload=hello", "--csv"],
             ["--flood", "--count=500", "--flows=2"], ["--flood", "--count=20", "--rate=1000/s"],
             ["--mtu", "--timeout=50ms"], ["--sweep=4", "--count=1"], ["--help"]]

    def test_every_allocation(self):
        with harness.Server() as server:
            for mode in [*self.MODES, ["-c1", f"--plot={self.path('run.svg')}"]]:
                command = [UDPECHO, *mode, f"127.0.0.1:{server.address[1]}"]
                for kinds in (HEAP, POOLS, THREADS):
                    self.check_runs(command, kinds, 2)


class Threads(Walk):
    def test_asked_by_others_while_it_gives_up(self):
        """A service that failed to start reports no status."""
        control = self.path("control")
        over = threading.Event()

        def ask():
            while not over.is_set():
                with socket.socket(socket.AF_UNIX) as asking, contextlib.suppress(OSError):
                    asking.connect(control)
                    asking.sendall(b"status\n")

        asking = threading.Thread(target=ask)
        asking.start()
        try:
            for _ in range(50):
                self.plan.arm(THREADS, 2, lasts=True)  # after the log's and the one that answers
                done = self.execute([harness.UDPECHOD, "--listen=127.0.0.1:0", f"--control={control}"])
                self.assertEqual(done.returncode, 71, done.stderr)
        finally:
            over.set()
            asking.join()


@needs_plain_heap
class Limits(Serving):
    """Without any library: real limits of the address space."""

    def limited(self, command, kibibytes):
        def limit():
            resource.setrlimit(resource.RLIMIT_STACK, (128 << 10, 128 << 10))
            resource.setrlimit(resource.RLIMIT_AS, (kibibytes << 10, kibibytes << 10))

        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                preexec_fn=limit, stdin=subprocess.DEVNULL)

    def sizes(self):
        return range(5000, 40000, 250 if WHOLE else 3000)

    def test_start(self):
        """It serves, or ends and says why."""
        ended = []
        for size in self.sizes():
            with self.subTest(size=size), self.limited(
                    [harness.UDPECHOD, "--listen=127.0.0.1:0", "--workers=2"], size) as process:
                log = ""
                for line in process.stderr:
                    log += line
                    if found := re.search(r" listening address=127.0.0.1:(\d+)", line):
                        port = int(found[1])
                    if " serving " in line:
                        with harness.client(("127.0.0.1", port)) as client:
                            self.assertEqual(harness.echo(client, b"here"), b"here")
                        process.kill()
                if " serving " not in log and "shared librar" not in log:  # those are of ld.so
                    self.assertEqual(process.wait(timeout=harness.PATIENCE), 71, log)
                    self.assertRegex(log, NO_MEMORY)
                    ended.append(size)
        self.assertTrue(ended)

    def test_client(self):
        with harness.Server() as server:
            for mode in Client.MODES:
                for size in self.sizes():
                    process = self.limited([UDPECHO, *mode, f"127.0.0.1:{server.address[1]}"], size)
                    errors = process.communicate(timeout=harness.PATIENCE)[1]
                    with self.subTest(mode=mode, size=size):
                        if "shared librar" in errors:
                            continue
                        self.assertIn(process.returncode, (0, 2), errors)
                        if process.returncode == 2:
                            self.assertRegex(errors, NO_MEMORY)

    def test_reload_with_a_list_that_does_not_fit(self):
        with tempfile.TemporaryDirectory() as directory:
            config, networks = (os.path.join(directory, name) for name in ("conf", "networks"))
            with open(networks, "w", encoding="utf-8") as file:
                file.writelines(f"10.{i >> 16}.{i >> 8 & 255}.{i & 255}\n" for i in range(200000))
            with open(config, "w", encoding="utf-8") as file:
                file.write("rate-limit=off\n")
            with harness.Server(f"--config={config}") as server:
                with open(config, "w", encoding="utf-8") as file:
                    file.write(f"deny=@{networks}\n")
                self.check_refusals(server)
                resource.prlimit(server.process.pid, resource.RLIMIT_AS,
                                 (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
                server.signal(signal.SIGHUP)
                server.wait_for("reloaded")
                self.check_serves(server)
                server.stop()

    def check_refusals(self, server):
        present = int(server.status("VmSize").split()[0]) << 10
        for count, more in enumerate((1, 2, 4, 8, 16), start=1):
            resource.prlimit(server.process.pid, resource.RLIMIT_AS,
                             (present + (more << 20), resource.RLIM_INFINITY))
            server.signal(signal.SIGHUP)
            line = server.wait_for("reload failed, nothing changed", count=count)
            self.assertEqual(line["error"], "no memory")
            self.check_serves(server)


if __name__ == "__main__":
    harness.main()
