"""What memory servers keep, when they have answered one source, a thousand, a hundred thousand."""

import contextlib
import ipaddress

import servers

SOURCES = 1, 1000, 100000

# It keeps nothing, as each datagram has a process, and takes a quarter of an hour to show it.
LEFT_OUT = "socat"

FIRST_SOURCE = int(ipaddress.ip_address("127.1.0.1"))


def ask_from(source, address):
    """A datagram that is lost was seen all the same."""
    bind = str(ipaddress.ip_address(source)), 0
    with (servers.harness.client(address, bind=bind, timeout=0.2) as sock,
          contextlib.suppress(TimeoutError)):
        servers.harness.echo(sock, b"remember me")


def measure_server(server, most):
    """{sources: VmRSS in KiB}, of the process that was started."""
    resident = {}
    asked = 0
    for count in SOURCES:
        if count > most:
            break
        for source in range(asked, count):
            ask_from(FIRST_SOURCE + source, server.address)
        asked = count
        resident[count] = server.resident_kib()
    return resident


def measure(starts, most, skipped):
    measured = {}
    for name, begin in starts.items():
        if name == LEFT_OUT:
            continue
        servers.tell(f"memory of {name}")
        with servers.running({name: begin}, "127.0.0.1", (), skipped) as running:
            for server in running.values():
                measured[name] = measure_server(server, most)
    return measured
