"""How far the times in STAMP's replies are from those of a capture, on the loopback and on a pair of
veth interfaces, and how long requests stay in the reflector. Prints tables in Markdown; those of one
run are in PERFORMANCE.md. Needs root, Linux's network namespaces, and tcpdump.

T2 is when the reflector says that a request came, T3 when it says that it sent the reply. Follow-Up
Telemetry is when it says in the next reply that the one before really left. All are by the clock
that the capture's time stamps are of.
"""

import argparse
import contextlib
import os
import pathlib
import statistics
import struct
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "system"))
import capture  # noqa: E402
import harness  # noqa: E402, from that directory
import namespaces  # noqa: E402
import table  # noqa: E402
import vectors  # noqa: E402, from that directory

UDPECHO = os.environ["UDPECHO"]

# Where the reflector is, and what it is captured on: the reflector's end of a link.
PLACES = {"loopback": ("127.0.0.1", "lo", ()), "veth": ("10.0.0.1", "far0", namespaces.IN_SERVER)}

REFLECTOR = "--stamp-sessions=stateful", "--stamp-clock=ptp"


def time_at(payload, at):
    """A time stamp of PTP."""
    seconds, nanoseconds = struct.unpack_from("!II", payload, at)
    return seconds * 10**9 + nanoseconds


class Session:
    """When the packets of one sender passed the interface, and what their replies say."""

    def __init__(self):
        self.came = {}      # by the sender's number
        self.left = {}      # by the reflector's
        self.replies = []   # number, the sender's, T2, T3
        self.followed = {}  # when a reply left, as the next one tells

    def add_reply(self, when, reply):
        number, sender_number = (struct.unpack_from("!I", reply, at)[0] for at in (0, 24))
        self.left[number] = when
        self.replies.append((number, sender_number, time_at(reply, 16), time_at(reply, 4)))
        for _, kind, value in vectors.tlvs(reply, vectors.PLAIN):
            if kind == vectors.FOLLOW_UP and number > 0:
                self.followed[struct.unpack_from("!I", value)[0]] = time_at(value, 4)


def read_sessions(path, port):
    sessions = {}
    for when, source, destination, payload in capture.read(path):
        if destination == port:
            session = sessions.setdefault(source, Session())
            session.came[struct.unpack_from("!I", payload)[0]] = when
        else:
            sessions[destination].add_reply(when, payload)
    return list(sessions.values())


def run(place, scheduling, *options):
    """All sessions of a client with these options."""
    address, interface, prefix = PLACES[place]
    prefix = (*prefix, *scheduling)
    with contextlib.ExitStack() as stack:
        directory = stack.enter_context(tempfile.TemporaryDirectory())
        server = stack.enter_context(harness.Server(*REFLECTOR, f"--stamp={address}:0", listen=(),
                                                    prefix=prefix))
        port = server.address[1]
        path = os.path.join(directory, "capture")
        captured = capture.start(interface, port, prefix, path)
        subprocess.run([UDPECHO, "--stamp", "--stamp-tlv=follow-up", "--quiet", "--flood", *options,
                        f"{address}:{port}"], check=True, stdout=subprocess.DEVNULL)
        capture.end(captured)
        return read_sessions(path, port)


def microseconds(values):
    """Median, 99th percentile and maximum."""
    values = sorted(values)
    return [f"{value / 1000:.3f} µs" for value in
            (statistics.median(values), values[len(values) * 99 // 100], values[-1])]


def describe_errors(place, options):
    session, = run(place, options.scheduling, f"--rate={options.rate}/s", f"--count={options.count}")
    received = [abs(t2 - session.came[sender_number])
                for _, sender_number, t2, _ in session.replies]
    sent = [abs(session.left[number] - t3) for number, _, _, t3 in session.replies]
    followed = [abs(session.left[number] - when) for number, when in session.followed.items()]
    return [[place, name, str(len(values)), *microseconds(values)]
            for name, values in (("T2 − capture in", received), ("capture out − T3", sent),
                                 ("capture out − follow-up", followed))]


def describe_stays(place, load, scheduling, *how):
    stays = [t3 - t2 for session in run(place, scheduling, "--flows=64", *how)
             for _, _, t2, t3 in session.replies]
    return [place, load, f"{len(stays):,}", *microseconds(stays)]


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=4000, help="requests of one session")
    parser.add_argument("--rate", type=int, default=200, help="of them a second")
    parser.add_argument("--seconds", type=int, default=10, help="that 64 sessions ask for")
    capture.add_scheduling(parser, "reflector")
    options = parser.parse_args()
    namespaces.set_up()
    before = os.getloadavg()[0]
    head = "replies", "median", "p99", "max"
    errors = [row for place in PLACES for row in describe_errors(place, options)]
    print(table.layout([["link", "difference", *head], *errors]), end="\n\n")
    stays = [describe_stays(place, load, options.scheduling, *how) for place in PLACES for load, how in {
        "10,000 a second": ("--rate=10000/s", f"--count={10000 * options.seconds}"),
        "one under way each": ("--window=1", f"--duration={options.seconds}s")}.items()]
    print(table.layout([["link", "64 sessions", *head], *stays]), end="\n\n")
    print(f"Load average {before:.1f} before and {os.getloadavg()[0]:.1f} after.")


if __name__ == "__main__":
    namespaces.enter()
    main()
