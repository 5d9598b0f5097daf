"""How many instructions servers run for an echoed datagram: their own and their libraries', not
the kernel's. Needs valgrind.

It counts the same on a busy machine, and shows what processor time cannot tell from noise.
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


def count(start, row, milliseconds, directory):
    """Returns instructions and datagrams of one run."""
    file = pathlib.Path(directory, "callgrind")
    server = start(host=row.host,
                   prefix=("valgrind", "--tool=callgrind", f"--callgrind-out-file={file}"))
    clients = traffic.Clients(server, row)
    turn = clients.take_turn(milliseconds)
    clients.end()
    os.kill(server.pid, signal.SIGTERM)
    servers.harness.wait_until(lambda: file.exists() and "totals:" in file.read_text())
    server.end()
    return int(re.search(r"(?m)^totals: (\d+)", file.read_text())[1]), turn.echoed


def per_datagram(start, row, directory):
    few, many = (count(start, row, milliseconds, directory) for milliseconds in MILLISECONDS)
    return (many[0] - few[0]) / (many[1] - few[1])


def measure(rows, skipped):
    if shutil.which("valgrind") is None:
        skipped["instructions"] = "valgrind is not installed"
        return []
    measured = []
    with tempfile.TemporaryDirectory() as directory:
        # The filter of system calls would end valgrind.
        on = *servers.everything_on(directory), "--sandbox=off"
        starts = {
            "bare": servers.start_bare,
            "udpechod": functools.partial(servers.start_udpechod, "--workers=1", "--sandbox=off"),
            "udpechod, everything on": functools.partial(servers.start_udpechod, "--workers=1", *on),
            "udpechod, everything off": functools.partial(
                servers.start_udpechod, "--workers=1", *servers.OFF),
        }
        for row in rows:
            servers.tell(f"instructions, {row.shape}, {row.size} bytes")
            measured.append({**row._asdict(), "instructions": {
                name: per_datagram(start, row, directory) for name, start in starts.items()}})
    return measured
