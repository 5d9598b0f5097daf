"""What it costs to watch many targets, and what udpecho, fping, ping and irtt say of the same ones.

    python3 tests/bench/watch.py BUILD [--targets=1000] [--duration=60] [--beside=50]

BUILD is the directory of a release build. All targets are addresses of the loopback in a network
namespace of their own, so that nobody else is asked. Run it as root.
"""

import argparse
import contextlib
import ipaddress
import json
import os
import pathlib
import re
import resource
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

FIRST = int(ipaddress.ip_address("127.1.0.1"))
PORT = 7007
IRTT_PORT = 2112


def addresses(count):
    return [str(ipaddress.ip_address(FIRST + i)) for i in range(count)]


class Outcome:
    """What some processes wrote, and what they cost together."""

    def __init__(self):
        self.texts = []
        self.cpu = 0.0
        self.resident_kib = 0


def resident_kib(pid):
    """The most that it had so far; what wait4() says includes what it was forked from."""
    match = re.search(r"VmHWM:\s+(\d+) kB", pathlib.Path(f"/proc/{pid}/status").read_text())
    return int(match[1]) if match else 0


def run(commands):
    """Runs them side by side to their ends."""
    outcome = Outcome()
    with tempfile.TemporaryDirectory() as directory:
        running = {}
        for number, command in enumerate(commands):
            path = pathlib.Path(directory, str(number))
            with path.open("wb") as out:
                process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT)
            running[process.pid] = path
        resident = {}
        while running:
            resident.update((pid, most) for pid in running if (most := resident_kib(pid)))
            pid, _, usage = os.wait4(-1, os.WNOHANG)
            path = running.pop(pid, None)
            if path is not None:
                outcome.texts.append(path.read_text())
                outcome.cpu += usage.ru_utime + usage.ru_stime
            elif pid == 0:
                time.sleep(0.2)
        outcome.resident_kib = sum(resident.values())
    return outcome


@contextlib.contextmanager
def server(*command):
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(0.5)
    try:
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


def udpecho(build, targets, count, directory):
    path = pathlib.Path(directory, "targets")
    path.write_text("".join(f"{target}:{PORT}\n" for target in targets))
    return run([[f"{build}/src/udpecho", "--json", "--quiet", f"--targets={path}",
                 f"--count={count}"]])


def records(outcome, kind):
    lines = (line for text in outcome.texts for line in text.splitlines())
    return [record for record in map(json.loads, lines) if record["record"] == kind]


def milliseconds(value):
    return f"{value:.3f}"


def watch(build, count, duration):
    """All targets, once a second each."""
    with tempfile.TemporaryDirectory() as directory:
        outcome = udpecho(build, addresses(count), duration, directory)
    summaries = records(outcome, "summary")
    total, = records(outcome, "total")
    print(f"{count} targets, {duration} datagrams to each, one a second:")
    print(f"  sent {total['sent']} of {count * duration}, received {total['received']}, "
          f"lost {total['lost']}, not sent {total['not_sent']}, missed {total['missed']}")
    print(f"  of each target sent: {min(s['sent'] for s in summaries)} to "
          f"{max(s['sent'] for s in summaries)}")
    print(f"  processor time {outcome.cpu:.2f} s ({100 * outcome.cpu / duration:.2f} % of one), "
          f"memory {outcome.resident_kib / 1024:.1f} MiB")
    print("  later than due, us: " + ", ".join(
        f"{name} {total[name]}" for name in total if name.startswith("lateness_")))


# ---- Beside others ----

def spread(values):
    """The median over targets of minimum, mean and maximum, as far as a tool tells them."""
    return " / ".join(milliseconds(statistics.median(column)) for column in zip(*values))


def tell(name, outcome, sent, received, values):
    print(f"| {name} | {len(outcome.texts)} | {sent} | {received} | {spread(values)} | "
          f"{outcome.cpu:.2f} | {outcome.resident_kib / 1024:.1f} |")


def beside_udpecho(build, targets, duration):
    with tempfile.TemporaryDirectory() as directory:
        outcome = udpecho(build, targets, duration, directory)
    summaries = records(outcome, "summary")
    tell("udpecho", outcome, sum(s["sent"] for s in summaries),
         sum(s["received"] for s in summaries),
         [tuple(s[f"round_trip_{key}_us"] / 1000 for key in ("min", "mean", "max"))
          for s in summaries])


def beside_fping(targets, duration):
    outcome = run([["fping", "-q", "-c", str(duration), "-p", "1000", *targets]])
    lines = re.findall(r"= (\d+)/(\d+)/.*?min/avg/max = ([\d.]+)/([\d.]+)/([\d.]+)",
                       outcome.texts[0])
    tell("fping (ICMP)", outcome, sum(int(line[0]) for line in lines),
         sum(int(line[1]) for line in lines), [tuple(map(float, line[2:])) for line in lines])


def beside_ping(targets, duration):
    outcome = run([["ping", "-q", "-n", "-c", str(duration), target] for target in targets])
    counts = [re.search(r"(\d+) packets transmitted, (\d+) received", text)
              for text in outcome.texts]
    values = [re.search(r"= ([\d.]+)/([\d.]+)/([\d.]+)/", text) for text in outcome.texts]
    tell("ping (ICMP)", outcome, sum(int(count[1]) for count in counts),
         sum(int(count[2]) for count in counts),
         [tuple(map(float, value.groups())) for value in values])


def beside_irtt(targets, duration):
    with server("irtt", "server", "-b", f"0.0.0.0:{IRTT_PORT}", "--set-src-ip"):
        outcome = run([["irtt", "client", "-Q", "-o", "-", "-i", "1s", "-d", f"{duration}s",
                        f"{target}:{IRTT_PORT}"] for target in targets])
    stats = [json.loads(text[text.index("{"):])["stats"] for text in outcome.texts]
    tell("irtt", outcome, sum(s["packets_sent"] for s in stats),
         sum(s["packets_received"] for s in stats),
         [tuple(s["rtt"][key] / 1e6 for key in ("min", "mean", "max")) for s in stats])


def beside(build, count, duration):
    """One tool after the other, so that none is in another's way."""
    targets = addresses(count)
    print(f"\n{count} targets, {duration} datagrams to each, one a second:\n")
    print("| tool | processes | sent | received | min / mean / max, ms, median of the targets | "
          "processor time, s | memory, MiB |\n|---|---|---|---|---|---|---|")
    beside_udpecho(build, targets, duration)
    for tool, measure in (("fping", beside_fping), ("ping", beside_ping), ("irtt", beside_irtt)):
        if shutil.which(tool) is None:
            print(f"| {tool} | not installed |")
        else:
            measure(targets, duration)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build")
    parser.add_argument("--targets", type=int, default=1000)
    parser.add_argument("--duration", type=int, default=60)
    parser.add_argument("--beside", type=int, default=50)
    options = parser.parse_args()
    build = pathlib.Path(options.build).resolve()
    if "UDPECHO_ALONE" not in os.environ:
        os.environ["UDPECHO_ALONE"] = "1"
        os.execvp("unshare", ["unshare", "--net", sys.executable, *sys.argv])
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    resource.setrlimit(resource.RLIMIT_NOFILE, (1024, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    with server(f"{build}/src/udpechod", f"--listen=0.0.0.0:{PORT}", "--log-level=error"):
        watch(build, options.targets, options.duration)
        beside(build, options.beside, options.duration)


if __name__ == "__main__":
    main()
