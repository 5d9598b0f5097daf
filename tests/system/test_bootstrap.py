"""bootstrap.sh on a machine where the user may install nothing."""

import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

import harness

BOOTSTRAP = pathlib.Path(os.environ["UDPECHO_PACKAGING"]) / "bootstrap.sh"

# What it runs to find out what there is, and what it looks for.
TOOLS = ["sh", "cat", "dirname", "sort", "uname", "pkg-config", "cc", "cmake", "make", "ninja",
         "python3"]

DPKG_QUERY = """#!/bin/sh
case " $* " in *" $LACKS "*) exit 1 ;; esac
echo installed
"""


class Usage(unittest.TestCase):
    def test_who_asks_for_help_gets_it(self):
        for option, code in ("--help", 0), ("-h", 0), ("--typo", 64):
            done = subprocess.run([shutil.which("sh"), BOOTSTRAP, option], capture_output=True,
                                  text=True, check=False)
            usage, rest = (done.stderr, done.stdout) if code else (done.stdout, done.stderr)
            self.assertEqual((done.returncode, rest), (code, ""))
            self.assertTrue(usage.startswith("Usage: sh packaging/bootstrap.sh run"))


@unittest.skipUnless(shutil.which("apt-get"), "not a system of Debian's packages")
class WithoutRoot(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory(prefix="udpecho-")
        self.addCleanup(temporary.cleanup)
        self.path = pathlib.Path(temporary.name)
        for tool in TOOLS:
            self.offer(tool, f'#!/bin/sh\nexec {shutil.which(tool)} "$@"\n')
        self.offer("id", "#!/bin/sh\necho 1000\n")
        self.offer("apt-get", "#!/bin/sh\nexit 100\n")
        self.offer("dpkg-query", DPKG_QUERY)

    def offer(self, name, script):
        (self.path / name).write_text(script)
        (self.path / name).chmod(0o755)

    def install(self, what, lacks=""):
        return subprocess.run([shutil.which("sh"), BOOTSTRAP, "deps", what], capture_output=True,
                              text=True, stdin=subprocess.DEVNULL, check=False,
                              env={**os.environ, "PATH": str(self.path), "LACKS": lacks})

    def test_nothing_is_missing(self):
        done = self.install("test")
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_a_tool_of_single_tests_is_named_and_done_without(self):
        done = self.install("test", lacks="fish")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("goes on without fish,", done.stderr)

    def test_what_the_build_needs_stops_it(self):
        (self.path / "ninja").unlink()
        done = self.install("test")
        self.assertEqual(done.returncode, 77, done.stderr)
        self.assertIn("needs root", done.stderr)


if __name__ == "__main__":
    harness.main()
