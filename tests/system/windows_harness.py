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

# Controls of Windows, and the one that is the programs' own.
PARAMCHANGE, REPORT = 6, 128


def wine_prefix():
    return os.environ.get("UDPECHO_WINEPREFIX") or harness.EMULATOR[1]


def windows(*command):
    """Runs a program of Windows; returns the completed process with text output."""
    return subprocess.run([*harness.EMULATOR, *command], capture_output=True, text=True,
                          timeout=harness.PATIENCE, stdin=subprocess.DEVNULL)


def query(name="udpechod"):
    """What `sc query` says: {"STATE": 4, ...}, or None without a service."""
    done = windows("sc", "query", name)
    found = re.findall(r"^\s+([A-Z_0-9]+)\s+: ([0-9a-fx]+)", done.stdout, re.MULTILINE)
    return {field: int(value, 0) for field, value in found} or None


def wait_for_state(state, number, name="udpechod"):
    deadline = time.monotonic() + harness.PATIENCE
    while (now := query(name) or {}).get("STATE") != number:
        if time.monotonic() > deadline:
            raise AssertionError(f"the service is not {state}: {now}")
    return now


def start(name="udpechod"):
    windows("sc", "start", name)
    wait_for_state("running", 4, name)


def stop(name="udpechod"):
    windows("sc", "stop", name)
    return wait_for_state("stopped", 1, name)


def control(number, name="udpechod"):
    done = windows(os.path.join(os.environ["UDPECHO_TOOLS"], "control_service.exe"), name, str(number))
    if done.returncode != 0:
        raise AssertionError(done.stderr)


class Events:
    """What services report from now on. Wine keeps no event log; wine.sh has it put into a file."""

    def __init__(self, test):
        if not harness.EMULATOR:
            test.skipTest("reads what Wine tells of events, and this is Windows")
        self._file = open(os.path.join(wine_prefix(), "session.log"), encoding="utf-8",
                          errors="replace")
        test.addCleanup(self._file.close)
        self._file.seek(0, os.SEEK_END)
        self._text = ""

    def has(self, text):
        self._text += self._file.read()
        return text in self._text

    def wait_for(self, text):
        """Waits for an event with this text in it, and then looks only at what follows."""
        deadline = time.monotonic() + harness.PATIENCE
        while not self.has(text):
            if time.monotonic() > deadline:
                raise AssertionError(f"no event has {text!r}:\n{self._text}")
            time.sleep(0.05)
        self._text = self._text.split(text, 1)[1]


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
