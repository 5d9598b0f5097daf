"""Every datagram that was sent is accounted for: received or dropped by the kernel, and if received,
echoed, refused under a reason or failed under an error. To the datagram, with all of it at once.
"""

import itertools
import os
import shutil
import socket
import subprocess
import unittest

import harness
import namespaces

PAYLOAD_MAX = 100
CLIENTS = {"10.0.0.1": "10.0.0.9", "fd00::1": "fd00::9"}  # by the server that they ask
WORKERS = 3

# Far more than the smallest of buffers hold, and fewer than may wait in the kernel before them
# (net.core.netdev_max_backlog).
BURST = 300
BURSTS = 20

# Replies whose payload begins with "R". What is refused within a batch the kernel tries once more,
# to tell the error, so a rule must not change its mind, and its counter would count these twice.
REFUSE = """\
add table inet echo
add chain inet echo output { type filter hook output priority 0 ; }
add rule inet echo output meta l4proto udp @th,64,8 0x52 drop
"""

WITHOUT = shutil.which("without", path=os.environ["UDPECHO_TOOLS"])

NFT = (*namespaces.IN_SERVER, "nft")


def setUpModule():
    namespaces.set_up()
    if shutil.which("nft") is None or subprocess.run(
            [*NFT, "list", "tables"], capture_output=True, check=False).returncode != 0:
        raise unittest.SkipTest("no nftables on this host")
    if WITHOUT is None:
        raise unittest.SkipTest("built without libseccomp, which removes features")


def backlog_drops():
    """Datagrams, of whomever, that this machine dropped before they came to a socket."""
    with open("/proc/net/softnet_stat") as processors:
        return sum(int(line.split()[1], 16) for line in processors)


class Accounting(unittest.TestCase):
    def setUp(self):
        # In each family, one port is for --status and one for everything else.
        # What leaves as one message, nftables sees as one, and looks at the first payload only.
        self.server = harness.Server(
            f"--workers={WORKERS}", f"--payload-max={PAYLOAD_MAX}", "--receive-buffer=4KiB",
            "--rate-limit=off", listen=["*:7000", "*:7001"], prefix=(*namespaces.IN_SERVER, WITHOUT, "UDP_SEGMENT", "--"))
        self.addCleanup(self.server.kill)
        for command in REFUSE.splitlines():
            subprocess.run([*NFT, command], check=True)
        self.addCleanup(subprocess.run, [*NFT, "delete", "table", "inet", "echo"], check=True)
        # On one processor, so that what is sent comes to the server in the same order.
        allowed = os.sched_getaffinity(0)
        os.sched_setaffinity(0, {min(allowed)})
        self.addCleanup(os.sched_setaffinity, 0, allowed)

    def client(self, server, port, source_port=0):
        sock = harness.client((server, port), bind=(CLIENTS[server], source_port))
        self.addCleanup(sock.close)
        return sock

    def test_everything_at_once(self):
        asking = [self.client(server, 7000) for server in CLIENTS]
        # Two from the port of another echo server, whom nobody answers.
        senders = [self.client(server, 7001, port)
                   for server in CLIENTS for port in (0, 0, 0, 7)]
        lengths = itertools.cycle([8, PAYLOAD_MAX, PAYLOAD_MAX + 1])
        marks = itertools.cycle([b"R", b"a", b"b", b"c", b"d"])
        before = backlog_drops()
        sent = 0
        for _ in range(BURSTS):
            with self.server.frozen():
                for sock in itertools.islice(itertools.cycle(senders), BURST):
                    sock.send((next(marks) + b"%d" % sent).ljust(next(lengths)))
                    sent += 1
            # Answered when all that was sent before has come to its socket.
            for sock in asking:
                self.assertEqual(harness.echo(sock, b"%d" % sent), b"%d" % sent)
                sent += 1
        counters = self.server.stop()
        if backlog_drops() != before:
            self.skipTest("this machine was too busy: it dropped datagrams before any socket")
        for counter in ("echoed", "dropped_truncated", "dropped_source_port", "failed_EPERM",
                        "kernel_drops"):
            self.assertGreater(counters[counter], 0, counters)
        self.assertEqual(sent, counters["received"] + counters["kernel_drops"])
        self.assertEqual(harness.accounted(counters), 0)
        answers = [reply for sock in senders for reply in harness.replies(sock)]
        self.assertEqual(counters["echoed"], len(answers) + BURSTS * len(asking))
        self.assertFalse([reply for reply in answers if reply.startswith(b"R")])


if __name__ == "__main__":
    namespaces.enter()
    harness.main()
