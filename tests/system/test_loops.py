"""Loops that one forged datagram sets off, and clients that must not be taken for one.

A ring of three servers or more is made by rewriting source ports on the way: each server then
takes the server after the next for the sender.
"""

import os
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

    def servers(self, count, *options):
        servers = [harness.Server("--workers=1", *options) for _ in range(count)]
        for server in servers:
            self.addCleanup(server.kill)
        return servers

    def check_dead(self, servers, started):
        """A server drops the datagram, and after that none is left; prints what it took."""
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

    def check_ring(self, count, copies=1):
        servers = self.servers(count)
        ports = [server.address[1] for server in servers]
        if count > 2:
            self.rewrite(ports)
        started = time.monotonic()
        for _ in range(copies):
            forge(ports[1], ports[0], b"round and round")
        self.check_dead(servers, started)

    def rewrite(self, ports):
        """What a server sends to the next one seems to come from the one after that."""
        if shutil.which("nft") is None:
            self.skipTest("nft is not installed")
        rules = ["table ip ring {", "chain out {", "type filter hook output priority 0;"]
        for i, port in enumerate(ports):
            after, then = ports[(i + 1) % len(ports)], ports[(i + 2) % len(ports)]
            rules.append(f"udp sport {port} udp dport {after} udp sport set {then} accept")
        self.addCleanup(subprocess.run, ["nft", "delete", "table", "ip", "ring"], check=True)
        subprocess.run(["nft", "-f", "-"], input="\n".join([*rules, "}", "}"]), text=True,
                       check=True)

    def test_two_servers(self):
        self.check_ring(2)

    def test_three_servers(self):
        self.check_ring(3)

    def test_five_servers(self):
        self.check_ring(5)

    def test_a_hundred_copies_at_once(self):
        self.check_ring(2, copies=100)

    def test_a_server_that_echoes_everything(self):
        def echo_everything():
            while (received := naive.recvfrom(65536))[0] != b"end":
                naive.sendto(*received)

        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as naive:
            naive.bind((LOOPBACK, 0))
            thread = threading.Thread(target=echo_everything)
            thread.start()
            servers = self.servers(1)
            started = time.monotonic()
            forge(naive.getsockname()[1], servers[0].address[1], b"round and round")
            self.check_dead(servers, started)
            forge(1, naive.getsockname()[1], b"end")
            thread.join()

    def test_off_leaves_them(self):
        servers = self.servers(2, "--loop-detector=off")
        ports = [server.address[1] for server in servers]
        forge(ports[1], ports[0], b"round and round")
        time.sleep(1)
        counters = [server.stop() for server in servers]
        self.assertGreater(sum(line["received"] for line in counters), 2000)
        self.assertEqual(sum(line["dropped_loop"] for line in counters), 0)


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

    def test_one_payload_again_and_again(self):
        self.check_unharmed(bursts=500, burst=1, pause=0.005)

    def test_one_payload_in_a_burst(self):
        self.check_unharmed(bursts=3, burst=200, pause=0.5)


if __name__ == "__main__":
    namespaces.enter_own_loopback()
    harness.main()
