"""How udpecho is told what to do, how it ends, and what it says of mistakes."""

import itertools
import os
import pathlib
import re
import signal
import subprocess
import tempfile
import time
import unittest

import client_harness
import harness
from client_harness import Client, ask, full_pipe, run
from responder import Responder, echo, flip, silence

UNANSWERED, ERROR = 1, 2

# What a busy machine and sanitizers may add to the time that a run should take, seconds.
SLACK = 5

NOTHING_READS = "udpecho: cannot write the end of the report: nothing reads it\n"


class Exit(unittest.TestCase):
    def check_code(self, code, answer, *options):
        with Responder(answer) as server:
            report = ask(server.address(), "--interval=200ms", "--timeout=100ms", *options)
        client_harness.check_sums(self, report)
        self.assertEqual(report.code, code, report.text + report.errors)
        return report

    def test_0_with_an_answer(self):
        report = self.check_code(0, lambda request: [request.payload] * (request.number == 2),
                                 "--count=3")
        self.assertEqual(report.errors, "")

    def test_1_without_one(self):
        for answer in silence, lambda request: [flip(request.payload)]:
            report = self.check_code(UNANSWERED, answer, "--count=2")
            self.assertEqual(report.errors, "")

    def test_max_loss(self):
        lossy = lambda request: [request.payload] * (request.number != 2)  # noqa: E731
        for most, code in ("50%", 0), ("25", 0), ("24.9%", UNANSWERED), ("0%", UNANSWERED):
            with self.subTest(most=most):
                report = self.check_code(code, lossy, "--count=4", f"--max-loss={most}")
                self.assertEqual(report.errors, "udpecho: more is lost, or was not sent, than --max-loss\n"
                                 if code else "")

    def test_max_loss_counts_what_came_back_corrupt(self):
        corrupt = lambda request: [flip(request.payload)] if request.number == 2 \
            else [request.payload]  # noqa: E731
        self.check_code(0, corrupt, "--count=4", "--max-loss=25%")
        self.check_code(UNANSWERED, corrupt, "--count=4", "--max-loss=24%")

    def test_max_rtt(self):
        self.check_code(0, echo, "--count=1", "--max-rtt=1h")
        report = self.check_code(UNANSWERED, echo, "--count=1", "--max-rtt=1us")
        self.assertEqual(report.errors, "udpecho: the mean round trip is longer than --max-rtt\n")

    def test_2_for_an_unknown_host(self):
        done = run("--count=1", "no.such.host.invalid")
        self.assertEqual((done.returncode, done.stdout), (ERROR, ""))
        self.assertRegex(done.stderr, r"\Audpecho: no\.such\.host\.invalid: cannot find it: .+\n\Z")

    def test_2_for_files_that_cannot_be_written(self):
        for option in "--json-file", "--csv-file":
            done = run(f"{option}=/no/such/folder/file", "127.0.0.1")
            self.assertEqual((done.returncode, done.stdout), (ERROR, ""))
            self.assertIn(f"udpecho: {option}=/no/such/folder/file: cannot write it", done.stderr)

    @unittest.skipUnless(harness.EMULATOR and harness.WINDOWS,
                         "Wine alone has qwave.dll and none of the service that it asks")
    def test_2_for_a_code_point_that_cannot_be_set(self):
        done = run("--count=1", "--dscp=EF", "127.0.0.1")
        self.assertEqual((done.returncode, done.stdout), (ERROR, ""))
        self.assertRegex(done.stderr, r"\Audpecho: cannot set the DSCP: .*QOSCreateHandle.*: .+\n\Z")

    def test_2_for_more_outstanding_than_is_remembered(self):
        done = run("--flood", "--rate=100000k/s", "--timeout=20s", "--duration=1s", "127.0.0.1")
        self.assertEqual((done.returncode, done.stdout), (ERROR, ""))
        self.assertIn("--rate and --timeout: expected no more than 67108864 datagrams outstanding",
                      done.stderr)


class ClosedPort(unittest.TestCase):
    @unittest.skipUnless(pathlib.Path("/proc/net/snmp").exists() and not harness.WINDOWS,
                         "only Linux tells sockets that are not connected of ICMP")
    def test_is_refused(self):
        # A socket that is connected elsewhere takes nothing, and keeps the port from other programs.
        with harness.client(("127.0.0.1", 1)) as sock:
            port = sock.getsockname()[1]
            report = ask(f"127.0.0.1:{port}", "--count=2", "--interval=200ms", "--timeout=100ms")
        client_harness.check_sums(self, report)
        self.assertEqual(report.code, UNANSWERED)
        self.assertEqual((report.summary["lost"], report.summary["refused"]), (2, 2))
        self.assertEqual([(refused["sequence"], refused["from"], refused["error"])
                          for refused in report.of("refused")],
                         [(sequence, "127.0.0.1", "port unreachable") for sequence in (0, 1)])
        self.assertIn("refused by 127.0.0.1: seq=0 port unreachable\n", report.text)
        self.assertIn("2 sent, 0 received, 2 lost (100 %), 2 refused\n", report.text)


class End(unittest.TestCase):
    def test_by_count(self):
        with Responder(echo) as server:
            report = ask(server.address(), "--count=3", "--interval=200ms")
        self.assertEqual(report.summary["sent"], 3)
        self.assertEqual(len(server.requests), 3)

    def test_by_deadline(self):
        with Responder(silence) as server:
            began = time.monotonic()
            report = ask(server.address(), "--deadline=500ms", "--interval=200ms", "--timeout=1h")
            self.assertGreaterEqual(time.monotonic() - began, 0.5)
        client_harness.check_sums(self, report)
        self.assertEqual(report.summary["outstanding"], report.summary["sent"])
        self.assertEqual(report.code, UNANSWERED)

    def test_by_duration(self):
        with Responder(echo) as server:
            report = ask(server.address(), "--flood", "--rate=100/s", "--duration=300ms")
        client_harness.check_sums(self, report)
        # Later ones are put off when the machine is busy, and never made up for after the end.
        self.assertLessEqual(report.summary["sent"], 30)
        self.assertEqual((report.code, report.summary["outstanding"]), (0, 0))

    def test_by_the_user(self):
        for answer, code in (echo, 0), (silence, UNANSWERED):
            with Responder(answer) as server, Client(server.address(), "--interval=200ms",
                                                     "--timeout=300ms") as client:
                client.wait_for("reply" if code == 0 else "missing", 2)
                client.interrupt()
                report = client.finish()
            client_harness.check_sums(self, report)
            self.assertEqual((report.code, report.errors), (code, ""))
            self.assertRegex(report.text, r"\n--- 127\.0\.0\.1:\d+ ---\n\d+ sent, ")

    def test_by_the_user_of_each_measurement(self):
        for options in ("--flood", "--duration=1h"), ("--sweep=3", "--count=10000"):
            with self.subTest(options=options):
                self.check_interrupted(*options)

    def check_interrupted(self, *options):
        with Responder(echo) as server, Client(server.address(), *options) as client:
            harness.wait_until(lambda: len(server.requests) >= 3)
            client.interrupt()
            report = client.finish()
        client_harness.check_sums(self, report)
        self.assertGreaterEqual(report.summary["sent"], 3)

    def test_by_the_user_of_a_search_that_nobody_answers(self):
        with Responder(silence) as server, Client(server.address(), "--mtu",
                                                  "--timeout=1h") as client:
            harness.wait_until(lambda: server.requests)
            client.interrupt()
            self.assertEqual(client.finish().of("mtu")[0]["limit"], "not_found")


class Reports(unittest.TestCase):
    @harness.posix_only("there is no SIGUSR1")
    def test_an_interim_summary_on_demand(self):
        with Responder(echo) as server, Client(server.address(), "--interval=200ms") as client:
            client.wait_for("reply", 2)
            client.process.send_signal(signal.SIGUSR1)
            client.wait_for("summary")
            client.wait_for("reply", 4)
            client.interrupt()
            report = client.finish()
        interim, = report.of("summary", interim=True)
        self.assertGreaterEqual(interim["received"], 2)
        self.assertGreater(report.summary["received"], interim["received"])
        self.assertIn(", so far ---\n", report.text)
        client_harness.check_sums(self, report)

    @harness.posix_only("the error has another name")
    def test_an_end_when_nobody_reads_them(self):
        """It stops sending when the reader exits, as in "udpecho HOST | head -2"."""
        with Responder(echo) as server:
            for options in ("--interval=200ms",), ("--flood", "--verbose", "--duration=1h"), \
                           ("--interval=200ms", "--json"), ("--interval=200ms", "--csv"):
                with self.subTest(options=options), self.start(server, *options) as client:
                    client.stdout.readline()
                    client.stdout.close()
                    self.assertEqual(client.wait(timeout=harness.PATIENCE), ERROR)
                    self.assertEqual(client.stderr.read(), "")

    @harness.posix_only("Windows has no such signal")
    def test_hang_up(self):
        """SIGHUP ends it as SIGINT does, but not under nohup(1)."""
        for ignored, code in ((False, 0), (True, None)):
            with self.subTest(ignored=ignored), Responder(echo) as server, \
                    client_harness.Client("--interval=200ms", server.address(),
                                          prefix=("nohup",) if ignored else ()) as client:
                client.wait_for("reply")
                client.process.send_signal(signal.SIGHUP)
                if ignored:
                    client.wait_for("reply", 4)
                    client.interrupt()
                self.assertEqual(client.finish().code, 0)

    def test_arguments_cannot_speak_to_the_terminal(self):
        done = client_harness.run("--count=\x1b]0;title\x07\u0085", "host")
        self.assertEqual(done.returncode, ERROR)
        self.assertIn("--count=\\x1b]0;title\\x07\\xc2\\x85: expected", done.stderr)

    def start(self, server, *options):
        return subprocess.Popen([*harness.EMULATOR, client_harness.UDPECHO, server.address(),
                                 *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                text=True)

    @unittest.skipUnless(pathlib.Path("/dev/full").exists(), "there is no /dev/full")
    @harness.posix_only("there is no such device")
    def test_an_end_when_the_disk_is_full(self):
        with Responder(echo) as server:
            for option in "--json-file", "--csv-file":
                done = run(server.address(), f"{option}=/dev/full")
                self.assertEqual(done.returncode, ERROR)
                self.assertEqual(done.stderr, "udpecho: cannot write the report: "
                                              "No space left on device\n")
                self.assertIn(" sent, ", done.stdout)


    @harness.posix_only("pipes are given over as they are made")
    def test_an_end_in_time_where_nobody_reads_on(self):
        """Like a pager that its user has stopped reading."""
        runs = (("--count=2", "--interval=200ms"), 0.2), (("--deadline=300ms",), 0.3), \
            (("--flood", "--rate=100/s", "--duration=300ms"), 0.3), \
            (("--flood", "--verbose", "--rate=5000/s", "--duration=600ms", "--timeout=100ms"),
             0.7), (("--flood", "--verbose", "--deadline=500ms"), 0.5), \
            (("--sweep=500", "--verbose", "--count=3", "--interval=200ms"), 0.4), \
            (("--flood", "--json"), None), (("--flood", "--verbose", "--csv"), None), \
            (("--interval=200ms",), None)
        with Responder(echo) as server, full_pipe() as pipe:
            for options, seconds in runs:
                with self.subTest(options=options):
                    client = subprocess.Popen(
                        [*harness.EMULATOR, client_harness.UDPECHO, server.address(), *options],
                        stdout=pipe, stderr=subprocess.PIPE, text=True)
                    start = time.monotonic()
                    if seconds is None:  # a signal is what ends it
                        seconds = 0.7
                        time.sleep(seconds)
                        client.send_signal(harness.STOP)
                    _, errors = client.communicate(timeout=harness.PATIENCE)
                    self.assertEqual((client.returncode, errors), (ERROR, NOTHING_READS))
                    self.assertLess(time.monotonic() - start, seconds + 1 + SLACK)

    @harness.posix_only("there are no such files")
    def test_an_end_in_time_of_files_that_nobody_reads(self):
        with tempfile.TemporaryDirectory() as directory, Responder(echo) as server:
            path = pathlib.Path(directory, "fifo")
            os.mkfifo(path)
            reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
            self.addCleanup(os.close, reader)
            for option in "--json-file", "--csv-file":
                start = time.monotonic()
                done = run(server.address(), "--flood", "--rate=5000/s", "--deadline=600ms",
                           "--verbose", f"{option}={path}")
                self.assertEqual((done.returncode, done.stderr), (ERROR, NOTHING_READS))
                self.assertIn(" sent, ", done.stdout)
                self.assertLess(time.monotonic() - start, 1.6 + SLACK)

    @harness.posix_only("pipes are given over as they are made")
    def test_an_end_in_time_where_nobody_reads_errors(self):
        with Responder(echo) as server, full_pipe() as pipe:
            for arguments in ("--count=0x",), (server.address(), "--count=1"):
                start = time.monotonic()
                done = subprocess.run([*harness.EMULATOR, client_harness.UDPECHO, *arguments],
                                      stdout=pipe, stderr=pipe, timeout=harness.PATIENCE)
                self.assertEqual(done.returncode, ERROR)
                self.assertLess(time.monotonic() - start, 1 + SLACK)

    @harness.posix_only("pipes are given over as they are made")
    def test_a_full_pipe_that_somebody_made_non_blocking(self):
        """ssh(1) and terminal multiplexers do this."""
        inside, outside = os.pipe()
        os.set_blocking(outside, False)
        with Responder(echo) as server, open(inside, "rb") as pipe:
            client = subprocess.Popen(
                [*harness.EMULATOR, client_harness.UDPECHO, server.address(), "--flood",
                 "--verbose", "--rate=4000/s", "--count=4000"],
                stdout=outside, stderr=subprocess.PIPE, text=True)
            os.close(outside)
            time.sleep(0.7)
            lines = pipe.read().decode().splitlines()
            self.assertEqual((client.communicate()[1], client.returncode), ("", 0))
        self.assertEqual(sum(line.startswith("56 bytes from ") for line in lines), 4000)

    @harness.posix_only("the error has another name")
    def test_an_end_at_once_where_standard_output_is_closed(self):
        closed = "sh", "-c", 'exec "$@" >&-', "sh"
        with Responder(echo) as server:
            for options in (), ("--quiet",), ("--json",), ("--csv",), ("--sweep=2",), \
                           ("--mtu",), ("--flood", "--duration=1h"):
                with self.subTest(options=options):
                    done = run(server.address(), *options, prefix=closed)
                    self.assertEqual((done.returncode, done.stderr), (
                        ERROR, "udpecho: cannot write the report: Bad file descriptor\n"))
            for option in "--help", "--version":
                done = run(option, prefix=closed)
                self.assertEqual((done.returncode, done.stderr),
                                 (ERROR, "udpecho: cannot write: Bad file descriptor\n"))

    @unittest.skipUnless(pathlib.Path("/proc/self/fd").exists(), "there is no /proc/self/fd")
    @harness.posix_only("handles have no such numbers")
    def test_no_socket_in_place_of_standard_files(self):
        with Responder(echo) as server, Client(server.address(), "--interval=200ms", prefix=(
                "sh", "-c", 'exec "$@" <&- 2>&-', "sh")) as client:
            client.wait_for("reply")
            for number in 0, 2:
                self.assertIn("pipe:", os.readlink(f"/proc/{client.process.pid}/fd/{number}"))
            client.interrupt()
            self.assertEqual(client.finish().code, 0)


class CommandLine(unittest.TestCase):
    def check_refused(self, message, *options):
        done = run(*options)
        self.assertEqual((done.returncode, done.stdout), (ERROR, ""), done.stderr)
        line, = done.stderr.splitlines()
        self.assertEqual(line[:9 + len(message)], f"udpecho: {message}")

    def test_a_service_has_its_targets_in_a_file(self):
        for options, error in ((("--install-service", "host"), "host: expected options only"),
                               (("--install-service", "--csv-file=x"), "x: a service needs the full path"),
                               (("--install-service", "--uninstall-service"), "expected one of them")):
            done = run(*options)
            self.assertEqual(done.returncode, 2)
            self.assertIn(error, done.stderr)

    def test_help_names_every_option_within_80_columns(self):
        done = run("--help")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertTrue(done.stdout.startswith("Usage: udpecho "))
        names = set(re.findall(r"(?m)^  (?:-\S, )? *--([a-z-]+)", done.stdout))
        self.assertGreaterEqual(names, {"count", "flood", "sweep", "mtu", "json", "csv", "help"})
        self.assertLessEqual(max(map(len, done.stdout.splitlines())), 80)

    def test_version(self):
        done = run("--version")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertRegex(done.stdout, r"\Audpecho \d+\.\d+\.\d+\n\Z")

    def test_values_out_of_bounds_are_named(self):
        for option in ("--count=0", "--count=x", "--interval=0s", "--size=65536", "--timeout=1us",
                       "--ttl=0", "--ttl=256", "--dscp=64", "--dscp=best", "--source-port=65536",
                       "--rate=0/s", "--window=4097", "--flows=4097", "--sweep=1",
                       "--max-loss=101%", "--max-rtt=0s", "--payload-hex=0", "--deadline=x"):
            with self.subTest(option=option):
                self.check_refused(option, *(["--flood"] if option.startswith(
                    ("--rate", "--window", "--flows")) else []), option, "127.0.0.1")

    def test_the_operand(self):
        self.check_refused("expected HOST[:PORT] or --targets=FILE")
        self.check_refused("--flood: expected one HOST", "--flood", "127.0.0.1", "127.0.0.2")
        for host in "127.0.0.1:0", "127.0.0.1:x", "*:7":
            self.check_refused(f"{host}: expected HOST[:PORT]", host)

    def test_options_that_need_another_one(self):
        for option in "--rate=5/s", "--bitrate=5M", "--window=5", "--flows=5", "--duration=5s":
            name = option.split("=")[0]
            self.check_refused(f"{name}: expected --flood with it", option, "127.0.0.1")
        self.check_refused("--interval=19ms: expected 20ms or more, or --flood with it",
                           "--interval=19ms", "127.0.0.1")
        self.check_refused("--interval=199ms: expected 200ms or more with --sweep",
                           "--interval=199ms", "--sweep=5", "127.0.0.1")

    def test_options_that_exclude_each_other(self):
        for one, other in (("--ipv4", "--ipv6"), ("--flood", "--sweep=5"), ("--json", "--csv"),
                           ("--sweep=5", "--mtu"), ("--quiet", "--verbose")):
            names = [option.split("=")[0] for option in (one, other)]
            self.check_refused(f"{names[0]} and {names[1]}: expected one of them", one, other,
                               "127.0.0.1")

    def test_a_file_named_twice(self):
        with tempfile.TemporaryDirectory() as directory:
            path = os.path.join(directory, "file")
            written = "--json-file", "--csv-file", "--plot"
            read = "--targets", "--payload-file", "--stamp-key-file", "--config"
            for one, other in (*itertools.combinations(written, 2),
                               *itertools.product(written, read)):
                pathlib.Path(path).write_text("count=1")
                self.check_refused(f"{one} and {other}: expected two files", f"{one}={path}",
                                   f"{other}={path}", "127.0.0.1")
                self.assertEqual(pathlib.Path(path).read_text(), "count=1")

    def test_a_source_that_is_none(self):
        for source, advice in ("nosuch0", "--interface"), ("10.0.0.1:7", "--source-port"):
            done = run(f"--source={source}", "127.0.0.1")
            self.assertEqual((done.returncode, done.stdout), (ERROR, ""))
            self.assertIn(advice, done.stderr)

    def test_every_address_is_no_host(self):
        for host in "0.0.0.0", "[::]:8888", "::":
            self.check_refused(f"{host}: expected a host to ask; localhost is this one", host)

    def test_families(self):
        self.check_refused("127.0.0.1: it has no IPv6 (--ipv6) address", "-6", "127.0.0.1")
        self.check_refused("::1: it has no IPv4 (--ipv4) address", "-4", "::1")
        self.check_refused("--size=65508: expected at most 65507 bytes over IPv4", "--size=65508",
                           "127.0.0.1")


class Config(unittest.TestCase):
    def config(self, text):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        path = pathlib.Path(directory.name, "udpecho.conf")
        path.write_text(text)
        return path

    def test_options_of_a_file_and_of_the_command_line(self):
        path = self.config("# every option but the host\ncount=5\ninterval=20ms\npayload 'a b'\n")
        with Responder(echo) as server:
            report = ask(server.address(), f"--config={path}", "--count=2")
        self.assertEqual([request.payload for request in server.requests], [b"a b"] * 2)
        self.assertEqual((report.code, report.summary["sent"]), (0, 2))

    def test_a_mistake_names_file_and_line(self):
        path = self.config("count=5\n\nintervall=20ms\n")
        done = run(f"--config={path}", "127.0.0.1")
        self.assertEqual((done.returncode, done.stdout), (ERROR, ""))
        self.assertEqual(done.stderr, f"udpecho: {path}:3: unknown option intervall; "
                                      "--help lists the options\n")

    def test_a_file_that_is_not_there(self):
        done = run("--config=/no/such/file", "127.0.0.1")
        self.assertEqual((done.returncode, done.stdout), (ERROR, ""))
        self.assertIn("udpecho: --config=/no/such/file: cannot be read", done.stderr)


class Payload(unittest.TestCase):
    def check_sent(self, payload, *options):
        with Responder(echo) as server:
            report = ask(server.address(), "--count=2", "--interval=200ms", *options)
        self.assertEqual([request.payload for request in server.requests], [payload] * 2)
        client_harness.check_sums(self, report)
        self.assertEqual((report.code, report.summary["received"]), (0, 2))
        self.assertEqual(report.of("start")[0]["payload"], len(payload))

    def test_text(self):
        self.check_sent("héllo".encode(), "--payload=héllo")

    def test_hexadecimal(self):
        for text in "00ff1e", "00:ff:1e", "00FF1E":
            self.check_sent(b"\x00\xff\x1e", f"--payload-hex={text}")

    def test_a_file(self):
        with tempfile.NamedTemporaryFile() as file:
            file.write(bytes(range(256)))
            file.flush()
            self.check_sent(bytes(range(256)), f"--payload-file={file.name}")

    @harness.posix_only("a FIFO and such devices are no files there")
    def test_one_that_is_too_long_is_named(self):
        with tempfile.NamedTemporaryFile() as file:
            for length, bound in (65508, "65507 bytes over IPv4"), (65528, "65527 bytes"):
                file.truncate(length)
                for options in ("--payload", "x" * length), ("--payload-hex", "00" * length):
                    self.check_too_long(options[0], bound, *options)
            file.truncate(65508)
            self.check_too_long("--payload-file", "65507 bytes over IPv4", "--payload-file",
                                file.name)

    def check_too_long(self, name, bound, *options):
        done = run("127.0.0.1", *options)
        self.assertEqual((done.returncode, done.stderr),
                         (ERROR, f"udpecho: {name}: expected at most {bound}\n"))

    @harness.posix_only("Windows has none of these files")
    def test_a_payload_that_is_no_regular_file(self):
        with tempfile.TemporaryDirectory() as directory:
            fifo = os.path.join(directory, "fifo")
            os.mkfifo(fifo)
            for path in fifo, "/dev/zero", directory:
                done = run(f"--payload-file={path}", "127.0.0.1")
                self.assertEqual((done.returncode, done.stderr),
                                 (ERROR, f"udpecho: --payload-file={path}: expected a regular file\n"))

    def test_what_differs_is_corrupt(self):
        with Responder(lambda request: [flip(request.payload)]) as server:
            report = ask(server.address(), "--count=2", "--interval=200ms", "--payload=hello")
        self.assertEqual(report.summary["corrupted"], 2)

    def test_servers_with_an_answer_of_their_own(self):
        """Nothing tells which question it answers; it is not what was sent."""
        with Responder(lambda _: [b"pong"]) as server:
            report = ask(server.address(), "--count=2", "--interval=200ms", "--payload=ping")
        client_harness.check_sums(self, report)
        self.assertEqual(report.summary["corrupted"], 2)


if __name__ == "__main__":
    harness.main()
