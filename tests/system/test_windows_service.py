"""The service of Windows, from its installation to its removal.

There is one service of this name on a machine, so these tests run one after the other, and each
leaves none behind.
"""

import json
import os
import shutil
import socket
import struct
import tempfile
import unittest
import unittest.mock

import harness
from windows_harness import (PARAMCHANGE, REPORT, SERVICES, Events, control, free_port, program_data,
                             query, registry, start, stop, wait_for_state, windows)

CYCLES = 20

# Exit codes of udpechod.
USAGE, UNAVAILABLE, CONFIG = 64, 69, 78

# ERROR_SERVICE_SPECIFIC_ERROR, which has Windows start a service again.
SPECIFIC_ERROR = 1066

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

    def test_it_tells_how_long_its_end_may_take(self):
        self.install(f"--listen=127.0.0.1:{self.port}", "--lame-duck=3s", "--impair-drain=5s",
                     "--impair=duplicate=1/1000", "--allow=127.0.0.0/8")
        start()
        windows("sc", "stop", "udpechod")
        wait_for_state("stopping", 3)
        expected = 3000 + 5000 + 10000
        harness.wait_until(lambda: query()["WAIT_HINT"] == expected)
        self.assertEqual(query()["WAIT_HINT"], expected)
        self.assert_echoes()
        ended = wait_for_state("stopped", 1)
        self.assertEqual((ended["WIN32_EXIT_CODE"], ended["SERVICE_EXIT_CODE"]), (0, 0))

    def test_it_is_there_once_or_not_at_all(self):
        absent = harness.run("--uninstall-service")
        self.assertEqual((absent.returncode, absent.stderr.count("\n")), (UNAVAILABLE, 1))
        self.install()
        self.install()
        self.assertEqual(harness.run("--uninstall-service").returncode, 0)
        self.assertIsNone(query())

    def command(self):
        return registry(rf"{SERVICES}\udpechod", "ImagePath")

    def test_it_keeps_its_options_or_gets_others(self):
        self.install("--listen=127.0.0.1:0", "--log-level=debug")
        first = self.command()
        self.install()
        self.assertEqual(self.command(), first)
        self.install(f"--listen=127.0.0.1:{self.port}")
        self.assertTrue(self.command().endswith(f" --service --listen=127.0.0.1:{self.port}"))
        start()
        self.assert_echoes()
        stop()
        program, *options = first.split(" --")
        self.install("#%" + program.strip('"'), *("--" + option for option in options))
        self.assertEqual(self.command(), first)
        self.assertNotEqual(harness.run("--install-service", "--workers=none").returncode, 0)
        self.assertEqual(self.command(), first)

    def test_it_belongs_to_the_file_that_is_there(self):
        program = os.path.join(self.directory, "udpechod.exe")
        shutil.copy(harness.UDPECHOD, program)
        self.install("--workers=1", program=program)
        refused = harness.run("--install-service", "--workers=2")
        self.assertEqual(refused.returncode, UNAVAILABLE)
        self.assertIn("another file has installed the service", refused.stderr)
        self.assertRegex(self.command(), r'udp echo .*udpechod\.exe" --service --workers=1$')
        os.remove(program)
        self.install()
        self.assertRegex(self.command(), r'src\\udpechod\.exe" --service --workers=1$')

    def test_it_is_removed_while_it_runs(self):
        self.install(f"--listen=127.0.0.1:{self.port}")
        start()
        self.assertEqual(harness.run("--uninstall-service").returncode, 0)
        self.assertIsNone(query())
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.bind(("127.0.0.1", self.port))

    def test_it_has_a_configuration_file_of_its_own(self):
        home = program_data() / "udpecho"
        self.install()
        self.assertTrue(home.is_dir())
        config = home / "udpechod.conf"
        self.addCleanup(config.unlink, missing_ok=True)
        config.write_text(f"listen=127.0.0.1:{self.port}\n")
        start()
        self.assert_echoes()
        stop()
        harness.run("--uninstall-service")
        self.assertTrue(config.exists(), "what an administrator wrote is kept")

    def test_a_configuration_file_that_others_can_write_is_refused(self):
        home = program_data() / "udpecho"
        self.install()
        config = home / "udpechod.conf"
        self.addCleanup(config.unlink, missing_ok=True)
        config.write_text(f"listen=127.0.0.1:{self.port}\n")
        for path, name in ((config, r"C:\ProgramData\udpecho\udpechod.conf"),
                           (home, r"C:\ProgramData\udpecho")):
            mode = path.stat().st_mode
            if harness.EMULATOR:
                path.chmod(mode | 0o022)
                self.addCleanup(path.chmod, mode)
            else:
                windows("icacls", str(path), "/grant", "*S-1-1-0:(M)")
                self.addCleanup(windows, "icacls", str(path), "/remove", "*S-1-1-0")
            events = Events(self)
            windows("sc", "start", "udpechod")
            self.assertEqual(wait_for_state("stopped", 1)["SERVICE_EXIT_CODE"], CONFIG)
            # Wine escapes backslashes.
            events.wait_for(name.replace("\\", "\\\\") + ": not safe to use: S-1-1-0 may change")
            done = harness.run("--status")
            self.assertEqual(done.returncode, CONFIG)
            self.assertIn(f"{name}: not safe to use", done.stderr)
            path.chmod(mode)

    def test_it_tells_its_status(self):
        """--status finds the port in the service's configuration file."""
        home = program_data() / "udpecho"
        self.install()
        config = home / "udpechod.conf"
        self.addCleanup(config.unlink, missing_ok=True)
        port = free_port()
        config.write_text(f"listen=127.0.0.1:{self.port}\ncontrol=127.0.0.1:{port}\n")
        start()
        self.assert_echoes()
        done = harness.run("--status", "--json")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        shown = json.loads(done.stdout)
        self.assertEqual((shown["health"], shown["received"], shown["echoed"]), ("ok", 1, 1))
        second = harness.run("--listen=127.0.0.1:0", f"--control=127.0.0.1:{port}")
        self.assertEqual(second.returncode, UNAVAILABLE, second.stderr)
        self.assertIn("cannot create the control socket", second.stderr)
        stop()
        done = harness.run("--status")
        self.assertEqual(done.returncode, UNAVAILABLE)
        self.assertIn("--status: cannot connect to 127.0.0.1:", done.stderr)

    def test_it_needs_no_configuration_file(self):
        self.install(f"--listen=127.0.0.1:{self.port}")
        events = Events(self)
        start()
        # Backslashes and quotation marks are escaped by the log, and again by Wine.
        events.wait_for(r' info no configuration file, using defaults '
                        r'file=\"C:\\\\ProgramData\\\\udpecho\\\\udpechod.conf\"')
        self.assert_echoes()
        harness.run("--uninstall-service")
        self.assertTrue((program_data() / "udpecho").exists(),
                        "whose place another user could take before the next installation")

    def test_the_firewall_is_opened_and_shut(self):
        if not harness.EMULATOR:
            self.skipTest("reads what the netsh of Wine says it was asked, and this is Windows")
        with unittest.mock.patch.dict(os.environ, WINEDEBUG="-all,fixme+netsh"):
            asked = self.install("--open-firewall").stderr
            self.assertNotIn("the firewall is not open", asked)
            self.assertNotIn("firewall", registry(rf"{SERVICES}\udpechod", "ImagePath"))
            self.assertRegex(asked, r'L"add" L"rule" L"name=udpechod" .* L"protocol=UDP" '
                                    r'L"program=.*udpechod\.exe"')
            asked = harness.run("--uninstall-service").stderr
            self.assertIn('L"delete" L"rule" L"name=udpechod"', asked)

    def test_paths_are_utf8(self):
        config = os.path.join(self.directory, "pr\u00fcfung.conf")
        with open(config, "w", encoding="utf-8") as file:
            file.write(f"listen=127.0.0.1:{self.port}\n")
        self.install(f"--config={config}")
        start()
        self.assert_echoes()

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

    def test_what_a_service_would_read_otherwise_is_not_installed(self):
        networks = os.path.join(self.directory, "networks")
        with open(networks, "w", encoding="utf-8") as file:
            file.write("127.0.0.1\n")
        done = harness.run("--install-service", f"--allow=@{os.path.relpath(networks)}")
        self.assertEqual(done.returncode, USAGE)
        self.assertIn("a service needs the full path of a file", done.stderr)
        config = os.path.join(self.directory, "%PATH%.conf")
        with open(config, "w", encoding="utf-8") as file:
            file.write(f"listen=127.0.0.1:{self.port}\n")
        done = harness.run("--install-service", f"--config={config}")
        self.assertEqual(done.returncode, USAGE)
        self.assertIn("Windows would replace %NAME%", done.stderr)
        self.assertIsNone(query())

    def test_its_exit_code_says_what_was_wrong(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
            taken.bind(("127.0.0.1", self.port))
            self.install(f"--listen=127.0.0.1:{self.port}")
            windows("sc", "start", "udpechod")
            ended = wait_for_state("stopped", 1)
            self.assertEqual((ended["WIN32_EXIT_CODE"], ended["SERVICE_EXIT_CODE"]),
                             (SPECIFIC_ERROR, UNAVAILABLE))

    def test_it_is_started_again_three_times_and_no_more(self):
        if harness.EMULATOR:
            self.skipTest("Wine does not keep what is to be done when a service fails")
        self.install()
        actions = bytes.fromhex(registry(rf"{SERVICES}\udpechod", "FailureActions"))
        numbers = struct.unpack(f"<{len(actions) // 4}I", actions)
        restart, nothing = (1, 5000), (0, 0)
        self.assertEqual(numbers[0], 24 * 60 * 60)
        self.assertEqual([*zip(numbers[5::2], numbers[6::2])], [*[restart] * 3, nothing])

    def test_its_life_is_in_the_event_log(self):
        self.install(f"--listen=127.0.0.1:{self.port}")
        events = Events(self)
        start()
        events.wait_for(f" info listening address=127.0.0.1:{self.port} ")
        self.assert_echoes()
        control(REPORT)
        events.wait_for(" info counters received=1 ")
        stop()
        events.wait_for(" info stopped reason=request received=1 ")

    def test_its_settings_are_read_again(self):
        config = os.path.join(self.directory, "udpechod.conf")
        with open(config, "w", encoding="utf-8") as file:
            file.write(f"listen=127.0.0.1:{self.port}\n")
        self.install(f"--config={config}")
        start()
        events = Events(self)
        with open(config, "a", encoding="utf-8") as file:
            file.write("log-level=warning\n")
        control(PARAMCHANGE)
        events.wait_for(" info reloaded log_level=warning")
        with open(config, "a", encoding="utf-8") as file:
            file.write("log-level=loud\n")
        control(PARAMCHANGE)
        events.wait_for(" error reload failed, nothing changed error=")
        self.assert_echoes()

    def test_who_is_answered_is_read_again(self):
        config = os.path.join(self.directory, "udpechod.conf")
        denied = os.path.join(self.directory, "denied")
        drive = "Z:" if harness.EMULATOR else ""

        def deny(network):
            with open(denied, "w", encoding="utf-8") as file:
                file.write(f"{network}\n")

        def reload():
            control(PARAMCHANGE)
            events.wait_for(" info reloaded ")

        def write(*lines):
            with open(config, "w", encoding="utf-8") as file:
                file.writelines(f"{line}\n" for line in (f"listen=127.0.0.1:{self.port}", *lines))

        def send_in_vain(count):
            sock.send(b"denied")
            harness.wait_until(lambda: control(REPORT) or events.has(f" dropped_access={count} "))
            events.wait_for(f" dropped_access={count} ")

        write()
        self.install(f"--config={config}")
        start()
        events = Events(self)
        with harness.client(("127.0.0.1", self.port)) as sock:
            self.assertEqual(harness.echo(sock, b"anybody"), b"anybody")
            write("deny=127.0.0.0/8")
            reload()
            send_in_vain(1)
            deny("192.0.2.0/24")
            write(f"deny='@{drive}{denied}'".replace("\\", "/"))
            reload()
            self.assertEqual(harness.echo(sock, b"others only"), b"others only")
            deny("127.0.0.1  # the file alone has changed")
            reload()
            send_in_vain(2)
            self.assertEqual(harness.replies(sock), [])

    def test_a_reload_changes_listeners_and_those_that_stay_lose_nothing(self):
        config = os.path.join(self.directory, "udpechod.conf")
        other = free_port()

        def listen_on(*ports):
            with open(config, "w", encoding="utf-8") as file:
                file.writelines(f"listen=127.0.0.1:{port}\n" for port in ports)

        listen_on(self.port)
        self.install(f"--config={config}", "--workers=4")
        start()
        events = Events(self)
        with harness.client(("127.0.0.1", self.port)) as sock, \
                harness.client(("127.0.0.1", other)) as second:
            for _ in range(3):
                listen_on(self.port, other)
                control(PARAMCHANGE)
                for number in range(200):
                    sock.send(b"%d" % number)
                self.assertEqual(sorted(int(sock.recv(100)) for _ in range(200)),
                                 [*range(200)])
                events.wait_for(f" info listening address=127.0.0.1:{other} ")
                self.assertEqual(harness.echo(second, b"new"), b"new")
                listen_on(self.port)
                control(PARAMCHANGE)
                events.wait_for(f" info no longer listening address=127.0.0.1:{other}")
                self.assertEqual(harness.echo(sock, b"still there"), b"still there")
                with self.assertRaises(ConnectionRefusedError):
                    harness.echo(second, b"nobody")

    def test_settings_that_cannot_change_need_a_restart(self):
        config = os.path.join(self.directory, "udpechod.conf")

        def write(setting):
            with open(config, "w", encoding="utf-8") as file:
                file.write(f"listen=127.0.0.1:{self.port}\n{setting}\n")

        write("payload-max=1000")
        self.install(f"--config={config}")
        start()
        events = Events(self)
        write("payload-max=1001\nrate-limit=5/s")
        control(PARAMCHANGE)
        events.wait_for(" info reloaded log_level=info changed=rate-limit")
        events.wait_for(" warning changed settings need a restart options=payload-max")
        self.assert_echoes()

    def test_what_is_wrong_is_in_the_event_log(self):
        config = os.path.join(self.directory, "udpechod.conf")
        with open(config, "w", encoding="utf-8") as file:
            file.write(f"listen=127.0.0.1:{self.port}\n")
        self.install(f"--config={config}")
        with open(config, "a", encoding="utf-8") as file:
            file.write("workers=none\n")
        events = Events(self)
        windows("sc", "start", "udpechod")
        ended = wait_for_state("stopped", 1)
        # No error for Windows, so that it does not start the service again.
        self.assertEqual((ended["WIN32_EXIT_CODE"], ended["SERVICE_EXIT_CODE"]), (0, CONFIG))
        events.wait_for("udpechod.conf:2: workers=none: expected ")

    def test_the_source_of_its_events_comes_and_goes(self):
        key = rf"{SERVICES}\EventLog\Application\udpechod"
        self.install()
        self.assertRegex(registry(key, "EventMessageFile"), r"^[A-Z]:\\.*\\udpechod\.exe$")
        self.assertEqual(registry(key, "TypesSupported"), "0x7")
        harness.run("--uninstall-service")
        self.assertIsNone(registry(key, "TypesSupported"))

    def test_it_starts_with_the_system_under_an_account_with_few_rights(self):
        self.install()
        self.assertEqual(registry(rf"{SERVICES}\udpechod", "Start"), "0x2")
        self.assertEqual(registry(rf"{SERVICES}\udpechod", "ObjectName"),
                         r"NT AUTHORITY\LocalService")

    def test_nobody_else_can_run_it(self):
        # Under Wine it might get the control pipe of a service that starts meanwhile, so no test
        # that runs in parallel with this one may try the same.
        done = harness.run("--service")
        self.assertEqual(done.returncode, USAGE)
        self.assertIn("service control manager", done.stderr)


if __name__ == "__main__":
    harness.main()
