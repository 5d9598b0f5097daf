"""Datagrams that claim to come from anywhere, and all that leaves by the loopback.

Both need a network namespace of the test's own (namespaces.enter_own_loopback) and root.
"""

import contextlib
import ipaddress
import socket
import struct

SOL_PACKET = 263
PACKET_OUTGOING = 4
PACKET_VNET_HDR = 15
VIRTIO_NET_HEADER = 10  # bytes
HEADERS = VIRTIO_NET_HEADER + 14  # with Ethernet's
NEXT_HEADER_UDP = 17


def _checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data)) if len(data) % 2 == 0 \
        else sum(struct.unpack(f"!{len(data) // 2 + 1}H", data + b"\0"))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def _udp(source, destination, payload, checksum_error=0):
    """A UDP datagram with its checksum (RFC 768, RFC 8200 section 8.1)."""
    addresses = b"".join(ipaddress.ip_address(host).packed for host, _ in (source, destination))
    length = 8 + len(payload)
    pseudo = addresses + struct.pack("!IxxxB", length, NEXT_HEADER_UDP)
    header = struct.pack("!HHH", source[1], destination[1], length)
    checksum = _checksum(pseudo + header + b"\0\0" + payload) or 0xffff
    # Modulo 65535, the ones' complement's: 0 would mean that there is no checksum.
    checksum = (checksum - 1 + checksum_error) % 0xffff + 1
    return header + struct.pack("!H", checksum) + payload


def forge(source, destination, payload=b"forged", checksum_error=0):
    """Sends one datagram from `source` to `destination`, both (host, port). The kernel takes every
    source but 0.0.0.0, for which it fills in its own. With a `checksum_error` of 1 to 65534 its
    checksum is wrong by that much."""
    datagram = _udp(source, destination, payload, checksum_error)
    hosts = [ipaddress.ip_address(host).packed for host, _ in (source, destination)]
    if ":" in source[0]:
        family, port = socket.AF_INET6, 0  # a raw socket has none, and Linux insists
        header = struct.pack("!IHBB", 6 << 28, len(datagram), NEXT_HEADER_UDP, 64)
    else:
        family, port = socket.AF_INET, 0
        header = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(datagram), 0, 0, 64,
                             NEXT_HEADER_UDP, 0)
    with socket.socket(family, socket.SOCK_RAW, socket.IPPROTO_RAW) as sock:
        sock.sendto(header + b"".join(hosts) + datagram, (destination[0], port))


def send_icmp(kind, code, mtu, about, source, destination):
    """Sends an ICMP message (RFC 792, RFC 1191 section 4) about the packet that begins so."""
    message = struct.pack("!BBHHH", kind, code, 0, 0, mtu) + about
    message = message[:2] + struct.pack("!H", _checksum(message)) + message[4:]
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as sock:
        sock.bind((source, 0))
        sock.sendto(message, (destination, 0))


class Wire:
    """All UDP datagrams that left by the loopback since it was opened."""

    def __init__(self, sock):
        self._socket = sock

    def sent(self):
        """How many it saw since it was asked last."""
        count = 0
        with contextlib.suppress(BlockingIOError):
            while True:
                packet, (_, protocol, kind, *_) = self._socket.recvfrom(2 * 65536)
                offloads, packet = packet[:VIRTIO_NET_HEADER], packet[HEADERS:]
                at = {0x0800: 9, 0x86dd: 6}.get(protocol)
                if kind == PACKET_OUTGOING and at is not None and packet[at] == NEXT_HEADER_UDP:
                    count += self._datagrams(offloads, packet, 20 if protocol == 0x0800 else 40)
        return count

    @staticmethod
    def _datagrams(offloads, packet, header):
        """A packet that is still to be cut apart is as many datagrams (virtio 1.2, 5.1.6)."""
        segment = struct.unpack("=BBHHHH", offloads)[3]
        return max(1, -(-(len(packet) - header - 8) // segment)) if segment else 1


@contextlib.contextmanager
def wire():
    everything = socket.htons(3)  # ETH_P_ALL, packet(7)
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, everything) as sock:
        sock.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
        sock.bind(("lo", 3))
        sock.setblocking(False)
        yield Wire(sock)
