"""Workers share a port, and processes only if they are told to."""

import contextlib
import ctypes
import json
import os
import socket
import tempfile
import unittest

import harness
import tracing

FLOWS = 64


@contextlib.contextmanager
def flows(address, count=FLOWS):
    """Sockets with as many source ports."""
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(harness.client(address)) for _ in range(count)]


def sockets_of(server):
    """Copies of its UDP sockets that are bound to an IP address (pidfd_getfd(2))."""
    pidfd_getfd = 438
    process = os.pidfd_open(server.process.pid)
    found = []
    for name in os.listdir(f"/proc/{server.process.pid}/fd"):
        descriptor = ctypes.CDLL(None).syscall(pidfd_getfd, process, int(name), 0)
        try:
            sock = socket.socket(fileno=descriptor)
        except OSError:
            os.close(descriptor)
            continue
        if sock.family == socket.AF_INET and sock.type == socket.SOCK_DGRAM:
            found.append(sock)
        else:
            sock.close()
    os.close(process)
    return found


class Sharing(unittest.TestCase):
    def check_all_answered(self, address):
        with flows(address) as sockets:
            for sock in sockets:
                self.assertEqual(harness.echo(sock, b"hello"), b"hello")

    def check_sharing(self, expected, *options):
        """All flows are answered; returns the names of the workers that did it."""
        with harness.Server("--log-level=debug", *options) as server:
            self.assertEqual([line["sharing"] for line in server.find("listening")], [expected])
            self.check_all_answered(server.address)
            self.assertEqual(server.stop()["echoed"], FLOWS)
            return {line["thread"] for line in server.find("received")}

    @harness.posix_only("workers share a socket")
    def test_a_socket_per_worker_spreads_flows(self):
        names = self.check_sharing("socket per worker", "--workers=4")
        self.assertGreater(len(names), 1)
        self.assertLessEqual(names, {f"worker-{index}" for index in range(4)})

    @harness.posix_only("workers share a socket")
    def test_a_flow_stays_with_its_worker(self):
        with harness.Server("--log-level=debug", "--workers=4") as server, \
                harness.client(server.address) as sock:
            for _ in range(FLOWS):
                harness.echo(sock, b"hello")
            server.stop()
            self.assertEqual(len({line["thread"] for line in server.find("received")}), 1)

    @harness.posix_only("the times that threads slept are read from /proc")
    def test_a_spinning_worker_sleeps_for_none_of_what_comes_soon(self):
        datagrams = 200
        with harness.Server("--workers=1", "--spin=1s") as server, \
                harness.client(server.address) as sock:
            harness.echo(sock, b"hello")
            before = server.waits()
            for _ in range(datagrams):
                harness.echo(sock, b"hello")
            self.assertLess(server.waits() - before, datagrams / 10)
            server.stop()

    @unittest.skipUnless(hasattr(os, "sched_getaffinity") and not harness.WINDOWS,
                         "which processors threads may run on is asked as Linux tells it")
    def test_pinned_workers_have_a_processor_each(self):
        allowed = sorted(os.sched_getaffinity(0))
        with harness.Server("--workers=3", "--pin") as server:
            self.check_all_answered(server.address)
            found = [os.sched_getaffinity(int(task)) for task in
                     os.listdir(f"/proc/{server.process.pid}/task")]
            for index in range(3):
                self.assertIn({allowed[index % len(allowed)]}, found)
            self.assertEqual(sum(len(processors) == 1 for processors in found),
                             3 if len(allowed) > 1 else len(found))
            server.stop()

    def test_one_socket_for_all(self):
        expected = "shared completion port" if harness.WINDOWS else "shared socket"
        self.check_sharing(expected, "--workers=4", "--reuse-port=off")

    @harness.posix_only("one worker waits for the socket, the others for their turn")
    def test_a_shared_socket_wakes_one_worker_for_a_datagram(self):
        datagrams = 200
        with harness.Server("--workers=8", "--reuse-port=off") as server, \
                harness.client(server.address) as sock:
            harness.echo(sock, b"hello")
            before = server.waits()
            for _ in range(datagrams):
                harness.echo(sock, b"hello")
            # All eight of them would make it eight times as many.
            self.assertLess(server.waits() - before, 2 * datagrams)

    @harness.posix_only("workers share a socket")
    def test_one_worker_needs_no_sharing(self):
        self.assertEqual(self.check_sharing("socket per worker", "--workers=1"), {"worker-0"})

    @harness.posix_only("Windows has no sockets of paths, and one socket for all workers")
    @unittest.skipUnless(hasattr(os, "pidfd_open"), "no way here to look at another's sockets")
    def test_the_reason_is_what_the_socket_has(self):
        for options, is_shared, sharing, because in (
                (["--workers=1"], False, "socket per worker", "one worker"),
                (["--workers=2"], True, "socket per worker", "SO_REUSEPORT"),
                (["--workers=1", "--reuse-port=processes"], True, "socket per worker",
                 "SO_REUSEPORT"),
                (["--workers=1", "--reuse-port=off"], False, "shared socket", "--reuse-port=off")):
            with self.subTest(options=options), tempfile.TemporaryDirectory() as directory, \
                    harness.Server(*options, f"--control={directory}/control") as server:
                told = harness.run("--status", "--json", f"--control={directory}/control")
                asked = harness.run("--show-platform", "--json", *options)
                status, shown = json.loads(told.stdout), json.loads(asked.stdout)
                line, = server.find("listening")
                self.assertEqual((line["sharing"], line["because"]), (sharing, because))
                self.assertEqual((shown["port_sharing"], shown["because"]), (sharing, because))
                self.assertEqual((status["port_sharing"], status["because"]),
                                 ([sharing], [because]))
                self.assertEqual({sock.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT)
                                  for sock in sockets_of(server)}, {int(is_shared)})

    def test_auto_is_a_worker_for_each_processor(self):
        allowed = os.sched_getaffinity(0)
        self.addCleanup(os.sched_setaffinity, 0, allowed)
        for processors in allowed, {min(allowed)}:
            os.sched_setaffinity(0, processors)  # the server inherits it
            with harness.Server("--workers=auto") as server:
                self.assertEqual(server.find("serving")[0]["workers"], len(processors))

    @tracing.needs_strace
    def test_kernel_without_reuseport(self):
        with tracing.TracedServer("setsockopt", "--workers=4") as server:
            server.stop()
            first = tracing.when(server.calls(), "SO_REUSEPORT")
        with tracing.TracedServer("setsockopt", "--workers=4",
                                  inject=f"setsockopt:error=ENOPROTOOPT:when={first}") as server:
            self.check_all_answered(server.address)
            server.stop()
            self.assertTrue(server.calls("SO_REUSEPORT", "INJECTED"))
            self.assertEqual(server.find("listening")[0]["sharing"], "shared socket")
            line, = server.find("refused by the system", by="SO_REUSEPORT")
            self.assertEqual(line["error"], "Protocol not available")

    @tracing.needs_strace
    def test_only_reuseport_and_never_reuseaddr(self):
        for reuse, expected in ("workers", 4), ("processes", 4), ("off", 0):
            with self.subTest(reuse=reuse), \
                    tracing.TracedServer("setsockopt", "--workers=4",
                                         f"--reuse-port={reuse}") as server:
                server.stop()
                self.assertGreater(len(server.calls("setsockopt")), 0)
                self.assertEqual(server.calls("SO_REUSEADDR"), [])
                # One more asks whether this kernel has it.
                self.assertEqual(len(server.calls("SO_REUSEPORT")), 1 + expected)


class SecondProcess(unittest.TestCase):
    """A second server on a port that one has already."""

    def check_refused(self, first, second, workers):
        with harness.Server(f"--reuse-port={first}", f"--workers={workers}") as server:
            address = "%s:%d" % server.address
            done = harness.run(f"--listen={address}", f"--reuse-port={second}",
                               f"--workers={workers}")
            self.assertEqual(done.returncode, 69, done.stderr)
            self.assertIn(address, done.stderr)
            with harness.client(server.address) as sock:
                self.assertEqual(harness.echo(sock, b"mine"), b"mine")

    def test_refused_by_default(self):
        for workers in 1, 4:
            with self.subTest(workers=workers):
                self.check_refused("workers", "workers", workers)

    def test_refused_if_only_one_would_share(self):
        for first, second in (("processes", "workers"), ("processes", "off"),
                              ("off", "workers"), ("off", "processes")):
            with self.subTest(first=first, second=second):
                self.check_refused(first, second, workers=4)

    @harness.posix_only("processes cannot share a port")
    def test_processes_share(self):
        with harness.Server("--reuse-port=processes") as first, \
                harness.Server("--reuse-port=processes",
                               listen=("%s:%d" % first.address,)) as second:
            self.assertEqual(first.address, second.address)
            with flows(first.address, 4 * FLOWS) as sockets:
                for sock in sockets:
                    self.assertEqual(harness.echo(sock, b"hello"), b"hello")
            echoed = [server.stop()["echoed"] for server in (first, second)]
        self.assertEqual(sum(echoed), 4 * FLOWS)
        self.assertGreater(min(echoed), 0)


if __name__ == "__main__":
    harness.main()
