"""What packaging/ has for those who look at the metrics: the alerts and configuration of Prometheus,
and Grafana's dashboards, whose queries a real Prometheus answers."""

import contextlib
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import tempfile
import time
import unittest
import urllib.error
import urllib.parse
import urllib.request

import client_harness
import harness
import responder

PACKAGING = pathlib.Path(os.environ["UDPECHO_PACKAGING"])
PROMETHEUS = PACKAGING / "prometheus"
SERVER, WATCHER = "udpechod", "udpecho-watch"
RULE_TESTS = pathlib.Path(__file__).parent / "udpecho-watch.rules.test.yml"

PROMTOOL = shutil.which("promtool")
DAEMON = shutil.which("prometheus")

# A request of STAMP, and datagrams that are none, or have no key there.
REQUEST = bytes.fromhex("00000001" "ed00378040000000" "8a01") + bytes(30)
SHORT = bytes(10)
UNSIGNED = bytes(112)

# What nobody can bring about here, or only a long time. One-way delays want synchronised clocks.
RARE = {"udpechod_kernel_dropped_datagrams_total", "udpechod_send_errors_total",
        "udpecho_forward_delay_seconds_bucket", "udpecho_backward_delay_seconds_bucket"}


def rules_of(service):
    return (PROMETHEUS / f"{service}.rules.yml").read_text(encoding="utf-8")


def alerts_of(service):
    return re.findall(r"(?m)^ +- alert: (\w+)$", rules_of(service))


def panels_of(service):
    return json.loads((PACKAGING / "grafana" / f"{service}.json").read_text(encoding="utf-8"))["panels"]


def expressions(service):
    """Everything that is asked of Prometheus, by what asks."""
    asked = {f"panel {panel['title']}, {target['refId']}": target["expr"]
             for panel in panels_of(service) for target in panel["targets"]}
    for name, rest in re.findall(r"- alert: (\w+)\n((?:        .*\n|\n)+)", rules_of(service)):
        expression = re.search(r"expr: (?:>-\n)?((?:.*\n)(?:          .*\n)*)", rest)[1]
        asked[f"alert {name}"] = " ".join(expression.split())
    return asked


def has_metrics():
    done = harness.run("--listen=127.0.0.1:0", "--metrics-listen=127.0.0.1:0", "--duration=1ms")
    return done.returncode == 0


def has_keys():
    done = harness.run("--stamp=127.0.0.1:0", "--stamp-key-file=/nonexistent", "--check-config")
    return "libsodium" not in done.stderr


needs_metrics = unittest.skipUnless(has_metrics(), "built without libmicrohttpd")


def serve(*options):
    return harness.Server("--metrics-listen=127.0.0.1:0", "--stamp=127.0.0.1:0",
                          "--echo-plus=127.0.0.1:0", *options, listen=("127.0.0.1:0",))


def metrics_of(server):
    return server.find("metrics")[0]["address"]


class Files(unittest.TestCase):
    def test_all_panels_and_alerts_are_read_here(self):
        for service in SERVER, WATCHER:
            panels = panels_of(service)
            self.assertEqual(len({panel["id"] for panel in panels}), len(panels))
            self.assertEqual(len(expressions(service)), len(alerts_of(service)) +
                             sum(len(panel["targets"]) for panel in panels))

    def test_panels_lie_beside_one_another(self):
        for service in SERVER, WATCHER:
            taken = set()
            for panel in panels_of(service):
                place = panel["gridPos"]
                cells = {(x, y) for x in range(place["x"], place["x"] + place["w"])
                         for y in range(place["y"], place["y"] + place["h"])}
                self.assertFalse(cells & taken, panel["title"])
                taken |= cells

    @unittest.skipUnless(PROMTOOL, "no promtool here, which is in Debian's package prometheus")
    def test_promtool_finds_nothing(self):
        """promtool checks the file of alerts, too, since prometheus.yml names it."""
        done = subprocess.run([PROMTOOL, "check", "config", PROMETHEUS / "prometheus.yml"],
                              capture_output=True, text=True, timeout=harness.PATIENCE)
        self.assertEqual(done.returncode, 0, done)
        self.assertNotIn("FAILED", done.stdout + done.stderr)
        self.assertEqual(done.stdout.count("rules found"), 2, done.stdout)

    @unittest.skipUnless(PROMTOOL, "no promtool here, which is in Debian's package prometheus")
    def test_alerts_of_the_watcher_say_what_is_wrong(self):
        done = subprocess.run([PROMTOOL, "test", "rules", RULE_TESTS], capture_output=True, text=True,
                              timeout=harness.PATIENCE)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_each_alert_of_the_watcher_is_tried_on_and_off(self):
        cases = re.findall(r"alertname: (\w+)(\n +exp_alerts)?", RULE_TESTS.read_text(encoding="utf-8"))
        self.assertEqual({name for name, fires in cases if fires}, set(alerts_of(WATCHER)))
        self.assertEqual({name for name, fires in cases if not fires}, set(alerts_of(WATCHER)))


def free_stream_address():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return "127.0.0.1:%d" % sock.getsockname()[1]


class Prometheus:
    """A real one, of which a test asks all that the files of a service ask."""

    CONFIG = """
global:
  scrape_interval: 200ms
  scrape_timeout: 200ms
scrape_configs:
  - job_name: {}
    static_configs:
      - targets: {}
"""

    def start(self, job, scraped, folder):
        address = free_stream_address()
        config = pathlib.Path(folder, "prometheus.yml")
        config.write_text(self.CONFIG.format(job, json.dumps(scraped)))
        process = subprocess.Popen(
            [DAEMON, f"--config.file={config}", f"--storage.tsdb.path={folder}/data",
             f"--web.listen-address={address}", "--log.level=error"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return address

    def ask(self, address, expression):
        """Returns its answer, or None while there is none."""
        query = urllib.parse.urlencode({"query": expression})
        try:
            with urllib.request.urlopen(f"http://{address}/api/v1/query?{query}",
                                        timeout=harness.PATIENCE) as answer:
                return json.load(answer)["data"]["result"]
        except urllib.error.HTTPError as error:
            if error.code != 503:  # it is starting
                self.fail(f"{expression}: {error.read().decode()}")
        except OSError:
            return None

    def has_data(self, address, expression):
        """Whether it has, whatever a threshold says; what is rare need only be understood."""
        for name, value in (("$instance", ".*"), ("$target", ".*"), ("$__rate_interval", "5s"),
                            ("$__range", "5s")):
            expression = expression.replace(name, value)
        found = self.ask(address, re.sub(r"( [<>]=?| ==) [\d.]+(?=\)|$)", "", expression))
        return found is not None and (bool(found) or bool(RARE & set(re.findall(r"\w+", expression))))

    def assert_all_have_data(self, address, asked, meanwhile=lambda: None):
        deadline = time.monotonic() + harness.PATIENCE
        while asked and time.monotonic() < deadline:
            meanwhile()
            asked = {name: expression for name, expression in asked.items()
                     if not self.has_data(address, expression)}
        self.assertEqual(asked, {})


@unittest.skipUnless(DAEMON, "no prometheus here, which is in Debian's package prometheus")
@needs_metrics
class Server(Prometheus, unittest.TestCase):
    """That has answered and refused datagrams of each protocol."""

    def send(self, server):
        """Something of each kind to each listener."""
        for address in server.addresses:
            with harness.client(address, timeout=0.01) as sock:
                for datagram in (REQUEST, SHORT, UNSIGNED):
                    with contextlib.suppress(TimeoutError):
                        harness.echo(sock, datagram)

    def test_each_query_has_data(self):
        with tempfile.TemporaryDirectory() as folder:
            keys = pathlib.Path(folder, "keys")
            keys.write_text("ssid=1 00112233445566778899aabbccddeeff\n")
            keys.chmod(0o600)
            options = (f"--stamp-key-file={keys}",) if has_keys() else ()
            with serve(*options) as server:
                address = self.start(SERVER, [metrics_of(server)], folder)
                asked = {name: expression for name, expression in expressions(SERVER).items()
                         if options or "stamp_key" not in expression}
                self.assert_all_have_data(address, asked, lambda: self.send(server))


@unittest.skipUnless(DAEMON, "no prometheus here, which is in Debian's package prometheus")
@needs_metrics
class Watcher(Prometheus, unittest.TestCase):
    """That asks a server, one that drops every third request, one that is dead, one of STAMP, and a
    name that nobody has."""

    def watch(self, folder, *options):
        """Where a client that asks these serves its metrics."""
        address = free_stream_address()
        process = subprocess.Popen(
            [client_harness.UDPECHO, "--quiet", f"--metrics-listen={address}", "--interval=100ms",
             *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return address

    def targets(self, address, alert):
        """Returns the targets for which the alert's expression holds, without its `for` time."""
        found = self.ask(address, expressions(WATCHER)[f"alert {alert}"]) or []
        return {sample["metric"]["target"] for sample in found}

    def test_each_query_has_data(self):
        def echo_mostly(request):
            return [] if request.number % 3 == 0 else [request.payload]

        with tempfile.TemporaryDirectory() as folder, serve() as server, \
                responder.Responder(echo_mostly) as lossy, \
                responder.Responder(responder.silence) as dead:
            echo, stamp, _ = ("%s:%d" % address for address in server.addresses)
            scraped = [self.watch(folder, echo, lossy.address(), dead.address(), "no.name.invalid"),
                       self.watch(folder, "--stamp", stamp)]
            address = self.start(WATCHER, scraped, folder)
            self.assert_all_have_data(address, expressions(WATCHER))
            harness.wait_until(lambda: lossy.address() in self.targets(address, "UdpechoTargetLoss"))
            self.assertEqual(self.targets(address, "UdpechoTargetDoesNotAnswer"), {dead.address()})
            loss = self.targets(address, "UdpechoTargetLoss")
            self.assertIn(lossy.address(), loss)
            self.assertNotIn(dead.address(), loss)


if __name__ == "__main__":
    harness.main()
