"""UDPEchoPlus (TR-143) over the network, and what --status tells of it by the names of TR-181."""

import json
import os
import signal
import struct
import tempfile
import unittest

import harness
import vectors

FIELDS = struct.Struct("!IIIII")


def request(number, length=24):
    return struct.pack("!I", number) + bytes(length - 4)


class EchoPlus(unittest.TestCase):
    def server(self, *options, **keywords):
        return harness.Server("--echo-plus=127.0.0.1:0", *options, listen=(), **keywords)

    def test_vectors(self):
        """Octets 4 to 19 are the server's; all others come back as they were sent."""
        found = vectors.load("tr143-*")
        self.assertGreater(len(found), 5)
        for name, vector in found.items():
            with self.subTest(name), self.server() as server, \
                    harness.client(server.address) as sock:
                before = int(vector["respsn_before"])
                for number in range(before):
                    harness.echo(sock, request(number))
                reply = harness.echo(sock, vector["request"])
                expected = vector["reply"]
                self.assertEqual(len(reply), len(expected))
                if len(expected) < FIELDS.size:
                    self.assertEqual(reply, expected)
                    continue
                _, responses, received, replied, failures = FIELDS.unpack_from(reply)
                self.assertEqual((reply[:4], reply[20:]), (expected[:4], expected[20:]))
                self.assertEqual((responses, failures), (before + 1, 0))
                self.assertLess((replied - received) % 2 ** 32, 10 ** 6)

    def test_it_needs_no_call_that_its_sandbox_refuses(self):
        with self.server() as server, harness.client(server.address) as sock:
            harness.echo(sock, request(1))
            server.stop()
        self.assertEqual(server.find("the sandbox refused a system call"), [])

    def test_what_a_limit_refuses_is_a_failure(self):
        with self.server("--rate-limit=1/s", "--rate-limit-exempt=none") as server, \
                harness.client(server.address, timeout=0.01) as sock:
            failures, sent = 0, 0
            while failures == 0:
                sock.send(request(sent))
                sent += 1
                self.assertLess(sent, 5000)
                try:
                    failures = FIELDS.unpack_from(sock.recv(100))[4]
                except TimeoutError:
                    continue
            self.assertGreater(sent, failures)

    @harness.needs_feature("drop counter")
    def test_what_the_kernel_drops_is_a_failure(self):
        """While the server stands still, more comes than its socket has room for."""
        with self.server("--receive-buffer=4KiB") as server, \
                harness.client(server.address) as sock:
            self.assertEqual(FIELDS.unpack_from(harness.echo(sock, request(0)))[1::3], (1, 0))
            server.signal(signal.SIGSTOP)
            for number in range(1, 100):
                sock.send(request(number))
            server.signal(signal.SIGCONT)
            harness.wait_until(lambda: harness.received(server) > 1)
            sock.send(request(100))
            replies = [(0, 1, 0)]
            while replies[-1][0] != 100:
                number, responses, _, _, failures = FIELDS.unpack_from(sock.recv(100))
                replies.append((number, responses, failures))
        numbers = [number for number, _, _ in replies]
        self.assertEqual([responses for _, responses, _ in replies],
                         list(range(1, len(numbers) + 1)))
        for number, responses, failures in replies:
            self.assertEqual(responses + failures, number + 1)  # nothing was lost on the way
        self.assertGreater(failures, 0)

    @harness.posix_only("--control has no path")
    def test_status_has_the_names_of_the_data_model(self):
        with tempfile.TemporaryDirectory() as folder:
            control = os.path.join(folder, "control")
            with self.server("--stamp=127.0.0.1:0", f"--control={control}") as server:
                address, = [line["address"] for line in
                            server.find("listening", protocol="echo-plus")]
                with harness.client(("127.0.0.1", int(address.split(":")[1]))) as sock:
                    for length in 24, 100:
                        harness.echo(sock, request(1, length))
                status = json.loads(harness.run("--status", "--json",
                                                f"--control={control}").stdout)
        self.assertEqual(sorted(status["protocol"]), ["echo-plus", "stamp"])
        self.assertEqual(status["UDPEchoConfig"], [address])
        self.assertEqual(status["UDPPort"], [int(address.split(":")[1])])
        for name, value in (("Enable", True), ("EchoPlusEnabled", True),
                            ("EchoPlusSupported", True), ("PacketsReceived", 2),
                            ("PacketsResponded", 2), ("BytesReceived", 124),
                            ("BytesResponded", 124)):
            self.assertEqual(status[name], [value], name)
        self.assertLess(status["TimeFirstPacketReceived"], status["TimeLastPacketReceived"])
        self.assertEqual((status["stamp_requests"], status["stamp_sessions"]), ([0], 0))


if __name__ == "__main__":
    harness.main()
