"""Runs of udpecho with a protocol that measures one-way values."""

import harness
from client_harness import ask


def flood(protocol, server, *options, count):
    """Asks one request after another by `protocol`."""
    return ask(protocol, server.address(), "--flood", "--window=1", f"--count={count}",
               "--timeout=300ms", "--verbose", *options)


def serve(test, protocol, *options):
    """Starts udpechod for the test. Returns the address where it listens for `protocol`."""
    if f"--{protocol}=" not in harness.run("--help").stdout:
        test.skipTest(f"udpechod has no --{protocol}")
    server = harness.Server(f"--{protocol}=127.0.0.1:0", *options)
    test.addCleanup(server.kill)
    return next(line["address"] for line in server.lines
                if line.get("event", line.get("message")) == "listening"
                and line.get("protocol") == protocol)
