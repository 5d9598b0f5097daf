"""Datagrams with a wrong UDP checksum cost a server and a client nothing but the time to look at
them.

Linux checks a checksum when a datagram is read if it has 76 bytes or more (net/ipv4/udp.c): a
socket is then readable, and there is nothing to be received from it.
"""

import os
import signal
import subprocess
import threading
import time
import unittest

import forging
import harness
import namespaces

UDPECHO = os.environ["UDPECHO"]

# More than the receives that may come to nothing in a row, each of them a datagram's.
COUNT = 1300
LONG = bytes(200)

SOURCES = {"127.0.0.1": ("127.0.0.2", 4000), "::1": ("::1", 4000)}


@harness.posix_only("there is no raw socket to send them by")
class Checksums(unittest.TestCase):
    def setUp(self):
        if namespaces.INSIDE not in os.environ:
            self.skipTest(namespaces.missing() or "only a program can move into its own namespace")

    def spoil(self, address, count, interval=0.0):
        """Sends so many, each received by itself where there is time for it."""
        for _ in range(count):
            forging.forge(SOURCES[address[0]], address, LONG, checksum_error=1)
            time.sleep(interval)

    def check(self, listen, *options):
        with harness.Server("--workers=1", *options, listen=[listen]) as server, \
                harness.client(server.address) as sock:
            before = server.waits()
            self.spoil(server.address, COUNT, interval=0.0005)
            self.assertGreater(server.waits() - before, 1000, "the server did not receive datagrams one by one")
            self.spoil(server.address, 30, interval=1 / 30)
            server.signal(signal.SIGUSR1)
            self.assertEqual(server.wait_for("counters")["health"], "ok")
            self.assertEqual(harness.echo(sock, b"honest"), b"honest")
            counters = server.stop()
        self.assertEqual(counters["receive_errors"], 0, server.log())
        self.assertEqual(server.find("cannot receive"), [])
        self.assertEqual(counters["received"], 1)

    def test_a_server_takes_no_notice(self):
        for listen in "127.0.0.1:0", "[::1]:0":
            with self.subTest(listen=listen):
                self.check(listen)

    def test_a_server_ends_while_they_come(self):
        with harness.Server("--workers=1") as server:
            ended = threading.Event()

            def flood():
                while not ended.is_set():
                    self.spoil(server.address, 100)
            flooding = threading.Thread(target=flood)
            flooding.start()
            try:
                self.assertEqual(server.stop()["receive_errors"], 0)
            finally:
                ended.set()
                flooding.join()

    def test_a_client_takes_no_notice(self):
        with harness.Server() as server, harness.client(server.address) as sock:
            address = sock.getsockname()
            sock.close()
            command = [UDPECHO, "--json", "--count=10", "--interval=200ms",
                       f"--source-port={address[1]}", "%s:%d" % server.address]
            with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as client:
                self.spoil(address, COUNT, interval=0.0005)
                output = client.communicate(timeout=harness.PATIENCE)[0]
            self.assertEqual(client.returncode, 0, output)
            self.assertIn('"received":10,', output.replace(" ", ""))


if __name__ == "__main__":
    namespaces.enter_own_loopback()
    harness.main()
