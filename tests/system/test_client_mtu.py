"""udpecho's search for the largest payload, over paths that are narrow in places.

The addresses are those of routed.py.
"""

import socket
import struct
import unittest

import client_harness
import forging
import harness
import namespaces
import routed
from client_harness import Client, ask

HEADERS = {"10.2.0.2": 28, "fd02::2": 48}
DETOUR = {"10.2.0.2": "10.5.5.5", "fd02::2": "fd05::5"}
PEERS = tuple(HEADERS)

CLIENT_PORT = 40000

# Filters what the router forwards or sends itself.
FILTER = """\
chain {hook} {{
    type filter hook {hook} priority 0
    {rule} drop
}}
"""


def setUpModule():
    routed.set_up()
    global server
    server = harness.Server(listen=[f"{peer}:0" if peer[0] == "1" else f"[{peer}]:0"
                                    for peer in PEERS], prefix=routed.SERVER)


def tearDownModule():
    server.kill()


def target(peer):
    host, port = server.addresses[PEERS.index(peer)]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


class Mtu(unittest.TestCase):
    def drop(self, hook, rule):
        namespaces.filter_packets(self, FILTER.format(hook=hook, rule=rule), routed.ROUTER)

    def search(self, peer, *options):
        report = ask("--mtu", "--timeout=200ms", target(peer), *options)
        client_harness.check_sums(self, report)
        self.assertEqual((report.code, report.errors), (0, ""), report.text)
        return report

    def check(self, report, peer, mtu, *limits, hint=None, hint_from=None):
        found, = report.of("mtu")
        self.assertIn(found["limit"], limits, report.text)
        self.assertEqual((found["mtu"], found["payload"]), (mtu, mtu - HEADERS[peer]), report.text)
        self.assertEqual((found["hint_mtu"], found["hint_from"]), (hint, hint_from), report.text)
        self.assertTrue(found["tells_fragments"])
        self.assertIn(f"largest payload {found['payload']} bytes, MTU {mtu}\n", report.text)

    def check_both(self, mtu, *limits, options=()):
        for peer in PEERS:
            with self.subTest(peer=peer):
                self.check(self.search(peer, *options), peer, mtu, *limits)


class Local(Mtu):
    def test_this_hosts_interface(self):
        for mtu in 1500, 1400, 9000:
            routed.set_mtu(near0=mtu, near1=mtu, right0=mtu)
            with self.subTest(mtu=mtu):
                self.check_both(mtu, "local")

    def test_none_is_the_limit_of_the_loopback(self):
        with harness.Server(prefix=()) as own:
            report = ask("--mtu", f"127.0.0.1:{own.address[1]}")
        found, = report.of("mtu")
        self.assertEqual((found["payload"], found["limit"]), (65507, "none"))


class Forward(Mtu):
    def setUp(self):
        routed.set_mtu(near0=9000, near1=9000, right0=1400)

    def test_a_router_that_says_so(self):
        for peer, router in zip(PEERS, ("10.0.0.1", "fd00::1")):
            with self.subTest(peer=peer):
                report = self.search(peer)
                self.check(report, peer, 1400, "forward", hint=1400, hint_from=router)
                self.assertIn(f"{router} said that the MTU is 1400; it was tried, not trusted\n",
                              report.text)
                # Asked again what it said, and one byte more, and not much else.
                self.assertLess(report.summary["sent"], 15)

    def test_a_router_that_is_silent(self):
        self.drop("output", "icmp type destination-unreachable drop; icmpv6 type packet-too-big")
        # In IPv6 only senders make fragments, and this one was not told to.
        for peer, limit in zip(PEERS, ("forward", "unknown")):
            with self.subTest(peer=peer):
                self.check(self.search(peer), peer, 1400, limit)


class BlackHole(Mtu):
    def setUp(self):
        routed.set_mtu(near0=1500, near1=1500, right0=1500)

    def test_on_the_way_there(self):
        self.drop("forward", 'iifname "left0" meta length > 1342')
        self.check_both(1342, "unknown")

    def test_on_the_way_back(self):
        self.drop("forward", 'oifname "left0" meta length > 1342')
        self.check_both(1342, "unknown")

    def test_a_router_that_lies(self):
        """It claims less than the path carries, while larger datagrams vanish. This host believes
        it and makes fragments, which come through: so the limit is on the way there."""
        self.drop("forward", 'iifname "left0" meta length > 1342')
        with Client("--mtu", "--timeout=200ms", f"--source-port={CLIENT_PORT}",
                    target("10.2.0.2")) as client:
            client.wait_for("reply")
            self.claim(600)
            report = client.finish()
        self.check(report, "10.2.0.2", 1342, "forward", hint=600, hint_from="10.0.0.9")

    def claim(self, mtu):
        """Destination unreachable, fragmentation needed, about a datagram of the client."""
        datagram = struct.pack("!BBHHHBBH4s4sHHHH", 0x45, 0, 1428, 1, 0x4000, 64,
                               socket.IPPROTO_UDP, 0, socket.inet_aton("10.0.0.9"),
                               socket.inet_aton("10.2.0.2"), CLIENT_PORT, server.address[1], 1408,
                               0)
        forging.send_icmp(3, 4, mtu, datagram, "10.0.0.9", "10.0.0.9")


class Return(Mtu):
    """The way back is another one, and narrower."""

    def setUp(self):
        routed.set_mtu(near0=1500, near1=1400, right0=1500)

    def test_fragments_tell_it(self):
        report = self.search("10.2.0.2", f"--source={DETOUR['10.2.0.2']}")
        self.check(report, "10.2.0.2", 1400, "return")
        self.assertEqual({reply["fragment"] for reply in report.of("reply")
                          if reply["length"] > 1372}, {1396})  # the offset counts in eights

    def test_no_fragments_in_ipv6(self):
        """Routers do not make any, and the server goes on sending whole what it sent whole."""
        report = self.search("fd02::2", f"--source={DETOUR['fd02::2']}")
        self.check(report, "fd02::2", 1400, "unknown", "return")


class Nobody(Mtu):
    def test_no_answer(self):
        report = ask("--mtu", "--timeout=50ms", "10.2.0.2:9")
        self.assertEqual((report.code, report.of("mtu")[0]["limit"]), (1, "no_answer"))
        self.assertEqual(report.of("mtu")[0]["mtu"], None)


if __name__ == "__main__":
    namespaces.enter()
    harness.main()
