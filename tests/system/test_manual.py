"""The manual pages and --help say the same, and the pages are clean mdoc."""

import os
import pathlib
import re
import shutil
import subprocess
import unittest

import harness

# What mandoc says of the machine it runs on, and not of the page: which other pages it has.
ABOUT_THE_MACHINE = ("outdated mandoc.db", "referenced manual not found")


class Manual:
    """What holds for every page; a class below says which program it is of."""

    def setUp(self):
        self.path = pathlib.Path(os.environ["UDPECHO_PACKAGING"]) / "man" / self.PAGE
        self.page = self.path.read_text(encoding="utf-8")

    def section(self, name):
        return self.page.split(f".Sh {name}\n")[1].split("\n.Sh ")[0]

    def test_options_are_those_of_help(self):
        items = re.findall(r"^\.It (?:Fl (\w) , )?Fl Fl ([a-z0-9-]+)(?: Ns (?:Op )?= Ns Ar (\S+))?$",
                           self.section("OPTIONS"), re.MULTILINE)
        options = harness.options(self.PROGRAM)
        self.assertGreater(len(options), 5)
        self.assertEqual([(letter or None, name, argument or None)
                          for letter, name, argument in items],
                         [(option.letter, name, option.argument)
                          for name, option in options.items()])

    def test_defaults_are_those_of_help(self):
        text = " ".join(option.help for option in harness.options(self.PROGRAM).values())
        defaults = re.findall(r"Default: ([0-9A-Za-z:.]+?)[.,]?(?:\s|$)", text)
        self.assertGreater(len(defaults), 5)
        for default in defaults:
            self.assertIn(default, self.page)

    def test_page_is_clean(self):
        if shutil.which("mandoc") is None:
            self.skipTest("mandoc is not installed")
        lint = subprocess.run(["mandoc", "-T", "lint", self.path], capture_output=True, text=True,
                              timeout=harness.PATIENCE)
        complaints = [line for line in (lint.stdout + lint.stderr).splitlines()
                      if not any(words in line for words in ABOUT_THE_MACHINE)]
        self.assertEqual(complaints, [])

    def test_exit_codes_are_listed(self):
        self.assertEqual(re.findall(r"^\.It (\d+)$", self.section("EXIT STATUS"), re.MULTILINE),
                         self.EXIT_CODES)


class Server(Manual, unittest.TestCase):
    PROGRAM, PAGE = harness.UDPECHOD, "udpechod.8"
    EXIT_CODES = ["0", "1", "64", "67", "68", "69", "71", "77", "78"]

    def test_what_a_reload_changes_is_what_help_marks(self):
        listed, = re.findall(r"^These change at once:\n((?:(?:\.Fl Fl .*|and)\n)+)",
                             self.section("RELOAD"), re.MULTILINE)
        marked = [name for name, option in harness.options().items() if option.is_reloadable]
        self.assertGreater(len(marked), 5)
        self.assertEqual(sorted(re.findall(r"Fl Fl ([a-z-]+)", listed)), sorted(marked))


class Client(Manual, unittest.TestCase):
    PROGRAM, PAGE = os.environ["UDPECHO"], "udpecho.1"
    EXIT_CODES = ["0", "1", "2"]

    def test_options_have_the_headings_of_help(self):
        text = harness.run("--help", program=self.PROGRAM).stdout
        shown = re.findall(r"^(\S.*):\n  (?:-\w, )?--([a-z0-9-]+)", text, re.MULTILINE)
        self.assertGreater(len(shown), 5)
        self.assertEqual(re.findall(r"^\.Ss (.+)\n\.Bl .*\n\.It (?:Fl \w , )?Fl Fl ([a-z0-9-]+)",
                                    self.section("OPTIONS"), re.MULTILINE), shown)


if __name__ == "__main__":
    harness.main()
