"""The client on systems that lack something, or give it little room: what it tells is the network's."""

import os
import shutil
import unittest

import client_harness
import harness
import tracing
from client_harness import ask

TOOLS = os.environ["UDPECHO_TOOLS"]
WITHOUT = shutil.which("without", path=TOOLS)
SMALL_BUFFERS = os.path.join(TOOLS, "small_buffers.so")
SMALL = ("env", f"LD_PRELOAD={SMALL_BUFFERS}")

HOSTS = "127.0.0.1", "::1"


def setUpModule():
    global server
    server = harness.Server(listen=["127.0.0.1:0", "[::1]:0"])


def tearDownModule():
    server.kill()


def target(host):
    host, port = server.addresses[HOSTS.index(host)]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


class Client(unittest.TestCase):
    def check_answered(self, report, count):
        client_harness.check_sums(self, report)
        self.assertEqual((report.code, report.errors, report.summary["received"]), (0, "", count),
                         report.text)


class Buffers(Client):
    """The client makes its socket buffers large enough, regardless of the system's default."""

    def test_the_wrapper_makes_them_small(self):
        done = harness.run("--count=1", "--size=9217", "--timeout=100ms", target("127.0.0.1"),
                           program=client_harness.UDPECHO,
                           prefix=(*SMALL, *((WITHOUT, "SO_SNDBUF", "--") if WITHOUT else ())))
        if WITHOUT is None:
            self.skipTest("built without libseccomp, which removes features")
        self.assertIn("1 not sent", done.stdout)

    def test_every_size_leaves_and_returns(self):
        for host in HOSTS:
            for size in 9216, 9217, 42000, 65507:
                with self.subTest(host=host, size=size):
                    self.check_answered(ask("--count=1", f"--size={size}", target(host),
                                            prefix=SMALL), 1)

    def test_a_sweep_too(self):
        self.check_answered(ask("--sweep=4", "--count=1", "--size=65507", target("127.0.0.1"),
                                prefix=SMALL), 4)

    def test_the_largest_payload_is_not_their_size(self):
        report = ask("--mtu", target("127.0.0.1"), prefix=SMALL)
        found, = report.of("mtu")
        self.assertEqual((found["payload"], found["limit"]), (65507, "none"), report.text)


@unittest.skipUnless(WITHOUT, "built without libseccomp, which removes features")
class Options(Client):
    LACKS = ("IPV6_DONTFRAG", "IPV6_RECVERR", "IP_RECVERR", "IP_MTU_DISCOVER", "IPV6_MTU_DISCOVER",
             "SO_TIMESTAMPNS", "IP_RECVTTL", "IPV6_RECVHOPLIMIT", "IP_RECVFRAGSIZE",
             "IPV6_RECVFRAGSIZE", "IPV6_V6ONLY")

    def test_what_nobody_asked_for_may_be_missing(self):
        for lacking in *self.LACKS, ",".join(self.LACKS):
            for host in HOSTS:
                with self.subTest(without=lacking, host=host):
                    self.check_answered(ask("--count=2", "--interval=200ms", "--size=9000",
                                            target(host), prefix=(WITHOUT, lacking, "--")), 2)

    def test_what_was_asked_for_may_not(self):
        for lacking, host in (("IPV6_DONTFRAG", "::1"), ("IPV6_MTU_DISCOVER", "::1"),
                              ("IP_MTU_DISCOVER", "127.0.0.1")):
            for option in "--dont-fragment", "--mtu":
                with self.subTest(without=lacking, option=option):
                    done = client_harness.run(option, target(host),
                                              prefix=(WITHOUT, lacking, "--"))
                    self.assertEqual((done.returncode, done.stdout), (2, ""))
                    self.assertIn("cannot forbid fragments: ", done.stderr)


if __name__ == "__main__":
    harness.main()
