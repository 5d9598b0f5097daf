"""SIGHUP: settings are read again while the server runs."""

import os
import signal
import tempfile
import unittest

import harness


class Reload(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.path = os.path.join(directory.name, "udpechod.conf")

    def write(self, content):
        with open(self.path, "w", encoding="utf-8") as file:
            file.write(content)

    def test_level_changes_and_comes_back(self):
        self.write("log-level=info\n")
        with harness.Server(f"--config={self.path}") as server, \
                harness.client(server.address) as sock:
            harness.echo(sock, b"quiet")
            self.write("log-level=debug\n")
            server.signal(signal.SIGHUP)
            server.wait_for("reloaded", log_level="debug")
            harness.echo(sock, b"loud")
            server.wait_for("received", payload="loud")
            self.write("log-level=info\n")
            server.signal(signal.SIGHUP)
            server.wait_for("reloaded", log_level="info")
            harness.echo(sock, b"quiet again")
            self.assertEqual(server.stop()["echoed"], 3)
            self.assertEqual(len(server.find("received")), 1)

    def test_wrong_file_keeps_the_settings(self):
        self.write("log-level=info\n")
        with harness.Server(f"--config={self.path}") as server, \
                harness.client(server.address) as sock:
            self.write("# now it is wrong\nlog-level=loud\n")
            server.signal(signal.SIGHUP)
            line = server.wait_for("cannot reload, nothing changed", level="error")
            self.assertIn(f"{self.path}:2: ", line["error"])
            self.assertEqual(harness.echo(sock, b"still here"), b"still here")
            server.stop()
            self.assertEqual(server.find("reloaded"), [])

    def test_what_needs_a_restart_is_named(self):
        self.write("")
        with harness.Server(f"--config={self.path}") as server:
            self.write("workers=7\npayload-max=100\n")
            server.signal(signal.SIGHUP)
            line = server.wait_for("changed settings need a restart")
            self.assertEqual(line["options"], "workers,payload-max")
            server.stop()


if __name__ == "__main__":
    harness.main()
