"""UDPEchoPlus (TR-143) over the network, and what --status tells of it by the names of TR-181."""

import json
import os
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
        self.assertEqual(status["UDPPort"], [address.split(":")[1]])
        for name, value in (("Enable", "true"), ("EchoPlusEnabled", "true"),
                            ("EchoPlusSupported", "true"), ("PacketsReceived", "2"),
                            ("PacketsResponded", "2"), ("BytesReceived", "124"),
                            ("BytesResponded", "124")):
            self.assertEqual(status[name], [value], name)
        self.assertLess(status["TimeFirstPacketReceived"], status["TimeLastPacketReceived"])
        self.assertEqual((status["stamp_requests"], status["stamp_sessions"]), (["0"], 0))


if __name__ == "__main__":
    harness.main()
