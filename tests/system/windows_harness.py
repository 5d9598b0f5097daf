"""What tests of Windows' service and installers share: the service as Windows sees it, registry and
files.

There is one service of this name on a machine, so such tests run one after the other.
"""

import os
import pathlib
import re
import socket
import subprocess
import time

import harness

SERVICES = r"HKLM\System\CurrentControlSet\Services"


def wine_prefix():
    return os.environ.get("UDPECHO_WINEPREFIX") or harness.EMULATOR[1]


def windows(*command):
    """Runs a program of Windows; returns the completed process with text output."""
    return subprocess.run([*harness.EMULATOR, *command], capture_output=True, text=True,
                          timeout=harness.PATIENCE, stdin=subprocess.DEVNULL)


def query():
    """What `sc query` says: {"STATE": 4, ...}, or None without a service."""
    done = windows("sc", "query", "udpechod")
    found = re.findall(r"^\s+([A-Z_0-9]+)\s+: ([0-9a-fx]+)", done.stdout, re.MULTILINE)
    return {name: int(value, 0) for name, value in found} or None


def wait_for_state(name, number):
    deadline = time.monotonic() + harness.PATIENCE
    while (now := query() or {}).get("STATE") != number:
        if time.monotonic() > deadline:
            raise AssertionError(f"the service is not {name}: {now}")
    return now


def start():
    windows("sc", "start", "udpechod")
    wait_for_state("running", 4)


def stop():
    windows("sc", "stop", "udpechod")
    return wait_for_state("stopped", 1)


def registry(key, value):
    """A value of the registry, or None."""
    done = windows("reg", "query", key, "/v", value)
    found = re.search(rf"^\s+{value}\s+REG_\w+\s+(.*?)\r?$", done.stdout, re.MULTILINE)
    return found and found[1]


def drive():
    """C:\\ as this machine sees it."""
    return pathlib.Path(wine_prefix(), "drive_c") if harness.EMULATOR else pathlib.Path("C:\\")


def program_data():
    return drive() / "ProgramData"


def free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]
