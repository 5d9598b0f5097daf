"""What an echoed datagram costs udpechod, beside the least that it can cost (bare.c) and beside
other people's servers (peers.py). Prints tables in Markdown; PERFORMANCE.md has those of one run.

A figure is a median over all rounds. The bare loop is there twice, as a control: where the two
differ by more than 1 %, the run says so, and should be repeated on a quieter machine.
"""

import argparse
import json
import os
import pathlib
import platform
import re
import signal
import subprocess
import sys
import tempfile
import time

import cost
import counts
import memory
import peers
import servers
import table
import traffic

PAGE = pathlib.Path(__file__).resolve().parent / "PERFORMANCE.md"
PARTS = "peers", "queues", "workers", "protocols", "counts", "memory"


def version_of(command):
    try:
        return subprocess.run(command, capture_output=True, text=True).stdout.strip()
    except OSError:
        return ""


def describe_machine():
    with open("/proc/cpuinfo") as lines:
        model = re.search(r"(?m)^model name\s*:\s*(.*)$", lines.read())
    with open("/etc/os-release") as lines:
        system = re.search(r'(?m)^PRETTY_NAME="(.*)"$', lines.read())
    return {"commit": version_of(["git", "-C", PAGE.parent, "describe", "--always", "--dirty"]),
            "processor": model[1] if model else platform.machine(),
            "processors": len(os.sched_getaffinity(0)),
            "kernel": platform.release(), "system": system[1] if system else "Linux"}


def describe_servers(parts, skipped):
    """{name: its version}, of other people's that were measured."""
    if not {"peers", "memory"} & set(parts):
        return {}
    # The number alone, wherever in its first lines a program writes it.
    found = {name: re.search(r"\d+\.\d+(\.\d+)*", version_of(command))
             for name, command in peers.VERSIONS.items() if name not in skipped}
    return {name: version[0] for name, version in found.items() if version}


def read_options():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    last = max(os.sched_getaffinity(0))
    parser.add_argument("--quick", action="store_true", help="little of everything, in 3 minutes")
    parser.add_argument("--parts", default=",".join(PARTS), help="of %(default)s")
    parser.add_argument("--rounds", type=int, help="default: 31, quick 9")
    parser.add_argument("--slice", type=int, default=100, help="milliseconds of a turn")
    parser.add_argument("--server-processor", type=int, default=last)
    parser.add_argument("--client-processor", type=int, default=last)
    parser.add_argument("--output", type=pathlib.Path, help="a file for all figures, as JSON")
    parser.add_argument("--input", type=pathlib.Path, help="measure nothing, take those figures")
    parser.add_argument("--page", action="store_true", help="write the tables into PERFORMANCE.md")
    options = parser.parse_args()
    options.parts = options.parts.split(",")
    for part in options.parts:
        if part not in PARTS:
            parser.error(f"--parts: {part}: expected some of {', '.join(PARTS)}")
    options.rounds = options.rounds or (9 if options.quick else 31)
    return options


def parts_to_measure(options, directory, skipped):
    """{part: what measures it}"""
    quick = options.quick
    serving = ("taskset", "-c", options.server_processor, "chrt", "--batch", "0")
    asking = ("taskset", "-c", options.client_processor, "chrt", "--batch", "0")
    ours = servers.ours(directory)
    everybody = {**ours, **peers.STARTS}
    return {
        "peers": lambda: cost.measure(
            everybody, traffic.BESIDE_PEERS_QUICK if quick else traffic.BESIDE_PEERS,
            serving, asking, options, skipped),
        "queues": lambda: cost.measure(
            ours, traffic.FULL_QUEUES[::4] if quick else traffic.FULL_QUEUES,
            serving, asking, options, skipped),
        "workers": lambda: cost.measure(
            servers.workers(), traffic.WORKERS, ("chrt", "--batch", "0"), (), options, skipped),
        "protocols": lambda: cost.measure(
            servers.protocols(directory), traffic.PACKETS, serving, asking, options, skipped),
        "counts": lambda: counts.measure(
            traffic.COUNTED[::2] if quick else traffic.COUNTED, skipped),
        "memory": lambda: memory.measure(everybody, 1000 if quick else 100000, skipped),
    }


def measure(options):
    """All figures, as they are kept; each part as soon as it is there."""
    skipped = {}
    result = {"when": time.strftime("%Y-%m-%d"), "machine": describe_machine(),
              "rounds": options.rounds, "slice_ms": options.slice,
              "processors": [options.server_processor, options.client_processor],
              "load_before": os.getloadavg()[0], "skipped": skipped, "parts": {}}
    with tempfile.TemporaryDirectory() as directory:
        known = parts_to_measure(options, directory, skipped)
        for part in options.parts:
            result["parts"][part] = known[part]()
            result.update(load_after=os.getloadavg()[0], versions=describe_servers(result["parts"], skipped))
            figures = json.dumps(result)
            if options.output:
                options.output.write_text(figures)
    return json.loads(figures)


def main():
    options = read_options()
    if options.input:
        result = json.loads(options.input.read_text())
    else:
        servers.namespaces.enter_own_loopback()
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # no server is left behind
        result = measure(options)
    print(table.describe(result))
    if options.page:
        table.write_page(PAGE, result)


if __name__ == "__main__":
    main()
