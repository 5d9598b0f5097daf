"""When datagrams pass an interface, as tcpdump captures them. Needs root and Linux."""

import pathlib
import re
import struct
import subprocess
import time

HEADERS = 14 + 20 + 8  # of Ethernet, IPv4 and UDP
NANOSECONDS_MAGIC = 0xa1b23c4d


def add_scheduling(parser, server):
    """The option --real-time, which sets `scheduling` to the prefix of both commands."""
    parser.add_argument("--real-time", dest="scheduling", action="store_const", default=(),
                        const=("chrt", "--fifo", "1"),
                        help=f"{server} and capture have priority over other processes")


def start(interface, port, prefix, path, snap=160):
    """A tcpdump that captures by now."""
    process = subprocess.Popen(
        [*prefix, "tcpdump", "-Z", "root", "-i", interface, "-j", "host",
         "--time-stamp-precision=nano", "-s", str(snap), "-B", "65536", "-w", path,
         "udp", "port", str(port)], stderr=subprocess.PIPE, text=True)
    for line in process.stderr:
        if "listening on" in line:
            return process
    raise SystemExit("tcpdump does not capture")


def end(process):
    time.sleep(2)  # the kernel hands over what it has captured after a second
    process.terminate()
    said = process.communicate()[1]
    if re.search(r"(?m)^0 packets dropped by kernel$", said) is None:
        raise SystemExit(f"tcpdump: {said}")


def read(path):
    """(time, source port, destination port, payload) of each packet; times are nanoseconds."""
    data = pathlib.Path(path).read_bytes()
    magic, link_type = struct.unpack_from("=I16xI", data)
    assert (magic, link_type) == (NANOSECONDS_MAGIC, 1), "no capture of Ethernet with nanoseconds"
    at = 24
    while at < len(data):
        seconds, nanoseconds, length = struct.unpack_from("=3I", data, at)
        packet = data[at + 16:at + 16 + length]
        yield (seconds * 10**9 + nanoseconds, *struct.unpack_from("!HH", packet, HEADERS - 8),
               packet[HEADERS:])
        at += 16 + length
