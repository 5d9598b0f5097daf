"""--mirror-dscp: with which DSCP and ECN plain echoes leave."""

import signal
import socket
import tempfile
import unittest

import harness


class MirrorDscp(unittest.TestCase):
    def dscp_of(self, address, tos):
        family, level, report, mark = (
            (socket.AF_INET6, socket.IPPROTO_IPV6, socket.IPV6_RECVTCLASS, socket.IPV6_TCLASS)
            if ":" in address[0] else
            (socket.AF_INET, socket.IPPROTO_IP, socket.IP_RECVTOS, socket.IP_TOS))
        with harness.client(address, family) as sock:
            sock.setsockopt(level, report, 1)
            sock.setsockopt(level, mark, tos)
            sock.send(b"x")
            payload, ((_, _, data),), _, _ = sock.recvmsg(10, 100)
        self.assertEqual(payload, b"x")
        return data[0] | data[-1]  # an int of either byte order, or a byte

    @harness.needs_ipv6
    def test_echoes_have_the_dscp_of_their_requests_and_no_ecn(self):
        both = "listen=127.0.0.1:0\nlisten=[::1]:0\n"
        with tempfile.NamedTemporaryFile("w") as file:
            file.write(both)
            file.flush()
            self.check(file, both)

    def check(self, file, both):
        with harness.Server(f"--config={file.name}", listen=()) as server:
            for dscp in 0, 46:
                for address in server.addresses:
                    self.assertEqual(self.dscp_of(address, dscp << 2 | 2), 0)
            file.seek(0)
            file.write(both + "mirror-dscp=on\n")
            file.flush()
            server.signal(signal.SIGHUP)
            server.wait_for("reloaded")
            for dscp in 0, 10, 46, 63:
                for address in server.addresses:
                    self.assertEqual(self.dscp_of(address, dscp << 2 | 2), dscp << 2)


if __name__ == "__main__":
    harness.main()
