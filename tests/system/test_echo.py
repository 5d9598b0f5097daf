"""Bytes come back as they were sent: of every size, many at a time, and never a part of them."""

import os
import random
import unittest

import harness

# How many datagrams a crowd sends. Sanitizers and slow machines may want fewer.
DATAGRAMS = int(os.environ.get("UDPECHO_TEST_DATAGRAMS", 100_000))

# What matters: nothing, an Ethernet frame less the headers of each family, the longest there is.
SIZES_IPV4 = (0, 1, 1471, 1472, 1473, 8000, 65507)
SIZES_IPV6 = (0, 1, 1451, 1452, 1453, 8000, 65507, 65527)

chance = random.Random(862)
NOISE = chance.randbytes(1 << 17)


def payload(size):
    """That many random bytes, at the price of a copy."""
    start = chance.randrange(len(NOISE) - size)
    return NOISE[start:start + size]


class Sizes(unittest.TestCase):
    def echo_all(self, listen, sizes):
        with harness.Server(listen=(listen,)) as server, harness.client(server.address) as sock:
            for size in sizes:
                with self.subTest(size=size):
                    sent = payload(size)
                    self.assertEqual(harness.echo(sock, sent), sent)
            counters = server.stop()
        self.assertEqual(counters["echoed"], len(sizes))
        self.assertEqual(counters["echoed_bytes"], sum(sizes))
        self.assertEqual(harness.accounted(counters), 0)

    def test_ipv4(self):
        self.echo_all("127.0.0.1:0", SIZES_IPV4)

    @harness.needs_ipv6
    def test_ipv6(self):
        self.echo_all("[::1]:0", SIZES_IPV6)


class PayloadMax(unittest.TestCase):
    def check_limit(self, limit, listen="127.0.0.1:0"):
        """A datagram one byte too long gets no reply; one at the limit does."""
        with harness.Server(f"--payload-max={limit}", listen=(listen,)) as server, \
                harness.client(server.address) as sock:
            longest = payload(limit)
            sock.send(payload(limit + 1))
            # The same flow meets the same worker, so this reply comes after what the first got.
            self.assertEqual(harness.echo(sock, longest), longest)
            self.assertEqual(harness.echo(sock, b""), b"")
            counters = server.stop()
        self.assertEqual(counters["received"], 3)
        self.assertEqual(counters["echoed"], 2)
        self.assertEqual(counters["echoed_bytes"], limit)
        self.assertEqual(counters["dropped_truncated"], 1)
        self.assertEqual(harness.accounted(counters), 0)

    def test_limits(self):
        for limit in (1, 100, 1472, 65506):
            with self.subTest(limit=limit):
                self.check_limit(limit)

    @harness.needs_ipv6
    def test_longest_limit(self):
        self.check_limit(65526, listen="[::1]:0")

    def test_size_with_unit(self):
        with harness.Server("--payload-max=1KiB") as server, \
                harness.client(server.address) as sock:
            sock.send(bytes(1025))
            self.assertEqual(len(harness.echo(sock, bytes(1024))), 1024)

    def test_longest_ipv4_datagram_passes_its_own_limit(self):
        with harness.Server("--payload-max=65507") as server, \
                harness.client(server.address) as sock:
            sent = payload(65507)
            self.assertEqual(harness.echo(sock, sent), sent)


class Crowd(unittest.TestCase):
    """Bursts from several sockets, so that batches of every length form on every worker.

    Each waits for its answers and sends the next, and some of these are the same again, the empty
    ones at least: that much of it is what a loop looks like.
    """

    SOCKETS = 4
    BURST = 32
    SIZES = (0, 1, 2, 18, 63, 64, 65, 512, 1000, 1400, 1472, 1473, 4096, 8972)
    LONG = 65507

    def sizes(self, count):
        sizes = chance.choices(self.SIZES, k=count)
        if chance.randrange(100) == 0:
            sizes[0] = self.LONG
        return sizes

    def check_burst(self, sockets, count):
        """Sends `count` datagrams at a time; all come back, in any order. Returns their bytes."""
        sent = [payload(size) for size in self.sizes(count)]
        for index, datagram in enumerate(sent):
            sockets[index % len(sockets)].send(datagram)
        for index, sock in enumerate(sockets):
            of_this = sent[index::len(sockets)]
            received = [sock.recv(65536) for _ in of_this]
            if sorted(received) != sorted(of_this):
                self.fail(f"sent datagrams of {[*map(len, of_this)]} bytes, what came back is "
                          f"of {[*map(len, received)]} bytes, or changed")
        return sum(map(len, sent))

    def check_flows(self, address, datagrams):
        sockets = [harness.client(address) for _ in range(self.SOCKETS)]
        total = sum(self.check_burst(sockets, min(self.BURST, datagrams - start))
                    for start in range(0, datagrams, self.BURST))
        for sock in sockets:
            sock.close()
        return total

    def check_crowd(self, listen, *options):
        with harness.Server("--loop-detector=off", *options, listen=listen) as server:
            share = DATAGRAMS // len(listen)
            bytes_sent = sum(self.check_flows(address, share) for address in server.addresses)
            counters = server.stop()
        datagrams = share * len(listen)
        self.assertEqual((counters["received"], counters["echoed"]), (datagrams, datagrams))
        self.assertEqual(counters["received_bytes"], bytes_sent)
        self.assertEqual(counters["echoed_bytes"], bytes_sent)
        self.assertEqual(harness.accounted(counters), 0)

    @harness.needs_ipv6
    def test_both_families_and_every_worker(self):
        self.check_crowd(("127.0.0.1:0", "[::1]:0"), "--workers=auto")

    @harness.needs_ipv6
    def test_both_families_and_one_worker(self):
        self.check_crowd(("127.0.0.1:0", "[::1]:0"), "--workers=1")

    def test_ipv4_and_a_shared_socket(self):
        self.check_crowd(("127.0.0.1:0",), "--workers=4", "--reuse-port=off")


if __name__ == "__main__":
    harness.main()
