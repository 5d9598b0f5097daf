"""What a service manager that speaks systemd's protocol hears: sd_notify(3), and the journal. Here the
test is the manager."""

import contextlib
import os
import pathlib
import re
import signal
import socket
import subprocess
import tempfile
import time
import unittest

import harness
import tracing
from service_manager import Manager

LEVELS = {"error": "<3>", "warning": "<4>", "info": "<6>", "debug": "<7>"}


class Notify(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = directory.name

    def manager(self, name=None, **others):
        manager = Manager(name or os.path.join(self.directory, "notify"), **others)
        self.addCleanup(manager.close)
        return manager

    def test_ready_reloading_and_stopping(self):
        for name in None, f"@udpechod-test-{os.getpid()}":
            manager = self.manager(name)
            with harness.Server(environment=manager.environment) as server:
                self.assertEqual(manager.hear(), {"READY": "1"})
                before = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
                server.signal(signal.SIGHUP)
                message = manager.hear()
                after = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
                self.assertEqual(message["RELOADING"], "1")
                self.assertTrue(before <= int(message["MONOTONIC_USEC"]) <= after)
                self.assertEqual(manager.hear(), {"READY": "1"})
                server.stop()
                self.assertEqual(manager.hear(), {"STOPPING": "1"})

    def test_it_is_not_ready_before_it_is_bound(self):
        manager = self.manager()
        with harness.Server(listen=["224.0.0.1:0"], environment=manager.environment,
                            wait=False) as server:
            self.assertNotEqual(server.finish(), 0)
        manager.socket.setblocking(False)
        with self.assertRaises(BlockingIOError):
            manager.hear()

    @tracing.needs_strace
    def test_ready_is_said_again_if_it_could_not_be_sent(self):
        manager = self.manager(patience_us=2000000)
        with tracing.TracedServer("write", more_environment=manager.environment) as server:
            self.assertEqual(manager.hear(), {"READY": "1"})
            server.stop()
            calls = [call for call in server.calls("write(")
                     if call.startswith(f"{server.process.pid} ")]
        number = tracing.when(calls, "READY=1")
        # Which thread writes a line of the log is chance, and so is whether this call is the one.
        for _ in range(10):
            manager.socket.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                while manager.hear():
                    pass
            manager.socket.settimeout(harness.PATIENCE)
            with tracing.TracedServer("write", inject=f"write:error=ENOBUFS:when={number}",
                                      wait=False,
                                      more_environment=manager.environment) as server:
                self.assertEqual(manager.hear(), {"READY": "1"})
                server.signal(harness.STOP)
                server.finish()
                if server.calls("READY=1", "INJECTED"):
                    return
        self.skipTest("in none of ten runs that call was the one to fail")

    def test_no_listener(self):
        with harness.Server(environment={"NOTIFY_SOCKET": "/nonexistent"}) as server:
            server.stop()

    def test_rate(self):
        manager = self.manager(patience_us=400000)
        with harness.Server(environment=manager.environment) as server, \
                harness.client(server.address) as sock:
            manager.wait_for("READY")
            for _ in range(100):
                harness.echo(sock, b"hello")
            # The first one is about the time since READY=1.
            self.assertGreater(int(re.fullmatch(r"(\d+) datagrams/s echoed", manager.wait_for("STATUS")["STATUS"])[1]), 0)
            server.stop()

    def test_watchdog_of_another_process(self):
        manager = self.manager(patience_us=40000)
        manager.environment["WATCHDOG_PID"] = str(os.getpid())
        with harness.Server(environment=manager.environment) as server:
            self.assertEqual(manager.hear(), {"READY": "1"})
            server.stop()
            self.assertEqual(manager.hear(), {"STOPPING": "1"})

    def check_watchdog(self, *options):
        manager = self.manager(patience_us=200000)
        with harness.Server("--workers=4", *options, environment=manager.environment) as server:
            for _ in range(5):
                manager.wait_for("WATCHDOG")
            server.stop()

    def test_idle_workers_are_alive(self):
        self.check_watchdog()

    def test_idle_workers_that_share_a_socket_are_alive(self):
        self.check_watchdog("--reuse-port=off")

    def test_a_server_that_waits_for_its_successor_is_alive(self):
        """The successor reads nothing, and there are more listeners than its socket has room for."""
        manager = self.manager(patience_us=3000000)
        path = os.path.join(self.directory, "takeover")
        with harness.Server("--workers=1", f"--takeover={path}", environment=manager.environment,
                            listen=[f"127.0.0.{host}:0" for host in range(1, 251)]) as server, \
                socket.socket(socket.AF_UNIX) as hung:
            hung.connect(path)
            heard, longest = time.monotonic(), 0
            while not server.find("cannot hand over"):
                manager.wait_for("WATCHDOG")
                longest = max(longest, time.monotonic() - heard)
                heard = time.monotonic()
            self.assertLess(longest, 3)
            server.stop()

    def test_a_server_that_waits_for_an_address_is_alive(self):
        """The manager was told to close its copy of a socket, and does not get round to it."""
        manager = self.manager(patience_us=3000000)
        manager._forget = lambda is_gone: None  # pylint: disable=protected-access
        config = os.path.join(self.directory, "udpechod.conf")
        def listen(address):
            with open(config, "w", encoding="utf-8") as file:
                file.write(f"listen={address}\n")
        listen("127.0.0.1:0")
        with harness.Server(f"--config={config}", environment=manager.environment,
                            listen=()) as server:
            manager.wait_for("READY")
            listen("127.0.0.2:0")
            server.signal(signal.SIGHUP)
            server.wait_for("reloaded")
            listen("%s:%d" % server.addresses[0])
            server.signal(signal.SIGHUP)
            heard, longest = time.monotonic(), 0
            while not server.find("reload failed, nothing changed"):
                manager.wait_for("WATCHDOG")
                longest = max(longest, time.monotonic() - heard)
                heard = time.monotonic()
            self.assertLess(longest, 3)
            server.stop()

    def test_a_server_that_reads_a_long_list_is_alive(self):
        patience = 0.2
        manager = self.manager(patience_us=int(patience * 1e6))
        networks = os.path.join(self.directory, "networks")
        with open(networks, "w", encoding="utf-8") as file:
            file.writelines(f"10.{n * 77 % 256}.{n // 256 % 256}.{n // 65536 % 256}\n"
                            for n in range(400000))
        config = os.path.join(self.directory, "udpechod.conf")
        with open(config, "w", encoding="utf-8") as file:
            file.write("listen=127.0.0.1:0\n")
        with harness.Server(f"--config={config}", environment=manager.environment,
                            listen=()) as server:
            manager.wait_for("READY")
            with open(config, "a", encoding="utf-8") as file:
                file.write(f"deny=@{networks}\n")
            server.signal(signal.SIGHUP)
            manager.wait_for("RELOADING")
            began, signs = time.monotonic(), 0
            while "READY" not in (message := manager.hear()):
                signs += "WATCHDOG" in message
            took = time.monotonic() - began
            server.stop()
        # A look at the patience of each sign would find how busy this machine is.
        self.assertGreater(signs, took / patience / 2)

    def test_a_manager_that_reads_nothing_holds_nobody_up(self):
        manager = self.manager(patience_us=400000)
        with harness.Server(environment=manager.environment) as server, \
                socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other:
            other.setblocking(False)
            with self.assertRaises(BlockingIOError):
                while True:
                    other.sendto(b"STATUS=full", manager.environment["NOTIFY_SOCKET"])
            server.signal(signal.SIGHUP)
            server.wait_for("reloaded")
            began = time.monotonic()
            server.stop()
            self.assertLess(time.monotonic() - began, 2)

    @tracing.needs_strace
    def test_hung_worker_is_not(self):
        manager = self.manager(patience_us=200000)
        # The main thread's calls, which find out what there is, are fewer.
        with tracing.TracedServer("recvmmsg", "--workers=4",
                                  inject="recvmmsg:delay_enter=100000000:when=6+",
                                  more_environment=manager.environment) as server, \
                harness.client(server.address) as sock:
            manager.wait_for("WATCHDOG")
            for _ in range(5):
                harness.echo(sock, b"hello")
            manager.wait_for("WATCHDOG")
            sock.send(b"the one that hangs it")
            # A message from before the hang may contain WATCHDOG; none contains it from then on.
            silent = 0
            while silent < 5:
                silent = 0 if "WATCHDOG" in manager.wait_for("STATUS") else silent + 1
            server.end_tracing()
            self.assertEqual(sock.recv(100), b"the one that hangs it")
            manager.wait_for("WATCHDOG")
            server.stop()


class Client(unittest.TestCase):
    """udpecho as a service."""

    def test_it_is_ready_reloads_goes_on_and_stops(self):
        with tempfile.TemporaryDirectory() as directory, harness.Server() as server:
            manager = Manager(os.path.join(directory, "notify"), patience_us=40000)
            self.addCleanup(manager.close)
            output = os.path.join(directory, "json")
            targets = os.path.join(directory, "targets")
            pathlib.Path(targets).write_text("%s:%d\n" % server.address)
            process = subprocess.Popen(
                [os.environ["UDPECHO"], "--quiet", f"--json-file={output}", f"--targets={targets}"],
                stdout=subprocess.DEVNULL, env={**os.environ, **manager.environment})
            self.addCleanup(process.wait)
            self.addCleanup(process.kill)
            manager.wait_for("READY")
            process.send_signal(signal.SIGHUP)
            manager.wait_for("RELOADING")
            manager.wait_for("READY")
            # It tells that it is alive, or is asked to, every 10 ms.
            harness.wait_until(lambda: pathlib.Path(output).read_text().count('"record":"reply"') > 1)
            process.send_signal(signal.SIGTERM)
            manager.wait_for("STOPPING")
            self.assertEqual(process.wait(timeout=harness.PATIENCE), 0)


class Journal(unittest.TestCase):
    def lines(self, stream):
        """The log of a server that is told that this is the journal's file."""
        with harness.Server("--log-level=debug", prefix=(
                "sh", "-c", f'JOURNAL_STREAM={stream} exec "$@"', "sh"), wait=False,
                parse=lambda line: {"message": line}) as server:
            harness.wait_until(lambda: b"serving" in b"".join(server.raw))
            server.signal(signal.SIGTERM)
            server.finish()
            return [line.decode() for line in server.raw]

    def test_lines_begin_with_their_level(self):
        lines = self.lines("$(stat -Lc %d:%i /proc/self/fd/2)")
        self.assertGreater(len(lines), 3)
        for line in lines:
            level = re.search(r'"level":"(\w+)"', line)[1]
            self.assertTrue(line.startswith(LEVELS[level] + "{"), line)

    def test_another_file_is_not_the_journal(self):
        for line in self.lines("1:2"):
            self.assertTrue(line.startswith("{"), line)

    def test_errors_before_there_is_a_log(self):
        done = harness.run("--no-such-option", prefix=(
            "sh", "-c", 'JOURNAL_STREAM=$(stat -Lc %d:%i /proc/self/fd/2) exec "$@"', "sh"))
        self.assertTrue(done.stderr.startswith("<3>udpechod: "), done.stderr)


if __name__ == "__main__":
    harness.main()
