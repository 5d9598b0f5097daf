"""The Windows program as a file: it needs nothing but Windows, and is hardened."""

import os
import re
import subprocess
import unittest

import harness

# What every Windows since 10 brings along.
WINDOWS = {
    "advapi32.dll", "iphlpapi.dll", "kernel32.dll", "mswsock.dll", "msvcrt.dll", "rpcrt4.dll",
    "shell32.dll", "ws2_32.dll",
}

# PE format, DLL Characteristics.
HIGH_ENTROPY_VA = 0x0020
DYNAMIC_BASE = 0x0040
NX_COMPAT = 0x0100


def headers():
    return subprocess.run([os.environ["OBJDUMP"], "-p", harness.UDPECHOD], check=True,
                          capture_output=True, text=True, timeout=harness.PATIENCE).stdout


class Image(unittest.TestCase):
    def test_only_libraries_of_windows_are_needed(self):
        needed = {name.lower() for name in re.findall(r"DLL Name: (\S+)", headers())}
        self.assertIn("ws2_32.dll", needed)
        self.assertEqual(needed - WINDOWS, set())

    def test_its_address_is_random_and_its_data_does_not_run(self):
        flags = int(re.search(r"^DllCharacteristics\s+([0-9a-f]+)", headers(), re.MULTILINE)[1], 16)
        for flag in (HIGH_ENTROPY_VA, DYNAMIC_BASE, NX_COMPAT):
            self.assertTrue(flags & flag, f"{flag:#x} is not set in {flags:#x}")

    def test_it_has_the_messages_of_its_events(self):
        tool = os.path.join(os.environ["UDPECHO_TOOLS"], "event_message.exe")
        for number in ("0xc0000001", "0x80000002", "0x40000003"):
            done = harness.run(harness.UDPECHOD, number, "what the line said", program=tool)
            self.assertEqual(done.stdout.strip(), "what the line said", done.stderr)

    def test_its_version_is_that_of_the_program(self):
        version = harness.run("--version").stdout.split()[1]
        with open(harness.UDPECHOD, "rb") as file:
            content = file.read()
        expected = "FileVersion\0".encode("utf-16-le")
        found = content[content.index(expected) + len(expected):].decode("utf-16-le", "replace")
        self.assertEqual(re.match(r"\0*([^\0]*)", found)[1], version)

    def test_it_can_be_moved(self):
        """Without relocations Windows loads it at its preferred address, whatever the flags say."""
        self.assertRegex(headers(), r"Entry 5 [0-9a-f]*[1-9a-f][0-9a-f]* [0-9a-f]+ Base Relocation")


if __name__ == "__main__":
    harness.main()
