"""udpecho as the service udpecho-watch of Windows, from its installation to its removal.

There is one service of this name on a machine, so these tests run one after the other, and each
leaves none behind.
"""

import os
import pathlib
import tempfile
import unittest

import client_harness
import harness
from responder import Responder, echo
from windows_harness import (PARAMCHANGE, REPORT, SERVICES, Events, control, program_data, query, registry,
                             start, stop, wait_for_state, windows)

NAME = "udpecho-watch"
ERROR = 2  # what udpecho ends with


class Watcher(unittest.TestCase):
    def setUp(self):
        client_harness.run("--uninstall-service")
        self.addCleanup(client_harness.run, "--uninstall-service")
        directory = tempfile.TemporaryDirectory(prefix="udp echo ")
        self.addCleanup(directory.cleanup)
        self.directory = pathlib.Path(directory.name)
        self.home = program_data() / "udpecho"

    def install(self, *options):
        done = client_harness.run("--install-service", *options)
        self.assertEqual(done.returncode, 0, done.stderr)

    def write(self, name, text):
        """A file of the service, and its path as Windows has it."""
        (self.home / name).write_text(text)
        self.addCleanup((self.home / name).unlink, missing_ok=True)
        return f"C:/ProgramData/udpecho/{name}"

    def configure(self, *targets):
        path = self.write("targets", "".join(f"{target}\n" for target in targets))
        self.write(f"{NAME}.conf", f"targets={path}\nquiet\ninterval=200ms\n")

    def test_it_watches_reads_its_targets_again_and_stops(self):
        self.install()
        with Responder(echo) as first, Responder(echo) as second:
            self.configure(first.address())
            events = Events(self)
            start(NAME)
            harness.wait_until(lambda: first.sent > 1)
            self.assertEqual(len(second.requests), 0)
            control(REPORT, NAME)
            events.wait_for(f"{first.address()} ")
            self.configure(first.address(), second.address())
            control(PARAMCHANGE, NAME)
            harness.wait_until(lambda: second.sent > 0)
            self.assertGreater(second.sent, 0)
            self.configure("::::")
            control(PARAMCHANGE, NAME)
            events.wait_for(":::: expected ".replace("::::", ":::::"))
            count = first.sent
            harness.wait_until(lambda: first.sent > count)
            self.assertEqual(query(NAME)["STATE"], 4)
            ended = stop(NAME)
        self.assertEqual((ended["WIN32_EXIT_CODE"], ended["SERVICE_EXIT_CODE"]), (0, 0))
        events.wait_for("2 asked, 2 answered")

    def test_without_targets_it_says_so_and_is_not_started_again(self):
        self.install()
        for config in "", "targets=C:/ProgramData/udpecho/none\n":
            self.write(f"{NAME}.conf", config)
            events = Events(self)
            windows("sc", "start", NAME)
            ended = wait_for_state("stopped", 1, NAME)
            # No error for Windows, so that it does not start the service again.
            self.assertEqual((ended["WIN32_EXIT_CODE"], ended["SERVICE_EXIT_CODE"]), (0, ERROR))
            events.wait_for("--targets=C:/ProgramData/udpecho/none: " if config else
                            "expected HOST[:PORT] or --targets=FILE")

    def test_it_needs_full_paths(self):
        done = client_harness.run("--install-service", "--targets=targets")
        self.assertEqual(done.returncode, ERROR)
        self.assertIn("targets: a service needs the full path of a file", done.stderr)
        self.assertIsNone(query(NAME))

    def test_its_options_are_on_its_command_line(self):
        self.install("--targets=C:/targets", "--quiet")
        command = registry(rf"{SERVICES}\{NAME}", "ImagePath")
        self.assertTrue(command.endswith('udpecho.exe" --service --targets=C:/targets --quiet'), command)
        self.install()
        self.assertEqual(registry(rf"{SERVICES}\{NAME}", "ImagePath"), command)
        self.assertRegex(registry(rf"{SERVICES}\EventLog\Application\{NAME}", "EventMessageFile"),
                         r"^[A-Z]:\\.*\\udpecho\.exe$")

    def test_the_server_is_another_service(self):
        self.install()
        self.assertIsNone(query())
        client_harness.run("--uninstall-service")
        self.assertIsNone(query(NAME))
        self.assertIsNone(registry(rf"{SERVICES}\EventLog\Application\{NAME}", "TypesSupported"))

    def test_what_the_configuration_suggests_is_right(self):
        text = (pathlib.Path(os.environ["UDPECHO_PACKAGING"]) / "windows" / f"{NAME}.conf").read_text()
        text = text.replace("\n#stamp\n", "\nstamp\n").replace("\n#interval=", "\ninterval=")
        config = self.directory / "config"
        config.write_text(text)
        targets = self.directory / "targets"
        targets.write_text("127.0.0.1:9\n")
        done = client_harness.run(f"--config={config}", f"--targets={targets}", "--deadline=10ms")
        self.assertNotIn("expected", done.stderr)


if __name__ == "__main__":
    harness.main()
