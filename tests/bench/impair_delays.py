"""How far the delays of --impair are from those that it decides, by a capture on the loopback. Prints
a table in Markdown; that of one run is in PERFORMANCE.md. Needs root, Linux's network namespaces, and
tcpdump.

The delay of a reply is the time between its request and itself in the capture. What the server decided
is computed anew for each reply: by the seed, and for a rate by the times at which requests came.
"""

import argparse
import contextlib
import os
import pathlib
import random
import socket
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "system"))
import capture  # noqa: E402
import harness  # noqa: E402, from that directory
import impairment  # noqa: E402
import namespaces  # noqa: E402
import table  # noqa: E402

PAYLOAD = 100
PERCENTAGES = 0, 1, 50, 99, 100


class Delayed:
    def __init__(self, *how, **named):
        self.delay = impairment.Delay(*how, **named)

    def __str__(self):
        return str(self.delay)

    def decided(self, came):
        return [1000 * self.delay.microseconds(number) for number in range(1, len(came) + 1)]


class Rate:
    def __init__(self, kilobits):
        self.kilobits = kilobits

    def __str__(self):
        return f"rate={self.kilobits}kbit/s"

    def decided(self, came):
        """A reply waits for those before it, and then takes as long as its bits at this rate."""
        delays, free = [], 0
        for when in came:
            free = max(when, free) + 8 * PAYLOAD * 10**6 // self.kilobits
            delays.append(free - when)
        return delays


SPECS = (Delayed(1), Delayed(20), Delayed(50, 10), Delayed(50, 10, "normal"), Rate(1000))


def ask(address, options):
    """Numbered requests at random times, since a regular time would meet the timer regularly."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect(address)
        due = time.monotonic()
        for number in range(options.count):
            due += random.expovariate(options.rate)
            time.sleep(max(0, due - time.monotonic()))
            sock.send(number.to_bytes(PAYLOAD, "big"))


def measure(spec, options):
    """The delays of all replies, decided and captured, in nanoseconds."""
    with contextlib.ExitStack() as stack:
        directory = stack.enter_context(tempfile.TemporaryDirectory())
        server = stack.enter_context(harness.Server(
            "--workers=1", "--allow=127.0.0.0/8", f"--impair={spec}", prefix=options.scheduling))
        path = os.path.join(directory, "capture")
        captured = capture.start("lo", server.address[1], options.scheduling, path, snap=65535)
        ask(server.address, options)
        capture.end(captured)
        came, left = [None] * options.count, [None] * options.count
        for when, _, destination, payload in capture.read(path):
            times = came if destination == server.address[1] else left
            # The loopback carries replies that are gathered as one packet.
            for at in range(0, len(payload), PAYLOAD):
                times[int.from_bytes(payload[at:at + PAYLOAD], "big")] = when
    if None in came or None in left:
        raise SystemExit(f"{spec}: not every request has a reply")
    return spec.decided(came), [sent - asked for asked, sent in zip(came, left, strict=True)]


def milliseconds(values):
    values = sorted(values)
    return [f"{values[min(len(values) - 1, len(values) * percentage // 100)] / 1e6:.3f}"
            for percentage in PERCENTAGES]


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=20000, help="requests to each server")
    parser.add_argument("--rate", type=int, default=1000, help="of them a second, on average")
    capture.add_scheduling(parser, "server")
    options = parser.parse_args()
    namespaces.set_up()
    before = os.getloadavg()[0]
    rows = []
    for spec in SPECS:
        decided, captured = measure(spec, options)
        late = [was - wanted for wanted, was in zip(decided, captured, strict=True)]
        rows += [[name, what, *milliseconds(values)] for name, what, values in (
            (spec, "decided", decided), ("", "captured", captured), ("", "captured − decided", late))]
    print(table.layout([["--impair", "ms", "min", "p1", "p50", "p99", "max"], *rows]), end="\n\n")
    print(f"Load average {before:.1f} before and {os.getloadavg()[0]:.1f} after.")


if __name__ == "__main__":
    namespaces.enter()
    main()
