"""Sockets that a service manager opened, by the protocol of sd_listen_fds(3)."""

import contextlib
import os
import socket
import tempfile
import threading
import unittest

import harness
from service_manager import handed_over


def activated(sockets, *options, **keywords):
    """A server that is handed these sockets, which stay open here too."""
    return handed_over([sock.fileno() for sock in sockets], *options, **keywords)


class Sockets(unittest.TestCase):
    def bound(self, host, family=socket.AF_INET, kind=socket.SOCK_DGRAM):
        sock = self.enter(socket.socket(family, kind))
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind((host, 0))
        return sock

    def enter(self, sock):
        self.addCleanup(sock.close)
        return sock

    def client(self, host, sock):
        return self.enter(harness.client((host, sock.getsockname()[1])))

# Options that report more of each datagram: Linux's asm-generic/socket.h, in.h and in6.h.
TIMESTAMPING = 1 << 3 | 1 << 4 | 1 << 13  # when, and by which device (net_tstamp.h)
REPORTS = {
    socket.SOL_SOCKET: {29: 1, 37: TIMESTAMPING, 40: 1, 75: 1},
    socket.IPPROTO_IP: {6: 1, 7: 1, 11: 1, 12: 1, 13: 1, 20: 1, 23: 1, 25: 1},
    socket.IPPROTO_IPV6: {11: 1, 25: 1, 51: 1, 53: 1, 56: 1, 58: 1, 66: 1, 74: 1, 77: 1},
}
IPV6_RECVHOPOPTS, IPV6_HOPOPTS = 53, 54
SOL_UDP, UDP_SEGMENT, UDP_GRO = 17, 103, 104


def report_all(sock):
    """Switches on whatever of this the kernel has."""
    for level, options in REPORTS.items():
        if level != (socket.IPPROTO_IP if sock.family == socket.AF_INET6 else socket.IPPROTO_IPV6):
            for option, value in options.items():
                with contextlib.suppress(OSError):
                    sock.setsockopt(level, option, value)


def reports(sock):
    """Returns the options that are enabled."""
    found = []
    for level, options in REPORTS.items():
        for option in options:
            with contextlib.suppress(OSError):
                if sock.getsockopt(level, option) != 0:
                    found.append((level, option))
    return found


class HandedOver(Sockets):
    def setUp(self):
        self.loopback = self.bound("127.0.0.1")
        self.ipv4 = self.bound("0.0.0.0")
        self.ipv6 = self.bound("::", socket.AF_INET6)
        self.all = [self.loopback, self.ipv4, self.ipv6]

    def clients(self):
        """One for each socket; the wildcards are asked by addresses that only they can tell."""
        return [self.client("127.0.0.1", self.loopback), self.client("127.0.0.2", self.ipv4),
                self.client("::1", self.ipv6)]

    @harness.needs_ipv6
    def test_they_take_the_place_of_listen(self):
        with activated(self.all, listen=("127.0.0.1:0",)) as server:
            self.assertEqual(server.addresses, [sock.getsockname()[:2] for sock in self.all])
            for line in server.find("listening"):
                self.assertEqual((line["sharing"], line["because"]),
                                 ("shared socket", "another process opened it"))
            self.assertEqual(
                server.wait_for("using sockets of the service manager instead of --listen")["count"], 3)
            for sock in self.clients():
                self.assertEqual(harness.echo(sock, b"hello"), b"hello")
            self.assertEqual(server.stop()["echoed"], 3)

    @harness.needs_ipv6
    def test_what_waited_before_the_start_is_answered(self):
        clients = self.clients()
        for number, sock in enumerate(clients):
            sock.send(b"first %d" % number)
        with activated(self.all) as server:
            for number, sock in enumerate(clients):
                self.assertEqual(sock.recv(100), b"first %d" % number)
            self.assertEqual(server.stop()["echoed"], len(clients))

    @harness.needs_ipv6
    def test_buffers_are_asked_for(self):
        with activated(self.all, "--receive-buffer=64KiB", "--send-buffer=32KiB") as server:
            server.stop()
        for sock in self.all:
            self.assertEqual(sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF), 2 * 65536)
            self.assertEqual(sock.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF), 2 * 32768)

    @harness.needs_ipv6
    def test_what_others_had_reported_hides_nothing(self):
        for sock in self.ipv4, self.ipv6:
            report_all(sock)
            self.assertNotEqual(reports(sock), [])
        with activated(self.all) as server:
            for sock in self.clients():
                self.assertEqual(harness.echo(sock, b"hello"), b"hello")
            self.assertEqual(server.stop()["echoed"], 3)
        self.assertEqual([reports(sock) for sock in (self.ipv4, self.ipv6)], [[], []])

    def test_what_was_received_together_stays_so_without_offload(self):
        for had in 0, 1:
            for offload in "on", "off":
                with self.subTest(had=had, offload=offload):
                    self.loopback.setsockopt(SOL_UDP, UDP_GRO, had)
                    with activated([self.loopback], f"--offload={offload}") as server:
                        sock = self.client("127.0.0.1", self.loopback)
                        sock.setsockopt(SOL_UDP, UDP_SEGMENT, 100)
                        sock.send(bytes(1000))
                        self.assertEqual([len(sock.recv(2000)) for _ in range(10)], [100] * 10)
                        self.assertEqual(server.stop()["echoed"], 10)
                    self.assertEqual(self.loopback.getsockopt(SOL_UDP, UDP_GRO),
                                     had or offload == "on")

    @harness.needs_ipv6
    def test_what_cannot_be_told_in_full_is_not_answered(self):
        with activated(self.all) as server:
            hostile = self.client("::1", self.ipv6)
            # Four options that every host skips, of a length that there is no room for.
            skipped = b"".join(bytes([0x1e, 252]) + bytes(252) for _ in range(4))
            try:
                hostile.setsockopt(socket.IPPROTO_IPV6, IPV6_HOPOPTS,
                                   bytes([0, (len(skipped) + 8) // 8 - 1]) + b"\1\4" + bytes(4) + skipped)
            except PermissionError:
                self.skipTest("this user may not send hop-by-hop options")
            self.assertEqual(harness.echo(hostile, b"before"), b"before")
            self.ipv6.setsockopt(socket.IPPROTO_IPV6, IPV6_RECVHOPOPTS, 1)
            hostile.send(b"not answered")
            self.ipv6.setsockopt(socket.IPPROTO_IPV6, IPV6_RECVHOPOPTS, 1)
            self.assertEqual(harness.echo(self.client("::1", self.ipv6), b"honest"), b"honest")
            counters = server.stop()
        self.assertEqual((counters["echoed"], counters["dropped_control_truncated"]), (2, 1))
        self.assertEqual(harness.accounted(counters), 0)

    def test_several_workers_share_one(self):
        with activated([self.loopback], "--workers=4") as server:
            clients = [self.client("127.0.0.1", self.loopback) for _ in range(50)]
            for turn in range(20):
                for sock in clients:
                    sock.send(b"%d" % turn)
                for sock in clients:
                    self.assertEqual(sock.recv(100), b"%d" % turn)
            counters = server.stop()
        self.assertEqual((counters["echoed"], harness.accounted(counters)), (1000, 0))

    def test_those_of_another_process_are_not_taken(self):
        environment = {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "1"}
        with harness.Server(environment=environment) as server:
            self.assertEqual(server.find("using sockets of the service manager instead of --listen"),
                             [])
            self.assertNotEqual(server.address[1], 0)
            server.stop()


class Restart(Sockets):
    # Never more than the sockets' buffers hold.
    WINDOW = 50
    ECHOES = 5000
    RESTARTS = 5

    def exchange(self, sock, answered):
        """Sends ECHOES datagrams, WINDOW of them on their way, and appends what comes back."""
        for number in range(self.ECHOES + self.WINDOW):
            if number < self.ECHOES:
                sock.send(b"%d" % number)
            if number >= self.WINDOW:
                answered.append(int(sock.recv(100)))

    def test_nothing_is_lost_between_two_servers(self):
        kept = self.bound("127.0.0.1")
        answered, echoed = [], 0
        client = threading.Thread(target=self.exchange, daemon=True,
                                  args=(self.client("127.0.0.1", kept), answered))
        client.start()
        for number in range(1, self.RESTARTS + 1):
            with activated([kept]) as server:
                # The last one stays until all are answered, the others until they had a share.
                share = self.ECHOES * number // self.RESTARTS
                harness.wait_until(lambda: len(answered) >= share)  # pylint: disable=W0640
                echoed += server.stop()["echoed"]
        client.join(timeout=harness.PATIENCE)
        self.assertEqual(sorted(answered), list(range(self.ECHOES)))
        self.assertEqual(echoed, self.ECHOES)


class Refused(Sockets):
    def refusal(self, *sockets):
        """The one line with which a server that is handed these ends."""
        with activated(sockets, wait=False) as server:
            self.assertEqual(server.finish(), 78, server.log())
            self.assertEqual(len(server.raw), 1, server.log())
            return server.wait_for("cannot listen", level="error")

    def check(self, sock, step):
        line = self.refusal(self.bound("127.0.0.1"), sock)
        self.assertEqual((line["descriptor"], line["step"]), (4, step))
        self.assertIn("systemd.socket(5)", line["hint"])

    def test_file(self):
        file = tempfile.TemporaryFile()
        self.check(self.enter(file), "take over what is no socket")

    def test_stream_socket(self):
        self.check(self.bound("127.0.0.1", kind=socket.SOCK_STREAM),
                   "take over a socket that is not for UDP")

    def test_other_protocol(self):
        try:
            sock = self.enter(socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_UDPLITE))
            sock.bind(("127.0.0.1", 0))
        except OSError as error:
            self.skipTest(f"no UDP-Lite on this kernel: {error}")
        self.check(sock, "take over a socket that is not for UDP")

    def test_local_socket(self):
        self.check(self.enter(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)),
                   "take over a socket that is neither of IPv4 nor of IPv6")

    def test_unbound_socket(self):
        self.check(self.enter(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)),
                   "take over a socket that is not bound")

    @harness.needs_ipv6
    def test_ipv6_socket_that_takes_ipv4(self):
        sock = self.enter(socket.socket(socket.AF_INET6, socket.SOCK_DGRAM))
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        sock.bind(("::", 0))
        self.check(sock, "take over an IPv6 socket that takes IPv4 too")

    def test_too_many(self):
        line = self.refusal(*(self.bound("127.0.0.1") for _ in range(257)))
        self.assertEqual(line["error"], "257 sockets of the service manager: expected 256 at most")

    def test_malformed_variables(self):
        prefix = ("sh", "-c", 'LISTEN_PID=$$ LISTEN_FDS=some exec "$@"', "sh")
        with harness.Server(prefix=prefix, wait=False) as server:
            self.assertEqual(server.finish(), 78)
            self.assertIn("LISTEN_FDS=some: expected the number of sockets",
                          server.wait_for("cannot listen", level="error")["error"])


if __name__ == "__main__":
    harness.main()
