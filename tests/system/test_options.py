"""The command line and the configuration file: what they say, and what is said of mistakes."""

import os
import pathlib
import re
import socket
import tempfile
import unittest

import harness
import tracing

# One value other than the default for every option that a file may hold, but for the file of keys,
# which would have to be there.
SETTINGS = """\
listen=127.0.0.2:0
listen=[fe80::1%lo]:7
reuse-port=processes
receive-buffer=64KiB
send-buffer=default
offload=off
payload-max=1400
mirror-dscp=on
stamp=127.0.0.2
echo-plus=[::1]:0
stamp-sessions=stateful
stamp-mode=unauthenticated
stamp-short-requests=refuse
stamp-clock=ptp
stamp-ptp-offset=37s
stamp-dscp=8,40-46
stamp-tlv=off
stamp-strict=on
impair=drop=1%,delay=50ms
impair=from=192.0.2.0/25,none
impair-buffer=1MiB
impair-drain=30s
allow=192.0.2.0/24
allow=2001:db8::/32
deny=192.0.2.7
deny-source-ports=7,9,1000-1010
rate-limit=500/s
rate-limit-exempt=192.0.2.0/24
rate-limit-exempt=2001:db8::/32
rate-limit-dry-run
max-rate=50000/s
max-bandwidth=64KiB/s
loop-detector=off
workers=3
spin=50us
log-level=warning
log-format=logfmt
log-payload=100
user=nobody
group=0
chroot=/var/empty
sandbox=on
count=17
duration=1h30m
lame-duck=10s
"""


class Options(unittest.TestCase):
    def file(self, text):
        """The path of a new file with this text."""
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        path = pathlib.Path(directory.name, "udpechod.conf")
        path.write_bytes(text.encode())
        return str(path)

    def settings(self, *options):
        """What --check-config prints."""
        done = harness.run("--check-config", *options)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return done.stdout

    def check_refused(self, code, *options):
        """The one line that the server ends with."""
        done = harness.run(*options)
        self.assertEqual((done.returncode, done.stdout), (code, ""), done.stderr)
        line, = done.stderr.splitlines()
        self.assertTrue(line.startswith("udpechod: "), line)
        return line.removeprefix("udpechod: ")


class CommandLine(Options):
    def test_what_else_people_type_for_a_port(self):
        for options in ["9999"], ["-p", "9999"], ["-p9999"], ["--port=9999"], ["--port", "9999"]:
            with self.subTest(options=options):
                self.assertIn("--listen=", self.check_refused(64, *options))
        for operand in "9999", "127.0.0.1:9999":
            advice, = re.findall("--listen=.*", self.check_refused(64, operand))
            self.assertIn(":9999\n", harness.run(advice, "--check-config").stdout)

    def test_help_names_every_option(self):
        done = harness.run("--help")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertTrue(done.stdout.startswith("Usage: udpechod "))
        names = set(re.findall(r"(?m)^  (?:-\w, )?--([a-z-]+)", done.stdout))
        of_a_file = {line.split("=")[0] for line in self.settings().splitlines()}
        self.assertLessEqual(of_a_file | {"config", "check-config", "help", "version"}, names)
        self.assertLessEqual(max(map(len, done.stdout.splitlines())), 80)

    def test_letters(self):
        for letter, name in (("-h", "--help"), ("-V", "--version")):
            self.assertEqual(harness.run(letter).stdout, harness.run(name).stdout)

    def test_arguments_cannot_speak_to_the_terminal(self):
        done = harness.run("--count=\x1b[31m\u0085")
        self.assertEqual(done.returncode, 64)
        self.assertIn("--count=\\x1b[31m\\xc2\\x85: expected", done.stderr)

    def test_version(self):
        done = harness.run("--version")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertRegex(done.stdout, r"\Audpechod \d+\.\d+\.\d+\n\Z")

    @harness.posix_only("the error has another name")
    def test_output_that_cannot_be_written(self):
        for option in "--help", "--version", "--check-config", "--show-platform":
            done = harness.run(option, prefix=("sh", "-c", 'exec "$@" >&-', "sh"))
            self.assertEqual((done.returncode, done.stderr),
                             (71, "udpechod: cannot write: Bad file descriptor\n"))

    def test_value_in_the_next_argument(self):
        self.assertIn("workers=3\n", self.settings("--workers", "3"))

    def test_last_value_counts(self):
        self.assertIn("workers=4\n", self.settings("--workers=3", "--workers=4"))

    def test_units(self):
        for option, value, shown in (
                ("payload-max", "1KiB", "1KiB"), ("payload-max", "1024", "1KiB"),
                ("payload-max", "1kB", "1000"), ("payload-max", "1.5K", "1536"),
                ("receive-buffer", "1MiB", "1MiB"), ("send-buffer", "1GiB", "1GiB"),
                ("duration", "90s", "1m30s"), ("duration", "500ms", "500ms"),
                ("duration", "1.5h", "1h30m"), ("duration", "2", "2s"), ("duration", "1d", "1d"),
                ("duration", "unlimited", "unlimited"), ("workers", "auto", "auto")):
            with self.subTest(option=option, value=value):
                self.assertIn(f"{option}={shown}\n", self.settings(f"--{option}={value}"))

    def test_bad_values(self):
        for option, values, right in (
                ("workers", ("0", "-1", "x", "1.5", "99999999", "", "9" * 30), "or auto"),
                ("payload-max", ("0", "65528", "64KiB", "1XB", "KiB", "-5"), "from 1 to 65527"),
                ("receive-buffer", ("1", "4095", "2GiB", "many"), "from 4KiB to 1GiB"),
                ("count", ("0", "-1", "1e3"), "or unlimited"),
                ("duration", ("0", "1us", "1 h", "1y", "s"), "or unlimited"),
                ("log-payload", ("1025", "-1"), "from 0 to 1KiB"),
                ("log-level", ("loud", "INFO", ""), "error|warning|info|debug"),
                ("log-format", ("xml",), "text|logfmt|json"),
                ("sandbox", ("yes", ""), "auto|on|off"),
                ("user", ("",), "NAME"),
                ("chroot", ("",), "DIRECTORY"),
                ("reuse-port", ("yes", "worker"), "workers|processes|off"),
                ("config", ("",), "FILE")):
            for value in values:
                with self.subTest(option=option, value=value):
                    error = self.check_refused(64, f"--{option}={value}")
                    self.assertTrue(error.startswith(f"--{option}={value}: expected "), error)
                    self.assertIn(right, error)

    def test_mistakes(self):
        for arguments, words in (
                (["--no-such-option"], ["--no-such-option", "--help"]),
                (["-x"], ["-x", "--help"]),
                (["--workers"], ["--workers", "--workers=N"]),
                (["--help=yes"], ["--help", "no value"]),
                (["127.0.0.1:8888"], ["127.0.0.1:8888", "--listen=127.0.0.1:8888"]),
                (["--workers=2", "operand"], ["operand"])):
            with self.subTest(arguments=arguments):
                error = self.check_refused(64, *arguments)
                for word in words:
                    self.assertIn(word, error)


    @unittest.skipUnless(harness.WINDOWS, "other systems have what is missing here")
    def test_users_are_not_for_windows(self):
        for option in "--user=nobody", "--group=nobody", "--chroot=/":
            with self.subTest(option=option):
                done = harness.run("--listen=127.0.0.1:0", option)
                self.assertEqual(done.returncode, 64, done.stderr)
                self.assertIn("--user, --group and --chroot are for POSIX systems", done.stderr)


class CheckConfig(Options):
    def test_settings_read_back_to_the_same(self):
        for text in SETTINGS, self.settings():
            printed = self.settings(f"--config={self.file(text)}")
            self.assertEqual(printed, text)

    @tracing.needs_strace
    def test_binds_and_looks_up_nothing(self):
        right = ("--listen=[fe80::1%lo]:7", "--listen=localhost", "--deny=fe80::/10",
                 "--control=127.0.0.1:9001", "--rate-limit-exempt=fe80::1")
        with tracing.TracedServer("socket,write", "--check-config", *right, wait=False) as server:
            self.assertEqual(server.finish(), 0)
            self.assertTrue(server.calls("write(", "listen=127.0.0.1:0"))
            self.assertEqual(server.calls("socket("), [])
        for wrong in "--allow=10./8", "--listen=127.0.0.1.:7", "--control=[fe80::1%lo]:9001":
            with tracing.TracedServer("socket", "--check-config", wrong, wait=False) as server:
                self.assertEqual(server.finish(), 64)
                self.assertEqual(server.calls("socket("), [])


class ConfigurationFile(Options):
    def check_settings(self, text, *lines):
        printed = self.settings(f"--config={self.file(text)}").splitlines()
        for line in lines:
            self.assertIn(line, printed)

    def test_is_obeyed(self):
        path = self.file("listen = 127.0.0.1:0\npayload-max = 3\n")
        with harness.Server(f"--config={path}", listen=()) as server, \
                harness.client(server.address) as sock:
            self.assertNotEqual(server.address[1], 8888)
            sock.send(b"four")
            self.assertEqual(harness.echo(sock, b"ok!"), b"ok!")

    def test_ways_to_write_a_line(self):
        for line in ("workers=3", "workers 3", "workers = 3", "workers\t3", "  workers=3  ",
                     'workers="3"', "workers='3'", "workers=3 # three", "workers=3\r"):
            with self.subTest(line=line):
                self.check_settings(f"{line}\n", "workers=3")

    def test_comments_and_blank_lines(self):
        self.check_settings("# one\n\n   \n\t# two\nworkers=3\n\n#workers=4\n", "workers=3")

    def test_dos_line_ends(self):
        self.check_settings("# one\r\n\r\nworkers=3\r\nlisten=127.0.0.2\r\n",
                            "workers=3", "listen=127.0.0.2")

    def test_last_line_without_line_feed(self):
        self.check_settings("count=5\nworkers=3", "count=5", "workers=3")

    def test_empty_file_changes_nothing(self):
        self.assertEqual(self.settings(f"--config={self.file('')}"), self.settings())

    def test_command_line_wins(self):
        path = self.file("workers=3\ncount=5\n")
        for options in [f"--config={path}", "--workers=4"], ["--workers=4", f"--config={path}"]:
            printed = self.settings(*options)
            self.assertIn("workers=4\n", printed)
            self.assertIn("count=5\n", printed)

    def test_command_line_replaces_lists(self):
        path = self.file("listen=127.0.0.2\nlisten=127.0.0.3\n")
        self.assertEqual(re.findall("listen=(.*)", self.settings(f"--config={path}")),
                         ["127.0.0.2", "127.0.0.3"])
        self.assertEqual(re.findall("listen=(.*)", self.settings(
            f"--config={path}", "--listen=127.0.0.4", "--listen=127.0.0.5")),
            ["127.0.0.4", "127.0.0.5"])

    def test_mistakes(self):
        for line, words in (
                ("workers=0", "workers=0: expected a number from 1 "),
                ("workers", "workers needs a value: workers=N"),
                ("workers=", "workers needs a value: workers=N"),
                ("workers=1 2", "workers: one value only"),
                ("listen=::1", "listen=::1: expected ADDRESS[:PORT]"),
                ("no-such-option=1", "unknown option no-such-option"),
                ("--workers=3", "unknown option --workers"),
                ("config=other", "config: only the command line"),
                ("help", "help: only the command line"),
                ("count=" + 5000 * "1", "a line longer than")):
            with self.subTest(line=line[:40]):
                path = self.file(f"# first\n\n{line}\nworkers=also-wrong\n")
                self.assertIn(f"{path}:3: {words}", self.check_refused(78, f"--config={path}"))

    def test_file_that_cannot_be_read(self):
        missing = self.file("") + ".missing"
        for option in "--config=", "--allow=@", "--deny=@", "--rate-limit-exempt=@":
            error = self.check_refused(78, option + missing)
            self.assertTrue(error.startswith(f"{option}{missing}: cannot be read: "), error)

    def test_the_blame_for_a_contradiction(self):
        rules = "--allow=10.0.0.0/8", "--deny=10.0.0.0/8"
        self.assertIn(" contradict each other", self.check_refused(64, *rules))
        path = self.file("allow=10.0.0.0/8\n")
        self.assertIn(" contradict each other", self.check_refused(78, f"--config={path}", rules[1]))
        path = self.file("10.0.0.0/8\n")
        self.assertIn(" contradict each other", self.check_refused(78, f"--allow=@{path}", rules[1]))

    @harness.posix_only("a FIFO and such devices are no files there")
    def test_what_is_no_regular_file(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        fifo = os.path.join(directory.name, "fifo")
        os.mkfifo(fifo)
        unix = os.path.join(directory.name, "socket")
        listening = socket.socket(socket.AF_UNIX)
        self.addCleanup(listening.close)
        listening.bind(unix)
        for path in fifo, unix, "/dev/zero", "/dev/null", directory.name:
            for option in f"--config={path}", f"--allow=@{path}", f"--rate-limit-exempt=@{path}":
                with self.subTest(option=option):
                    for check in [], ["--check-config"]:
                        self.assertIn(f"{path}: expected a regular file",
                                      self.check_refused(78, option, *check))

    @harness.posix_only("such links need a privilege there")
    def test_path_that_leads_nowhere(self):
        with tempfile.TemporaryDirectory() as directory:
            loop = os.path.join(directory, "loop")
            os.symlink(loop, loop)
            for path in loop, "/" + 300 * "x", "/dev/null/x":
                for option in f"--config={path}", f"--allow=@{path}":
                    with self.subTest(option=option[:30]):
                        self.assertIn("cannot be read", self.check_refused(78, option))

    def test_what_is_no_text(self):
        for content, words in ((b"log-level=debug\0\n", ":1: a NUL byte"),
                               ("log-level=debug\n".encode("utf-16"), ":1: the file is in UTF-16")):
            with self.subTest(words=words):
                path = self.file("")
                with open(path, "wb") as file:
                    file.write(content)
                for option in f"--config={path}", f"--deny=@{path}":
                    self.assertIn(path + words, self.check_refused(78, option))

    def test_byte_order_mark(self):
        printed = self.settings(f"--config={self.file(chr(0xfeff) + 'workers=7')}")
        self.assertIn("workers=7", printed.splitlines())

    def test_mistake_on_the_command_line_is_told_first(self):
        path = self.file("workers=0\n")
        self.assertIn("--workers=x", self.check_refused(64, f"--config={path}", "--workers=x"))


if __name__ == "__main__":
    harness.main()
