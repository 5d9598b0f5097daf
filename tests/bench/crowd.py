"""What two well-behaved clients lose, and what memory udpechod takes, while datagrams with forged
sources pour in. Needs root and Linux's network namespaces.

Either the server's replies to the forged sources go to a router, which drops them, or, with --dead,
to neighbours of which none is there: then each reply waits in the kernel for an address that nobody
tells.

What the server counts as kernel_drops came while it got no processor: that is a busy machine's.
"""

import argparse
import ipaddress
import multiprocessing
import pathlib
import socket
import struct
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "system"))
import harness  # noqa: E402, from that directory
import namespaces  # noqa: E402

SERVER = "10.0.0.1"
CLIENTS = {"10.0.0.9": 1000, "10.5.5.5": 100}  # datagrams a second

# Forged sources lie this far apart, so that they are spread over many networks.
FIRST_SOURCE = int(ipaddress.ip_address("11.0.0.0"))
DISTANCE = 64

TICK_S = 0.01
SOURCE_AT = 12  # in the IPv4 header

SO_RCVBUFFORCE = 33  # Linux's asm-generic/socket.h; Python has no name for it


def forge(port, sources, rate, seconds, sent):
    """Sends from each source in turn; a UDP checksum of 0 means that there is none (RFC 768)."""
    payload = b"forged" * 5
    udp = struct.pack("!HHHH", 40000, port, 8 + len(payload), 0) + payload
    datagram = bytearray(struct.pack("!BBHHHBBHII", 0x45, 0, 20 + len(udp), 0, 0, 64,
                                     socket.IPPROTO_UDP, 0, 0,
                                     int(ipaddress.ip_address(SERVER))) + udp)
    end = time.monotonic() + seconds
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as raw:
        while (tick := time.monotonic()) < end:
            for _ in range(int(rate * TICK_S)):
                source = FIRST_SOURCE + sent.value % sources * DISTANCE
                struct.pack_into("!I", datagram, SOURCE_AT, source)
                raw.sendto(datagram, (SERVER, 0))
                sent.value += 1
            # Datagrams that a stalled machine delayed are not sent in one burst later.
            time.sleep(max(tick + TICK_S - time.monotonic(), 0))


def ask(port, address, rate, seconds, sent, answered):
    """A client that numbers its datagrams and sends them at a steady rate."""
    with harness.client((SERVER, port), bind=(address, 0)) as sock:
        sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 4 << 20)  # so that nothing is lost here
        begin = time.monotonic()
        while (elapsed := time.monotonic() - begin) < seconds + 1:
            if elapsed < seconds and sent.value <= elapsed * rate:
                sock.send(struct.pack("!Q", sent.value))
                sent.value += 1
                continue
            sock.settimeout(max(sent.value / rate - elapsed, 0.0001) if elapsed < seconds else 1)
            try:
                sock.recv(100)
                answered.value += 1
            except TimeoutError:
                pass


def start(function, *arguments, results):
    """Runs it in a process of its own; returns that and the numbers that it counts in."""
    numbers = [multiprocessing.Value("Q", 0, lock=False) for _ in range(results)]
    process = multiprocessing.Process(target=function, args=(*arguments, *numbers))
    process.start()
    return process, numbers


def report_memory(server, when):
    print(f"{when}: VmRSS {server.status('VmRSS')}, VmHWM {server.status('VmHWM')}")


def measure(server, options):
    port = server.address[1]
    with harness.client((SERVER, port)) as sock:
        harness.echo(sock, b"ready")
    report_memory(server, "before")
    forger = start(forge, port, options.sources, options.rate, options.seconds, results=1)
    clients = {address: start(ask, port, address, rate, options.seconds, results=2)
               for address, rate in CLIENTS.items()}
    for process, _ in [forger, *clients.values()]:
        process.join()
    report_memory(server, "after")
    print(f"forged: {forger[1][0].value} from {options.sources} sources")
    for address, (_, (sent, answered)) in clients.items():
        print(f"{address}: sent {sent.value}, echoed {answered.value}, "
              f"lost {sent.value - answered.value}")
    print({name: value for name, value in server.stop().items() if isinstance(value, int) and value})


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sources", type=int, default=1000000)
    parser.add_argument("--rate", type=int, default=50000, help="forged datagrams a second")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--dead", action="store_true", help="forged sources are neighbours")
    parser.add_argument("options", nargs="*", metavar="-- OPTION", help="more options of udpechod")
    options = parser.parse_args()
    namespaces.set_up()
    namespaces.do("ip -n server route add default " + ("dev far0" if options.dead else "via 10.0.0.9"))
    with harness.Server("--rate-limit-exempt=none", *options.options, listen=("0.0.0.0:0",),
                        prefix=namespaces.IN_SERVER) as server:
        measure(server, options)


if __name__ == "__main__":
    namespaces.enter()
    main()
