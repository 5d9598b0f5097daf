"""Programs of other projects read the requests and replies of a STAMP session as they are meant:
tshark by its dissector, and scapy, which makes the same bytes of what it has read."""

import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import unittest

import harness
import vectors

# Reads packets in hexadecimal, the requests and the replies of one session after the other; writes
# for each the number, the sender's number and TTL of a reply, and the bytes that its fields make.
SCAPY = """
import sys
from scapy.contrib import stamp
from scapy.layers.inet import UDP
kinds = (stamp.STAMPSessionSenderTestUnauthenticated,
         stamp.STAMPSessionReflectorTestUnauthenticated)
for count, line in enumerate(sys.stdin):
    data = bytes.fromhex(line)
    read = kinds[count % 2](data, _parent=UDP(len=8 + len(data)))
    read.clear_cache()
    print(read.seq, getattr(read, "seq_sender", "-"), getattr(read, "ttl_sender", "-"),
          bytes(read).hex())
"""


def python_with_scapy():
    """This Python or Debian's, whichever has the layer; else None."""
    for python in sys.executable, "/usr/bin/python3":
        if shutil.which(python) is not None and subprocess.run(
                [python, "-c", "import scapy.contrib.stamp"],
                stderr=subprocess.DEVNULL).returncode == 0:
            return python
    return None


PORT = 862
RAW_IPV4 = 228  # a link type of pcap: packets begin with the IP header


def packet(payload, ports):
    """An IP packet with this datagram, without checksums."""
    udp = struct.pack("!HHHH", *ports, 8 + len(payload), 0) + payload
    return struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 64, socket.IPPROTO_UDP, 0,
                       socket.inet_aton("192.0.2.1"), socket.inet_aton("192.0.2.2")) + udp


def answered():
    """(name, request, reply) of each packet of the vectors that an unauthenticated reflector with
    TLVs answers, from a real one."""
    found = []
    with harness.Server("--stamp=127.0.0.1:0", listen=()) as server, \
            harness.client(server.address) as sock:
        for name, vector in vectors.load("stamp-[ut]*").items():
            if len(vector["request"]) >= vectors.PLAIN.length and vector["reply"] is not None:
                found.append((name, vector["request"], harness.echo(sock, vector["request"])))
    return found


class Decoders(unittest.TestCase):
    @unittest.skipIf(shutil.which("tshark") is None, "tshark is not installed")
    def test_tshark_reads_the_fields(self):
        packets = answered()
        self.assertGreater(len(packets), 15)
        with tempfile.NamedTemporaryFile(suffix=".pcap") as file:
            file.write(struct.pack("=IHHIIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, RAW_IPV4))
            for _, request, reply in packets:
                for payload, ports in (request, (50000, PORT)), (reply, (PORT, 50000)):
                    data = packet(payload, ports)
                    file.write(struct.pack("=IIII", 0, 0, len(data), len(data)) + data)
            file.flush()
            names = ("seq_number", "sender_seq_number", "sender_ttl", "error_estimate.multiplier")
            done = subprocess.run(
                ["tshark", "-r", file.name, "-d", f"udp.port=={PORT},twamp.test", "-T", "fields",
                 *(f"-etwamp.test.{name}" for name in names)],
                capture_output=True, text=True, timeout=4 * harness.PATIENCE)
        self.assertEqual(done.returncode, 0, done.stderr)
        lines = [line.split("\t") for line in done.stdout.splitlines()]
        self.assertEqual(len(lines), 2 * len(packets))
        for (name, request, reply), line, line_of_reply in zip(packets, lines[::2], lines[1::2]):
            with self.subTest(name):
                self.assertEqual(line[0], str(int.from_bytes(request[:4], "big")))
                self.assertEqual(line_of_reply[:3],
                                 [str(int.from_bytes(reply[:4], "big")),
                                  str(int.from_bytes(request[:4], "big")), str(reply[40])])

    def test_scapy_makes_the_same_bytes_of_what_it_read(self):
        python = python_with_scapy()
        if python is None:
            self.skipTest("scapy with its layer of STAMP is not installed")
        packets = answered()
        done = subprocess.run([python, "-c", SCAPY], capture_output=True, text=True,
                              timeout=4 * harness.PATIENCE,
                              input="".join(f"{payload.hex()}\n" for _, *pair in packets
                                            for payload in pair))
        self.assertEqual(done.returncode, 0, done.stderr)
        lines = [line.split() for line in done.stdout.splitlines()]
        self.assertEqual(len(lines), 2 * len(packets))
        for (name, request, reply), line, line_of_reply in zip(packets, lines[::2], lines[1::2]):
            with self.subTest(name):
                number = str(int.from_bytes(request[:4], "big"))
                # scapy fills up what is left of a TLV that is not whole.
                line[3], line_of_reply[3] = (made[:2 * len(request)]
                                             for made in (line[3], line_of_reply[3]))
                self.assertEqual(line, [number, "-", "-", request.hex()])
                self.assertEqual(line_of_reply, [number, number, str(reply[40]), reply.hex()])


if __name__ == "__main__":
    harness.main()
