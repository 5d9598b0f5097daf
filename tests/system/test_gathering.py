"""Replies gathered into messages, over a link at the edges of its MTU: whatever the device does
itself and whatever it leaves to the kernel, they are the datagrams that plain sends would be.

The addresses are those of namespaces.py.
"""

import contextlib
import os
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import unittest

import harness
import namespaces

# Linux's udp.h and asm-generic/socket.h; Python has no names for them.
SOL_UDP, UDP_SEGMENT = 17, 103
SO_RCVBUFFORCE = 33

UDPECHO = os.environ["UDPECHO"]

PEERS = "10.0.0.1", "fd00::1"
HEADERS = {socket.AF_INET: 20 + 8, socket.AF_INET6: 40 + 8}
FAMILIES = {"10.0.0.1": socket.AF_INET, "fd00::1": socket.AF_INET6}

MTUS = 1500, 9000
COUNT = 20

# What the server's device does: all, cut no messages, not even the checksums.
OFFLOADS = ("tx on sg on gso on", "tx on sg on gso off tx-udp-segmentation off",
            "tx off sg off gso off")


def setUpModule():
    namespaces.set_up()
    if shutil.which("ethtool") is None:
        raise unittest.SkipTest("ethtool is not installed")


def set_link(mtu, offloads=OFFLOADS[0]):
    for interface, prefix in ("near0", ()), ("far0", namespaces.IN_SERVER):
        namespaces.do(f"ip link set {interface} mtu {mtu}", prefix)
    subprocess.run([*namespaces.IN_SERVER, "ethtool", "-K", "far0", *offloads.split()], check=True,
                   stdout=subprocess.DEVNULL)


def start(*options, listen=("*:0",)):
    return harness.Server("--workers=1", "--rate-limit=off", "--loop-detector=off", *options,
                          listen=listen, prefix=namespaces.IN_SERVER)


def address_of(server, host):
    ports = {(":" in at): port for at, port in server.addresses}
    return host, ports[":" in host]


class Link(unittest.TestCase):
    def exchange(self, server, address, size, clients=2):
        """Several clients send in turn, each datagram as long but the last; all of it waits together.
        Returns how many datagrams that were."""
        socks = [harness.client(address) for _ in range(clients)]
        for sock in socks:
            sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 4 << 20)
        sent = [[os.urandom(size) for _ in range(COUNT)] + [os.urandom(size - 1)] for _ in socks]
        with server.frozen():
            for row in zip(*sent):
                for sock, datagram in zip(socks, row):
                    sock.send(datagram)
        for sock, datagrams in zip(socks, sent):
            received = [sock.recv(65536) for _ in datagrams]
            self.assertEqual([*map(len, received)], [*map(len, datagrams)])
            self.assertEqual(received, datagrams)
            sock.close()
        return sum(map(len, sent))

    def check_sizes(self, mtu, host, listen):
        whole = mtu - HEADERS[FAMILIES[host]]
        with start(listen=listen) as server:
            # Upwards, then down again: what was refused above the MTU must not end it below.
            exchanged = sum(self.exchange(server, address_of(server, host), size)
                            for size in (1, 32, 1000, whole - 1, whole, whole + 1, 2 * mtu,
                                         whole + 1, whole, 32))
            counters = server.stop()
        self.assertEqual((counters["received"], counters["echoed"]), (exchanged, exchanged))
        self.assertEqual(server.find("reply not sent"), [])

    def test_sizes_around_the_mtu(self):
        for mtu in MTUS:
            for offloads in OFFLOADS:
                set_link(mtu, offloads)
                for host in PEERS:
                    for listen in ("*:0",), ("10.0.0.1:0", "[fd00::1]:0"):
                        with self.subTest(mtu=mtu, offloads=offloads, host=host, listen=listen):
                            self.check_sizes(mtu, host, listen)

    def test_clients_that_send_segments(self):
        for mtu in MTUS:
            for offloads in OFFLOADS:
                set_link(mtu, offloads)
                for host in PEERS:
                    with self.subTest(mtu=mtu, offloads=offloads, host=host), start() as server, \
                            harness.client(address_of(server, host)) as sock:
                        size = mtu - HEADERS[FAMILIES[host]]
                        sock.setsockopt(SOL_UDP, UDP_SEGMENT, size)
                        sent = os.urandom(65000)
                        sock.send(sent)
                        pieces = [sent[i:i + size] for i in range(0, len(sent), size)]
                        self.assertEqual([sock.recv(65536) for _ in pieces], pieces)
                        self.assertEqual(server.stop()["echoed"], len(pieces))

    def longest_packet(self, link):
        """Returns the length of the longest packet that waits at the client's end of the link."""
        longest = 0
        link.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while True:
                longest = max(longest, len(link.recv(65536)))
        return longest

    @contextlib.contextmanager
    def capture(self, interface):
        everything = socket.htons(3)  # ETH_P_ALL, packet(7)
        with socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, everything) as link:
            link.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 64 << 20)
            link.bind((interface, 3))
            yield link

    def test_a_server_without_offload(self):
        set_link(1500)
        with tempfile.NamedTemporaryFile("w", suffix=".conf") as config:
            def write(offload):
                config.seek(0)
                config.write(f"offload={offload:3}\n")
                config.flush()

            write("off")
            with self.capture("near0") as link, start(f"--config={config.name}") as server:
                for reload, offload in enumerate(("off", "on", "off")):
                    if reload > 0:
                        write(offload)
                        server.signal(signal.SIGHUP)
                        server.wait_for("reloaded", count=reload, changed="offload")
                    with self.subTest(offload=offload):
                        self.exchange(server, address_of(server, "10.0.0.1"), 1400)
                        longest = self.longest_packet(link)
                        self.assertEqual(longest > 1500, offload == "on", longest)
                self.assertEqual(harness.accounted(server.stop()), 0)

    def test_a_client_without_offload(self):
        set_link(1500)
        with start("--offload=off") as server:  # which sends no longer packets itself
            for offload in "off", "on":
                with self.subTest(offload=offload), self.capture("near0") as link:
                    done = subprocess.run(
                        [UDPECHO, "--flood", "--count=2000", "--size=1400", f"--offload={offload}",
                         "10.0.0.1:%d" % address_of(server, "10.0.0.1")[1]],
                        capture_output=True, text=True, timeout=harness.PATIENCE)
                    self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
                    self.assertEqual(self.longest_packet(link) > 1500, offload == "on")

    def test_a_small_mtu_disables_gathering_for_its_link_only(self):
        set_link(1500)
        namespaces.do("ip link set near1 mtu 9000")
        namespaces.do("ip link set far1 mtu 9000", namespaces.IN_SERVER)
        with start() as server, socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM,
                                              socket.htons(0x0800)) as link:
            link.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 16 << 20)
            link.bind(("near1", 0x0800))
            self.exchange(server, address_of(server, "10.1.0.1"), 8000)
            self.assertGreater(self.longest_packet(link), 9000, "this host does not gather replies")
            for _ in range(3):
                self.exchange(server, address_of(server, "10.0.0.1"), 1473)
                self.exchange(server, address_of(server, "10.1.0.1"), 8000)
                self.assertGreater(self.longest_packet(link), 9000)

    def test_a_narrow_link_takes_nothing_from_a_wide_one(self):
        set_link(1500)
        namespaces.do("ip link set near1 mtu 9000")
        namespaces.do("ip link set far1 mtu 9000", namespaces.IN_SERVER)
        with start() as server:
            for host, size in ("10.1.0.1", 8000), ("10.0.0.1", 8000), ("10.1.0.1", 8000), \
                    ("10.0.0.1", 1472), ("fd01::1", 8000), ("fd00::1", 8000), ("fd01::1", 8000):
                with self.subTest(host=host, size=size):
                    self.exchange(server, address_of(server, host), size)
            self.assertEqual(harness.accounted(server.stop()), 0)


def checksum(data):
    """The ones' complement sum of 16-bit words (RFC 1071)."""
    total = sum(struct.unpack(f"!{len(data) // 2 + len(data) % 2}H", data + b"\0" * (len(data) % 2)))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return total


class Wire(unittest.TestCase):
    def packets(self, link, server_port):
        """Captures the server's packets as they are on the link."""
        link.setblocking(False)
        found = []
        while True:
            try:
                packet = link.recv(65536)
            except BlockingIOError:
                return found
            if packet[9] == socket.IPPROTO_UDP and packet[20:22] == struct.pack("!H", server_port):
                found.append(packet)

    def test_packets_are_those_of_plain_sends(self):
        set_link(1500, "tx off sg off gso off")
        with start() as server, harness.client(address_of(server, "10.0.0.1")) as sock, \
                socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x0800)) as link:
            link.bind(("near0", 0x0800))
            sent = [os.urandom(1400) for _ in range(COUNT)] + [os.urandom(700)]
            with server.frozen():
                for datagram in sent:
                    sock.send(datagram)
            self.assertEqual([sock.recv(65536) for _ in sent], sent)
            packets = self.packets(link, sock.getpeername()[1])
        self.assertEqual([packet[28:] for packet in packets], sent)
        for packet in packets:
            length = len(packet)
            self.assertEqual(struct.unpack_from("!H", packet, 2)[0], length)
            self.assertEqual(struct.unpack_from("!H", packet, 24)[0], length - 20)
            self.assertEqual(checksum(packet[:20]), 0xffff)
            pseudo = packet[12:20] + struct.pack("!HH", socket.IPPROTO_UDP, length - 20)
            self.assertEqual(checksum(pseudo + packet[20:]), 0xffff)
            self.assertEqual(packet[6:8], b"\0\0", "flags or a fragment offset in the IP header")
        self.assertEqual(len({packet[4:6] for packet in packets}), len(packets))


if __name__ == "__main__":
    namespaces.enter()
    harness.main()
