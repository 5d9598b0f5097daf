"""Which of the two is busy while udpecho floods, as fast as answers come back, the least that an
echo server can be (bare.c): each has a processor of its own, and the one that uses all of it is the
bottleneck. What is printed is the processor time of each for a datagram and for a second.
"""

import argparse
import json
import os
import pathlib
import subprocess

import servers

SIZES = 32, 512, 1400
SHAPES = (1, 32), (4, 32), (1, 64), (128, 1)  # flows, and datagrams of each that are under way


def processor_ns(process):
    """What all its threads have used so far (the first number of schedstat, in Linux's
    Documentation/scheduler/sched-stats.rst)."""
    total = 0
    for line in pathlib.Path(f"/proc/{process.pid}/task").glob("*/schedstat"):
        total += int(line.read_text().split()[0])
    return total


def start(processor, *command):
    return subprocess.Popen(["taskset", "-c", str(processor), *map(str, command)],
                            stdout=subprocess.PIPE, text=True)


def client_ns(process):
    """Returns its CPU time after it exited, in microseconds, from wait4(2)."""
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return (usage.ru_utime + usage.ru_stime) * 1e9


def flood(server, options, size, flows, window):
    before = processor_ns(server)
    client = start(options.client_processor, os.environ["UDPECHO"], f"127.0.0.1:{server.address[1]}",
                   "--flood",
                   f"--size={size}", f"--flows={flows}", f"--window={window}", "--json",
                   f"--duration={options.seconds}s")
    summary = json.loads(client.stdout.read().splitlines()[-1])
    used = {"udpecho": client_ns(client), "bare": processor_ns(server) - before}
    client.stdout.close()
    return summary, used


def print_line(size, flows, window, summary, used):
    cells = [size, f"{flows} x {window}", summary["received_per_second"], summary["lost"]]
    for ns in used.values():
        cells += [f"{ns / summary['received']:.0f}", f"{ns / summary['elapsed_us'] / 10:.0f} %"]
    print("|", " | ".join(map(str, cells)), "|", flush=True)


def read_options():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    first, *_, last = sorted(os.sched_getaffinity(0))
    parser.add_argument("--seconds", type=int, default=3, help="of each flood")
    parser.add_argument("--server-processor", type=int, default=last)
    parser.add_argument("--client-processor", type=int, default=first)
    return parser.parse_args()


def main():
    options = read_options()
    server = servers.start_bare("127.0.0.1", ("taskset", "-c", str(options.server_processor)))
    try:
        print("| size | flows x window | echoed/s | lost | udpecho ns | udpecho busy | bare ns "
              "| bare busy |")
        print("|---" * 8 + "|")
        for size in SIZES:
            for flows, window in SHAPES:
                print_line(size, flows, window, *flood(server, options, size, flows, window))
    finally:
        server.end()


if __name__ == "__main__":
    main()
