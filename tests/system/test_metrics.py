"""--metrics-listen: what Prometheus gets, and what those get who want to do harm by it."""

import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
import threading
import time
import unittest

import harness
import tracing
from pages import get, where

PROMTOOL = shutil.which("promtool")

CONNECTIONS_MAX = 8
CONNECTION_SECONDS = 5


def _has_metrics():
    done = harness.run("--listen=127.0.0.1:0", "--metrics-listen=127.0.0.1:0", "--duration=1ms")
    assert done.returncode in (0, 64), done.stderr
    return done.returncode == 0


HAS_METRICS = _has_metrics()


def server(*options, at="127.0.0.1:0", **others):
    return harness.Server(f"--metrics-listen={at}", *options, **others)


def samples(text):
    """{name and labels: number}"""
    found = {}
    for line in text.splitlines():
        if not line.startswith("#"):
            name, value = line.rsplit(" ", 1)
            assert name not in found, name
            found[name] = float(value)
    return found


def scrape(address):
    status, text = get(address)
    assert status == 200, text
    return samples(text)


def losses(found):
    return sum(value for name, value in found.items()
               if re.match("udpechod_(dropped_datagrams|send_errors)_total", name))


def settled(address, received):
    """Samples in which it is told what became of so many datagrams: a reply is counted a moment
    after it was sent."""
    def accounted():
        found = scrape(address)
        return found["udpechod_sent_datagrams_total"] + losses(found) == received

    harness.wait_until(accounted)
    return scrape(address)


class Build(unittest.TestCase):
    @unittest.skipIf(HAS_METRICS, "built with libmicrohttpd")
    def test_without_the_library_the_option_is_an_error(self):
        done = harness.run("--listen=127.0.0.1:0", "--metrics-listen=127.0.0.1:0")
        self.assertEqual(done.returncode, 64)
        self.assertIn("cannot serve metrics", done.stderr)
        self.assertIn("built without", done.stderr)


@unittest.skipUnless(HAS_METRICS, "built without libmicrohttpd")
class Module(unittest.TestCase):
    def libraries(self, *options):
        with harness.Server(*options) as running:
            with open(f"/proc/{running.process.pid}/maps") as lines:
                return {os.path.basename(line.split()[-1]).split(".so")[0] for line in lines}

    def test_only_who_serves_metrics_has_it_in_memory(self):
        theirs = {"http", "libmicrohttpd"}
        self.assertEqual(self.libraries() & theirs, set())
        self.assertEqual(self.libraries("--metrics-listen=127.0.0.1:0") & theirs, theirs)

    def test_without_it_there_are_echoes_but_no_metrics(self):
        with tempfile.TemporaryDirectory() as directory:
            alone = shutil.copy(harness.UDPECHOD, directory)
            options = "--listen=127.0.0.1:0", "--duration=1ms"
            self.assertEqual(harness.run(*options, program=alone).returncode, 0)
            done = harness.run(*options, "--metrics-listen=127.0.0.1:0", program=alone)
        self.assertEqual(done.returncode, 69)
        for word in "cannot serve metrics", "--metrics-listen", "/http.so: cannot open", "No such file":
            self.assertIn(word, done.stderr)
        self.assertNotIn("serving", done.stderr)

    @unittest.skipUnless(hasattr(os, "geteuid") and os.geteuid() == 0, "--chroot takes root")
    def test_it_is_there_where_it_could_not_be_found_any_more(self):
        with tempfile.TemporaryDirectory() as root:
            with server(f"--chroot={root}", "--user=65534", "--group=65534") as running:
                self.assertEqual(get(where(running), "/healthz"), (200, "ok\n"))


@unittest.skipUnless(HAS_METRICS, "built without libmicrohttpd")
class Metrics(unittest.TestCase):
    def test_numbers_agree_with_what_was_sent(self):
        with server("--deny=127.0.0.2") as running:
            with harness.client(running.address) as sock:
                for length in 0, 1, 1000, 65507:
                    harness.echo(sock, bytes(length))
            with harness.client(running.address, bind=("127.0.0.2", 0)) as sock:
                sock.send(b"denied")
                found = settled(where(running), 5)
            for name, value in (("received_datagrams_total", 5), ("received_bytes_total", 66514),
                                ("sent_datagrams_total", 4), ("sent_bytes_total", 66508),
                                ('dropped_datagrams_total{reason="access"}', 1),
                                ("service_seconds_count", 5), ("healthy", 1)):
                self.assertEqual(found["udpechod_" + name], value, name)
            self.assertEqual(found['udpechod_service_seconds_bucket{le="+Inf"}'], 5)
            self.assertEqual(losses(found), 1)
            serving, = running.find("serving")
            self.assertEqual(found["udpechod_workers"], serving["workers"])
            listening, = running.find("listening")
            self.assertEqual(found["udpechod_listener_info{address=\"%s\",protocol=\"echo\","
                                   "sharing=\"%s\",because=\"%s\"}"
                                   % (listening["address"], listening["sharing"],
                                      listening["because"])], 1)
            self.assertAlmostEqual(found["process_start_time_seconds"], time.time(), delta=100)

    def test_they_agree_with_the_log_at_the_end(self):
        with server() as running:
            with harness.client(running.address) as sock:
                for _ in range(100):
                    harness.echo(sock, b"datagram")
            found = settled(where(running), 100)
            counters = running.stop()
        for name, counter in (("received_datagrams", "received"), ("sent_bytes", "echoed_bytes"),
                              ("receive_errors", "receive_errors")):
            self.assertEqual(found[f"udpechod_{name}_total"], counters[counter])
        for name, value in counters.items():
            for prefix, family in (("dropped_", 'dropped_datagrams_total{reason="%s"}'),
                                   ("failed_", 'send_errors_total{error="%s"}')):
                if name.startswith(prefix):
                    self.assertEqual(found["udpechod_" + family % name[len(prefix):]], value)

    def test_every_number_is_there_from_the_start_and_only_rises(self):
        with server() as running:
            before = scrape(where(running))
            with harness.client(running.address) as sock:
                harness.echo(sock, b"one")
            after = scrape(where(running))
        self.assertEqual(before.keys(), after.keys())
        for name, value in before.items():
            self.assertGreaterEqual(after[name], value, name)

    @unittest.skipUnless(PROMTOOL, "no promtool here, which is in Debian's package prometheus")
    def test_promtool_finds_nothing(self):
        with server() as running:
            text = get(where(running))[1]
        done = subprocess.run([PROMTOOL, "check", "metrics"], input=text, capture_output=True,
                              text=True, timeout=harness.PATIENCE)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))

    def test_failed_reloads_are_counted(self):
        with tempfile.NamedTemporaryFile("w") as config:
            with server(f"--config={config.name}") as running:
                config.write("no-such-option\n")
                config.flush()
                running.signal(signal.SIGHUP)
                running.wait_for("reload failed, nothing changed")
                name = "udpechod_reload_failures_total"
                harness.wait_until(lambda: scrape(where(running))[name] == 1)
                self.assertEqual(scrape(where(running))[name], 1)

    def test_paths_and_methods(self):
        with server() as running:
            address = where(running)
            self.assertEqual(get(address, "/healthz"), (200, "ok\n"))
            self.assertEqual(get(address, "/healthz?verbose=1"), (200, "ok\n"))
            self.assertEqual(get(address, "/healthz", "HEAD"), (200, ""))
            self.assertEqual(get(address, "/")[0], 404)
            self.assertEqual(get(address, "/metrics/")[0], 404)
            for method in "POST", "PUT", "DELETE", "OPTIONS":
                self.assertEqual(get(address, method=method)[0], 405)
            self.assertEqual(get(address, method="POST", body=bytes(1000))[0], 405)

    def test_path_of_a_socket(self):
        with tempfile.TemporaryDirectory(prefix="udpechod-") as directory:
            path = f"{directory}/metrics"
            for _ in range(2):  # the second finds the first one's path
                with server(at=f"unix:{path}") as running:
                    self.assertEqual(get(path, "/healthz"), (200, "ok\n"))
                    self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o600)
                    running.stop()

    @harness.needs_ipv6
    def test_ipv6(self):
        with server(at="[::1]:0") as running:
            self.assertEqual(get(where(running), "/healthz"), (200, "ok\n"))

    def test_port_that_is_in_use(self):
        with socket.create_server(("127.0.0.1", 0)) as other:
            address = f"127.0.0.1:{other.getsockname()[1]}"
            done = harness.run("--listen=127.0.0.1:0", f"--metrics-listen={address}")
        self.assertEqual(done.returncode, 69)
        for word in "cannot serve metrics", address, "bind", "Address already in use":
            self.assertIn(word, done.stderr)
        self.assertNotIn("serving", done.stderr)

    def test_it_can_be_started_again_at_once(self):
        with server() as running:
            address = where(running)
            get(address)
            running.stop()
        with server(at="%s:%d" % address) as running:
            self.assertEqual(get(address)[0], 200)

    def check_takeover(self, path, at, metrics):
        with server(f"--takeover={path}", at=at) as running:
            address = metrics(running)
            with server(f"--takeover={path}",
                        at=running.find("metrics")[0]["address"]) as successor:
                self.assertEqual(running.finish(), 0, running.log())
                self.assertEqual(get(address, "/healthz"), (200, "ok\n"))
                successor.stop()

    @harness.posix_only("Windows hands no sockets over")
    def test_a_successor_has_them_where_they_were(self):
        with tempfile.TemporaryDirectory() as directory:
            path = os.path.join(directory, "metrics")
            takeover = os.path.join(directory, "takeover")
            self.check_takeover(takeover, "127.0.0.1:0", where)
            self.check_takeover(takeover, f"unix:{path}", lambda _: path)

    def test_wrong_values(self):
        for value in "", "127.0.0.1", "*:9000", "unix:relative", "9000":
            done = harness.run(f"--metrics-listen={value}")
            self.assertEqual(done.returncode, 64)
            self.assertIn("--metrics-listen", done.stderr)
            self.assertIn("unix:/PATH", done.stderr)

    @tracing.needs_strace
    def test_accept_fails(self):
        """Clients wait in the queue, which stays readable; the thread does not spin."""
        with tracing.TracedServer("accept4", "--metrics-listen=127.0.0.1:0",
                                  inject="accept4:error=EMFILE:when=1..20") as running:
            began = time.monotonic()
            self.assertEqual(get(where(running), "/healthz"), (200, "ok\n"))
            self.assertGreater(time.monotonic() - began, 0.5)
            running.wait_for("cannot answer status and metrics requests", error="Too many open files")
            running.stop()

    def check_pages(self, address, status, text):
        """Checks /healthz and /readyz; they differ only in the word for success."""
        self.assertEqual(get(address, "/healthz"), (status, text))
        self.assertEqual(get(address, "/readyz"), (status, "ready\n" if text == "ok\n" else text))

    @tracing.needs_strace
    def test_the_pages_tell_of_a_receive_that_fails(self):
        with tracing.TracedServer("recvmmsg", "--metrics-listen=127.0.0.1:0", "--workers=1",
                                  inject="recvmmsg:error=ENOBUFS:when=6+") as running, \
                harness.client(running.address) as sock:
            address = where(running)
            for _ in range(5):
                harness.echo(sock, b"hello")
            self.check_pages(address, 200, "ok\n")
            sock.send(b"the one that is not received")
            harness.wait_until(lambda: get(address, "/healthz")[0] != 200)
            self.check_pages(address, 503, "degraded\n")

    @tracing.needs_strace
    def test_the_pages_tell_of_a_worker_that_hangs_and_of_one_that_drains(self):
        # One of four workers hangs, and only for as long as it is traced.
        with tracing.TracedServer("recvmmsg", "--metrics-listen=127.0.0.1:0", "--workers=4",
                                  inject="recvmmsg:delay_enter=100000000:when=6+") as running, \
                harness.client(running.address) as sock:
            address = where(running)
            for _ in range(5):
                harness.echo(sock, b"hello")
            self.check_pages(address, 200, "ok\n")
            sock.send(b"the one that hangs it")
            harness.wait_until(lambda: get(address, "/healthz")[0] != 200)
            self.check_pages(address, 503, "stalled\n")
            running.wait_for("not ready", because="stalled", level="warning")
            self.assertEqual(scrape(address)["udpechod_healthy"], 0)
            running.signal(signal.SIGTERM)
            harness.wait_until(lambda: running.find("draining, a second signal exits immediately"))
            self.check_pages(address, 503, "draining\n")
            running.end_tracing()
            self.assertEqual(running.finish(), 0)
            self.assertEqual(running.find("stopped")[0]["health"], "ok")

    def test_idle_it_sleeps(self):
        with server() as running:
            get(where(running))
            running.check_asleep(self)


@unittest.skipUnless(HAS_METRICS, "built without libmicrohttpd")
class HostileScrapers(unittest.TestCase):
    GARBAGE = (b"\r\n\r\n", b"\0" * 100, b"GET\r\n\r\n", b"GET /metrics\r\n\r\n", b"\xff" * 5000,
               b"GET /metrics HTTP/9.9\r\n\r\n", b"GET /" + b"x" * 100000, b"PRI * HTTP/2.0\r\n\r\n",
               b"GET /metrics HTTP/1.1\r\n" + b"a: b\r\n" * 10000,
               b"POST /metrics HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n",
               b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")

    def connect(self, address):
        sock = socket.create_connection(address, timeout=harness.PATIENCE)
        self.addCleanup(sock.close)
        return sock

    def send(self, sock, data):
        """Sends `data` and ignores a reset by the server."""
        try:
            sock.sendall(data)
        except OSError:
            pass

    def test_echoes_are_not_lost(self):
        """While everybody does his worst, one after the other and all together."""
        stop = threading.Event()

        def attack(address):
            while not stop.is_set():
                for garbage in self.GARBAGE:
                    with socket.create_connection(address, timeout=harness.PATIENCE) as sock:
                        sock.settimeout(0.1)
                        self.send(sock, garbage)

        with server("--workers=2") as running:
            attackers = [threading.Thread(target=attack, args=[where(running)]) for _ in range(3)]
            for attacker in attackers:
                attacker.start()
            try:
                with harness.client(running.address) as sock:
                    for number in range(2000):
                        payload = number.to_bytes(4, "big")
                        self.assertEqual(harness.echo(sock, payload), payload)
            finally:
                stop.set()
                for attacker in attackers:
                    attacker.join()
            self.assertEqual(running.stop()["echoed"], 2000)

    def test_a_slow_client_is_disconnected(self):
        """A byte now and then does not keep a place for longer, and nobody keeps echoes waiting."""
        with server() as running, harness.client(running.address) as sock:
            address = where(running)
            slow = [self.connect(address) for _ in range(2 * CONNECTIONS_MAX)]
            started = time.monotonic()
            for byte in b"GET /metrics":
                if time.monotonic() - started > CONNECTION_SECONDS:
                    break
                for one in slow:
                    self.send(one, bytes([byte]))
                self.assertEqual(harness.echo(sock, b"meanwhile"), b"meanwhile")
                time.sleep(1)
            # The first eight are gone; the others have their places, for as long.
            self.assertEqual(slow[0].recv(1), b"")
            for one in slow:
                one.close()
            self.assertEqual(get(address)[0], 200)
            running.stop()

    def test_a_slow_client_is_no_failure(self):
        """A byte now and then is work that is done, and nobody waits in vain."""
        with server() as running:
            guests = [self.connect(where(running)) for _ in range(3)]
            for byte in b"GET /healthz HTTP/1.1\r\nHost: a-host-of-some-length.example\r\n":
                for guest in guests:
                    self.send(guest, bytes([byte]))
                time.sleep(0.005)
            self.assertEqual(get(where(running), "/healthz"), (200, "ok\n"))
            self.assertEqual(running.find("cannot answer status and metrics requests"), [])
            for guest in guests:
                guest.close()
            running.stop()

    def test_a_client_that_reads_nothing_blocks_no_other(self):
        with server() as running, harness.client(running.address) as sock:
            address = where(running)
            for _ in range(CONNECTIONS_MAX // 2):
                deaf = self.connect(address)
                deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
                self.send(deaf, 1000 * b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
            self.assertEqual(harness.echo(sock, b"meanwhile"), b"meanwhile")
            self.assertEqual(get(address)[0], 200)
            running.stop()

    def test_it_ends_at_once_with_clients_connected(self):
        with server() as running:
            for _ in range(2 * CONNECTIONS_MAX):
                self.send(self.connect(where(running)), b"GET /metr")
            started = time.monotonic()
            self.assertEqual(running.stop()["health"], "ok")
            self.assertLess(time.monotonic() - started, CONNECTION_SECONDS)

    def test_descriptors_do_not_leak(self):
        with server() as running:
            address = where(running)
            before = len(os.listdir(f"/proc/{running.process.pid}/fd"))
            for _ in range(3):
                get(address)
                for garbage in self.GARBAGE:
                    with socket.create_connection(address, timeout=harness.PATIENCE) as sock:
                        sock.settimeout(0.1)
                        self.send(sock, garbage)
            harness.wait_until(
                lambda: len(os.listdir(f"/proc/{running.process.pid}/fd")) == before)
            self.assertEqual(len(os.listdir(f"/proc/{running.process.pid}/fd")), before)
            running.stop()


if __name__ == "__main__":
    harness.main()
