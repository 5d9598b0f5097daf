"""The servers that are measured: the bare loop, udpechod in several ways, and peers.py's."""

import contextlib
import functools
import glob
import ipaddress
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "system"))
import harness  # noqa: E402, from that directory
import namespaces  # noqa: E402
import vectors  # noqa: E402

TOOLS = pathlib.Path(os.environ["UDPECHO_TOOLS"])
TICK_NS = 10**9 // os.sysconf("SC_CLK_TCK")

GATHERING = "UDP_SEGMENT,UDP_GRO"

KEY = bytes(range(32))

# What is left is what the BSDs and macOS have too, but for kqueue: one datagram to a system call,
# and poll(2).
BEYOND_POSIX = f"{GATHERING},recvmmsg,sendmmsg,epoll"

OFF = ("--deny-source-ports=none", "--rate-limit=off", "--loop-detector=off", "--sandbox=off")


def tell(text):
    """Prints progress."""
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


class Skipped(Exception):
    """A server that cannot be measured here, and why."""


class Server:
    """A process that echoes at `address`, a host and a port, and all that it starts. `packets` is
    what generate.c sends it, if not datagrams of its own."""

    def __init__(self, pid, address, end, packets=()):
        self.pid = pid
        self.address = address
        self.end = end
        self.packets = packets

    def cpu_ns(self):
        return cpu_ns(self.pid)

    def resident_kib(self):
        with open(f"/proc/{self.pid}/status") as lines:
            return int(re.search(r"(?m)^VmRSS:\s+(\d+) kB$", lines.read())[1])


def cpu_ns(pid):
    """The processor time of all its threads so far (the first number of schedstat, in Linux's
    Documentation/scheduler/sched-stats.rst), and of its children; of those that have ended it is
    known only in clock ticks (cutime and cstime of proc(5))."""
    total = 0
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        for task in glob.glob(f"/proc/{pid}/task/*"):
            total += int(pathlib.Path(task, "schedstat").read_text().split()[0])
            for child in pathlib.Path(task, "children").read_text().split():
                total += cpu_ns(child)
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        total += (int(fields[13]) + int(fields[14])) * TICK_NS
    return total


def alone():
    """Whether every port of the loopback is this run's."""
    return namespaces.INSIDE in os.environ


def free_port(host):
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind((host, 0))
        return sock.getsockname()[1]


def answers(address):
    """Whether it does within some seconds; a program may have to start first."""
    deadline = time.monotonic() + 5
    with harness.client(address, timeout=0.1) as sock:
        while time.monotonic() < deadline:
            with contextlib.suppress(TimeoutError, ConnectionRefusedError):
                return harness.echo(sock, b"is anybody there") == b"is anybody there"
    return False


def start(command, address):
    """Starts a program; raises Skipped with what it says if it does not echo."""
    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen([str(part) for part in command], stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=said, start_new_session=True)

        def end():
            os.killpg(process.pid, signal.SIGKILL)  # with all that it has started
            process.wait()

        if not answers(address):
            end()
            said.seek(0)
            raise Skipped((said.read().splitlines() or ["does not answer"])[-1])
    return Server(process.pid, address, end)


def adopt(pid_file, address):
    """The same for one that has gone into the background and written where it is."""
    found = answers(address)
    pid = int(pid_file.read_text()) if pid_file.exists() else None
    if pid is None or not found:
        raise Skipped("does not answer")
    return Server(pid, address, functools.partial(os.kill, pid, signal.SIGKILL))


def start_bare(host, prefix, processes=1):
    address = (host, free_port(host))
    return start([*prefix, TOOLS / "bare", *address, processes], address)


def start_udpechod(*options, host, prefix=(), workers=1, protocol="listen", packets=()):
    address = f"[{host}]:0" if ":" in host else f"{host}:0"
    try:
        server = harness.Server(*options, f"--workers={workers}", f"--{protocol}={address}",
                                listen=(), prefix=[str(part) for part in prefix])
    except AssertionError as error:
        raise Skipped(str(error).splitlines()[-1]) from None
    return Server(server.process.pid, server.address, server.kill, packets)


def start_without(features, *options, host, prefix=()):
    """Starts udpechod on a kernel without these features."""
    if not (TOOLS / "without").exists():
        raise Skipped("built without libseccomp, which removes system calls")
    return start_udpechod(*options, host=host,
                          prefix=[TOOLS / "without", features, "--", *prefix])


def innermost(pid):
    """The process that a program which starts one, as strace does, is there for."""
    for task in glob.glob(f"/proc/{pid}/task/*"):
        for child in pathlib.Path(task, "children").read_text().split():
            return innermost(int(child))
    return pid


def everything_on(directory):
    """The options that are not on by themselves, with limits that nobody meets and a list of
    networks that nobody here comes from."""
    first = int(ipaddress.ip_address("10.0.0.0"))
    networks = pathlib.Path(directory, "networks")
    networks.write_text("".join(f"{ipaddress.ip_address(first + i * 512)}/24\n" for i in range(1000)))
    return ("--rate-limit=10000000/s", "--rate-limit-exempt=none", "--max-rate=10000000/s",
            "--max-bandwidth=100GB/s", f"--deny=@{networks}")


def ours(directory):
    """{name: what starts it, given `host` and `prefix`} of the bare loop and udpechod. A second bare
    loop shows what a difference is worth."""
    on = everything_on(directory)
    return {
        "bare": start_bare,
        "udpechod": start_udpechod,
        "udpechod, everything on": functools.partial(start_udpechod, *on),
        "udpechod, everything off": functools.partial(start_udpechod, *OFF),
        "udpechod, not gathering": functools.partial(start_without, GATHERING),
        "udpechod, POSIX only": functools.partial(start_without, BEYOND_POSIX),
        "bare again": start_bare,
    }


def counted(directory):
    """The same, of those whose work is counted; the filter of system calls would end valgrind."""
    start = functools.partial(start_udpechod, "--sandbox=off")
    return {
        "bare": start_bare,
        "udpechod": start,
        "udpechod, everything on": functools.partial(start, *everything_on(directory)),
        "udpechod, everything off": functools.partial(start, *OFF),
        "udpechod, POSIX only": functools.partial(start_without, BEYOND_POSIX, "--sandbox=off"),
    }


def protocols(directory):
    """The same, of the services beside plain echo, whose requests are packets of theirs. One that
    authenticates is asked the same again and again, since its clients know one code only."""
    key = pathlib.Path(directory, "key")
    key.touch(mode=0o600)
    key.write_text(KEY.hex())
    plain = bytes(12) + b"\x8a\x01" + bytes(30)  # zeros, and an error estimate
    signed = bytes(24) + b"\x8a\x01" + bytes(70)
    follow_up = bytes([0x80, vectors.FOLLOW_UP, 0, 16]) + bytes(16) + b"\x80\1\0\x2c"  # and padding
    start = functools.partial(start_udpechod, protocol="stamp", packets=("numbered", plain.hex()))
    return {
        "bare": start_bare,
        "echo": start_udpechod,
        "echo, not gathering": functools.partial(start_without, GATHERING),
        "echo, --mirror-dscp": functools.partial(start_udpechod, "--mirror-dscp=on"),
        "STAMP": start,
        "STAMP, stateful": functools.partial(start, "--stamp-sessions=stateful"),
        "STAMP, with follow-up": functools.partial(start, "--stamp-sessions=stateful",
                                                   packets=("numbered", (plain + follow_up).hex())),
        "STAMP, authenticated": functools.partial(
            start, "--stamp-mode=authenticated", f"--stamp-key-file={key}",
            packets=("same", (signed + vectors.code(KEY, signed)).hex())),
        "UDPEchoPlus": functools.partial(start_udpechod, protocol="echo-plus",
                                         packets=("numbered", bytes(20).hex())),
        "bare again": start_bare,
    }


def workers():
    return {
        "bare": start_bare,
        "bare, 2 processes": functools.partial(start_bare, processes=2),
        "1 worker": start_udpechod,
        "2 workers": functools.partial(start_udpechod, workers=2),
        "bare again": start_bare,
    }


@contextlib.contextmanager
def running(starts, host, prefix, skipped):
    """All that can be started, by name; the others' reasons go into `skipped`."""
    servers = {}
    try:
        for name, begin in starts.items():
            try:
                servers[name] = begin(host=host, prefix=prefix)
            except Skipped as reason:
                skipped[name] = str(reason)
        yield servers
    finally:
        for server in servers.values():
            server.end()
