"""The manual page and --help say the same, and the page is clean mdoc."""

import os
import re
import shutil
import subprocess
import unittest

import harness

MANUAL = os.environ["UDPECHOD_MANUAL"]

# What mandoc says of the machine it runs on, and not of the page: which other pages it has.
ABOUT_THE_MACHINE = ("outdated mandoc.db", "referenced manual not found")


def options_of_help():
    """{option: its argument or None}, as --help shows them."""
    text = harness.run("--help").stdout
    found = re.findall(r"^  --([a-z-]+)(?:=(\S+))?$", text, re.MULTILINE)
    return {name: argument or None for name, argument in found}


def options_of_manual():
    with open(MANUAL, encoding="utf-8") as page:
        section = page.read().split(".Sh OPTIONS")[1].split(".Sh")[0]
    items = re.findall(r"^\.It Fl Fl ([a-z-]+)(?: Ns = Ns Ar (\S+))?$", section, re.MULTILINE)
    return {name: argument or None for name, argument in items}


class Manual(unittest.TestCase):
    def test_options_are_those_of_help(self):
        options = options_of_help()
        self.assertIn("listen", options)
        self.assertEqual(options_of_manual(), options)

    def test_defaults_are_those_of_help(self):
        with open(MANUAL, encoding="utf-8") as page:
            manual = page.read()
        text = harness.run("--help").stdout
        defaults = re.findall(r"Default: ([0-9A-Za-z:.]+?)[.,]?(?:\s|$)", text)
        self.assertGreater(len(defaults), 5)
        for default in defaults:
            self.assertIn(default, manual)

    def test_page_is_clean(self):
        if shutil.which("mandoc") is None:
            self.skipTest("mandoc is not installed")
        lint = subprocess.run(["mandoc", "-T", "lint", MANUAL], capture_output=True, text=True,
                              timeout=harness.PATIENCE)
        complaints = [line for line in (lint.stdout + lint.stderr).splitlines()
                      if not any(words in line for words in ABOUT_THE_MACHINE)]
        self.assertEqual(complaints, [])

    def test_exit_codes_are_listed(self):
        with open(MANUAL, encoding="utf-8") as page:
            section = page.read().split(".Sh EXIT STATUS")[1].split(".Sh")[0]
        self.assertEqual(re.findall(r"^\.It (\d+)$", section, re.MULTILINE),
                         ["0", "64", "67", "68", "69", "71", "77", "78"])


if __name__ == "__main__":
    harness.main()
