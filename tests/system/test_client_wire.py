"""What udpecho's datagrams look like on the wire, and whom it may ask.

The client runs on the far side of namespaces.py, so that the test has the near one's sockets.
"""

import contextlib
import pathlib
import socket
import struct
import tempfile
import unittest

import client_harness
import harness
import namespaces
from client_harness import Client
from responder import Reply, Responder, echo, flip, silence

NEAR = {socket.AF_INET: "10.0.0.9", socket.AF_INET6: "fd00::9"}
FAMILIES = tuple(NEAR)

FEW = ("--count=2", "--interval=200ms")


def setUpModule():
    namespaces.set_up()
    namespaces.do("ip addr add 10.0.0.10/24 dev near0\nip addr add fe80::10/64 dev near0 nodad")


def ask(*arguments):
    return client_harness.ask(*FEW, *arguments, prefix=namespaces.IN_SERVER)


@contextlib.contextmanager
def wire(family):
    """The packets that come by near0, with their IP header, as a list once it is left."""
    packets = []
    protocol = {socket.AF_INET: 0x0800, socket.AF_INET6: 0x86dd}[family]
    with socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(protocol)) as sock:
        sock.bind(("near0", protocol))
        yield packets
        sock.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while True:
                packet, (_, _, kind, *_) = sock.recvfrom(65536)
                if kind != socket.PACKET_OUTGOING and is_udp(packet):
                    packets.append(packet)


def is_udp(packet):
    return packet[9 if packet[0] >> 4 == 4 else 6] == socket.IPPROTO_UDP


def hop_limit(packet):
    return packet[8 if packet[0] >> 4 == 4 else 7]


def traffic_class(packet):
    return packet[1] if packet[0] >> 4 == 4 else struct.unpack("!H", packet[:2])[0] >> 4 & 0xff


def source(packet):
    return socket.inet_ntop(socket.AF_INET, packet[12:16]) if packet[0] >> 4 == 4 \
        else socket.inet_ntop(socket.AF_INET6, packet[8:24])


def source_port(packet):
    return int.from_bytes(packet[20:22] if packet[0] >> 4 == 4 else packet[40:42], "big")


def keeps_whole(packet):
    return bool(packet[6] & 0x40)


class Wire(unittest.TestCase):
    def packets(self, family, *options):
        with Responder(echo, host=NEAR[family]) as server, wire(family) as packets:
            report = ask(server.address(), *options)
        client_harness.check_sums(self, report)
        self.assertEqual((report.code, report.summary["received"]), (0, 2), report.text)
        self.assertEqual(len(packets), 2)
        return packets, report

    def check_all(self, value, expected, *options, families=FAMILIES):
        for family in families:
            with self.subTest(family=family, options=options):
                packets, _ = self.packets(family, *options)
                self.assertEqual({value(packet) for packet in packets}, {expected})


class Header(Wire):
    def test_ttl(self):
        for number in 1, 17, 255:
            self.check_all(hop_limit, number, f"--ttl={number}")

    def test_dscp(self):
        for word, number in ("0", 0), ("46", 46), ("EF", 46), ("af11", 10), ("63", 63):
            self.check_all(traffic_class, number << 2, f"--dscp={word}")

    def test_dont_fragment(self):
        self.check_all(keeps_whole, True, "--dont-fragment", families=[socket.AF_INET])
        self.check_all(keeps_whole, False, families=[socket.AF_INET])

    def test_what_is_too_big_is_not_sent_then(self):
        for family in FAMILIES:
            with self.subTest(family=family), Responder(echo, host=NEAR[family]) as server:
                report = ask(server.address(), "--dont-fragment", "--size=1473")
                self.assertEqual((report.code, report.summary["sent"], report.summary["not_sent"]),
                                 (2, 0, 2))
                self.assertEqual({record["error"] for record in report.of("not_sent")}, {"too big"})
                self.assertEqual(server.requests, [])

    def test_what_is_too_big_goes_in_fragments_else(self):
        for family in FAMILIES:
            with self.subTest(family=family), Responder(echo, host=NEAR[family]) as server:
                report = ask(server.address(), "--size=4000")
                self.assertEqual((report.code, report.summary["received"]), (0, 2))
                for reply in report.of("reply"):
                    self.assertGreater(reply["fragment"], 1400)


class Source(Wire):
    def test_address(self):
        for family, address in (socket.AF_INET, "10.0.0.2"), (socket.AF_INET6, "fd00::2"):
            self.check_all(source, address, f"--source={address}", families=[family])

    def test_address_that_only_the_routing_table_has(self):
        namespaces.do("ip -n server route add local 198.51.100.0/24 dev lo\n"
                      "ip -n server -6 route add local 2001:db8:50::/64 dev lo\n"
                      "ip route add 198.51.100.0/24 via 10.0.0.1\n"
                      "ip -6 route add 2001:db8:50::/64 via fd00::1")
        for family, source in ((socket.AF_INET, "198.51.100.7"), (socket.AF_INET6, "2001:db8:50::7")):
            with self.subTest(source=source), Responder(echo, host=NEAR[family]) as server:
                report = ask(server.address(), f"--source={source}")
                self.assertEqual((report.code, report.summary["received"]), (0, 2), report.errors)
                self.assertEqual({request.source[0] for request in server.requests}, {source})

    def test_port(self):
        self.check_all(source_port, 41234, "--source-port=41234")

    def test_both(self):
        packets, report = self.packets(socket.AF_INET, "--source=10.0.0.2", "--source-port=41234")
        self.assertEqual({(source(packet), source_port(packet)) for packet in packets},
                         {("10.0.0.2", 41234)})
        self.assertEqual({reply["source_port"] for reply in report.of("reply")}, {41234})

    def test_ports_of_several_flows(self):
        with Responder(echo, host="10.0.0.9") as server:
            report = ask(server.address(), "--sweep=5", "--source-port=41000", "--verbose")
        ports = {request.source[1] for request in server.requests}
        self.assertEqual(ports, set(range(41000, 41005)))
        self.assertEqual({record["source_port"] for record in report.of("sweep_port")}, ports)

    def check_refused(self, message, *options):
        done = client_harness.run(*options, "10.0.0.9", prefix=namespaces.IN_SERVER)
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        self.assertTrue(done.stderr.startswith(f"udpecho: {message}"), done.stderr)

    def test_what_cannot_be(self):
        self.check_refused("--source=fd00::1: expected an address of this host (the peer has IPv4)",
                           "--source=fd00::1")
        self.check_refused("cannot bind --source=10.0.0.77: ", "--source=10.0.0.77")
        with harness.Server(listen=("0.0.0.0:41235",), prefix=namespaces.IN_SERVER):
            self.check_refused("cannot bind --source-port=41235: ", "--source-port=41235")


class Families(Wire):
    def setUp(self):
        hosts = tempfile.NamedTemporaryFile("w")
        self.addCleanup(hosts.close)
        hosts.write("10.0.0.9 both.test\nfd00::9 both.test\n"
                    "10.0.0.9 two.test\n10.0.0.10 two.test\n10.0.0.9 one.test\n"
                    "::ffff:10.0.0.9 mapped.test\n")
        hosts.flush()
        # Seen in this namespace only.
        namespaces.do(f"mount --bind {hosts.name} /etc/hosts")
        self.addCleanup(namespaces.do, "umount /etc/hosts")

    def test_of_a_host_with_addresses_of_both(self):
        for option, family in ("-4", socket.AF_INET), ("-6", socket.AF_INET6):
            self.check_family(option, NEAR[family])

    def test_an_ipv4_mapped_address_is_the_ipv4_address_in_it(self):
        for host in "mapped.test", "[::ffff:10.0.0.9]":
            with Responder(echo, host=NEAR[socket.AF_INET]) as server:
                report = ask("--count=1", f"{host}:{server.port}")
            self.assertEqual((report.code, report.summary["received"]), (0, 1), report.text)
            self.assertEqual(report.of("start")[0]["peer"], server.address())

    def test_of_the_source(self):
        for source, family in ("10.0.0.2", socket.AF_INET), ("fd00::2", socket.AF_INET6):
            self.check_family(f"--source={source}", NEAR[family])
        self.check_advice("", "--source=10.0.0.2", "both.test")  # which the other family cannot ask

    def check_advice(self, advice, *arguments):
        report = ask("--timeout=100ms", *arguments)
        self.assertEqual((report.code, report.errors),
                         (1, f"udpecho: {advice}\n" if advice else ""), report.text)

    def test_the_address_that_was_not_asked_is_told(self):
        self.check_advice("10.0.0.9 did not answer, and both.test is fd00::9, too, which was not "
                          "asked; -6 picks it", "-4", "both.test")
        self.check_advice("fd00::9 did not answer, and both.test is 10.0.0.9, too, which was not "
                          "asked; -4 picks it", "-6", "both.test")
        self.check_advice("10.0.0.9 did not answer, and two.test is 10.0.0.10, too, which was not "
                          "asked; name the address to ask it", "two.test")
        self.check_advice("", "one.test")
        self.check_advice("", NEAR[socket.AF_INET6])

    def test_no_advice_after_a_reply_or_without_a_request(self):
        """With something else, or from elsewhere; or the user did not wait for it."""
        for answer in (lambda request: [flip(request.payload)]), \
                      (lambda request: [Reply(request.payload, by=1)]):
            with Responder(answer, host=NEAR[socket.AF_INET],
                           others=[(NEAR[socket.AF_INET], 0)]) as server:
                self.check_advice("", "-4", f"both.test:{server.port}")
        with Responder(silence, host=NEAR[socket.AF_INET]) as server, \
                Client("-4", "--timeout=10s", f"both.test:{server.port}") as client:
            client.wait_for("start")
            client.interrupt()
            self.assertEqual(client.finish().errors, "")

    def check_family(self, option, host):
        with Responder(echo, host=host) as server:
            name = f"both.test:{server.port}"
            report = ask(option, name)
        self.assertEqual((report.code, report.summary["received"]), (0, 2), report.text)
        start, = report.of("start")
        self.assertEqual((start["host"], start["peer"]), (name, server.address()))
        self.assertTrue(report.text.startswith(f"udpecho {name} ({server.address()}): "))


class Refused(Wire):
    """Packet filters that say so, at the peer and at the client."""

    PROHIBITED = "administratively prohibited (a packet filter)"
    FILTER = "chain test {{ type filter hook {hook} priority 0; udp dport 7 {rule}; }}"

    @classmethod
    def setUpClass(cls):
        for limit in "ipv4/icmp_ratelimit", "ipv6/icmp/ratelimit":  # icmp(7): some in a second
            pathlib.Path("/proc/sys/net", limit).write_text("0")

    def check(self, rule, words, family, hook="input", kind="refused", by=()):
        with self.subTest(rule=rule):
            namespaces.filter_packets(self, self.FILTER.format(hook=hook, rule=rule), by)
            report = ask("--timeout=100ms", NEAR[family])
            self.doCleanups()  # the filter is taken away for the next one
        self.assertEqual({record["error"] for record in report.of(kind)}, {words}, report.text)
        self.assertEqual({row["error"] for row in report.rows if row["record"] == kind}, {words})
        self.assertIn(words, report.text)

    def test_by_the_peers_filter(self):
        for icmp, words in (("net-prohibited", self.PROHIBITED),
                            ("host-prohibited", self.PROHIBITED),
                            ("admin-prohibited", self.PROHIBITED),
                            ("net-unreachable", "network unreachable"),
                            ("host-unreachable", "host unreachable"),
                            ("port-unreachable", "port unreachable")):
            self.check(f"reject with icmp type {icmp}", words, socket.AF_INET)
        for icmp, words in (("admin-prohibited", self.PROHIBITED),
                            ("no-route", "network unreachable"),
                            ("addr-unreachable", "host unreachable"),
                            ("port-unreachable", "port unreachable")):
            self.check(f"reject with icmpv6 type {icmp}", words, socket.AF_INET6)

    def test_by_its_own(self):
        for family in FAMILIES:
            self.check("drop", "prohibited by a packet filter or a route of this host", family,
                       hook="output", kind="not_sent", by=namespaces.IN_SERVER)


class LinkLocal(Wire):
    def test_with_a_scope(self):
        with Responder(echo, host="fe80::9%near0") as server:
            report = ask(f"[fe80::9%far0]:{server.port}")
        client_harness.check_sums(self, report)
        self.assertEqual((report.code, report.summary["received"]), (0, 2), report.text)
        self.assertEqual({reply["from"] for reply in report.of("reply")},
                         {f"[fe80::9%far0]:{server.port}"})


class Everybody(Wire):
    """Broadcast and multicast addresses: several hosts answer, each from an address of its own."""

    def test_refused_without_the_option(self):
        for address in "10.0.0.255:7", "255.255.255.255:7", "224.0.0.1:7", "[ff02::1]:7", \
                "[ff02::1%far0]:7":
            done = client_harness.run(address, prefix=namespaces.IN_SERVER)
            self.assertEqual((done.returncode, done.stdout), (2, ""))
            self.assertEqual(done.stderr, f"udpecho: {address}: expected --broadcast with an "
                                          "address of several hosts\n")

    def check_answers(self, group, hosts, target, *options):
        """The first of two answers counts, the other one is a duplicate."""
        def answer(request):
            return [Reply(request.payload, by=number) for number in (1, 2)]

        with Responder(answer, host=group, port=4107,
                       others=[(host, 4107) for host in hosts]) as server:
            report = ask(target, "--broadcast", *options)
        client_harness.check_sums(self, report)
        self.assertEqual(len(server.requests), 2)
        self.assertEqual((report.code, report.summary["received"]), (0, 2), report.text)
        # The run may end before the last duplicate has come.
        self.assertGreaterEqual(report.summary["duplicate_replies"], 1)
        self.assertEqual(report.summary["elsewhere_replies"], 0)
        senders = {reply["from"].rsplit(":", 1)[0].strip("[]") for reply in report.of("reply")}
        self.assertEqual(senders, {host.replace("near0", "far0") for host in hosts})

    def test_a_networks_broadcast_address(self):
        self.check_answers("10.0.0.255", ("10.0.0.9", "10.0.0.10"), "10.0.0.255:4107")

    def test_a_multicast_group(self):
        self.check_answers("224.0.0.1", ("10.0.0.9", "10.0.0.10"), "224.0.0.1:4107",
                           "--source=10.0.0.1")

    def test_a_multicast_group_in_ipv6(self):
        for target, options in (("[ff02::1%far0]:4107", ()),
                                ("[ff02::1]:4107", ("--source=fe80::1%far0",))):
            with self.subTest(target=target):
                self.check_answers("ff02::1%near0", ("fe80::9%near0", "fe80::10%near0"),
                                   target, *options)

    def test_another_port_is_elsewhere_all_the_same(self):
        with Responder(lambda request: [Reply(request.payload, by=1)], host="10.0.0.255", port=4107,
                       others=[("10.0.0.9", 0)]):
            report = ask("10.0.0.255:4107", "--broadcast", "--timeout=100ms")
        self.assertEqual((report.code, report.summary["elsewhere_replies"]), (1, 2), report.text)


if __name__ == "__main__":
    namespaces.enter()
    harness.main()
