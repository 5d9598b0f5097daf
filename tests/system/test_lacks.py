"""The server on systems that lack something: it starts, says once what it does without, and still
answers every size from the address that was asked. Also run by themselves under each of these: all
tests of test_echo.py."""

import os
import shutil
import socket
import unittest

import harness
import tracing

WITHOUT = shutil.which("without", path=os.environ["UDPECHO_TOOLS"])

SIZES_IPV4 = [0, 1, 1472, 1473, 8000, 65507]
SIZES_IPV6 = [0, 1, 1452, 1453, 8000, 65527]

# A feature as without.c knows it, and what the log says that is done instead.
ROWS = {
    "epoll": "poll(2) waits for the sockets",
    "timerfd": "waits end by the millisecond, except with kqueue",
    "SO_REUSEPORT": "the workers share one socket",
    "IP_PKTINFO": "each IPv4 address of this host is bound instead of 0.0.0.0",
    "IPV6_RECVPKTINFO": "each IPv6 address of this host is bound instead of [::]",
    "recvmmsg": "each datagram is received by its own call",
    "sendmmsg": "each reply is sent by its own call",
    "AF_INET6": "only IPv4 is served",
    "IPV6_V6ONLY": "each IPv6 address of this host is bound instead of [::]",
    "IP_PMTUDISC_OMIT": "the system decides how replies are fragmented",
    "SO_MEMINFO": "datagrams that the kernel drops are not counted",
    "UDP_SEGMENT": "replies to the same client are not gathered",
    "UDP_GRO": "datagrams that were sent as one are received one by one",
    "SO_TIMESTAMPNS": "STAMP and UDPEchoPlus count from when they receive",
    "IP_RECVTTL": "STAMP does not tell it",
    "IP_RECVTOS": "STAMP does not tell them, and none is mirrored",
    "IP_TOS": "replies leave with the system's",
    "SO_TIMESTAMPING": "STAMP's follow-up tells when the reply was sent",
}


@unittest.skipUnless(WITHOUT, "built without libseccomp, which removes features")
class Lacks(unittest.TestCase):
    def server(self, *features, listen=("127.0.0.1:0", "*:0"), **others):
        return harness.Server("--workers=3", listen=listen,
                              prefix=[WITHOUT, ",".join(features), "--"], **others)

    def check_every_size(self, server):
        """At each address that it says it listens on; for a wildcard, at the loopback's."""
        echoed = 0
        for host, port in server.addresses:
            host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
            sizes = SIZES_IPV6 if ":" in host else SIZES_IPV4
            address = socket.getaddrinfo(host, port)[0][4]  # with the number of its interface
            with self.subTest(address=host), harness.client(address) as sock:
                for size in sizes:
                    self.assertEqual(harness.echo(sock, bytes(size)), bytes(size))
                    echoed += 1
        counters = server.stop()
        self.assertEqual(counters["echoed"], echoed)
        self.assertEqual(harness.accounted(counters), 0)

    def check_told(self, server, features):
        told = {line["by"]: line["instead"] for line in server.find("refused by the system")}
        missing = set(ROWS) - set(harness.features().values())  # on this kernel itself
        self.assertEqual(told, {feature: ROWS[feature] for feature in {*features, *missing}})

    def test_one_thing(self):
        for feature in ROWS:
            with self.subTest(without=feature), self.server(feature) as server:
                self.check_told(server, [feature])
                self.check_every_size(server)

    def test_everything(self):
        features = [feature for feature in ROWS if feature != "AF_INET6"]
        with self.server(*features, "SO_RCVBUF", "SO_SNDBUF") as server:
            self.check_told(server, features)
            serving, = server.find("serving", backend="poll", batching="single/single")
            self.check_every_size(server)

    def test_everything_and_ipv6(self):
        with self.server(*ROWS) as server:
            # Missing features of IPv6 are not logged as well.
            self.check_told(server, set(ROWS) - {"IPV6_RECVPKTINFO", "IPV6_V6ONLY"})
            self.check_every_size(server)

    def test_small_buffers_are_told(self):
        with self.server("SO_RCVBUF", "SO_SNDBUF") as server:
            told = [line["option"] for line in server.find("kernel granted a smaller buffer")]
            self.assertEqual(told, ["receive-buffer", "send-buffer"])
            self.check_every_size(server)

    def test_wildcard_is_bound_address_by_address(self):
        for feature, family in ("IP_PKTINFO", "."), ("IPV6_RECVPKTINFO", ":"), ("IPV6_V6ONLY", ":"):
            with self.subTest(without=feature), self.server(feature, listen=["*:0"]) as server:
                hosts = [host for host, _ in server.addresses]
                own = [host for host in hosts if family in host]
                self.assertIn("127.0.0.1" if family == "." else "::1", own)
                self.assertFalse({"0.0.0.0", "::"} & set(own))
                server.find("addresses of this host bound separately")[0]

    def test_sharing_is_told_with_its_reason(self):
        with self.server("SO_REUSEPORT") as server:
            line = server.find("listening")[0]
            self.assertEqual((line["sharing"], line["because"]),
                             ("shared socket", "SO_REUSEPORT: Protocol not available"))


@tracing.needs_strace
class Shortage(unittest.TestCase):
    """A call that fails for want of something says nothing of what the system has."""

    def place(self):
        """Which socket(2) of the main thread is the first for IPv6."""
        with tracing.TracedServer("socket") as server:
            server.stop()
            calls = server.calls(f"{server.process.pid} ", "socket(")
        return tracing.when(calls, "AF_INET6")

    @harness.needs_ipv6
    def test_no_descriptor_for_a_moment(self):
        with tracing.TracedServer("socket", listen=["*:0"], inject=
                                  f"socket:error=ENFILE:when={self.place()}") as server:
            self.assertEqual([host for host, _ in server.addresses], ["0.0.0.0", "::"])
            self.assertEqual(server.find("refused by the system"), [])
            server.stop()
            self.assertTrue(server.calls("INJECTED"))

    def test_interface_that_a_socket_cannot_be_bound_to(self):
        """Errors of the interface are distinguished from other errors."""
        with tracing.TracedServer("setsockopt", listen=["127.0.0.1%lo:0"]) as server:
            server.stop()
            place = tracing.when(server.calls(f"{server.process.pid} "), "SO_BINDTODEVICE")
        for error, code in ("ENODEV", 68), ("EPERM", 77), ("ENOMEM", 71):
            with self.subTest(error=error), \
                    tracing.TracedServer("setsockopt", listen=["127.0.0.1%lo:0"], wait=False,
                                         inject=f"setsockopt:error={error}:when={place}") as server:
                self.assertEqual(server.finish(), code, server.log())
                line = server.wait_for("cannot listen")
                self.assertEqual("CAP_NET_RAW" in line.get("hint", ""), error == "EPERM")

    def test_no_descriptor_at_all(self):
        place = self.place()
        with tracing.TracedServer("socket", wait=False, inject=
                                  f"socket:error=ENFILE:when={place}..{place + 20}") as server:
            self.assertEqual(server.finish(), 71, server.log())
            server.wait_for("cannot check the features of the system",
                            error="Too many open files in system")


class Threads(unittest.TestCase):
    @tracing.needs_strace
    def test_fewer_threads_than_workers(self):
        # Which of the two makes a thread is up to the C library. The first are the log's and, in a
        # build with a sanitizer, its own.
        with tracing.TracedServer("clone,clone3", "--workers=4") as server:
            server.stop()
            threads = len([call for call in server.calls("clone") if "resumed" not in call])
        with tracing.TracedServer("clone,clone3", "--workers=4", inject=
                                  f"clone,clone3:error=EAGAIN:when={threads - 1}+") as server:
            warning, = server.find("fewer workers than configured", asked=4, started=2)
            self.assertEqual(warning["error"], "Resource temporarily unavailable")
            self.assertEqual(server.find("serving")[0]["workers"], 2)
            # No flow ends at a socket that nobody serves.
            for _ in range(50):
                with harness.client(server.address) as sock:
                    self.assertEqual(harness.echo(sock, b"served"), b"served")
            self.assertEqual(harness.accounted(server.stop()), 0)
            self.assertTrue(server.calls("INJECTED"))

    @tracing.needs_strace
    def test_fewer_threads_than_workers_and_then_no_memory(self):
        """The workers that have started end before what they use does."""
        codes = set()
        for place in range(6, 24):
            with tracing.TracedServer(
                    "clone,clone3,epoll_ctl", "--workers=4", "--duration=50ms", wait=False, inject=
                    "clone,clone3:error=EAGAIN:when=4+ "
                    f"epoll_ctl:error=ENOMEM:when={place}+") as server:
                codes.add(server.finish())
        self.assertEqual(codes, {0, 71})


if __name__ == "__main__":
    harness.main()
