"""Clients that others wrote, as black boxes against the real server.

Every test runs over IPv4 and IPv6. One whose client is not installed is skipped and says so.
"""

import asyncio
import os
import random
import re
import shutil
import subprocess
import threading
import unittest

import namespaces

if __name__ == "__main__":
    # Clients with raw sockets count what others do on a loopback that they share. Before the
    # harness is there, which looks at what this host has.
    namespaces.enter_own_loopback()

import harness

# Where programs are that a user's PATH may lack: raw socket tools, and the monitoring plugins of
# Debian, Fedora, Alpine and Arch, FreeBSD, and Homebrew on either processor.
PATH = os.pathsep.join([
    os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin", "/opt/homebrew/sbin",
    "/usr/lib/nagios/plugins", "/usr/lib64/nagios/plugins", "/usr/lib/monitoring-plugins",
    "/usr/local/libexec/nagios"])

# Not text, and every byte there is: a client or server that converts anything shows.
EVERY_BYTE = bytes(range(256))

# The limits that matter: nothing, Ethernet's 1500 less the headers, the longest over IPv4.
SIZES = (0, 1, 1471, 1472, 1473, 8000, 65507)

PING = """
use strict; use Net::Ping;
my ($host, $port, $family, $size) = @ARGV;
my $ping = Net::Ping->new({proto => "udp", timeout => 10, data_size => $size, family => $family});
$ping->port_number($port);  # this also makes it take a refused port for a failure
exit !$ping->ping($host);
"""

# Its read command takes a byte at a time, and the first read of a datagram loses the rest.
BASH = 'exec 3<>"/dev/udp/$0/$1" && head -c "$2" >&3 && exec head -c "$2" <&3'


def find(program):
    return shutil.which(program, path=PATH)


def needs(*programs):
    missing = [program for program in programs if find(program) is None]
    return unittest.skipIf(missing, f"not installed: {', '.join(missing)}")


# The kernel knows of no socket behind a packet of theirs, so it answers the echo with an ICMP
# "port unreachable" to the server, which must not mind.
raw_sockets = unittest.skipUnless(getattr(os, "geteuid", int)() == 0, "raw sockets need root")


def has_perl_module(name):
    perl = find("perl")
    return perl and subprocess.run([perl, f"-M{name}", "-e", "1"], timeout=harness.PATIENCE,
                                   stderr=subprocess.DEVNULL).returncode == 0


class Echoes(asyncio.DatagramProtocol):
    """Queues what comes back, or the error that came instead."""

    def __init__(self):
        self.queue = asyncio.Queue()

    def datagram_received(self, data, address):
        self.queue.put_nowait(data)

    def error_received(self, error):
        self.queue.put_nowait(error)


class Clients:
    """The tests that both address families share; a class below gives HOST and the like."""

    def setUp(self):
        self.server = harness.Server(listen=[f"{self.BRACKETED}:0"])
        self.addCleanup(self.server.kill)
        self.port = str(self.server.address[1])

    def run_client(self, program, *arguments):
        """Runs a client to its end, which must be good, and returns what it wrote."""
        done = subprocess.run([find(program), *arguments], capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, timeout=harness.PATIENCE)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def converse(self, program, *arguments):
        """Has a client send its standard input and expects that on its standard output.

        The input stays open meanwhile, for some clients leave at its end without a look at what
        comes back; so the client is ended here.
        """
        with subprocess.Popen([find(program), *arguments], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            guard = threading.Timer(harness.PATIENCE, process.kill)
            guard.start()
            try:
                process.stdin.write(EVERY_BYTE)
                process.stdin.flush()
                heard = process.stdout.read1()
            finally:
                guard.cancel()
                process.kill()
                complaints = process.stderr.read()
        self.assertEqual(heard, EVERY_BYTE, complaints)
        self.check_server(datagrams=1, size=len(EVERY_BYTE))

    def check_server(self, datagrams, size=None):
        """The server is alive, has echoed so many datagrams or more, and its counters agree."""
        counters = self.server.stop()
        self.assertEqual(harness.accounted(counters), 0, counters)
        self.assertGreaterEqual(counters["echoed"], datagrams)
        self.assertEqual(counters["echoed"], counters["received"])
        self.assertEqual(counters["receive_errors"], 0)
        if size is not None:
            self.assertEqual(counters["echoed_bytes"], counters["echoed"] * size)

    # ---- Conversations ----

    @needs("socat")
    def test_socat(self):
        self.converse("socat", "-", f"UDP{self.VERSION}:{self.BRACKETED}:{self.port}")

    @needs("ncat")
    def test_ncat(self):
        self.converse("ncat", "-n", "-u", self.HOST, self.port)

    @needs("nc.openbsd")
    def test_netcat_openbsd(self):
        self.converse("nc.openbsd", "-n", "-u", self.HOST, self.port)

    @needs("bash")
    def test_bash(self):
        self.converse("bash", "-c", BASH, self.HOST, self.port, str(len(EVERY_BYTE)))

    def test_asyncio(self):
        asyncio.run(self.converse_asyncio())
        self.check_server(datagrams=len(SIZES))

    async def converse_asyncio(self):
        sock = harness.client(self.server.address, timeout=0)
        transport, echoes = await asyncio.get_running_loop().create_datagram_endpoint(
            Echoes, sock=sock)
        try:
            for size in SIZES:
                payload = random.Random(size).randbytes(size)
                # An empty datagram is one that older transports leave out.
                send = transport.sendto if payload else sock.send
                send(payload)
                echo = await asyncio.wait_for(echoes.queue.get(), timeout=harness.PATIENCE)
                self.assertEqual(echo, payload, f"size {size}")
        finally:
            transport.close()

    # ---- Probes ----

    @unittest.skipUnless(has_perl_module("Net::Ping"), "not installed: perl's Net::Ping")
    def test_perl_net_ping(self):
        size = 1024  # the most it sends: a sequence number in one byte, then its data
        self.run_client("perl", "-e", PING, self.HOST, self.port, f"ipv{self.VERSION}", str(size))
        self.check_server(datagrams=1, size=size)

    @needs("check_udp")
    def test_monitoring_plugin(self):
        said = self.run_client("check_udp", "-H", self.HOST, "-p", self.port, "-t", "10",
                               "-s", "Hello, echo", "-e", "Hello, echo")
        self.assertRegex(said, r"^UDP OK .*\[Hello, echo\]")
        self.check_server(datagrams=1, size=len("Hello, echo"))

    @needs("nping")
    def test_nping(self):
        for option, size in ((), 4), (("--data-length", "1000"), 1000):  # 4 is its own choice
            with self.subTest(size=size):
                said = self.run_client("nping", "--unprivileged", f"-{self.VERSION}", "--udp",
                                       "-c3", "--delay=10ms", "-p", self.port, *option, self.HOST)
                echo = f"RCVD .* UDP packet with {size} bytes from {self.HOST}:{self.port}"
                self.assertEqual(len(re.findall(echo, said)), 3, said)
                self.assertRegex(said, r"sent: 3 \| Rcvd: 3 \| Lost: 0 ")
        self.check_server(datagrams=6)

    def scan(self, size):
        said = self.run_client("nmap", f"-{self.VERSION}", "-n", "-Pn", "-sU", "--reason", "-p",
                               self.port, "--data-length", str(size), self.HOST)
        self.assertRegex(said, rf"(?m)^{self.port}/udp\s+open\s+\S+\s+udp-response\b")
        self.check_server(datagrams=1, size=size)

    @needs("nmap")
    @raw_sockets
    def test_nmap_empty_probe(self):
        self.scan(size=0)

    @needs("nmap")
    @raw_sockets
    def test_nmap_data_probe(self):
        self.scan(size=100)


class ClientsIPv4(Clients, unittest.TestCase):
    VERSION, HOST, BRACKETED = 4, "127.0.0.1", "127.0.0.1"

    # These two count the ICMP messages as answers and may leave before the last echo. Neither can
    # do this over IPv6: nping sends from the address "::", hping3 does not know it. The source
    # port that nping takes by itself, 53, may be a name server's.

    @needs("nping")
    @raw_sockets
    def test_nping_raw(self):
        for option, size in ((), 0), (("--data-length", "1000"), 1000):
            with self.subTest(size=size):
                said = self.run_client("nping", "--udp", "-c3", "--delay=10ms", "-g1", "-p",
                                       self.port, *option, self.HOST)
                echo = rf"RCVD .* UDP {self.HOST}:{self.port} > .* iplen={28 + size} "
                self.assertRegex(said, echo)
                self.assertIn("unreachable", said)
        self.check_server(datagrams=6)

    @needs("hping3")
    @raw_sockets
    def test_hping3(self):
        said = self.run_client("hping3", "-2", "-n", "-c", "3", "-i", "u10000", "-p", self.port,
                               "-d", "20", "-e", "Hello", "-J", self.HOST)
        # The echo in a dump of lines of 16 characters; the signature is filled up with X.
        dumps = re.findall(rf"(?m)^len=48 ip={self.HOST} .*\n((?:\t\t.*\n)+)", said)
        self.assertTrue(dumps, said)
        for dump in dumps:
            self.assertTrue("".join(dump.split()).endswith("Hello" + 15 * "X"), dump)
        self.check_server(datagrams=2, size=20)


@harness.needs_ipv6
class ClientsIPv6(Clients, unittest.TestCase):
    VERSION, HOST, BRACKETED = 6, "::1", "[::1]"


if __name__ == "__main__":
    harness.main()
