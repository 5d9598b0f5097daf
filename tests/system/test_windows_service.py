"""The service of Windows, from its installation to its removal.

There is one service of this name on a machine, so these tests run one after the other, and each
leaves none behind.
"""

import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
import unittest

import harness

CYCLES = 20

# What udpechod ends with.
USAGE, UNAVAILABLE, CONFIG = 64, 69, 78

# Controls of Windows, and the one that is udpechod's own.
PARAMCHANGE, REPORT = 6, 128

SERVICES = r"HKLM\System\CurrentControlSet\Services"


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
    while (now := query())["STATE"] != number:
        if time.monotonic() > deadline:
            raise AssertionError(f"the service is not {name}: {now}")
    return now


def start():
    windows("sc", "start", "udpechod")
    wait_for_state("running", 4)


def stop():
    windows("sc", "stop", "udpechod")
    return wait_for_state("stopped", 1)


def control(number):
    done = windows(os.path.join(os.environ["UDPECHO_TOOLS"], "control_service.exe"), "udpechod",
                   str(number))
    if done.returncode != 0:
        raise AssertionError(done.stderr)


def registry(key, value):
    """A value of the registry, or None."""
    done = windows("reg", "query", key, "/v", value)
    found = re.search(rf"^\s+{value}\s+REG_\w+\s+(.*?)\r?$", done.stdout, re.MULTILINE)
    return found and found[1]


def free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


class Service(unittest.TestCase):
    def setUp(self):
        harness.run("--uninstall-service")
        self.addCleanup(harness.run, "--uninstall-service")
        directory = tempfile.TemporaryDirectory(prefix="udp echo ")
        self.addCleanup(directory.cleanup)
        self.directory = directory.name
        self.port = free_port()

    def install(self, *options, program=harness.UDPECHOD):
        done = harness.run("--install-service", *options, program=program)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done

    def assert_echoes(self):
        with harness.client(("127.0.0.1", self.port)) as sock:
            self.assertEqual(harness.echo(sock, b"over the service"), b"over the service")

    def test_it_starts_answers_and_stops_again_and_again(self):
        self.install(f"--listen=127.0.0.1:{self.port}")
        for _ in range(CYCLES):
            start()
            self.assert_echoes()
            ended = stop()
            self.assertEqual((ended["WIN32_EXIT_CODE"], ended["SERVICE_EXIT_CODE"]), (0, 0))

    def test_it_is_there_once_or_not_at_all(self):
        absent = harness.run("--uninstall-service")
        self.assertEqual((absent.returncode, absent.stderr.count("\n")), (UNAVAILABLE, 1))
        self.install()
        twice = harness.run("--install-service")
        self.assertEqual(twice.returncode, UNAVAILABLE)
        self.assertIn("installed already", twice.stderr)
        self.assertEqual(harness.run("--uninstall-service").returncode, 0)
        self.assertIsNone(query())

    def test_it_is_removed_while_it_runs(self):
        self.install(f"--listen=127.0.0.1:{self.port}")
        start()
        self.assertEqual(harness.run("--uninstall-service").returncode, 0)
        self.assertIsNone(query())
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.bind(("127.0.0.1", self.port))

    def test_its_command_line_is_quoted(self):
        program = os.path.join(self.directory, "udpechod.exe")
        shutil.copy(harness.UDPECHOD, program)
        config = os.path.join(self.directory, "udpechod.conf")
        with open(config, "w", encoding="utf-8", newline="\r\n") as file:
            file.write(f"listen=127.0.0.1:{self.port}\n")
        self.install("--workers", "1", f"--config={os.path.relpath(config)}", program=program)
        command = registry(rf"{SERVICES}\udpechod", "ImagePath")
        self.assertRegex(command, r'^"[A-Z]:\\[^"]* [^"]*\\udpechod\.exe" --service --workers=1 '
                                  r'"--config=[A-Z]:\\[^"]* [^"]*\\udpechod\.conf"$')
        start()
        self.assert_echoes()

    def test_what_is_wrong_is_not_installed(self):
        self.assertEqual(harness.run("--install-service", "--workers=none").returncode, USAGE)
        config = os.path.join(self.directory, "udpechod.conf")
        with open(config, "w", encoding="utf-8") as file:
            file.write("workers=none\n")
        self.assertEqual(harness.run("--install-service", f"--config={config}").returncode, CONFIG)
        self.assertIsNone(query())

    def test_its_exit_code_says_what_was_wrong(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
            taken.bind(("127.0.0.1", self.port))
            self.install(f"--listen=127.0.0.1:{self.port}")
            windows("sc", "start", "udpechod")
            self.assertEqual(wait_for_state("stopped", 1)["SERVICE_EXIT_CODE"], UNAVAILABLE)

    def test_it_serves_on_after_controls(self):
        self.install(f"--listen=127.0.0.1:{self.port}")
        start()
        control(PARAMCHANGE)
        control(REPORT)
        self.assert_echoes()
        self.assertEqual(stop()["SERVICE_EXIT_CODE"], 0)

    def test_it_starts_with_the_system_under_an_account_with_few_rights(self):
        self.install()
        self.assertEqual(registry(rf"{SERVICES}\udpechod", "Start"), "0x2")
        self.assertEqual(registry(rf"{SERVICES}\udpechod", "ObjectName"),
                         r"NT AUTHORITY\LocalService")

    def test_nobody_else_can_run_it(self):
        done = harness.run("--service")
        self.assertEqual(done.returncode, USAGE)
        self.assertIn("service control manager", done.stderr)


if __name__ == "__main__":
    harness.main()
