"""SIGHUP: settings are read again while the server runs."""

import os
import pathlib
import signal
import socket
import tempfile
import threading
import unittest

import harness
import tracing

needs_root = unittest.skipUnless(os.geteuid() == 0, "only root can switch to another user")


class Exchange:
    """A client that never stops asking, with so much on its way as always finds room."""

    WINDOW = 50

    def __init__(self, address):
        self.sent = self.answered = 0
        self._client = harness.client(address)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        while not self._over.is_set() or self.answered < self.sent:
            if not self._over.is_set():
                self._client.send(b"%d" % self.sent)
                self.sent += 1
            if self._over.is_set() or self.sent - self.answered >= self.WINDOW:
                try:
                    self._client.recv(100)
                except socket.timeout:
                    return
                self.answered += 1

    def finish(self):
        """Waits for what is on its way."""
        self._over.set()
        self._thread.join()
        self._client.close()


class Reload(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.path = os.path.join(directory.name, "udpechod.conf")

    def write(self, content):
        with open(self.path, "w", encoding="utf-8") as file:
            file.write(content)

    def test_level_changes_and_comes_back(self):
        self.write("log-level=info\n")
        with harness.Server(f"--config={self.path}") as server, \
                harness.client(server.address) as sock:
            harness.echo(sock, b"quiet")
            self.write("log-level=debug\n")
            server.signal(signal.SIGHUP)
            server.wait_for("reloaded", log_level="debug")
            harness.echo(sock, b"loud")
            server.wait_for("received", payload="loud")
            self.write("log-level=info\n")
            server.signal(signal.SIGHUP)
            server.wait_for("reloaded", log_level="info")
            harness.echo(sock, b"quiet again")
            self.assertEqual(server.stop()["echoed"], 3)
            self.assertEqual(len(server.find("received")), 1)

    def test_wrong_file_keeps_the_settings(self):
        self.write("log-level=info\n")
        with harness.Server(f"--config={self.path}") as server, \
                harness.client(server.address) as sock:
            self.write("# now it is wrong\nlog-level=loud\n")
            server.signal(signal.SIGHUP)
            line = server.wait_for("reload failed, nothing changed", level="error")
            self.assertIn(f"{self.path}:2: ", line["error"])
            self.assertEqual(harness.echo(sock, b"still here"), b"still here")
            server.stop()
            self.assertEqual(server.find("reloaded"), [])

    def reload(self, server, content, count=1):
        """Has the server read this; returns the line about it."""
        self.write(content)
        server.signal(signal.SIGHUP)
        return server.wait_for("reloaded", count=count)

    def serve(self, content, *options):
        self.write(content)
        return harness.Server(f"--config={self.path}", *options, listen=())

    def ask(self, address, source=None):
        """Returns the reply to this source; None if nothing listens."""
        with harness.client(address, bind=source and (source, 0)) as sock:
            try:
                return harness.echo(sock, b"hello")
            except ConnectionRefusedError:
                return None

    def test_who_is_answered(self):
        kept = "listen=127.0.0.1:0\n"
        with self.serve(kept) as server:
            self.assertEqual(self.ask(server.address, "127.0.0.2"), b"hello")
            line = self.reload(server, kept + "deny=127.0.0.2\ndeny-source-ports=none\n")
            self.assertEqual(line["changed"], "deny,deny-source-ports")
            self.assertEqual(self.ask(server.address, "127.0.0.1"), b"hello")
            with harness.client(server.address, bind=("127.0.0.2", 0)) as sock:
                sock.send(b"refused")
                self.reload(server, kept, count=2)
                self.assertEqual(harness.echo(sock, b"answered"), b"answered")
            self.assertEqual(server.stop()["dropped_access"], 1)

    def test_an_emptied_list_matches_no_source(self):
        for options, reason in (("allow=@{0}", "dropped_access"),
                                ("rate-limit=1/s\nrate-limit-exempt=@{0}", "dropped_rate_limited")):
            with self.subTest(options):
                networks = pathlib.Path(self.path + ".networks")
                networks.write_text("127.0.0.0/8\n", encoding="utf-8")
                content = "listen=127.0.0.1:0\n" + options.format(networks)
                with self.serve(content) as server, harness.client(server.address) as sock:
                    for _ in range(100):
                        harness.echo(sock, b"named")
                    networks.write_text("# nobody\n", encoding="utf-8")
                    self.reload(server, content)
                    for _ in range(100):
                        sock.send(b"not named")
                    harness.wait_until(lambda: harness.received(server) == 200)
                    self.assertGreater(server.stop()[reason], 80)

    def test_limits(self):
        kept = "listen=127.0.0.1:0\nrate-limit-exempt=none\n"
        with self.serve(kept) as server, harness.client(server.address) as sock:
            for _ in range(100):
                harness.echo(sock, b"unlimited")
            self.reload(server, kept + "rate-limit=1/s\nmax-bandwidth=1MB/s\n")
            for _ in range(100):
                sock.send(b"limited")
            harness.wait_until(lambda: harness.received(server) == 200)
            self.reload(server, kept + "rate-limit=off\n", count=2)
            while sock.recv(100) == b"limited":
                sock.send(b"unlimited")
            self.assertGreater(server.stop()["dropped_rate_limited"], 80)

    def test_long_lists_and_links(self):
        """Sorting a list, and a network that is on every link, take no call that the sandbox refuses."""
        kept = "listen=127.0.0.1:0\n"
        lists = "".join(f"deny=10.{number >> 8}.{number & 255}.0/24\n" for number in range(1000))
        with self.serve(kept) as server:
            line = self.reload(server, kept + lists + "deny=fe80::/10\nrate-limit-exempt=fe80::1\n")
            self.assertEqual(line["changed"], "deny,rate-limit-exempt")
            self.reload(server, kept, count=2)
            self.assertEqual(self.ask(server.address), b"hello")
            server.stop()
            self.assertEqual(server.find("the sandbox refused a system call"), [])

    def test_what_looks_like_an_address_is_not_looked_up(self):
        kept = "listen=127.0.0.1:0\n"
        wrong = ("allow=10./8", "allow=192.0.2.1.", "deny=1.2.3", "listen=127.0.0.1.:7", "listen=127.1:7",
                 "listen=[::g]:7", "control=[fe80::1%lo]:9001", "rate-limit-exempt=fe80::1%lo")
        with self.serve(kept) as server:
            for count, line in enumerate(wrong, 1):
                self.write(kept + line + "\n")
                server.signal(signal.SIGHUP)
                server.wait_for("reload failed, nothing changed", count=count)
                self.assertEqual(self.ask(server.address), b"hello")
            self.assertEqual(server.stop()["reload_failures"], len(wrong))
            self.assertEqual(server.find("the sandbox refused a system call"), [])

    def test_a_limit_is_in_force_though_nothing_came_since_the_last(self):
        kept = "listen=127.0.0.1:0\nrate-limit=off\n"
        high = kept + "max-rate=1000M/s\n"
        with self.serve(high, "--workers=1") as server, harness.client(server.address) as sock:
            for turn in range(1, 5):  # where a policy lies in memory varies
                self.assertEqual(harness.echo(sock, b"unlimited"), b"unlimited")
                self.reload(server, kept + "max-rate=5/s\n", count=3 * turn - 2)
                self.reload(server, kept + "max-rate=4/s\n", count=3 * turn - 1)
                sent = 101 * turn
                for _ in range(100):
                    sock.send(b"limited")
                harness.wait_until(lambda: harness.received(server) >= sent)
                answers = len(harness.replies(sock))
                self.assertTrue(4 <= answers <= 6, answers)
                sock.settimeout(harness.PATIENCE)
                self.reload(server, high, count=3 * turn)

    @harness.posix_only("there are no FIFOs and no such devices")
    def test_file_that_has_become_something_else(self):
        kept = "listen=127.0.0.1:0\n"
        fifo = self.path + ".fifo"
        os.mkfifo(fifo)
        with self.serve(kept) as server:
            for count, path in enumerate((fifo, "/dev/zero", "/dev/null", os.path.dirname(fifo)), 1):
                self.write(kept + f"allow=@{path}\n")
                server.signal(signal.SIGHUP)
                line = server.wait_for("reload failed, nothing changed", count=count)
                self.assertEqual(line["error"], f"{path}: expected a regular file")
                self.assertEqual(self.ask(server.address), b"hello")
            os.rename(fifo, self.path)
            server.signal(signal.SIGHUP)
            server.wait_for("reload failed, nothing changed", count=5)
            self.assertEqual(self.ask(server.address), b"hello")
            server.stop()
            self.assertEqual(server.find("the sandbox refused a system call"), [])

    def test_listeners_come_and_go_under_load(self):
        with self.serve("listen=127.0.0.1:0\n", "--workers=4") as server:
            exchange = Exchange(server.address)
            for number in range(1, 21):
                more = "listen=[::1]:0\nlisten=127.0.0.1:0\n" if number % 2 else ""
                self.reload(server, "listen=127.0.0.1:0\n" + more, count=number)
                if more:
                    server.wait_for("listening", count=2 + number)
                    for address in server.addresses[-2:]:
                        self.assertEqual(self.ask(address), b"hello")
                else:
                    server.wait_for("no longer listening", count=number)
                    for address in server.addresses[-2:]:
                        self.assertIsNone(self.ask(address))
            exchange.finish()
            counters = server.stop()
        self.assertEqual(exchange.answered, exchange.sent)
        self.assertGreater(exchange.sent, 1000)
        self.assertEqual(counters["received"], exchange.sent + 20)
        self.assertEqual(harness.accounted(counters), 0)

    def test_no_descriptor_is_left_of_what_went(self):
        with self.serve("listen=127.0.0.1:0\n") as server:
            def count():
                return len(os.listdir(f"/proc/{server.process.pid}/fd"))
            before = count()
            for number in range(1, 11):
                self.reload(server, "listen=127.0.0.1:0\n" + "listen=127.0.0.2:0\n" * (number % 2),
                            count=number)
            server.wait_for("no longer listening", count=5)
            self.assertEqual(count(), before)
            server.stop()

    def test_listener_that_cannot_be_opened(self):
        with self.serve("listen=127.0.0.1:0\n") as server, \
                socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
            taken.bind(("127.0.0.1", 0))
            self.write(f"listen=127.0.0.1:0\nlisten=[::1]:0\nlisten=127.0.0.1:{taken.getsockname()[1]}\n"
                       "log-level=debug\n")
            server.signal(signal.SIGHUP)
            server.wait_for("reload failed, nothing changed", level="error")
            self.assertEqual(server.find("cannot listen")[0]["step"], "bind")
            self.assertEqual(self.ask(server.address), b"hello")
            counters = server.stop()
            self.assertEqual((counters["reload_failures"], counters["echoed"]), (1, 1))
            self.assertEqual(server.find("received"), [])

    @needs_root
    def test_every_address_instead_of_one(self):
        """What is in the way is this server's own."""
        with self.serve("listen=127.0.0.1:0\n") as server:
            self.write(f"listen=*:{server.address[1]}\n")
            server.signal(signal.SIGHUP)
            server.wait_for("reload failed, nothing changed", level="error")
            self.assertIn("restart the server", server.find("cannot listen")[0]["hint"])
            server.stop()

    def test_privileged_port_after_becoming_nobody(self):
        with self.serve("listen=127.0.0.1:0\nuser=nobody\n") as server:
            os.chmod(os.path.dirname(self.path), 0o755)
            self.write("listen=127.0.0.1:0\nlisten=127.0.0.1:7\nuser=nobody\n")
            server.signal(signal.SIGHUP)
            server.wait_for("reload failed, nothing changed")
            self.assertIn("privilege", server.find("cannot listen")[0]["hint"])
            server.stop()

    def test_no_name_service_is_asked(self):
        """It may answer late or never, whether there is a sandbox or not."""
        name = "ip6-localhost"  # which /etc/hosts knows
        for sandbox in "", "sandbox=off\n":
            with self.subTest(sandbox=sandbox), \
                    self.serve(f"{sandbox}listen=localhost:0\n") as server:
                # Listeners that exist already need no lookup.
                self.reload(server, f"{sandbox}listen=localhost:0\nlisten=127.0.0.1:0\n")
                self.write(f"{sandbox}listen=localhost:0\nlisten={name}:0\n")
                server.signal(signal.SIGHUP)
                server.wait_for("reload failed, nothing changed")
                refusal, = server.find("cannot listen", listen=f"{name}:0")
                self.assertEqual(refusal["error"], "names are looked up at the start only")
                server.stop()

    def test_what_needs_a_restart_is_named(self):
        self.write("")
        with harness.Server(f"--config={self.path}") as server:
            self.write("workers=7\npayload-max=100\n")
            server.signal(signal.SIGHUP)
            line = server.wait_for("changed settings need a restart")
            self.assertEqual(line["options"], "payload-max,workers")
            server.stop()


@tracing.needs_strace
class Faults(unittest.TestCase):
    setUp, write = Reload.setUp, Reload.write

    def test_listener_that_a_worker_cannot_take(self):
        """It is told, and the next reload tries again."""
        self.write("listen=127.0.0.1:0\n")
        with tracing.TracedServer("epoll_ctl", f"--config={self.path}", "--workers=1",
                                  listen=()) as probe:
            probe.stop()
            started = len(probe.calls("epoll_ctl("))  # all by the main thread
        with tracing.TracedServer("epoll_ctl", f"--config={self.path}", "--workers=1", listen=(),
                                  inject=f"epoll_ctl:error=ENOMEM:when={started + 1}") as server:
            self.write("".join(f"listen=127.0.0.{host}:0\n" for host in range(1, started + 4)))
            server.signal(signal.SIGHUP)
            server.wait_for("worker cannot receive from a listener", level="error",
                            error="Cannot allocate memory")
            server.wait_for("reloaded")
            server.signal(signal.SIGHUP)
            server.wait_for("reloaded", count=2)
            self.assertEqual(len(server.addresses), started + 3)
            for address in server.addresses:
                with harness.client(address) as sock:
                    self.assertEqual(harness.echo(sock, b"hello"), b"hello")
            server.stop()


if __name__ == "__main__":
    harness.main()
