"""What servers do for an echoed datagram, counted: instructions in user space, of their own and
their libraries' (valgrind), and system calls (strace).

It is the same on a busy machine, and shows what processor time cannot tell from noise.
"""

import functools
import os
import pathlib
import re
import shutil
import signal
import tempfile

import servers
import traffic

MILLISECONDS = 200, 1500  # of which the difference is taken: what starting and ending costs goes

# {what is counted: the program that does it, and where in its file the sum is}
COUNTERS = {
    "instructions": (("valgrind", "--tool=callgrind", "--callgrind-out-file={}"),
                     r"(?m)^totals: (\d+)"),
    "system calls": (("strace", "-f", "-c", "-o", "{}"), r"(?m)^100\.00 +\S+ +\S+ +(\d+) .*total$"),
}


def count(start, row, milliseconds, counter, directory):
    """Returns what is counted and the datagrams of one run."""
    command, total = counter
    file = pathlib.Path(directory, "count")
    file.unlink(missing_ok=True)
    server = start(host=row.host, prefix=[part.format(file) for part in command])
    clients = traffic.Clients(server, row)
    turn = clients.take_turn(milliseconds)
    clients.end()
    # The signal goes to the server; strace runs until the server exits.
    os.kill(servers.innermost(server.pid), signal.SIGTERM)
    servers.harness.wait_until(lambda: file.exists() and re.search(total, file.read_text()))
    server.end()
    return int(re.search(total, file.read_text())[1]), turn.echoed


def per_datagram(start, row, counter, directory):
    few, many = (count(start, row, milliseconds, counter, directory)
                 for milliseconds in MILLISECONDS)
    return (many[0] - few[0]) / (many[1] - few[1])


def measure(rows, skipped):
    measured = []
    with tempfile.TemporaryDirectory() as directory:
        starts = servers.counted(directory)
        for name, counter in COUNTERS.items():
            if shutil.which(counter[0][0]) is None:
                skipped[name] = f"{counter[0][0]} is not installed"
                continue
            for row in rows:
                servers.tell(f"{name}, {row.shape}, {row.size} bytes")
                measured.append({**row._asdict(), "what": name, "counts": {
                    server: per_datagram(start, row, counter, directory)
                    for server, start in starts.items()}})
    return measured
