"""The manual pages and --help say the same, and the pages are clean mdoc."""

import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

import harness

# What mandoc says about other pages, which the machine may lack, and about EXAMPLES, which it would have
# near the end of a page.
ACCEPTED = "outdated mandoc.db", "referenced manual not found", "sections out of conventional order"


class Page:
    """What holds for every page; a class below says which one it is."""

    def setUp(self):
        self.path = pathlib.Path(os.environ["UDPECHO_PACKAGING"]) / "man" / self.PAGE
        self.page = self.path.read_text(encoding="utf-8")

    def section(self, name):
        return self.page.split(f".Sh {name}\n")[1].split("\n.Sh ")[0]

    def test_page_is_clean(self):
        if shutil.which("mandoc") is None:
            self.skipTest("mandoc is not installed")
        lint = subprocess.run(["mandoc", "-T", "lint", self.path], capture_output=True, text=True,
                              timeout=harness.PATIENCE)
        complaints = [line for line in (lint.stdout + lint.stderr).splitlines()
                      if not any(words in line for words in ACCEPTED)]
        self.assertEqual(complaints, [])


class Manual(Page):
    """What holds for the page of each program."""

    def headings_of_help(self):
        """Each heading, and the name of the first option below it."""
        shown = re.findall(r"^(\S.*):\n  (?:-\w, )?--([a-z0-9-]+)",
                           harness.run("--help", program=self.PROGRAM).stdout, re.MULTILINE)
        self.assertGreater(len(shown), 5)
        return shown

    def test_options_have_the_headings_of_help(self):
        self.assertEqual(re.findall(r"^\.Ss (.+)\n\.Bl .*\n\.It (?:Fl \w , )?Fl Fl ([a-z0-9-]+)",
                                    self.section("OPTIONS"), re.MULTILINE), self.headings_of_help())

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


class Configuration(Page, unittest.TestCase):
    PAGE = "udpechod.conf.5"
    BLOCK = re.compile(r"(?m)^\.Bd -literal -offset indent\n((?:.*\n)*?)\.Ed$")

    def setUp(self):
        super().setUp()
        directory = tempfile.TemporaryDirectory(prefix="udpecho-")
        self.addCleanup(directory.cleanup)
        self.folder = pathlib.Path(directory.name)

    def check(self, text):
        (self.folder / "udpechod.conf").write_text(text)
        return harness.run("--config=udpechod.conf", "--check-config", prefix=("env", "-C", self.folder))

    def blocks(self, name):
        return self.BLOCK.findall(self.section(name))

    def test_examples_are_right(self):
        """With the key file and the schedule that the page shows."""
        networks, keys, schedule = self.blocks("OTHER FILES")
        examples = self.blocks("EXAMPLES")
        self.assertGreaterEqual(len(examples), 6)
        examples.append("allow=@networks\n")
        for name, text in ("networks", networks), ("stamp.keys", keys), ("minute", schedule):
            (self.folder / name).write_text(text)
            (self.folder / name).chmod(0o640)
        for example in examples:
            with self.subTest(example=example):
                done = self.check(example)
                self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_options_that_only_the_command_line_takes(self):
        refused = [name for name in harness.options()
                   if "only the command line takes this option" in self.check(name).stderr]
        self.assertGreater(len(refused), 5)
        self.assertEqual(re.findall(r"Fl Fl ([a-z-]+)", self.section("OPTIONS")), refused)


if __name__ == "__main__":
    harness.main()
