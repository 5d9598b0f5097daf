"""udpecho where the server speaks another protocol than it was asked in."""

import os
import tempfile
import unittest

import harness
from client_harness import Client, run
from test_stamp import needs_authentication

OPTIONS = {"echo": (), "stamp": ("--stamp",), "echo-plus": ("--echo-plus",)}


def errors_of(*options):
    """The exit status and standard error of a run that is ended at its first reply, and does not
    end by itself meanwhile."""
    with Client(*options, "--timeout=60s") as client:
        client.wait_for("reply")
        client.interrupt()
        report = client.finish()
    return report.code, report.errors


class OtherProtocol(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = harness.Server("--stamp=127.0.0.1:0", "--echo-plus=127.0.0.1:0")
        cls.addClassCleanup(cls.server.kill)
        cls.addresses = {line["protocol"]: line["address"]
                         for line in cls.server.find("listening")}

    def test_a_missing_or_unexpected_option_is_named(self):
        for asked, options in OPTIONS.items():
            for spoken, address in self.addresses.items():
                with self.subTest(asked=asked, spoken=spoken):
                    code, errors = errors_of(*options, address)
                    self.assertEqual(code, 0 if asked == spoken else 1)
                    self.assertRegex(errors, "^$" if asked == spoken else
                                     "^udpecho: replies came, but none of them is [^;]*; "
                                     ".*--(stamp|echo-plus)\\b")

    @needs_authentication
    def test_so_is_a_reflector_that_authenticates_nothing(self):
        with tempfile.NamedTemporaryFile("w", suffix=".key") as file:
            os.chmod(file.name, 0o600)
            file.write("00112233445566778899aabbccddeeff\n")
            file.flush()
            code, errors = errors_of("--stamp", f"--stamp-key-file={file.name}",
                                     self.addresses["stamp"])
        self.assertEqual(code, 1)
        self.assertIn("none of them is authenticated by this key", errors)

    def test_the_words_of_other_programs_are_understood(self):
        for given, meant in (("--twamp", "--stamp"), ("--tr143", "--echo-plus")):
            done = run(given, "127.0.0.1")
            self.assertEqual(done.returncode, 2)
            self.assertIn(f"unknown option {given}; did you mean {meant}?", done.stderr)


if __name__ == "__main__":
    harness.main()
