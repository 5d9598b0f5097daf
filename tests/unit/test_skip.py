"""What files of tests tell CTest when their tests are skipped: those in C by the program named, those
in Python by harness.py. Usage: test_skip.py [EMULATOR]... PROGRAM"""

import os
import pathlib
import subprocess
import sys
import unittest

SKIPPED = 77
HARNESS = pathlib.Path(__file__).parent.parent / "system"

SCRIPT = """
import unittest
import harness

def setUpModule():
    if {module}:
        raise unittest.SkipTest("the module")

class Tests(unittest.TestCase):
    def test_one(self):
        {one}

    def test_other(self):
        for number in range(2):
            with self.subTest(number):
                {other}

harness.main()
"""
PASS, FAIL, SKIP = "pass", "self.fail()", "self.skipTest('for the test')"


class Skipping(unittest.TestCase):
    def test_c(self):
        for skip, code in (0, 0), (1, 0), (2, SKIPPED):
            with self.subTest(skip):
                done = subprocess.run([*PROGRAM, str(skip)], capture_output=True, check=False)
                self.assertEqual(done.returncode, code, done)

    def test_python(self):
        for module, one, other, code in (
                (False, PASS, PASS, 0), (False, SKIP, PASS, 0), (False, PASS, SKIP, 0),
                (False, SKIP, SKIP, SKIPPED), (True, PASS, PASS, SKIPPED),
                (False, FAIL, SKIP, 1), (False, SKIP, FAIL, 1),
                (False, SKIP, "if number: " + SKIP, 0)):
            with self.subTest(module=module, one=one, other=other):
                done = subprocess.run(
                    [sys.executable, "-c", SCRIPT.format(module=module, one=one, other=other)],
                    capture_output=True, check=False,
                    env={**os.environ, "PYTHONPATH": str(HARNESS), "UDPECHOD": "none"})
                self.assertEqual(done.returncode, code, done.stderr.decode())


PROGRAM = sys.argv[1:]

if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
