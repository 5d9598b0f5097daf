"""The Windows programs as files: they need nothing but Windows, and are hardened."""

import os
import re
import unittest

import client_harness
import harness
import pe_file

# What every Windows since 10 brings along. The first it knows by their names alone (KnownDLLs); for
# the others it looks in the program's directory before its own, unless it is told not to. SHELL32,
# which brings USER32, must not be among them: with that, a program of a console hears nothing of
# log-off and shutdown (SetConsoleCtrlHandler()).
KNOWN = {"advapi32.dll", "kernel32.dll", "msvcrt.dll", "rpcrt4.dll", "ws2_32.dll"}
OTHERS = {"iphlpapi.dll", "mswsock.dll"}


PROGRAMS = [pe_file.Program(path) for path in (harness.UDPECHOD, client_harness.UDPECHO)]


class Image(unittest.TestCase):
    def test_they_are_of_the_processor_asked_for(self):
        for program in PROGRAMS:
            with self.subTest(program.path):
                self.assertEqual(program.machine,
                                 pe_file.MACHINES[os.environ["UDPECHO_PROCESSOR"]])

    def test_they_start_on_windows_10_and_later_only(self):
        for program in PROGRAMS:
            with self.subTest(program.path):
                self.assertEqual(program.system_version, (10, 0))
                self.assertEqual(program.subsystem_version, (10, 0))

    def test_only_libraries_of_windows_are_needed(self):
        for program in PROGRAMS:
            with self.subTest(program.path):
                needed = program.libraries()
                self.assertIn("ws2_32.dll", needed)
                self.assertEqual(needed - KNOWN - OTHERS, set())

    def test_no_library_can_be_put_before_that_of_windows(self):
        """Reads the image only; the behaviour of Windows itself was not observed."""
        for program in PROGRAMS:
            with self.subTest(program.path):
                if program.load_flags() != pe_file.SEARCH_SYSTEM32:
                    self.assertEqual(program.libraries() - KNOWN, set())
                    # For the first call: GNU's linker lists those nowhere.
                    self.assertIn(b"iphlpapi.dll", program.content.lower())

    def test_their_address_is_random_and_their_data_does_not_run(self):
        for program in PROGRAMS:
            for flag in (pe_file.HIGH_ENTROPY_VA, pe_file.DYNAMIC_BASE, pe_file.NX_COMPAT):
                with self.subTest(program.path, flag=f"{flag:#x}"):
                    self.assertTrue(program.flags & flag)

    def test_they_can_be_moved(self):
        """Without relocations Windows loads them at their preferred address, whatever the flags
        say."""
        for program in PROGRAMS:
            with self.subTest(program.path):
                self.assertGreater(program.directories[pe_file.RELOCATIONS][1], 0)

    @unittest.skipUnless(os.name == "nt" or harness.EMULATOR,
                         "nothing here runs programs for this processor")
    def test_it_has_the_messages_of_its_events(self):
        tool = os.path.join(os.environ["UDPECHO_TOOLS"], "event_message.exe")
        for number in ("0xc0000001", "0x80000002", "0x40000003"):
            for program in harness.UDPECHOD, client_harness.UDPECHO:
                done = harness.run(program, number, "what the line said", program=tool)
                self.assertEqual(done.stdout.strip(), "what the line said", done.stderr)

    def test_its_version_is_that_of_the_project(self):
        expected = "FileVersion\0".encode("utf-16-le")
        for program in PROGRAMS:
            content = program.content
            found = content[content.index(expected) + len(expected):].decode("utf-16-le", "replace")
            self.assertEqual(re.match(r"\0*([^\0]*)", found)[1], os.environ["UDPECHO_VERSION"])


if __name__ == "__main__":
    harness.main()
