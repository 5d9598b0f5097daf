"""What the servers are asked: shapes of traffic, and the clients that make them (generate.c)."""

import collections
import os
import pathlib
import subprocess

TOOLS = pathlib.Path(os.environ["UDPECHO_TOOLS"])

# `clients` have `window` datagrams each outstanding, of `size` bytes, sent as `how` says.
Traffic = collections.namedtuple("Traffic", "shape host size clients window how")

# What came of one server's turn: its processor time, what generate.c counts, and how long the
# clients took from the first datagram of a pass to its last answer (the median).
Turn = collections.namedtuple("Turn", "cpu_ns echoed lost changed misdelivered again pass_ns")

# The default receive buffer, 208 KiB, holds this many datagrams by Linux's count,
# which is of the memory that each of them takes.
OUTSTANDING = {32: 128, 512: 128, 1400: 64, 8000: 8, 65507: 2}

# The same for servers with a larger receive buffer: four megabytes and more.
OUTSTANDING_LARGE = {32: 128, 512: 128, 1400: 128, 8000: 128, 65507: 32}

IPV4, IPV6 = "127.0.0.1", "::1"


def distinct(size, outstanding, host=IPV4):
    return Traffic("clients with one datagram each", host, size, outstanding[size], 1, "bursts")


def bursty(size, outstanding, host=IPV4):
    clients = min(4, outstanding[size])
    return Traffic("4 clients that send bursts", host, size, clients, outstanding[size] // clients,
                   "bursts")


def interleaved(size, outstanding, host=IPV4):
    clients = min(8, outstanding[size])
    return Traffic("8 clients interleaved", host, size, clients, outstanding[size] // clients,
                   "interleaved")


def segmented(size, outstanding, host=IPV4):
    """A message of segments has at most 65,507 bytes, and at most 64 segments."""
    window = min(outstanding[size] // 4, 65507 // size)
    return Traffic("4 clients with GSO and GRO", host, size, 4, window, "segments")


PING_PONG = Traffic("one client, one datagram", IPV4, 32, 1, 1, "bursts")

# Beside the peers, within the buffer that they have.
BESIDE_PEERS = [
    *(distinct(size, OUTSTANDING) for size in OUTSTANDING),
    *(bursty(size, OUTSTANDING) for size in (32, 512, 1400)),
    *(interleaved(size, OUTSTANDING) for size in (32, 512, 1400)),
    *(segmented(size, OUTSTANDING) for size in (32, 512, 1400)),
    PING_PONG,
    *(distinct(size, OUTSTANDING, IPV6) for size in (32, 1400)),
    *(bursty(size, OUTSTANDING, IPV6) for size in (32, 1400)),
]
BESIDE_PEERS_QUICK = [distinct(32, OUTSTANDING), distinct(1400, OUTSTANDING),
                      bursty(32, OUTSTANDING), segmented(32, OUTSTANDING), PING_PONG]

# Every shape and size, without those who lose what a large buffer would hold.
FULL_QUEUES = [
    *(shape(size, OUTSTANDING_LARGE) for shape in (distinct, bursty, interleaved)
      for size in OUTSTANDING_LARGE),
    *(segmented(size, OUTSTANDING_LARGE) for size in (32, 512, 1400, 8000)),
    *(shape(size, OUTSTANDING_LARGE, IPV6) for shape in (distinct, bursty) for size in (32, 1400)),
]

WORKERS = [distinct(32, OUTSTANDING_LARGE), bursty(32, OUTSTANDING_LARGE)]

# The length of an authenticated STAMP packet.
PACKETS = [shape(112, {112: 128}) for shape in (distinct, bursty)]

COUNTED = [shape(size, OUTSTANDING_LARGE)
           for shape in (distinct, bursty, interleaved, segmented) for size in (32, 1400)]


class Clients:
    """The clients of one server, at rest but for its turns."""

    def __init__(self, server, traffic, prefix=()):
        self.server = server
        command = [*prefix, TOOLS / "generate", *server.address, traffic.clients, traffic.window,
                   traffic.size, traffic.how, *server.packets]
        self.process = subprocess.Popen([str(part) for part in command], text=True, bufsize=1,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def take_turn(self, milliseconds):
        before = self.server.cpu_ns()
        self.process.stdin.write(f"{milliseconds}\n")
        counts = map(int, self.process.stdout.readline().split())
        return Turn(self.server.cpu_ns() - before, *counts)

    def end(self):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()
