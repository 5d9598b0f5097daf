"""Limits of rate: every datagram is counted, and memory stays where it was."""

import os
import random
import socket
import struct
import time
import unittest

import harness
import namespaces

chance = random.Random(1)

NOBODY_EXEMPT = "--rate-limit-exempt=none"


def flood(address, count):
    """Sends `count` different datagrams."""
    with harness.client(address) as sock:
        for number in range(count):
            sock.send(struct.pack("!I", number))


class Limits(unittest.TestCase):
    def check(self, count, *options):
        """Floods a server; returns its counters, which account for every datagram."""
        with harness.Server("--workers=1", *options) as server:
            with server.frozen():
                flood(server.address, count)
            counters = server.stop()
        self.assertEqual(counters["received"], count)
        self.assertEqual(harness.accounted(counters), 0)
        return counters, server

    def test_one_source(self):
        counters, server = self.check(5000, "--rate-limit=100/s", NOBODY_EXEMPT)
        # All in one instant: a second's worth, and as many again that go before others.
        self.assertTrue(100 <= counters["echoed"] <= 300, counters)
        self.assertEqual(counters["dropped_rate_limited"], 5000 - counters["echoed"])
        self.assertEqual(server.find("not answered")[0]["reason"], "rate_limited")

    def test_the_loopback_is_exempt(self):
        counters, _ = self.check(5000, "--rate-limit=100/s")
        self.assertEqual(counters["echoed"], 5000)

    def test_off(self):
        counters, _ = self.check(5000, "--rate-limit=off", NOBODY_EXEMPT)
        self.assertEqual(counters["echoed"], 5000)

    def test_dry_run(self):
        counters, _ = self.check(5000, "--rate-limit=100/s", NOBODY_EXEMPT, "--rate-limit-dry-run")
        self.assertEqual(counters["echoed"], 5000)
        self.assertTrue(4700 <= counters["would_rate_limit"] <= 4900, counters)

    def test_max_rate(self):
        counters, server = self.check(5000, "--max-rate=100/s")
        self.assertTrue(100 <= counters["echoed"] <= 300, counters)
        self.assertEqual(counters["dropped_max_rate"], 5000 - counters["echoed"])
        self.assertEqual(server.find("not answered")[0]["reason"], "max_rate")

    def test_max_bandwidth(self):
        counters, _ = self.check(5000, "--max-bandwidth=400/s")
        self.assertTrue(400 <= counters["echoed_bytes"] <= 1200, counters)
        self.assertEqual(counters["dropped_max_bandwidth"], 5000 - counters["echoed"])


class Forged(unittest.TestCase):
    """A flood from random sources; the kernel drops the replies, as there is no way to them."""

    SOURCES = 300000

    def setUp(self):
        if namespaces.INSIDE not in os.environ:
            self.skipTest(namespaces.missing() or "only a program can move into its own namespace")
        # Without it no datagram from a foreign address comes in by the loopback.
        namespaces.do("ip route add default dev lo")
        self.addCleanup(namespaces.do, "ip route del default dev lo")
        namespaces.accept_detours(())

    def forge(self, raw, port):
        source = struct.pack("!I", chance.randrange(0x01000000, 0x7f000000))
        udp = struct.pack("!4H", 40000, port, 12, 0) + source
        raw.sendto(struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 64,
                               socket.IPPROTO_UDP, 0, source, socket.inet_aton("127.0.0.1")) + udp,
                   ("127.0.0.1", 0))

    def test_an_honest_client_among_forged_sources(self):
        with harness.Server("--rate-limit=1000/s", NOBODY_EXEMPT) as server, \
                harness.client(server.address) as client, \
                socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as raw:
            honest = 0
            start = time.monotonic()
            for number in range(self.SOURCES):
                self.forge(raw, server.address[1])
                if number % 1000 == 0:
                    payload = struct.pack("!I", number)
                    self.assertEqual(harness.echo(client, payload), payload)
                    honest += 1
                if number == self.SOURCES // 3:  # all buffers have been used by now
                    before = server.status("VmRSS")
            rate = self.SOURCES / (time.monotonic() - start)
            after = server.status("VmRSS")
            counters = server.stop()
        print(f"{rate:.0f} forged a second, {honest} honest, {counters['received']} received; "
              f"resident {before}, then {after}")
        self.assertEqual(counters["dropped_rate_limited"], 0)
        self.assertEqual(harness.accounted(counters), 0)
        self.assertEqual(counters["received"] + counters.get("kernel_drops", 0),
                         self.SOURCES + honest)
        self.assertLess(int(after.split()[0]) - int(before.split()[0]), 256)


class Memory(unittest.TestCase):
    ANONYMOUS_KIB = 1536  # nearly twice what it was found to be

    def test_buffers_that_are_never_used_take_none(self):
        with harness.Server("--workers=1") as server, harness.client(server.address) as client:
            if "sanitizer" in server.find("confined")[0]["sandbox"]:
                self.skipTest("a sanitizer's runtime has memory of its own")
            harness.echo(client, b"datagram")
            anonymous = int(server.status("RssAnon").split()[0])
        self.assertLess(anonymous, self.ANONYMOUS_KIB)


if __name__ == "__main__":
    namespaces.enter_own_loopback()
    harness.main()
