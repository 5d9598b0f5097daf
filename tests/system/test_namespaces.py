"""What the loopback cannot show: which address a reply leaves from, and by which link.

The addresses are those of namespaces.py.
"""

import os
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import unittest

import client_harness
import forging
import harness
import namespaces

NUMERIC = socket.NI_NUMERICHOST | socket.NI_NUMERICSERV


def setUpModule():
    namespaces.set_up()


def unconnected(address, source=None):
    """A socket that hears every answer, from whatever address."""
    sock = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
    sock.settimeout(harness.PATIENCE)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    if source is not None:
        sock.bind(socket.getaddrinfo(source, 0)[0][4])
    return sock


def port_of(server, address):
    """The port of the listener that serves this address."""
    ports = {host.split("%")[0]: port for host, port in server.addresses}
    wildcard = "::" if ":" in address else "0.0.0.0"
    return ports.get(address.split("%")[0]) or ports[wildcard]


class Namespaces(unittest.TestCase):
    def server(self, *options, listen=("*:0",), **others):
        server = harness.Server(*options, listen=listen, prefix=namespaces.IN_SERVER, **others)
        self.addCleanup(server.kill)
        return server

    def check_reply_source(self, server, address, source=None):
        """A request to `address` is answered from there."""
        with unconnected(address, source) as sock:
            port = port_of(server, address)
            sock.sendto(b"hello", (address, port))
            reply, peer = sock.recvfrom(100)
            self.assertEqual(reply, b"hello")
            self.assertEqual(socket.getnameinfo(peer, NUMERIC), (address, str(port)))


class ReplySource(Namespaces):
    def test_ipv4_addresses_of_a_wildcard(self):
        server = self.server()
        for address in "10.0.0.1", "10.0.0.2", "10.9.9.9", "10.1.0.1":
            with self.subTest(address=address):
                self.check_reply_source(server, address)

    def test_ipv6_addresses_of_a_wildcard(self):
        server = self.server()
        for address in "fd00::1", "fd00::2", "fd09::9", "fd01::1":
            with self.subTest(address=address):
                self.check_reply_source(server, address)

    def test_one_address_of_several(self):
        for address in "10.0.0.2", "[fd00::2]":
            with self.subTest(address=address):
                self.check_reply_source(self.server(listen=(f"{address}:0",)), address.strip("[]"))

    def test_link_local(self):
        for listen in "*:0", "[fe80::1%far0]:0":
            with self.subTest(listen=listen):
                self.check_reply_source(self.server(listen=(listen,)), "fe80::1%near0")

    def test_link_local_mixed_with_global(self):
        server = self.server()
        self.check_reply_source(server, "fd00::2", source="fe80::9%near0")
        self.check_reply_source(server, "fe80::1%near0", source="fd00::9")

    def test_long_replies_in_fragments(self):
        server = self.server()
        for address in "10.0.0.2", "fd00::2":
            with self.subTest(address=address), unconnected(address) as sock:
                sent = os.urandom(20000)
                sock.sendto(sent, (address, port_of(server, address)))
                reply, peer = sock.recvfrom(65536)
                self.assertEqual((reply, peer[0]), (sent, address))


ROUTED = """\
ip -n server route add local 198.51.100.0/24 dev lo
ip -n server -6 route add local 2001:db8:50::/64 dev lo
ip route add 198.51.100.0/24 via 10.0.0.1
ip -6 route add 2001:db8:50::/64 via fd00::1
"""


class Routed(Namespaces):
    """Networks that the routing table says are the host's, though no interface has an address in
    them: anycast, load balancers, address pools."""

    ADDRESSES = "198.51.100.7", "2001:db8:50::7", "2001:db8:50::8"

    @classmethod
    def setUpClass(cls):
        namespaces.do(ROUTED)

    def check_all_answered(self, server):
        for address in self.ADDRESSES:
            with self.subTest(address=address):
                self.check_reply_source(server, address)
        self.assertEqual(harness.accounted(counters := server.stop()), 0)
        self.assertEqual(counters["echoed"], len(self.ADDRESSES))

    def test_by_a_wildcard(self):
        for options in (), ("--reuse-port=off",):
            self.check_all_answered(self.server(*options))

    def test_by_a_listener_of_its_own(self):
        self.check_all_answered(self.server(listen=["198.51.100.7:0", "[2001:db8:50::7]:0",
                                                    "[2001:db8:50::8]:0"]))

    def test_by_one_that_a_reload_adds(self):
        with tempfile.NamedTemporaryFile("w") as file:
            file.write("listen=10.0.0.1:0\n")
            file.flush()
            server = harness.Server(f"--config={file.name}", listen=[],
                                    prefix=namespaces.IN_SERVER)
            self.addCleanup(server.kill)
            file.write("".join(f"listen={address}:0\n" for address in
                               ("198.51.100.7", "[2001:db8:50::7]", "[2001:db8:50::8]")))
            file.flush()
            server.signal(signal.SIGHUP)
            server.wait_for("listening", 4)
            self.check_all_answered(server)

    def forge_inside(self, source, destination):
        code = f"import forging; forging.forge({source!r}, {destination!r})"
        subprocess.run([*namespaces.IN_SERVER, sys.executable, "-c", code], check=True,
                       cwd=os.path.dirname(forging.__file__))

    def test_no_answer_to_a_wildcard_itself(self):
        for pair in ("198.51.100.7", "198.51.100.8"), ("2001:db8:50::7", "2001:db8:50::8"):
            with self.subTest(pair=pair):
                server = self.server("--loop-detector=off", "--rate-limit=off")
                port = port_of(server, pair[0])
                self.forge_inside(*((address, port) for address in pair))
                self.check_reply_source(server, pair[0])
                counters = server.stop()
                self.assertEqual((counters["dropped_source_self"], counters["echoed"]), (1, 1))

    def test_at_most_one_reply_to_a_forged_wildcard_source(self):
        source, destination = "2001:db8:50::7", "2001:db8:50::8"
        server = self.server("--loop-detector=off", "--rate-limit=off")
        port = port_of(server, source)
        forging.forge((source, port), (destination, port))
        self.check_reply_source(server, destination)
        counters = server.stop()
        self.assertEqual((counters["dropped_source_self"], counters["echoed"]), (1, 2))

    def test_no_other_address_is_bound(self):
        done = harness.run("--listen=[2001:db8:51::7]:0", prefix=namespaces.IN_SERVER)
        self.assertEqual(done.returncode, 69)
        self.assertIn("no interface of this host has this address", done.stderr)


class Tentative(Namespaces):
    """Addresses that were configured a moment ago: IPv6 looks first whether others on the link have
    them."""

    def add(self, address, *more):
        namespaces.do(f"ip addr add {address} dev far0 {' '.join(more)}", namespaces.IN_SERVER)
        self.addCleanup(namespaces.do, f"ip addr del {address} dev far0", namespaces.IN_SERVER)

    def test_is_waited_for(self):
        self.add("fd00::77/64")
        shown = subprocess.run(["ip", "-n", "server", "addr", "show", "dev", "far0", "tentative"],
                               check=True, capture_output=True, text=True).stdout
        self.assertIn("fd00::77", shown)
        self.check_reply_source(self.server(listen=["[fd00::77]:0"]), "fd00::77")

    def probe_for_others(self, times):
        command = f"echo {times} > /proc/sys/net/ipv6/conf/far0/dad_transmits"
        subprocess.run([*namespaces.IN_SERVER, "sh", "-c", command], check=True)

    @unittest.skipIf(harness.has_thread_sanitizer(), "clang 14's thread sanitizer loses the signal")
    def test_wait_ends_by_a_signal(self):
        self.probe_for_others(30)
        self.addCleanup(self.probe_for_others, 1)
        self.add("fd00::78/64")
        server = self.server(listen=["[fd00::78]:0"], wait=False)
        time.sleep(0.5)
        self.assertIsNone(server.process.poll(), server.log())
        asked = time.monotonic()
        server.process.terminate()
        self.assertEqual(server.finish(), -signal.SIGTERM, server.log())
        self.assertLess(time.monotonic() - asked, 1)

    def test_is_told_where_another_host_has_it(self):
        self.add("fd00::9/64")  # near0 has that
        done = harness.run("--listen=[fd00::9]:0", prefix=namespaces.IN_SERVER)
        self.assertEqual(done.returncode, 69)
        self.assertIn("duplicate address detection has not ended, or found another host",
                      done.stderr)


class LeftOut(Namespaces):
    """An address of several that this host lacks at the start: each reload tries it again."""

    def setUp(self):
        self.do("del")
        self.addCleanup(self.do, "replace")

    def do(self, what):
        namespaces.do(f"ip addr {what} ::1/128 dev lo", namespaces.IN_SERVER)

    def serve(self, *options, listen):
        config = tempfile.NamedTemporaryFile("w", suffix=".conf")
        self.addCleanup(config.close)
        os.chmod(config.name, 0o644)  # nobody reads it too
        server = self.server(f"--config={config.name}", *options, listen=[listen])
        self.assertEqual([host for host, _ in server.addresses], ["127.0.0.1"])
        return server

    def check_left_out(self, server, *errors):
        lines = server.find("address left out", level="warning")
        self.assertEqual([line["error"] for line in lines], list(errors))

    def reload(self, server, count=1):
        server.signal(signal.SIGHUP)
        server.wait_for("reloaded", count=count)

    def ask(self, address):
        return client_harness.run("--count=1", address, prefix=namespaces.IN_SERVER).returncode

    def test_it_is_served_once_it_is_there(self):
        server = self.serve(listen="localhost:8888")
        self.reload(server)
        self.check_left_out(server, *2 * ["Cannot assign requested address"])
        self.do("add")
        self.reload(server, count=2)
        server.wait_for("listening", count=2)
        self.assertEqual(server.addresses, [("127.0.0.1", 8888), ("::1", 8888)])
        self.assertEqual((self.ask("[::1]:8888"), self.ask("127.0.0.1:8888")), (0, 0))
        self.reload(server, count=3)
        self.assertEqual((len(server.addresses), self.ask("[::1]:8888")), (2, 0))
        self.check_left_out(server, *2 * ["Cannot assign requested address"])

    def test_a_listener_that_cannot_open_does_not_fail_a_reload(self):
        server = self.serve("--user=nobody", listen="localhost:7")
        self.do("add")
        self.reload(server)
        self.check_left_out(server, "Cannot assign requested address", "Permission denied")
        self.assertEqual(self.ask("127.0.0.1:7"), 0)


class Routes(Namespaces):
    def check_comes_by(self, interface, protocol, address, source):
        """The reply to a request from `source` arrives on this interface."""
        server = self.server()
        with socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(protocol)) as link:
            link.settimeout(harness.PATIENCE)
            link.bind((interface, protocol))
            self.check_reply_source(server, address, source)
            while b"hello" not in link.recv(65536):
                pass

    def test_ipv4_reply_leaves_by_the_routing_table(self):
        self.check_comes_by("near1", 0x0800, "10.0.0.2", source="10.5.5.5")

    def test_ipv6_reply_leaves_by_the_routing_table(self):
        self.check_comes_by("near1", 0x86dd, "fd00::2", source="fd05::5")


class NotUnicast(Namespaces):
    """One datagram to many gets no answer from anyone."""

    def check_dropped(self, destination, alive):
        server = self.server("--log-level=debug", "--workers=1")
        with unconnected(destination) as sock:
            if ":" not in destination:
                sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF,
                                socket.inet_aton("10.0.0.9"))
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"near0")
            sock.sendto(b"all of you", (destination, port_of(server, destination)))
            server.wait_for("dropped", reason="not_unicast")
            sock.sendto(b"you", (alive, port_of(server, alive)))
            # Its only worker answers in order, so nothing came before this.
            self.assertEqual(sock.recv(100), b"you")
        counters = server.stop()
        self.assertEqual((counters["dropped_not_unicast"], counters["echoed"]), (1, 1))
        self.assertEqual(harness.accounted(counters), 0)

    def test_broadcast(self):
        for destination in "10.0.0.255", "255.255.255.255":
            with self.subTest(destination=destination):
                self.check_dropped(destination, alive="10.0.0.1")

    def test_multicast(self):
        for destination, alive in ("224.0.0.1", "10.0.0.1"), ("ff02::1%near0", "fd00::1"):
            with self.subTest(destination=destination):
                self.check_dropped(destination, alive)

    def test_listening_on_such_an_address(self):
        for address in "10.0.0.255:0", "224.0.0.1:0", "[ff05::1]:0", "[ff02::1%far0]:0":
            with self.subTest(address=address):
                done = harness.run(f"--listen={address}", prefix=namespaces.IN_SERVER)
                self.assertEqual(done.returncode, 69, done.stderr)
                self.assertIn(address, done.stderr)
                self.assertIn("broadcast or multicast address", done.stderr)


class PathMtu(Namespaces):
    """Somebody who is not on the path says that it has become narrow (RFC 1191)."""

    CLIENT, SERVER = "10.0.0.9", "10.0.0.1"

    def forge_too_big(self, mtu, client_port, server_port):
        """Destination unreachable, fragmentation needed, about a reply of the server."""
        reply = struct.pack("!BBHHHBBH4s4sHHHH", 0x45, 0, 1428, 1, 0x4000, 64, socket.IPPROTO_UDP, 0,
                            socket.inet_aton(self.SERVER), socket.inet_aton(self.CLIENT),
                            server_port, client_port, 1408, 0)
        forging.send_icmp(3, 4, mtu, reply, self.CLIENT, self.SERVER)

    def length_on_the_link(self, link):
        """Returns the length of the first UDP packet from the server."""
        while True:
            packet = link.recv(65536)
            if packet[9] == socket.IPPROTO_UDP and packet[12:16] == socket.inet_aton(self.SERVER):
                return int.from_bytes(packet[2:4], "big")

    def test_a_forged_message_does_not_cut_replies(self):
        for listen in "*:0", "10.0.0.1:0":
            server = self.server(listen=(listen,))
            port = port_of(server, self.SERVER)
            with self.subTest(listen=listen), unconnected(self.SERVER, self.CLIENT) as sock, \
                    socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x0800)) as link:
                link.settimeout(harness.PATIENCE)
                link.bind(("near0", 0x0800))
                self.forge_too_big(600, sock.getsockname()[1], port)
                sent = os.urandom(1400)
                sock.sendto(sent, (self.SERVER, port))
                self.assertEqual(sock.recv(65536), sent)
                self.assertEqual(self.length_on_the_link(link), 1428)


class PacketFilter(Namespaces):
    def drop_replies_to(self, port):
        namespaces.filter_packets(self, f"""chain output {{
            type filter hook output priority 0
            udp dport {port} drop
        }}""", namespaces.IN_SERVER)

    def test_refused_replies_lose_no_other_reply(self):
        server = self.server("--workers=1")
        address = ("10.0.0.1", port_of(server, "10.0.0.1"))
        with unconnected("10.0.0.1", "10.0.0.9") as refused, \
                unconnected("10.0.0.1", "10.0.0.9") as innocent:
            self.drop_replies_to(refused.getsockname()[1])
            with server.frozen():
                for number in range(100):
                    refused.sendto(b"refused", address)
                    innocent.sendto(b"%d" % number, address)
            for number in range(100):
                self.assertEqual(innocent.recv(100), b"%d" % number)
        counters = server.stop()
        self.assertEqual((counters["echoed"], counters["failed_EPERM"]), (100, 100))
        self.assertEqual(harness.accounted(counters), 0)


if __name__ == "__main__":
    namespaces.enter()
    harness.main()
