"""--control and --status: asking the running service."""

import contextlib
import json
import os
import pathlib
import pwd
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time
import unittest

import harness
import namespaces
import tracing

PAYLOADS = [b"", b"x", bytes(1000)]
AS_NOBODY = ("setpriv", f"--reuid={pwd.getpwnam('nobody').pw_uid}", "--clear-groups")


# A network namespace where a connection has little room for what is sent.
LITTLE_ROOM = ("unshare", "-n", "sh", "-c", "ip link set lo up && "
               "echo 4096 4096 4096 >/proc/sys/net/ipv4/tcp_wmem && exec \"$@\"", "sh")
ASK_AND_READ_NOTHING = """
import socket, sys
sock = socket.socket()
sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
sock.connect(("127.0.0.1", 9001))
sock.sendall(b"status\\n")
print("asked", flush=True)
sys.stdin.read()
"""


class Status(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="udpechod-")
        self.addCleanup(directory.cleanup)
        self.directory = pathlib.Path(directory.name)
        self.directory.chmod(0o755)
        self.path = str(self.directory / "control")

    def server(self, *options, **others):
        return harness.Server(f"--control={self.path}", *options, **others)

    def status(self, *options):
        done = harness.run("--status", f"--control={self.path}", *options)
        self.assertEqual((done.returncode, done.stderr), (0, ""), done)
        return done.stdout

    def ask(self, request, patience=harness.PATIENCE):
        """Everything that comes back for these bytes."""
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(patience)
            sock.connect(self.path)
            sock.sendall(request)
            answer = b""
            try:
                while part := sock.recv(65536):
                    answer += part
            except ConnectionResetError:  # it had not read everything
                pass
            return answer

    def check_refused(self, code, *options, words=(), prefix=()):
        done = harness.run(*options, prefix=prefix)
        self.assertEqual((done.returncode, done.stdout), (code, ""), done.stderr)
        for word in words:
            self.assertIn(word, done.stderr)

    def test_numbers_agree_with_what_was_sent(self):
        with self.server("--deny=127.0.0.2") as server:
            with harness.client(server.address) as sock:
                for payload in PAYLOADS:
                    harness.echo(sock, payload)
            with harness.client(server.address, bind=("127.0.0.2", 0)) as sock:
                sock.send(b"denied")
                shown = json.loads(self.status("--json"))
            self.assertEqual([shown[name] for name in ("received", "received_bytes", "echoed",
                                                       "echoed_bytes", "dropped_access")],
                             [4, 1007, 3, 1001, 1])
            self.assertEqual(harness.accounted(shown), 0)
            self.assertEqual(shown["service_within_1000000us"], 4)
            host, port = server.address
            self.assertEqual((shown["listening"], shown["health"]), ([f"{host}:{port}"], "ok"))
            serving = server.find("serving")[0]
            self.assertEqual([shown[name] for name in ("workers", "backend", "batching")],
                             [serving[name] for name in ("workers", "backend", "batching")])
            counters = server.stop()
            for name in set(counters) & set(shown) - {"time"}:
                self.assertEqual(shown[name], counters[name], name)

    def test_text_says_the_same(self):
        with self.server() as server:
            with harness.client(server.address) as sock:
                harness.echo(sock, b"five!")
            text = self.status()
            for line in (r"health +ok", r"listening +127\.0\.0\.1:\d+", r"received +1 +0\.0",
                         r"echoed_bytes +5 +0\.0", r"service time +50% within \d+ us, 99% .*"):
                self.assertRegex(text, rf"(?m)^{line}$")
            self.assertNotIn("dropped_", text)
            self.assertLessEqual(len(text.splitlines()), 24)

    def test_rates(self):
        """Between the two samples, which are a second apart or more."""
        with self.server() as server, harness.client(server.address) as sock:
            asking = subprocess.Popen(
                [harness.UDPECHOD, "--status", "--json", f"--control={self.path}"],
                stdout=subprocess.PIPE)
            while asking.poll() is None:  # before, between and behind both samples
                harness.echo(sock, b"x")
                time.sleep(0.001)
            shown = json.loads(asking.communicate()[0])
            self.assertGreater(shown["per_second"]["received"], 0)
            self.assertLessEqual(shown["per_second"]["received"], shown["received"])

    def test_rates_are_those_of_one_process(self):
        takeover = f"--takeover={self.directory}/takeover"
        with self.server(takeover) as server, harness.client(server.address) as sock:
            for _ in range(100):
                harness.echo(sock, b"x")
            started = json.loads(self.ask(b"status\n"))["started"]
            with subprocess.Popen([harness.UDPECHOD, "--status", "--json",
                                   f"--control={self.path}"], stdout=subprocess.PIPE) as asking:
                time.sleep(0.3)
                with self.server(takeover) as successor:
                    shown = json.loads(asking.communicate(timeout=harness.PATIENCE)[0])
                    self.assertNotEqual(shown["started"], started)
                    self.assertEqual(shown["per_second"]["echoed"], 0)
                    successor.stop()

    @tracing.needs_strace
    def test_service_that_hangs_up_before_it_is_asked(self):
        with socket.socket(socket.AF_UNIX) as service:
            service.bind(self.path)
            service.listen()
            with subprocess.Popen(["strace", "-qq", "-e", "trace=write",
                                   "-e", "inject=write:delay_enter=500000:when=1",
                                   "-o", "/dev/null", harness.UDPECHOD, "--status",
                                   f"--control={self.path}"], stderr=subprocess.PIPE,
                                  text=True, env=tracing.environment()) as asking:
                service.accept()[0].close()
                self.assertIn("cannot connect to", asking.communicate(timeout=harness.PATIENCE)[1])
                self.assertEqual(asking.returncode, 69)

    def test_file_that_names_the_socket(self):
        config = self.directory / "udpechod.conf"
        config.write_text(f"control={self.path}\n", encoding="utf-8")
        with harness.Server(f"--config={config}") as server:
            done = harness.run("--status", f"--config={config}")
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            # The last one failed.
            config.write_text("no-such-option\n", encoding="utf-8")
            for count in 1, 2:
                server.signal(signal.SIGHUP)
                server.wait_for("reload failed, nothing changed", count=count)
                harness.wait_until(lambda: self.failures() == count)
                self.assertEqual(self.failures(), count)

    def failures(self):
        return json.loads(self.ask(b"status\n"))["reload_failures"]

    def test_drops_of_a_listener_that_is_no_more_are_kept(self):
        config = self.directory / "udpechod.conf"
        config.write_text("listen=127.0.0.1:0\n", encoding="utf-8")
        with harness.Server(f"--config={config}", f"--control={self.path}", "--workers=1",
                            "--receive-buffer=4096", listen=()) as server:
            if "kernel_drops" not in json.loads(self.ask(b"status\n")):
                self.skipTest("this system does not tell of drops")
            with harness.client(server.address) as sock, server.frozen():
                for _ in range(100):
                    sock.send(bytes(1000))
            harness.wait_until(lambda: self.drops() > 0)
            drops = self.drops()
            self.assertGreater(drops, 0)
            config.write_text("listen=127.0.0.2:0\n", encoding="utf-8")
            server.signal(signal.SIGHUP)
            server.wait_for("reloaded")
            self.assertEqual(self.drops(), drops)
            self.assertIn("127.0.0.2", json.loads(self.ask(b"status\n"))["listening"][0])

    def drops(self):
        return json.loads(self.ask(b"status\n"))["kernel_drops"]

    def check_port(self, where):
        with harness.Server(f"--control={where}") as server:
            address = server.find("control socket")[0]["address"]
            for prefix in (), AS_NOBODY if os.geteuid() == 0 else ():
                done = harness.run("--status", "--json", f"--control={address}", prefix=prefix)
                self.assertEqual((done.returncode, done.stderr), (0, ""))
                self.assertEqual(json.loads(done.stdout)["health"], "ok")
            self.check_refused(69, "--listen=127.0.0.1:0", f"--control={address}",
                               words=["cannot create the control socket", "Address already in use"])

    def test_port_of_the_loopback(self):
        self.check_port("127.0.0.1:0")

    @harness.needs_ipv6
    def test_port_of_the_loopback_of_ipv6(self):
        self.check_port("[::1]:0")

    def test_ports_that_others_could_reach(self):
        for where in "0.0.0.0:9001", "192.0.2.1:9001", "localhost:9001", "127.0.0.1":
            self.check_refused(64, f"--control={where}", words=["--control", where, "loopback"])

    def test_no_server(self):
        self.check_refused(69, "--status", f"--control={self.path}",
                           words=["--status", self.path, "No such file", "--control"])
        with self.server() as server:
            server.kill()
        self.check_refused(69, "--status", f"--control={self.path}", words=["refused"])

    def test_wrong_paths(self):
        for path in "relative", "/" + 103 * "x":
            self.check_refused(64, f"--control={path}", words=["--control", path, "at most 103"])
        self.check_refused(69, "--listen=127.0.0.1:0", f"--control={self.directory}/none/control",
                           words=["cannot create the control socket", "No such file"])

    @tracing.needs_strace
    def test_accept_fails(self):
        """Clients wait in the queue, which stays readable; the thread does not spin."""
        with tracing.TracedServer("accept4", f"--control={self.path}",
                                  inject="accept4:error=EMFILE:when=1..20") as server:
            began = time.monotonic()
            self.assertIn(b'"health":"ok"', self.ask(b"status\n"))
            self.assertGreater(time.monotonic() - began, 0.5)
            server.wait_for("cannot answer status and metrics requests", error="Too many open files")
            server.stop()

    @tracing.needs_strace
    def test_stop_while_accept_fails(self):
        with tracing.TracedServer("accept4", f"--control={self.path}",
                                  inject="accept4:error=ENFILE:when=1+") as server, \
                socket.socket(socket.AF_UNIX) as sock:
            sock.connect(self.path)
            server.wait_for("cannot answer status and metrics requests", error="Too many open files in system")
            server.stop()
            self.assertLess(len(server.calls("INJECTED")), 100)

    def test_too_few_descriptors(self):
        """The reason and the exit code are the same for every file that cannot be opened."""
        for number in range(5, 24):
            done = harness.run("--listen=127.0.0.1:0", f"--control={self.path}", "--workers=2",
                               "--duration=1ms", prefix=(*harness.WITHOUT_LEAKS, "prlimit", f"--nofile={number}"))
            self.assertIn(done.returncode, (0, 71), done.stderr)
            if done.returncode == 71:
                self.assertIn('error="Too many open files"', done.stderr)
            self.assertNotIn("not supported", done.stderr)
        self.assertEqual(done.returncode, 0, done.stderr)

    @tracing.needs_strace
    def test_who_asks_has_too_few_descriptors(self):
        with self.server():
            self.check_refused(71, "--status", f"--control={self.path}", prefix=(
                *harness.WITHOUT_LEAKS, "strace", "-qq", "-o/dev/null", "-e", "trace=socket",
                "-e", "inject=socket:error=EMFILE"), words=["Too many open files"])

    @unittest.skipUnless(sys.platform == "linux", "a full queue refuses otherwise here")
    def test_too_many_wait(self):
        with socket.socket(socket.AF_UNIX) as busy:
            busy.bind(self.path)
            busy.listen(0)
            with socket.socket(socket.AF_UNIX) as first:
                first.connect(self.path)
                self.check_refused(69, "--status", f"--control={self.path}",
                                   words=["cannot connect", "temporarily unavailable"])

    def answered_by(self, answer, pause=0):
        """What --status makes of a process that answers so, byte by byte if it pauses."""
        def serve():
            for _ in range(2):
                with contextlib.suppress(OSError), listening.accept()[0] as connection:
                    connection.recv(100)
                    for i in range(len(answer)) if pause else (0,):
                        connection.sendall(answer[i:i + 1] if pause else answer)
                        time.sleep(pause)

        pathlib.Path(self.path).unlink(missing_ok=True)
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(self.path)
            listening.listen(5)
            threading.Thread(target=serve, daemon=True).start()
            return harness.run("--status", f"--control={self.path}")

    def test_answer_of_somebody_else(self):
        for answer in (b'{"started":"x","received":5,"a\x1b]0;owned\x07":5}',
                       b'{"started":"x","received":-5}',
                       b'{"started":"x","received":9223372036854775808}'):
            with self.subTest(answer=answer):
                done = self.answered_by(answer)
                self.assertEqual((done.returncode, done.stdout), (69, ""))
                self.assertIn("is not udpechod", done.stderr)

    def test_answer_for_the_terminal(self):
        done = self.answered_by(b'{"started":"x","text":"\x1b[2Jred","list":["\x1b[2J"],'
                                b'"received":9223372036854775807,'
                                b'"service_within_10us":9223372036854775807}')
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("[2Jred", done.stdout)
        self.assertNotIn("\x1b", done.stdout)
        self.assertIn("99% within 10 us", done.stdout)

    def test_answer_that_comes_slowly(self):
        began = time.monotonic()
        done = self.answered_by(b"{" + 100 * b" ", pause=0.6)
        self.assertEqual(done.returncode, 69, done.stderr)
        self.assertLess(time.monotonic() - began, 10)

    def test_path_that_is_left_over_is_replaced(self):
        for end in harness.Server.stop, harness.Server.kill:
            with self.server() as server:
                self.assertIn("health", self.status())
                end(server)
        self.assertTrue(stat.S_ISSOCK(os.stat(self.path).st_mode))
        with self.server():
            self.assertIn("health", self.status())

    def test_path_that_is_in_use_is_not(self):
        with self.server():
            self.check_refused(69, "--listen=127.0.0.1:0", f"--control={self.path}",
                               words=["cannot create the control socket", "another process listens"])
            self.assertIn("health", self.status())

    def test_file_in_the_way_stays(self):
        pathlib.Path(self.path).write_text("mine", encoding="utf-8")
        self.check_refused(69, "--listen=127.0.0.1:0", f"--control={self.path}",
                           words=["replace a file that is not a socket"])
        self.assertEqual(pathlib.Path(self.path).read_text(encoding="utf-8"), "mine")

    @unittest.skipUnless(os.geteuid() == 0, "only root can switch to another user")
    def test_only_its_user_and_root_may_ask(self):
        with self.server("--user=nobody", f"--chroot={self.directory}"):
            self.assertEqual(stat.S_IMODE(os.stat(self.path).st_mode), 0o600)
            self.assertIn("health", self.status())
            self.check_refused(77, "--status", f"--control={self.path}", prefix=AS_NOBODY,
                               words=["Permission denied"])

    def test_invalid_requests_are_not_answered(self):
        with self.server() as server:
            for request in (b"\n", b"stat\n", b"status \n", b"STATUS\n", b"status", b"\0\n",
                            bytes(100), b"GET / HTTP/1.1\r\n\r\n", 100 * b"status"):
                with self.subTest(request=request):
                    self.assertEqual(self.ask(request), b"")
            self.assertEqual(json.loads(self.ask(b"sta" b"tus\nand more"))["health"], "ok")
            self.assertEqual(server.stop()["received"], 0)

    def test_a_silent_client_blocks_no_other(self):
        with self.server() as server, harness.client(server.address) as sock:
            silent = [socket.socket(socket.AF_UNIX) for _ in range(5)]
            for one in silent:
                self.addCleanup(one.close)
                one.connect(self.path)
            self.assertEqual(harness.echo(sock, b"meanwhile"), b"meanwhile")
            harness.wait_until(lambda: json.loads(self.ask(b"status\n"))["echoed"] == 1)
            self.assertEqual(json.loads(self.ask(b"status\n"))["echoed"], 1)
            server.stop()

    @unittest.skipIf(namespaces.missing() or harness.EMULATOR, "needs a network namespace")
    def test_a_client_that_reads_no_answer_blocks_no_other(self):
        listen = [f"127.0.0.1:{port}" for port in range(10000, 10256)]
        with harness.Server("--control=127.0.0.1:9001", listen=listen,
                            prefix=LITTLE_ROOM) as server:
            inside = ("nsenter", "-t", str(server.process.pid), "-n")
            with subprocess.Popen([*inside, sys.executable, "-c", ASK_AND_READ_NOTHING],
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE) as asker:
                self.assertEqual(asker.stdout.readline(), b"asked\n")
                done = harness.run("--status", "--json", "--control=127.0.0.1:9001", prefix=inside)
                self.assertEqual((done.returncode, done.stderr), (0, ""))
                self.assertEqual(len(json.loads(done.stdout)["listening"]), len(listen))
                server.stop()
                asker.stdin.close()

    def test_sandbox_holds(self):
        with self.server() as server:
            before = server.find("confined")[0]["sandbox"]
            for _ in range(50):
                self.ask(b"status\n")
            self.assertEqual(server.stop()["health"], "ok", before)

    def test_process_that_was_stopped(self):
        """No request came while it was stopped, so none was lost."""
        with self.server() as server:
            for _ in range(15):
                server.signal(signal.SIGSTOP)
                harness.wait_until(lambda: server.status("State").startswith("T"))
                server.signal(signal.SIGCONT)
                harness.wait_until(lambda: server.status("State").startswith("S"))
            self.assertEqual(json.loads(self.ask(b"status\n"))["health"], "ok")
            server.stop()
            self.assertEqual(server.find("cannot answer status and metrics requests"), [])

    def test_idle_it_sleeps(self):
        with self.server() as server:
            self.ask(b"status\n")
            server.check_asleep(self)


if __name__ == "__main__":
    harness.main()
