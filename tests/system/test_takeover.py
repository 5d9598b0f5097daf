"""A server that takes over the sockets of another: --takeover."""

import contextlib
import errno
import json
import os
import signal
import socket
import stat
import tempfile
import threading
import time
import unittest

import harness
import tracing

# How many servers follow one another, and how many datagrams a second a client sends meanwhile.
HANDOVERS = 10
RATE = 20000

SO_RCVBUFFORCE = 33  # of Linux, for root
SHARE = 1000

needs_root = unittest.skipUnless(os.geteuid() == 0, "only root may open ports below 1024")


class SteadyClient:
    """Sends numbers at a steady rate until it is told to stop, and notes which of them come back."""

    STEP = 0.005  # seconds between bursts

    def __init__(self, address, rate):
        self.sent = 0
        self.missing = set()
        self._burst = max(1, int(rate * self.STEP))
        self._client = harness.client(address, timeout=2)
        self._window = self._make_room()
        self._over = threading.Event()      # no more is to be sent
        self._all_sent = threading.Event()  # none will be
        self._sender = threading.Thread(target=self._send, daemon=True)
        self._receiver = threading.Thread(target=self._receive, daemon=True)
        self._sender.start()
        self._receiver.start()

    def _make_room(self):
        """Room for replies while this process does not get to run; how many may be on their way."""
        try:
            self._client.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 8 << 20)
            return 5000
        except OSError:
            return 100

    def _send(self):
        due = time.monotonic()
        while not self._over.is_set():
            for _ in range(min(self._burst, self._window - len(self.missing))):
                self.missing.add(self.sent)
                self._client.send(b"%d" % self.sent)
                self.sent += 1
            due += self.STEP
            time.sleep(max(0, due - time.monotonic()))

    def _receive(self):
        while not self._all_sent.is_set() or self.missing:
            try:
                self.missing.discard(int(self._client.recv(100)))
            except socket.timeout:
                if self._all_sent.is_set():
                    return

    def finish(self):
        """Waits for what is on its way; how many never came."""
        self._over.set()
        self._sender.join()
        self._all_sent.set()
        self._receiver.join()
        self._client.close()
        return len(self.missing)


def ask(control):
    """Returns the answer of the control socket."""
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect(control)
        sock.sendall(b"status\n")
        return b"".join(iter(lambda: sock.recv(4096), b""))


class Asker:
    """Asks again and again until it is told to stop, and notes what went wrong."""

    def __init__(self, control):
        self.asked = 0
        self._control = control
        self._wrong = []
        self._starts = set()  # of the processes that answered
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        while not self._over.wait(0.001):
            self.asked += 1
            try:
                self._starts.add(json.loads(ask(self._control))["started"])
            except (OSError, ValueError) as error:
                self._wrong.append(error)

    def wait_for_process(self, number):
        harness.wait_until(lambda: self._wrong or len(self._starts) == number)
        assert self._wrong or len(self._starts) == number

    def finish(self):
        self._over.set()
        self._thread.join()
        return self._wrong


class Takeover(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.path = os.path.join(directory.name, "takeover")

    def server(self, *options, **others):
        return harness.Server(f"--takeover={self.path}", *options, **others)

    def test_nothing_is_lost_by_handovers_under_load(self):
        received = 0
        server = self.server("--workers=2")
        client = SteadyClient(server.address, RATE)
        for number in range(HANDOVERS):
            # Each has a share of them.
            harness.wait_until(lambda: client.sent > number * SHARE)  # pylint: disable=W0640
            successor = self.server("--workers=2")
            self.assertEqual(successor.addresses, server.addresses)
            self.assertEqual(server.finish(), 0, server.log())
            counters = server.find("stopped")[0]
            self.assertEqual((counters["reason"], harness.accounted(counters)), ("takeover", 0))
            received += counters["received"]
            server.kill()
            server = successor
        lost = client.finish()
        received += server.stop()["received"]
        server.kill()
        self.assertEqual((received, lost), (client.sent, 0))

    def check_workers(self, before, after):
        with self.server(f"--workers={before}") as server:
            clients = [harness.client(server.address) for _ in range(50)]
            with self.server(f"--workers={after}") as successor:
                server.finish()
                for number, sock in enumerate(clients):
                    self.assertEqual(harness.echo(sock, b"%d" % number), b"%d" % number)
                    sock.close()
                self.assertEqual(successor.stop()["echoed"], 50)

    def test_more_workers_than_sockets(self):
        self.check_workers(2, 4)

    def test_fewer_workers_than_sockets(self):
        self.check_workers(4, 1)

    def test_what_other_processes_have_on_their_way_is_no_hindrance(self):
        ours, theirs = socket.socketpair()
        with ours, theirs, self.server() as server:
            for _ in range(4):  # more than the server itself has open
                socket.send_fds(ours, [b"nobody reads this"], [ours.fileno()] * 50)
            with self.server() as successor:
                self.assertEqual(server.finish(), 0, server.log())
                self.assertEqual(successor.addresses, server.addresses)
                successor.stop()

    def test_one_socket_for_all(self):
        with self.server("--reuse-port=off", "--workers=4") as server, \
                self.server("--workers=2") as successor:
            server.finish()
            with harness.client(successor.address) as sock:
                self.assertEqual(harness.echo(sock, b"hello"), b"hello")

    def test_listeners_that_differ(self):
        """Some are kept, some are new, some are gone."""
        with self.server(listen=["127.0.0.1:0", "127.0.0.2:0"]) as server:
            kept, gone = server.addresses
            with self.server(listen=["127.0.0.3:0", f"{kept[0]}:{kept[1]}"]) as successor:
                server.finish()
                self.assertEqual(successor.addresses[1], kept)
                for address in successor.addresses:
                    with harness.client(address) as sock:
                        self.assertEqual(harness.echo(sock, b"hello"), b"hello")
                with harness.client(gone) as sock, self.assertRaises(ConnectionRefusedError):
                    harness.echo(sock, b"hello")

    def test_port_0_takes_no_port_that_another_option_names(self):
        """The order in which they were handed over does not matter."""
        for number in range(2):
            with self.subTest(number=number), \
                    self.server(listen=2 * ["127.0.0.1:0"]) as server:
                named = "%s:%d" % server.addresses[number]
                with self.server(listen=["127.0.0.1:0", named]) as successor:
                    server.finish()
                    self.assertEqual(sorted(successor.addresses), sorted(server.addresses))
                    successor.stop()

    def test_successor_that_cannot_start(self):
        with self.server() as server:
            with self.server(listen=["224.0.0.1:0"], wait=False) as successor:
                self.assertNotEqual(successor.finish(), 0)
            server.wait_for("successor exited, still serving", level="warning")
            with harness.client(server.address) as sock:
                self.assertEqual(harness.echo(sock, b"still here"), b"still here")
            # Another one may try.
            with self.server() as successor:
                self.assertEqual(server.finish(), 0)

    def test_who_asks_is_always_answered(self):
        control = os.path.join(os.path.dirname(self.path), "control")
        server = self.server(f"--control={control}")
        asker = Asker(control)
        for number in range(HANDOVERS):
            successor = self.server(f"--control={control}")
            self.assertEqual(server.finish(), 0, server.log())
            server.kill()
            server = successor
            asker.wait_for_process(number + 2)
        self.assertEqual(asker.finish(), [])
        server.stop()
        server.kill()

    def test_sockets_that_a_successor_does_not_want(self):
        paths = [os.path.join(os.path.dirname(self.path), name) for name in "ab"]
        with self.server(f"--control={paths[0]}") as server, \
                self.server(f"--control={paths[1]}") as successor:
            server.finish()
            with self.assertRaises(ConnectionRefusedError):
                ask(paths[0])
            self.assertIn(b'"health":"ok"', ask(paths[1]))
            successor.stop()

    @tracing.needs_strace
    def test_successor_that_hangs(self):
        """The next one has its turn after ten seconds, and the one that hung ends as it goes on."""
        control = os.path.join(os.path.dirname(self.path), "control")
        with self.server(f"--control={control}") as server, \
                harness.client(server.address) as sock, \
                tracing.TracedServer("prctl", f"--takeover={self.path}",
                                     inject="prctl:delay_enter=100000000:when=1",
                                     wait=False) as hung:
            server.wait_for("listeners passed to the successor")
            self.assertEqual(harness.echo(sock, b"meanwhile"), b"meanwhile")
            self.assertEqual(harness.run("--status", f"--control={control}").returncode, 0)
            with self.server() as successor:
                server.wait_for("successor not ready in time, still serving", level="warning")
                self.assertEqual(server.finish(), 0, server.log())
                self.assertEqual(server.find("stopped")[0]["reason"], "takeover")
                hung.end_tracing()
                self.assertEqual(hung.finish(), 69, hung.log())
                hung.wait_for("not ready in time, the old process still serves", level="error")
                self.assertEqual(harness.echo(sock, b"still here"), b"still here")
                successor.stop()

    def test_server_that_was_stopped_while_the_successor_got_ready(self):
        """It comes late to a word that was in time."""
        with self.server() as server, socket.socket(socket.AF_UNIX) as successor:
            successor.connect(self.path)
            server.wait_for("listeners passed to the successor")
            with server.frozen():
                successor.send(b"\0")
                time.sleep(10.2)
            self.assertEqual(server.finish(), 0, server.log())
            self.assertEqual(server.find("stopped")[0]["reason"], "takeover")

    def test_server_ends_though_a_successor_hangs(self):
        with self.server() as server, socket.socket(socket.AF_UNIX) as hung:
            hung.connect(self.path)
            server.wait_for("listeners passed to the successor")
            self.assertEqual(server.stop()["reason"], "request")

    def test_successor_that_reads_nothing(self):
        """There are more listeners than a socket has room to tell of."""
        addresses = [f"127.0.0.{host}:0" for host in range(1, 251)]
        with self.server("--workers=1", listen=addresses) as server, \
                socket.socket(socket.AF_UNIX) as hung:
            hung.connect(self.path)
            server.wait_for("cannot hand over", level="error")
            with harness.client(server.address) as sock:
                self.assertEqual(harness.echo(sock, b"still here"), b"still here")
            server.stop()

    def test_reload_of_a_successor(self):
        config = os.path.join(os.path.dirname(self.path), "udpechod.conf")
        def write(*lines):
            with open(config, "w", encoding="utf-8") as file:
                file.writelines(f"{line}\n" for line in lines)
        write("listen=127.0.0.1:0")
        with self.server(f"--config={config}", listen=()) as server, \
                self.server(f"--config={config}", listen=()) as successor:
            server.finish()
            write("listen=127.0.0.1:0", "listen=127.0.0.2:0")
            successor.signal(signal.SIGHUP)
            successor.wait_for("reloaded", changed="listen")
            successor.wait_for("listening", count=2)
            self.assertEqual(successor.address, server.address)
            for address in successor.addresses:
                with harness.client(address) as sock:
                    self.assertEqual(harness.echo(sock, b"hello"), b"hello")

    def test_socket_that_a_dead_server_left(self):
        with self.server() as server:
            self.assertEqual(stat.S_IMODE(os.stat(self.path).st_mode), 0o600)
            server.kill()
        with self.server() as server:
            server.stop()

    @needs_root
    def test_port_of_root_for_a_successor_without_the_privilege(self):
        listen = ["0.0.0.0:7"]
        with self.server(prefix=("unshare", "--net"), listen=listen) as server:
            deprived = ("nsenter", f"--net=/proc/{server.process.pid}/ns/net",
                        "setpriv", "--bounding-set=-net_bind_service")
            with harness.Server(prefix=deprived, listen=["0.0.0.0:8"], wait=False) as alone:
                self.assertEqual(alone.finish(), 77)
            with self.server(prefix=deprived, listen=listen) as successor:
                self.assertEqual(server.finish(), 0)
                self.assertEqual(successor.address, ("0.0.0.0", 7))
                successor.stop()

    def check_refused(self, code, *words, takeover=None, **others):
        """One that cannot take over says why, and ends with this code."""
        done = harness.run("--listen=127.0.0.1:0", f"--takeover={takeover or self.path}", **others)
        self.assertEqual(done.returncode, code, done.stderr)
        for word in words:
            self.assertIn(word, done.stderr)

    def test_path_that_cannot_be(self):
        for path in "/" + "x" * 200, "relative":
            self.check_refused(64, "a full path of at most", takeover=path)
        self.check_refused(69, "No such file", takeover="/nonexistent/takeover")

    def test_a_file_that_is_no_socket_is_kept(self):
        mine = os.path.join(os.path.dirname(self.path), "mine")
        with open(mine, "w", encoding="utf-8") as file:
            file.write("listen=127.0.0.1:0\n")
        os.symlink(mine, self.path)
        for path in mine, self.path:
            self.check_refused(69, "cannot take over", "replace a file that is not a socket", takeover=path)
        self.check_refused(69, "not a socket", takeover=os.path.dirname(self.path))
        self.assertTrue(os.path.islink(self.path))
        with open(mine, encoding="utf-8") as file:
            self.assertEqual(file.read(), "listen=127.0.0.1:0\n")

    def test_more_workers_than_a_message_has_room_for(self):
        with self.server("--workers=256", "--payload-max=100") as server:
            with self.server("--workers=256", "--payload-max=100") as successor:
                self.assertEqual(server.finish(), 0, server.log())
                clients = [harness.client(successor.address) for _ in range(50)]
                for number, sock in enumerate(clients):
                    self.assertEqual(harness.echo(sock, b"%d" % number), b"%d" % number)
                    sock.close()
                self.assertEqual(successor.stop()["echoed"], 50)

    def test_fewer_descriptors_than_sockets(self):
        """The kernel then leaves sockets out, and nobody would receive from those."""
        with self.server("--workers=40") as server:
            self.check_refused(71, "cannot take over", "Too many open files",
                               prefix=(*harness.WITHOUT_LEAKS, "prlimit", "--nofile=20"))
            # It may see the other one's end while it sends the rest.
            harness.wait_until(lambda: server.find("successor exited, still serving") or
                               server.find("cannot hand over", error="Broken pipe"))
            for _ in range(50):
                with harness.client(server.address) as sock:
                    self.assertEqual(harness.echo(sock, b"still here"), b"still here")
            server.stop()

    def test_predecessor_that_ends_before_it_gave_anything(self):
        """Then nobody serves, and the successor is the first."""
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(self.path)
            listening.listen()
            with self.server(wait=False) as server:
                connection, _ = listening.accept()
                listening.close()
                connection.close()
                server.wait_for("serving")
                with self.server() as successor:
                    self.assertEqual(server.finish(), 0, server.log())
                    successor.stop()

    def test_end_while_the_predecessor_does_not_answer(self):
        """Before it serves there is nothing to drain."""
        with self.server() as server, server.frozen():
            with self.server("--log-level=debug", wait=False) as successor:
                harness.wait_until(lambda: self.is_connected(successor))
                began = time.monotonic()
                successor.signal(signal.SIGTERM)
                self.assertEqual(successor.finish(), -signal.SIGTERM)
                self.assertLess(time.monotonic() - began, 5)

    def is_connected(self, server):
        """Whether a process waits in the queue of the socket, as /proc/net/unix has it."""
        with contextlib.suppress(OSError), open("/proc/net/unix", encoding="utf-8") as sockets:
            return server.process.poll() is None and sum(self.path in line for line in sockets) > 1


@tracing.needs_strace
class Faults(unittest.TestCase):
    """Calls of either process that fail. The other notices nothing, and the reason is said."""

    setUp, server = Takeover.setUp, Takeover.server

    def traced(self, calls, inject, *options, **others):
        return tracing.TracedServer(calls, f"--takeover={self.path}", *options, inject=inject,
                                    **others)

    def test_accept_fails(self):
        """The successor waits in the queue until its timeout."""
        with self.traced("accept", "accept:error=EMFILE:when=1..3") as server:
            used = server.processor_seconds()
            with self.server() as successor:
                failed = server.find("cannot hand over", error="Too many open files")
                self.assertEqual(len(failed), 3, server.log())
                self.assertLess(server.processor_seconds() - used, 1)
                self.assertEqual(server.finish(), 0)
                successor.stop()

    def test_the_successor_is_told_what_the_system_lacks(self):
        for call, error, words in (
                ("connect", "ENOMEM", "Cannot allocate memory"),
                ("recvmsg", "ENOMEM", "Cannot allocate memory"),
                ("poll", "ENOMEM", "Cannot allocate memory")):
            with self.subTest(call=call), self.server() as server:
                with self.traced(call, None) as probe:
                    self.assertEqual(server.finish(), 0)
                    of_main = probe.calls(f"{probe.process.pid} ", f"{call}(")
                    place = 1 + next(number for number, line in enumerate(of_main)
                                     if "AF_UNIX" in line or "SCM_RIGHTS" in line or call == "poll")
                    with self.traced(call, f"{call}:error={error}:when={place}",
                                     wait=False) as successor:
                        self.assertEqual(successor.finish(), 71, successor.log())
                        successor.wait_for("cannot take over", error=words)
                    if call == "recvmsg":
                        # It may see the other one's end while it sends.
                        harness.wait_until(lambda: probe.find("successor exited, still serving") or
                                           probe.find("cannot hand over", error="Broken pipe"))
                    with harness.client(probe.address) as sock:
                        self.assertEqual(harness.echo(sock, b"still here"), b"still here")
                    probe.stop()

    def test_the_first_one_is_told_what_the_system_lacks(self):
        for call, error in ("listen", "EMFILE"), ("bind", "ENOMEM"), ("socket", "ENFILE"):
            with self.subTest(call=call):
                with self.traced(call, None) as probe:
                    probe.stop()
                    of_main = probe.calls(f"{call}(")
                    place = 1 + max(number for number, line in enumerate(of_main)
                                    if "AF_UNIX" in line or call == "listen")
                os.unlink(self.path)
                with self.traced(call, f"{call}:error={error}:when={place}",
                                 wait=False) as server:
                    self.assertEqual(server.finish(), 71, server.log())
                    server.wait_for("cannot take over", error=os.strerror(getattr(errno, error)))

    def test_the_predecessor_cannot_be_told(self):
        with self.server() as server:
            with self.traced("write", None) as probe:
                server.finish()
                of_main = probe.calls(f"{probe.process.pid} ", "write(")
                place = 1 + next(number for number, line in enumerate(of_main)
                                 if r'"\0", 1' in line)
                with self.traced("write", f"write:error=ENOMEM:when={place}..{place + 200}",
                                 wait=False) as successor:
                    began = time.monotonic()
                    self.assertEqual(successor.finish(), 71, successor.log())
                    self.assertLess(time.monotonic() - began, 5)
                probe.wait_for("successor exited, still serving")
                probe.stop()


if __name__ == "__main__":
    harness.main()
