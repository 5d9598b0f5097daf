"""What an echoed datagram costs udpechod with everything on and with everything off, in processor
time, beside the least that it can cost (bare.c).

All servers are up at once and take turns of a tenth of a second, so that whatever else the machine
does hits them alike. Each turn gives a ratio to the bare loop of the same round; what is printed is
the median over all rounds. Every server is there twice: where the two differ by more than 1 %, the
run says nothing and should be repeated.
"""

import argparse
import contextlib
import glob
import ipaddress
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "system"))
import harness  # noqa: E402, from that directory

TOOLS = pathlib.Path(os.environ["UDPECHO_TOOLS"])

OFF = ("--deny-source-ports=none", "--rate-limit=off", "--loop-detector=off", "--sandbox=off")

# Clients, datagrams of each, sizes, and how they are sent (generate.c).
TRAFFIC = {
    "128 clients, one datagram each": (128, 1, (32, 1400), "bursts"),
    "4 clients, 32 datagrams each": (4, 32, (32, 1400), "bursts"),
    "8 clients interleaved": (8, 16, (32, 1400), "interleaved"),
    "4 clients with GSO and GRO": (4, 32, (32, 1400), "segments"),
}


def loads():
    """Each title with what generate.c is told."""
    for title, (clients, window, sizes, how) in TRAFFIC.items():
        for size in sizes:
            yield title, (clients, window, size, how)


@contextlib.contextmanager
def everything_on():
    """The options that are not on by themselves, with limits that nobody meets and a list of
    networks that nobody here comes from."""
    first = int(ipaddress.ip_address("10.0.0.0"))
    with tempfile.NamedTemporaryFile("w") as networks:
        for i in range(1000):
            networks.write(f"{ipaddress.ip_address(first + i * 512)}/24\n")
        networks.flush()
        yield ("--rate-limit=10000000/s", "--rate-limit-exempt=none", "--max-rate=10000000/s",
               "--max-bandwidth=100GB/s", f"--deny=@{networks.name}")


class Bare:
    """The bare loop, with as much of harness.Server as is used here."""

    def __init__(self, prefix):
        self.process = subprocess.Popen([*prefix, TOOLS / "bare"], stdout=subprocess.PIPE, text=True)
        self.address = ("127.0.0.1", int(self.process.stdout.readline()))

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


class Turns:
    """The clients of one server."""

    def __init__(self, server, prefix, *load):
        self.process = server.process
        command = [*prefix, TOOLS / "generate", server.address[1], *load]
        self.generator = subprocess.Popen([str(part) for part in command], text=True, bufsize=1,
                                          stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def cpu_ns(self):
        """What all its threads have used so far (the first number of schedstat, in Linux's
        Documentation/scheduler/sched-stats.rst)."""
        total = 0
        for name in glob.glob(f"/proc/{self.process.pid}/task/*/schedstat"):
            with open(name) as line:
                total += int(line.read().split()[0])
        return total

    def take(self, milliseconds):
        """Returns nanoseconds of the server's for each datagram echoed, and how many were not."""
        before = self.cpu_ns()
        self.generator.stdin.write(f"{milliseconds}\n")
        echoed, lost, wrong = map(int, self.generator.stdout.readline().split())
        return (self.cpu_ns() - before) / max(echoed, 1), lost + wrong

    def end(self):
        self.generator.stdin.close()
        self.generator.wait()
        self.generator.stdout.close()


def start_servers(on, prefix, lacks):
    servers = {}
    for copy in "", " again":
        servers["bare" + copy] = Bare(prefix)
        servers["off" + copy] = harness.Server("--workers=1", *OFF, prefix=prefix)
        servers["on" + copy] = harness.Server("--workers=1", *on, prefix=prefix)
    if lacks:
        servers[f"on, no {lacks}"] = harness.Server(
            "--workers=1", *on, prefix=(*prefix, TOOLS / "without", lacks, "--"))
    return servers


def take_round(turns, number, milliseconds):
    """Everybody's turn, beginning with another one each time; returns what each of them gave."""
    names = [*turns]
    first = number % len(names)
    return {name: turns[name].take(milliseconds) for name in names[first:] + names[:first]}


def measure(servers, prefix, load, options):
    """Returns the cost of each server in each round, and how many datagrams did not come back."""
    turns = {name: Turns(server, prefix, *load) for name, server in servers.items()}
    take_round(turns, 0, options.slice)  # warms up
    rounds = [take_round(turns, i, options.slice) for i in range(options.rounds)]
    for turn in turns.values():
        turn.end()
    costs = [{name: cost for name, (cost, _) in line.items()} for line in rounds]
    return costs, sum(missing for line in rounds for _, missing in line.values())


def print_line(title, size, costs, missing):
    cells = [title, size]
    for name in costs[0]:
        ns = statistics.median(line[name] for line in costs)
        ratio = statistics.median(line[name] / line["bare"] for line in costs)
        cells.append(f"{ratio:.3f} ({ns:.0f} ns)")
    on_off = statistics.median((line["on"] + line["on again"]) / (line["off"] + line["off again"])
                               for line in costs)
    print("|", " | ".join(map(str, [*cells, f"{on_off:.3f}", missing])), "|", flush=True)


def read_options():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    last = max(os.sched_getaffinity(0))
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--slice", type=int, default=100, help="milliseconds of a turn")
    parser.add_argument("--server-processor", type=int, default=last)
    parser.add_argument("--client-processor", type=int, default=last)
    parser.add_argument("--without", metavar="FEATURE[,FEATURE]...", help="show as well what "
                        "it costs with everything on and without these, as without.c names them")
    return parser.parse_args()


def main():
    options = read_options()
    # Under SCHED_BATCH a datagram that comes does not take the processor from whoever sent it: the
    # server finds full queues.
    serving = ("taskset", "-c", str(options.server_processor), "chrt", "--batch", "0")
    asking = ("taskset", "-c", str(options.client_processor))
    with everything_on() as on:
        servers = start_servers(on, serving, options.without)
        try:
            print("| traffic | size |", " | ".join(servers), "| on/off | not echoed |")
            print("|---" * (len(servers) + 4) + "|")
            for title, load in loads():
                print_line(title, load[2], *measure(servers, asking, load, options))
        finally:
            for server in servers.values():
                server.kill()


if __name__ == "__main__":
    main()
