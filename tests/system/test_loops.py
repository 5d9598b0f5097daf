"""Loops that one forged datagram sets off, and clients that must not be taken for one.

A ring of three servers or more is made by rewriting source ports on the way: each server then
takes the server after the next for the sender.
"""

import collections
import contextlib
import heapq
import os
import select
import shutil
import socket
import struct
import subprocess
import threading
import time
import unittest

import harness
import namespaces

LOOPBACK = "127.0.0.1"


def forge(source_port, port, payload):
    """Sends a datagram that claims to come from another port of the loopback."""
    udp = struct.pack("!4H", source_port, port, 8 + len(payload), 0) + payload
    header = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 64, socket.IPPROTO_UDP, 0,
                         socket.inet_aton(LOOPBACK), socket.inet_aton(LOOPBACK))
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as raw:
        raw.sendto(header + udp, (LOOPBACK, 0))


class Loops(unittest.TestCase):
    def setUp(self):
        if namespaces.INSIDE not in os.environ:
            self.skipTest(namespaces.missing() or "only a program can move into its own namespace")

    def servers(self, count, *options, workers=1, **keywords):
        servers = [harness.Server(f"--workers={workers}", *options, **keywords)
                   for _ in range(count)]
        for server in servers:
            self.addCleanup(server.kill)
        return servers

    def check_dead(self, servers, started):
        """A server drops the datagram within seconds, and after that none is left; prints what it
        took."""
        harness.wait_until(lambda: any(server.find("not answered") for server in servers))
        elapsed = time.monotonic() - started
        counters = [server.stop() for server in servers]
        received = sum(line["received"] for line in counters)
        dropped = sum(line["dropped_loop"] for line in counters)
        echoed = sum(line["echoed"] for line in counters)
        print(f"dead after {received} datagrams, {elapsed:.3f} s; {dropped} dropped")
        self.assertGreater(dropped, 0)
        self.assertEqual(received, echoed + dropped)
        for line in counters:
            self.assertEqual(harness.accounted(line), 0)

    def check_ring(self, count, copies=1, payloads=1, workers=1):
        servers = self.servers(count, workers=workers)
        ports = [server.address[1] for server in servers]
        if count > 2:
            self.rewrite(ports)
        started = time.monotonic()
        for number in range(copies * payloads):
            forge(ports[1], ports[0], b"round and round %d" % (number % payloads))
        self.check_dead(servers, started)

    def rewrite(self, ports):
        """What a server sends to the next one seems to come from the one after that."""
        if shutil.which("nft") is None:
            self.skipTest("nft is not installed")
        rules = ["table ip ring {", "chain out {", "type filter hook output priority 0;"]
        for i, port in enumerate(ports):
            after, then = ports[(i + 1) % len(ports)], ports[(i + 2) % len(ports)]
            rules.append(f"udp sport {port} udp dport {after} udp sport set {then} accept")
        self.addCleanup(subprocess.run, ["nft", "delete", "table", "ip", "ring"])
        subprocess.run(["nft", "-f", "-"], text=True, check=True,
                       input="\n".join(["table ip ring {}", "delete table ip ring", *rules, "}", "}"]))

    def test_two_servers(self):
        self.check_ring(2)

    def test_three_servers(self):
        self.check_ring(3)

    def test_five_servers(self):
        self.check_ring(5)

    def test_a_hundred_copies_at_once(self):
        self.check_ring(2, copies=100)

    def test_a_hundred_payloads_at_once(self):
        self.check_ring(2, payloads=100)
        self.check_ring(5, payloads=100)

    def test_four_workers_each(self):
        self.check_ring(2, workers=4)
        self.check_ring(5, workers=4)
        self.check_ring(2, copies=100, workers=4)
        self.check_ring(2, payloads=100, workers=4)

    def check_naive(self, answer, *options, **keywords):
        """A loop with a server that answers everything, by what `answer` makes of it."""
        def answer_everything():
            while (received := naive.recvfrom(65536))[0] != b"end":
                naive.sendto(answer(received[0]), received[1])

        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as naive:
            naive.bind((LOOPBACK, 0))
            thread = threading.Thread(target=answer_everything, daemon=True)
            thread.start()
            servers = self.servers(1, *options, **keywords)
            started = time.monotonic()
            forge(naive.getsockname()[1], servers[0].address[1], b"round and round")
            self.check_dead(servers, started)
            forge(1, naive.getsockname()[1], b"end")
            thread.join()

    def test_a_server_that_echoes_everything(self):
        self.check_naive(lambda received: received)

    def test_a_server_that_tells_a_reflector_the_time(self):
        self.check_naive(lambda _: b"Monday, November 30, 2026 12:00:00-UTC\r\n",  # RFC 867
                         "--stamp=127.0.0.1:0", listen=())

    def test_off_leaves_them(self):
        servers = self.servers(2, "--loop-detector=off")
        ports = [server.address[1] for server in servers]
        forge(ports[1], ports[0], b"round and round")
        time.sleep(1)
        counters = [server.stop() for server in servers]
        self.assertGreater(sum(line["received"] for line in counters), 2000)
        self.assertEqual(sum(line["dropped_loop"] for line in counters), 0)


def make_room(sock):
    """For all that may arrive while another process has the processor."""
    SO_RCVBUFFORCE = 33  # Linux, <asm-generic/socket.h>
    with contextlib.suppress(PermissionError):
        sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 1 << 24)


class Relay:
    """A long way between two servers: what comes from one leaves for the other `delay` later."""

    def __init__(self, addresses, delay):
        self.delay = delay
        self.flying = []  # (due, number, socket, payload), a heap
        self.sockets = []
        self.passed = 0
        for address in addresses:
            sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            make_room(sock)
            sock.connect(address)
            sock.setblocking(False)
            self.sockets.append(sock)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        for sock in self.sockets:
            sock.close()

    def send(self, payload):
        """Something that the first server takes for the second's."""
        self.sockets[0].send(payload)

    def receive(self):
        now = time.monotonic()
        for sock, other in zip(self.sockets, reversed(self.sockets)):
            with contextlib.suppress(BlockingIOError):
                while True:
                    self.passed += 1
                    heapq.heappush(self.flying, (now + self.delay, self.passed, other,
                                                 sock.recv(100)))

    def run(self, seconds):
        """Until nothing has been on the way for a while; returns how long that took, at most
        `seconds`."""
        started = time.monotonic()
        last = started
        while time.monotonic() < min(last + 0.3, started + seconds):
            wait = self.flying[0][0] - time.monotonic() if self.flying else 0.1
            select.select(self.sockets, [], [], max(0, wait))
            self.receive()
            while self.flying and self.flying[0][0] <= time.monotonic():
                _, number, sock, payload = heapq.heappop(self.flying)
                sock.send(payload)
                if number % 16 == 0:
                    self.receive()
            last = time.monotonic() if self.flying else last
        return last - started


class Paths(unittest.TestCase):
    """Loops that go a long way round."""

    def go(self, datagrams, delay, seconds, *options, copies=1):
        with contextlib.ExitStack() as stack:
            servers = [stack.enter_context(harness.Server(*options)) for _ in range(2)]
            relay = stack.enter_context(Relay([server.address for server in servers], delay))
            for number in range(datagrams * copies):
                relay.send(b"round and round %d" % (number % datagrams))
                relay.receive()
            life = relay.run(seconds)
            counters = [server.stop() for server in servers]
            warnings = sum((server.find("not answered") for server in servers), [])
        print(f"{copies} of {datagrams} datagrams over {2 * delay:.3f} s a round: {life:.2f} s, "
              f"{relay.passed} passed, {len(warnings)} warnings, "
              f"{[line['dropped_loop'] for line in counters]} dropped")
        for line in counters:
            self.assertEqual(harness.accounted(line), 0)
        return life, sum(line["dropped_loop"] for line in counters), warnings

    def check_dead(self, datagrams, delay, seconds, copies=1):
        life, dropped, warnings = self.go(datagrams, delay, 10, copies=copies)
        self.assertLess(life, seconds)
        # Now and then the kernel drops one first.
        self.assertGreater(dropped, datagrams * copies * 0.99)
        self.assertEqual({warning["reason"] for warning in warnings}, {"loop"})
        sources = [(warning["from"], warning["to"]) for warning in warnings]
        self.assertEqual(len(sources), len(set(sources)), "a source was reported twice")

    def test_a_thousand_datagrams_over_50_milliseconds(self):
        self.check_dead(1000, 0.05, seconds=5)

    def test_three_thousand_datagrams_over_400_milliseconds(self):
        self.check_dead(3000, 0.4, seconds=7)

    def test_a_thousand_copies_over_50_milliseconds(self):
        self.check_dead(1, 0.05, seconds=5, copies=1000)

    def test_one_datagram_is_left_alone(self):
        _, dropped, warnings = self.go(1, 0.05, 2)
        self.assertEqual((dropped, warnings), (0, []))


class Clients(unittest.TestCase):
    def check_unharmed(self, bursts, burst, pause):
        with harness.Server() as server, harness.client(server.address) as sock:
            for _ in range(bursts):
                for _ in range(burst):
                    sock.send(b"the same again")
                for _ in range(burst):
                    self.assertEqual(sock.recv(100), b"the same again")
                time.sleep(pause)
            counters = server.stop()
        self.assertEqual((counters["received"], counters["echoed"]), (bursts * burst,) * 2)

    def losses(self, rate, seconds, payloads):
        """How often each payload of a client that sends them in turn is not answered."""
        count = rate * seconds
        with harness.Server() as server, harness.client(server.address) as sock:
            make_room(sock)
            due = time.monotonic()
            lost = collections.Counter()
            for number in range(count):
                payload = payloads[number % len(payloads)]
                lost[payload] += 1
                sock.send(payload)
                # It makes up for being late, but never for long, as that would be a higher rate.
                due = max(due + 1 / rate, time.monotonic() - 0.02)
                time.sleep(max(0, due - time.monotonic()))
                if number % 100 == 99:
                    lost.subtract(harness.replies(sock))
            harness.wait_until(lambda: harness.received(server) == count)
            lost.subtract(harness.replies(sock))
            counters = server.stop()
        self.assertEqual(counters["echoed"] + counters["dropped_loop"], count)
        self.assertEqual(sum(lost.values()), counters["dropped_loop"])
        print(f"{rate}/s of {len(payloads)} payloads: {sum(lost.values())} lost, "
              f"at most {max(lost.values())} of one")
        return lost

    def test_sizes_in_turn(self):
        sizes = [b"x" * size for size in range(1, 1473)]
        self.assertEqual(max(self.losses(500, 5, sizes).values()), 0)
        self.assertLessEqual(max(self.losses(5000, 12, sizes).values()), 1)

    def test_one_payload_at_900_a_second(self):
        self.assertEqual(max(self.losses(900, 5, [b"the same again"]).values()), 0)

    def test_one_payload_again_and_again(self):
        self.check_unharmed(bursts=500, burst=1, pause=0.005)

    def test_one_payload_in_a_burst(self):
        self.check_unharmed(bursts=3, burst=200, pause=0.5)


if __name__ == "__main__":
    namespaces.enter_own_loopback()
    harness.main()
