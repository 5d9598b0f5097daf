"""Whom the server refuses to answer: nothing is sent, and each reason has its counter.

The loopback belongs to the test alone, so that what leaves by it can be counted.
"""

import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import unittest

import namespaces

if __name__ == "__main__":
    namespaces.enter_own_loopback()  # before harness.py looks for ::1

import forging
import harness

# Networks of this host besides the loopback's, and one that it gets while the server runs.
OURS = "10.7.7.1"
OUR_BROADCAST = "10.7.7.255"
LATECOMERS = "10.8.8.1", "10.8.9.1"

# Stands for the listener's own port as the source port.
SAME_PORT = None


def setUpModule():
    if namespaces.INSIDE not in os.environ:
        raise unittest.SkipTest(namespaces.missing() or "no namespace of the test's own")
    namespaces.do(f"ip addr add {OURS}/24 brd + dev lo")


class Refusals(unittest.TestCase):
    def server(self, *options, listen=("127.0.0.1:0",)):
        server = harness.Server("--log-level=debug", "--workers=1", *options, listen=listen)
        self.addCleanup(server.kill)
        return server

    def check(self, server, sources, destination, reason, bind=None):
        """Requests from `sources` are dropped for this reason; another source is answered."""
        address = (destination, server.address[1])
        with forging.wire() as wire, harness.client(address, bind=bind) as innocent:
            for source in sources:
                port = address[1] if source[1] is SAME_PORT else source[1]
                forging.forge((source[0], port), address)
            server.wait_for("dropped", count=len(sources), reason=reason)
            # Its only worker answers in order, so whatever it sent was sent before this.
            self.assertEqual(harness.echo(innocent, b"you"), b"you")
            self.assertEqual(wire.sent(), len(sources) + 2)
        counters = server.stop()
        self.assertEqual(counters["received"], len(sources) + 1)
        self.assertEqual(counters["echoed"], 1)
        self.assertEqual(counters[f"dropped_{reason}"], len(sources))


class Sources(Refusals):
    def test_no_single_host(self):
        self.check(self.server(), [(host, 9999) for host in (
            "224.0.0.1", "239.255.255.255", "255.0.0.1", "255.255.255.255", "0.0.0.1")],
                   "127.0.0.1", "source_invalid")

    def test_our_broadcast(self):
        self.check(self.server(), [(OUR_BROADCAST, 9999), ("127.255.255.255", 9999)],
                   "127.0.0.1", "source_invalid")

    @harness.needs_ipv6
    def test_no_single_host_of_ipv6(self):
        self.check(self.server(listen=("[::1]:0",)), [("::", 9999)], "::1", "source_invalid")

    def test_the_listener_itself(self):
        self.check(self.server(), [("127.0.0.1", SAME_PORT)], "127.0.0.1", "source_self")

    def test_any_address_of_a_wildcard(self):
        self.check(self.server(listen=("0.0.0.0:0",)),
                   [(OURS, SAME_PORT), ("127.0.0.1", SAME_PORT), ("127.3.2.1", SAME_PORT)], OURS, "source_self")

    @harness.needs_ipv6
    def test_a_wildcard_of_ipv6(self):
        self.check(self.server(listen=("[::]:0",)), [("::1", SAME_PORT)], "::1", "source_self")

    def test_another_listener(self):
        server = self.server(listen=("127.0.0.1:0", "127.0.0.2:0"))
        self.check(server, [server.addresses[1]], "127.0.0.1", "source_self")

    def test_same_port_elsewhere_is_a_client(self):
        with self.server() as server, \
                harness.client(server.address, bind=("127.0.0.2", server.address[1])) as sock:
            self.assertEqual(harness.echo(sock, b"hello"), b"hello")

    def test_addresses_are_learnt_on_sighup(self):
        server = self.server(listen=("0.0.0.0:0",))
        for address in LATECOMERS:
            namespaces.do(f"ip addr add {address}/24 brd + dev lo")
            self.addCleanup(namespaces.do, f"ip addr del {address}/24 dev lo")
        server.signal(signal.SIGHUP)
        server.wait_for("reloaded")
        self.check(server, [(LATECOMERS[0], SAME_PORT)], LATECOMERS[1], "source_self")


class Ports(Refusals):
    def test_ports_of_services(self):
        ports = [0, 7, 9, 13, 17, 19, 37, 53, 69, 111, 123, 137, 138, 161, 389, 464, 500, 520]
        self.check(self.server(), [("127.0.0.9", port) for port in ports], "127.0.0.1",
                   "source_port")

    def test_a_list_replaces_them(self):
        with self.server("--deny-source-ports=1-6,20-30") as server:
            with harness.client(server.address, bind=("127.0.0.9", 7)) as sock:
                self.assertEqual(harness.echo(sock, b"hello"), b"hello")
            with harness.client(server.address, bind=("127.0.0.9", 25)) as sock:
                sock.send(b"hello")
                server.wait_for("dropped", reason="source_port")
            counters = server.stop()
            self.assertEqual((counters["echoed"], counters["dropped_source_port"]), (1, 1))

    def test_all_low_ports(self):
        self.check(self.server("--deny-source-ports=below-1024"),
                   [("127.0.0.9", port) for port in (0, 1, 514, 1023)], "127.0.0.1",
                   "source_port", bind=("127.0.0.9", 1024))

    def test_none_answers_every_port_but_zero(self):
        self.check(self.server("--deny-source-ports=none"), [("127.0.0.9", 0)], "127.0.0.1",
                   "source_port", bind=("127.0.0.9", 7))

    def test_another_projects_client_gets_nothing(self):
        if shutil.which("socat") is None:
            self.skipTest("socat is not installed")
        with self.server() as server:
            done = subprocess.run(
                ["socat", "-t1", "-", f"UDP4:127.0.0.1:{server.address[1]},sourceport=7"],
                input=b"hello", capture_output=True, timeout=harness.PATIENCE)
            self.assertEqual((done.returncode, done.stdout), (0, b""))
            counters = server.stop()
            self.assertEqual((counters["received"], counters["dropped_source_port"]), (1, 1))

    def test_a_few_answers_for_ports_that_clients_may_have(self):
        with self.server() as server, forging.wire() as wire, \
                harness.client(server.address, bind=("127.0.0.9", 1900)) as sock:
            with server.frozen():  # so that all are judged at one moment
                for _ in range(50):
                    sock.send(b"hello")
            server.wait_for("dropped", count=46, reason="throttled_port")
            self.assertEqual(wire.sent(), 54)
            counters = server.stop()
            self.assertEqual((counters["echoed"], counters["dropped_throttled_port"]), (4, 46))


class Access(Refusals):
    def file(self, text):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        path = pathlib.Path(directory.name, "networks")
        path.write_text(text, encoding="utf-8")
        return f"@{path}"

    def test_denied(self):
        self.check(self.server("--deny=192.0.2.0/24", "--deny=198.51.100.7"),
                   [("192.0.2.0", 9999), ("192.0.2.255", 9999), ("198.51.100.7", 9999)],
                   "127.0.0.1", "access")

    def test_not_allowed(self):
        self.check(self.server("--allow=127.0.0.0/8", "--deny=127.9.0.0/16"),
                   [("192.0.2.1", 9999), ("127.9.8.7", 9999)], "127.0.0.1", "access")

    @harness.needs_ipv6
    def test_not_allowed_over_ipv6(self):
        self.check(self.server("--allow=::1", listen=("[::1]:0",)),
                   [("2001:db8::1", 9999), ("fe80::1", 9999)], "::1", "access")

    def test_ten_thousand_networks_of_a_file(self):
        networks = [f"100.{64 + number // 256}.{number % 256}.0/24" for number in range(10000)]
        self.check(self.server(f"--deny={self.file(chr(10).join(networks))}"),
                   [("100.64.0.1", 9999), ("100.103.15.255", 9999)], "127.0.0.1", "access")


class HotReload(Refusals):
    def test_echoes_go_on_while_addresses_are_learnt(self):
        with harness.Server("--workers=2", listen=("0.0.0.0:0",)) as server, \
                harness.client(("127.0.0.1", server.address[1])) as sock:
            for number in range(200):
                server.signal(signal.SIGHUP)
                self.assertEqual(harness.echo(sock, b"%d" % number), b"%d" % number)
            counters = server.stop()
            self.assertEqual((counters["received"], counters["echoed"]), (200, 200))


if __name__ == "__main__":
    harness.main()
