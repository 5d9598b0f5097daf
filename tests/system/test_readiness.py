"""What a load balancer and those who operate one rely on: --lame-duck, --drain, --ready, /readyz."""

import json
import os
import pathlib
import pwd
import signal
import tempfile
import time
import unittest

import harness
from pages import get, where
from service_manager import Manager
from test_metrics import HAS_METRICS, samples
from test_takeover import SteadyClient

RATE = 5000
LAME_DUCK = "lame duck, a second signal drains immediately"
DRAINING = "draining, a second signal exits immediately"
AS_NOBODY = ("setpriv", f"--reuid={pwd.getpwnam('nobody').pw_uid}", "--clear-groups")

needs_http = unittest.skipUnless(HAS_METRICS, "built without libmicrohttpd")


class Scene(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="udpechod-")
        self.addCleanup(directory.cleanup)
        self.directory = pathlib.Path(directory.name)
        self.directory.chmod(0o755)
        self.control = str(self.directory / "control")
        self.takeover = f"--takeover={self.directory}/takeover"

    def server(self, *options, **others):
        return harness.Server(f"--control={self.control}", *options, **others)

    def ask(self, option, code=0, **others):
        done = harness.run(option, f"--control={self.control}", **others)
        self.assertEqual((done.returncode, done.stderr), (code, ""), done)
        return done.stdout

    def status(self):
        done = harness.run("--status", "--json", f"--control={self.control}")
        self.assertEqual((done.returncode, done.stderr), (0, ""), done)
        return json.loads(done.stdout)

    def check_echo(self, server):
        with harness.client(server.address) as sock:
            self.assertEqual(harness.echo(sock, b"hello"), b"hello")


class LameDuck(Scene):
    def test_a_client_that_stops_during_lame_duck_loses_nothing(self):
        with self.server("--lame-duck=1h", "--workers=2") as server:
            client = SteadyClient(server.address, RATE)
            harness.wait_until(lambda: client.sent > RATE // 10)
            server.signal(signal.SIGTERM)
            server.wait_for(LAME_DUCK, time="1h")
            self.assertEqual(self.ask("--ready", 1), "not ready: lame-duck\n")
            sent = client.sent
            harness.wait_until(lambda: client.sent > sent + RATE // 2)
            self.assertEqual(client.finish(), 0)
            self.assertEqual(server.find(DRAINING), [])
            server.signal(signal.SIGTERM)
            self.assertEqual(server.finish(), 0, server.log())
            counters = server.find("stopped")[0]
            self.assertEqual((counters["reason"], counters["received"], harness.accounted(counters)),
                             ("request", client.sent, 0))

    def test_it_ends_when_the_time_is_over(self):
        with self.server("--lame-duck=300ms") as server:
            began = time.monotonic()
            server.stop()
            self.assertGreater(time.monotonic() - began, 0.3)
            self.assertEqual([line["message"] for line in server.lines[-3:]],
                             [LAME_DUCK, DRAINING, "stopped"])
            self.assertEqual(len(server.find("not ready")), 0)

    def test_a_third_signal_ends_the_process(self):
        with harness.Server("--lame-duck=1h") as server:
            server.signal(signal.SIGTERM)
            server.wait_for(LAME_DUCK)
            with server.frozen():
                server.signal(signal.SIGTERM)
                server.signal(signal.SIGINT)
            # clang's thread sanitizer may call the former handler for both.
            self.assertIn(server.finish(), (-signal.SIGINT, -signal.SIGTERM) +
                          (0,) * harness.has_thread_sanitizer())

    def test_without_it_the_end_is_at_once(self):
        with self.server() as server:
            server.stop()
            self.assertEqual(server.find(LAME_DUCK), [])

    def test_count_and_duration_do_not_wait(self):
        with harness.Server("--lame-duck=1h", "--count=1") as server:
            self.check_echo(server)
            self.assertEqual(server.finish(), 0)
            self.assertEqual(server.find(LAME_DUCK), [])
        with harness.Server("--lame-duck=1h", "--duration=10ms") as server:
            self.assertEqual(server.finish(), 0)
            self.assertEqual(server.find("stopped")[0]["reason"], "duration")

    def test_count_and_duration_end_it(self):
        with harness.Server("--lame-duck=1h", "--count=1") as server:
            server.signal(signal.SIGTERM)
            server.wait_for(LAME_DUCK)
            self.check_echo(server)
            self.assertEqual(server.finish(), 0)
            self.assertEqual(server.find("stopped")[0]["reason"], "count")

    def test_a_reload_sets_it(self):
        config = self.directory / "udpechod.conf"
        config.write_text("")
        with self.server(f"--config={config}") as server:
            config.write_text("lame-duck=1h\n")
            server.signal(signal.SIGHUP)
            server.wait_for("reloaded", changed="lame-duck")
            server.signal(signal.SIGTERM)
            server.wait_for(LAME_DUCK, time="1h")
            server.stop()

    def test_a_reload_meanwhile_is_in_force_and_changes_nothing_about_the_end(self):
        config = self.directory / "udpechod.conf"
        config.write_text("lame-duck=1h\n")
        with self.server(f"--config={config}") as server:
            server.signal(signal.SIGTERM)
            server.wait_for(LAME_DUCK)
            config.write_text("lame-duck=1ms\ndeny=127.0.0.2\n")
            server.signal(signal.SIGHUP)
            server.wait_for("reloaded", changed="deny,lame-duck")
            self.check_echo(server)
            self.assertEqual(self.ask("--ready", 1), "not ready: lame-duck\n")
            self.assertEqual(server.stop()["echoed"], 1)

    def test_a_successor_does_not_wait_for_it(self):
        with self.server("--lame-duck=1h", self.takeover) as server:
            with self.server("--lame-duck=1h", self.takeover) as successor:
                self.assertEqual(server.finish(), 0, server.log())
                self.assertEqual(server.find("stopped")[0]["reason"], "takeover")
                self.assertEqual(server.find(LAME_DUCK), [])
                self.assertEqual(self.ask("--ready"), "ready\n")
                successor.kill()

    def test_a_successor_ends_it(self):
        with self.server("--lame-duck=1h", self.takeover) as server:
            client = SteadyClient(server.address, RATE)
            server.signal(signal.SIGTERM)
            server.wait_for(LAME_DUCK)
            with self.server(self.takeover) as successor:
                self.assertEqual(server.finish(), 0, server.log())
                self.assertEqual(server.find("stopped")[0]["reason"], "takeover")
                self.assertEqual(self.ask("--ready"), "ready\n")
                sent = client.sent
                harness.wait_until(lambda: client.sent > sent)
                self.assertEqual(client.finish(), 0)
                successor.stop()

    def test_the_service_manager_waits_for_it(self):
        manager = Manager(str(self.directory / "notify"), patience_us=200000)
        self.addCleanup(manager.close)
        with self.server("--lame-duck=1h", environment=manager.environment) as server:
            manager.wait_for("READY")
            server.signal(signal.SIGTERM)
            message = manager.wait_for("STOPPING")
            self.assertEqual(message["STOPPING"], "1")
            self.assertGreater(int(message["EXTEND_TIMEOUT_USEC"]), 3600 * 1000000)
            message = manager.wait_for("STATUS", "WATCHDOG")
            self.assertRegex(message["STATUS"], r"^\d+ datagrams/s echoed, not ready: lame-duck$")
            server.stop()
            self.assertEqual(manager.wait_for("STOPPING"), {"STOPPING": "1"})

    def test_the_service_manager_waits_for_delayed_replies_too(self):
        manager = Manager(str(self.directory / "notify"), patience_us=200000)
        self.addCleanup(manager.close)
        with self.server("--lame-duck=10s", "--impair-drain=30s", "--impair=delay=2s", "--allow=127.0.0.0/8",
                         environment=manager.environment) as server:
            manager.wait_for("READY")
            with harness.client(server.address) as sock:
                sock.send(b"late")
                server.signal(signal.SIGTERM)
                self.assertEqual(int(manager.wait_for("STOPPING")["EXTEND_TIMEOUT_USEC"]), 45 * 1000000)
                server.signal(signal.SIGTERM)
                self.assertEqual(int(manager.wait_for("STOPPING")["EXTEND_TIMEOUT_USEC"]), 35 * 1000000)
                self.assertEqual(manager.wait_for("STATUS", "WATCHDOG")["WATCHDOG"], "1")
                self.assertEqual(sock.recv(10), b"late")
            self.assertEqual(server.finish(), 0)

    def test_wrong_times(self):
        for value in "", "soon", "2h", "-1s":
            done = harness.run(f"--lame-duck={value}")
            self.assertEqual(done.returncode, 64)
            self.assertIn(f"--lame-duck={value}: expected", done.stderr)


class Drain(Scene):
    def test_it_answers_and_is_not_ready_until_that_is_undone(self):
        with self.server("--sandbox=auto") as server:
            self.assertEqual(self.ask("--ready"), "ready\n")
            self.assertEqual(self.ask("--drain"), "not ready: drained\n")
            self.assertEqual(self.ask("--drain"), "not ready: drained\n")
            self.assertEqual(self.ask("--ready", 1), "not ready: drained\n")
            self.check_echo(server)
            status = self.status()
            self.assertEqual((status["ready"], status["not_ready_because"], status["health"]),
                             (False, "drained", "ok"))
            text = harness.run("--status", f"--control={self.control}").stdout
            self.assertRegex(text, r"(?m)^ready +false\nnot ready because +drained$")
            self.assertEqual(self.ask("--undrain"), "ready\n")
            self.assertEqual(self.ask("--ready"), "ready\n")
            status = self.status()
            self.assertIs(status["ready"], True)
            self.assertNotIn("not_ready_because", status)
            server.stop()
            self.assertEqual([(line["message"], line.get("because")) for line in server.lines
                              if "ready" in line["message"]],
                             [("not ready", "drained"), ("ready", None)])
            self.assertEqual(server.find("the sandbox refused a system call"), [])

    def test_a_reload_keeps_it_and_a_successor_does_not(self):
        with self.server(self.takeover) as server:
            self.ask("--drain")
            server.signal(signal.SIGHUP)
            server.wait_for("reloaded")
            self.assertEqual(self.ask("--ready", 1), "not ready: drained\n")
            with self.server(self.takeover) as successor:
                server.finish()
                self.assertEqual(self.ask("--ready"), "ready\n")
                successor.stop()

    def test_undone_in_the_lame_duck_time_it_is_still_not_ready(self):
        with self.server("--lame-duck=1h") as server:
            self.ask("--drain")
            server.signal(signal.SIGTERM)
            server.wait_for(LAME_DUCK)
            self.assertEqual(self.ask("--undrain"), "not ready: lame-duck\n")
            server.stop()

    def test_file_that_names_the_socket(self):
        config = self.directory / "udpechod.conf"
        config.write_text(f"control={self.control}\nallow=@/nonexistent\n")
        with self.server() as server:
            for option, answer in (("--drain", "not ready: drained\n"), ("--undrain", "ready\n"),
                                   ("--ready", "ready\n")):
                done = harness.run(option, f"--config={config}")
                self.assertEqual((done.returncode, done.stdout, done.stderr), (0, answer, ""))
            server.stop()

    @unittest.skipUnless(os.geteuid() == 0, "only root can switch to another user")
    def test_only_its_user_and_root_may_do_it(self):
        with self.server("--user=nobody", f"--chroot={self.directory}"):
            self.assertEqual(self.ask("--drain"), "not ready: drained\n")
            done = harness.run("--undrain", f"--control={self.control}", prefix=AS_NOBODY)
            self.assertEqual((done.returncode, done.stdout), (77, ""))
            self.assertIn("Permission denied", done.stderr)

    def test_no_server(self):
        for option in "--ready", "--drain", "--undrain":
            done = harness.run(option, f"--control={self.control}")
            self.assertEqual((done.returncode, done.stdout), (69, ""))
            for word in option, self.control, "No such file":
                self.assertIn(word, done.stderr)

    def test_one_at_a_time(self):
        done = harness.run("--ready", "--drain")
        self.assertEqual((done.returncode, done.stdout), (64, ""))
        self.assertIn("--drain", done.stderr)


@needs_http
class Http(Scene):
    def server(self, *options, at="127.0.0.1:0", **others):
        return super().server(f"--health-listen={at}", *options, **others)

    def test_health_without_counters(self):
        with self.server("--metrics-listen=127.0.0.1:0", "--sandbox=auto") as server:
            health, metrics = where(server, "health"), where(server)
            for address in health, metrics:
                self.assertEqual(get(address, "/healthz"), (200, "ok\n"))
                self.assertEqual(get(address, "/readyz"), (200, "ready\n"))
                self.assertEqual(get(address, "/readyz?verbose=1", "HEAD"), (200, ""))
            for path in "/metrics", "/", "/readyz/":
                self.assertEqual(get(health, path)[0], 404)
            self.assertNotIn("udpechod_", get(health, "/metrics")[1])
            self.assertIn("udpechod_", get(metrics, "/metrics")[1])
            server.stop()
            self.assertEqual(server.find("the sandbox refused a system call"), [])

    def readiness(self, server):
        """What both paths and the metrics say."""
        ready, healthy = get(where(server, "health"), "/readyz"), get(where(server, "health"), "/healthz")
        found = samples(get(where(server), "/metrics")[1])
        return ready, healthy, found["udpechod_ready"], found["udpechod_healthy"]

    def test_every_state(self):
        with self.server("--lame-duck=1h", "--metrics-listen=127.0.0.1:0") as server:
            self.assertEqual(self.readiness(server), ((200, "ready\n"), (200, "ok\n"), 1, 1))
            self.ask("--drain")
            self.assertEqual(self.readiness(server), ((503, "drained\n"), (200, "ok\n"), 0, 1))
            self.ask("--undrain")
            self.assertEqual(self.readiness(server), ((200, "ready\n"), (200, "ok\n"), 1, 1))
            server.signal(signal.SIGTERM)
            server.wait_for(LAME_DUCK)
            self.assertEqual(self.readiness(server), ((503, "lame-duck\n"), (200, "ok\n"), 0, 1))
            self.check_echo(server)
            server.stop()

    def test_a_successor_has_it_where_it_was(self):
        path = str(self.directory / "health")
        for at in "127.0.0.1:0", f"unix:{path}":
            with self.server(self.takeover, "--lame-duck=1h", at=at) as server:
                place = path if at.startswith("unix:") else where(server, "health")
                server.signal(signal.SIGTERM)
                server.wait_for(LAME_DUCK)
                self.assertEqual(get(place, "/readyz"), (503, "lame-duck\n"))
                with self.server(self.takeover, at=server.find("health")[0]["address"]) as successor:
                    self.assertEqual(server.finish(), 0, server.log())
                    self.assertEqual(get(place, "/readyz"), (200, "ready\n"))
                    successor.stop()

    def test_port_that_is_in_use(self):
        with self.server() as server:
            address = "%s:%d" % where(server, "health")
            done = harness.run("--listen=127.0.0.1:0", f"--health-listen={address}")
        self.assertEqual(done.returncode, 69)
        for word in "cannot serve health as --health-listen asks", address, "Address already in use":
            self.assertIn(word, done.stderr)

    def test_wrong_values(self):
        for value in "", "127.0.0.1", "*:9000", "unix:relative":
            done = harness.run(f"--health-listen={value}")
            self.assertEqual(done.returncode, 64)
            self.assertIn("--health-listen", done.stderr)

    def test_idle_it_sleeps(self):
        with self.server("--metrics-listen=127.0.0.1:0") as server:
            get(where(server, "health"), "/readyz")
            get(where(server))
            server.check_asleep(self)


if __name__ == "__main__":
    harness.main()
