"""What udpecho shows of several hosts: rows in a file, and on a terminal a table that takes keys."""

import contextlib
import fcntl
import os
import pathlib
import pty
import re
import select
import signal
import struct
import subprocess
import tempfile
import termios
import time
import unittest

import client_harness
import harness
from client_harness import UDPECHO, ask
from responder import Responder, echo, silence

ROW = r"(?P<target>\S+) +(?P<sent>\d+) +(?P<loss>\S+) +(?P<min>\S+) +(?P<p50>\S+) +(?P<p99>\S+)" \
      r" +(?P<max>\S+) +(?P<jitter>\S+)(?:  (?P<remarks>.+))?"


@contextlib.contextmanager
def two_servers():
    """One answers and one does not."""
    with Responder(echo) as good, Responder(silence) as bad:
        yield good.address(), bad.address()


class Rows(unittest.TestCase):
    def test_each_peer_has_a_row_with_the_numbers_of_its_record(self):
        with two_servers() as hosts:
            report = ask("-c", 3, "-i", "100ms", "-W", "2s", *hosts)
        rows = {row["target"]: row for row in client_harness.matches(ROW, report.text)}
        self.assertEqual(set(rows), set(hosts), report.text)
        for host in hosts:
            summary, = report.of("summary", target=host)
            self.assertEqual(summary["address"], "127.0.0.1")
            self.assertEqual(rows[host]["sent"], str(summary["sent"]))
            self.assertEqual(rows[host]["loss"], str(summary["loss_percent"]))
        self.assertNotIn("bytes from", report.text)
        self.assertEqual(report.code, 1)

    def test_the_last_lines_and_the_last_record_are_about_all(self):
        with two_servers() as hosts:
            report = ask("-c", 2, "-i", "100ms", "-W", "2s", *hosts)
        total = report.records[-1]
        self.assertEqual((total["record"], total["target"], total["peers"], total["answered"]),
                         ("total", None, 2, 1))
        self.assertEqual(total["sent"], sum(summary["sent"] for summary in report.of("summary")))
        self.assertIn("--- all peers ---\n2 asked, 1 answered\n4 sent, 2 received, 2 lost (50 %)\n",
                      report.text)

    def test_rows_are_in_the_order_of_the_command_line_where_the_run_is_ended(self):
        with contextlib.ExitStack() as stack:
            hosts = [stack.enter_context(Responder(echo)).address() for _ in range(4)]
            report = ask("-w", "1200ms", *hosts)
        self.assertEqual([row["target"] for row in client_harness.matches(ROW, report.text)], hosts)

    def test_with_verbose_each_line_begins_with_the_target(self):
        with two_servers() as (good, bad):
            report = ask("-v", "-c", 2, "-i", "100ms", "-W", "2s", good, bad)
        self.assertEqual(len(re.findall(rf"^{good}: 56 bytes from ", report.text, re.M)), 2)
        self.assertEqual(len(re.findall(rf"^{bad}: 56 bytes to .* no answer", report.text, re.M)), 2)

    def test_every_record_names_its_target(self):
        with two_servers() as hosts:
            report = ask("-c", 2, "-i", "100ms", "-W", "2s", *hosts)
        for record in report.records[:-1]:
            self.assertIn(record["target"], hosts, record)
        self.assertEqual({row["target"] for row in report.rows}, {*hosts, ""})
        self.assertEqual({row["record"] for row in report.rows if row["target"] == ""}, {"total"})


class Terminal:
    """A pseudo terminal that controls udpecho and is its standard input and output."""

    def __init__(self, *arguments, columns=80, rows=24, environment=(), prefix=(), directory=None):
        self.far, self._near = pty.openpty()
        self.resize(columns, rows)
        self.text = ""
        self.process = subprocess.Popen(
            [*prefix, *harness.EMULATOR, UDPECHO, *map(str, arguments)], stdin=self._near,
            stdout=self._near, stderr=self._near, start_new_session=True, cwd=directory,
            preexec_fn=self._control,
            env={**os.environ, "TERM": "xterm", "LC_ALL": "C", **dict(environment)})

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        if self.far is not None:
            self.close()
        os.close(self._near)

    def _control(self):
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    def close(self):
        """Closes the terminal; the kernel sends SIGHUP to the processes that it controls."""
        os.close(self.far)
        self.far = None

    def resize(self, columns, rows):
        fcntl.ioctl(self.far, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def await_text(self, pattern):
        """Waits until this is written behind what was awaited before."""
        end = time.monotonic() + harness.PATIENCE
        while True:
            found = re.search(pattern, self.text, re.S)
            if found:
                self.text = self.text[found.end():]
                return found
            ready, _, _ = select.select([self.far], [], [], max(0, end - time.monotonic()))
            if not ready:
                raise AssertionError(f"{pattern!r} is not in {self.text!r}")
            self.text += os.read(self.far, 65536).decode()

    def type(self, keys):
        os.write(self.far, keys.encode())

    def waits_for_lines(self):
        modes = termios.tcgetattr(self._near)[3]
        return bool(modes & termios.ICANON), bool(modes & termios.ECHO)


@contextlib.contextmanager
def targets_file(*targets):
    with tempfile.TemporaryDirectory(prefix="udpecho-") as directory:
        path = pathlib.Path(directory, "targets")
        path.write_text("\n".join(targets))
        yield path


@contextlib.contextmanager
def running_on_terminal(*arguments, **terminal):
    """Its terminal and the file of its records, once it has asked: it hears signals by then."""
    with tempfile.TemporaryDirectory(prefix="udpecho-") as directory:
        results = pathlib.Path(directory, "results")
        with Terminal("--quiet", f"--json-file={results}", *arguments, **terminal) as running:
            harness.wait_until(lambda: results.exists() and '"record":"reply"'
                               in results.read_text())
            yield running, results


class Display(unittest.TestCase):
    @contextlib.contextmanager
    def terminal(self, *options, **arguments):
        with two_servers() as hosts:
            with Terminal("-W", "2s", *options, *hosts, **arguments) as terminal:
                yield terminal

    def finish(self, terminal):
        """The second may not be due yet."""
        asked = terminal.await_text(r"--- all peers ---\r\n([12]) asked, 1 answered\r\n")[1]
        self.assertEqual(terminal.process.wait(harness.PATIENCE), int(asked) - 1)
        self.assertEqual(terminal.waits_for_lines(), (True, True))

    def test_a_table_shows_the_worst_first_until_a_key_ends_it(self):
        with self.terminal() as terminal:
            terminal.await_text(r"2 peers, 1 with loss, by loss.* s sort  r reverse  q quit")
            terminal.await_text(r"100 .*lost .*\n.* 0 ")
            self.assertEqual(terminal.waits_for_lines(), (False, False))
            terminal.type("s")
            terminal.await_text(r"2 peers, 1 with loss, by p99")
            terminal.type("r")
            terminal.await_text(r"2 peers, 1 with loss, by p99, reversed")
            terminal.type("q")
            self.finish(terminal)

    def test_a_key_that_is_held_down_ends_it_once(self):
        for _ in range(3):  # the process may not have heard the first by the time of the second
            with self.terminal() as terminal:
                terminal.await_text("2 peers, 1 with loss")
                terminal.type("qqq")
                self.finish(terminal)

    def test_it_has_as_many_columns_as_the_terminal(self):
        with self.terminal() as terminal:
            terminal.await_text(r"max latest\033")
            terminal.resize(200, 50)
            terminal.await_text(r"mean    p50    p99    max jitter latest\033")
            terminal.type("\003")
            self.finish(terminal)

    def test_a_signal_gives_the_terminal_back(self):
        with self.terminal() as terminal:
            terminal.await_text(r"2 peers, 1 with loss")
            terminal.process.send_signal(signal.SIGTERM)
            self.finish(terminal)

    def test_it_ends_with_the_terminal_that_it_was_started_on(self):
        with two_servers() as hosts, running_on_terminal(*hosts) as (terminal, _):
            terminal.close()
            terminal.process.wait(harness.PATIENCE)

    def test_it_ends_with_the_terminal_too_where_it_could_reload(self):
        with two_servers() as hosts, targets_file(*hosts) as targets, \
                running_on_terminal(f"--targets={targets}") as (terminal, _):
            terminal.close()
            terminal.process.wait(harness.PATIENCE)

    def test_nohup_leaves_it_running_and_able_to_reload(self):
        with two_servers() as (good, bad), targets_file(good) as targets, \
                running_on_terminal(f"--targets={targets}", prefix=("nohup",),
                                    directory=targets.parent) as (terminal, results):
            targets.write_text(bad)
            terminal.close()
            harness.wait_until(lambda: bad in results.read_text())
            self.assertIn(bad, results.read_text())
            self.assertIsNone(terminal.process.poll())

    def test_without_a_terminal_as_input_no_keys_are_named(self):
        with two_servers() as hosts:
            with Terminal(*hosts) as terminal:
                terminal.await_text(r"quit")
            far, near = pty.openpty()
            process = subprocess.Popen([*harness.EMULATOR, UDPECHO, *hosts],
                                       stdin=subprocess.DEVNULL, stdout=near,
                                       env={**os.environ, "TERM": "xterm"})
            try:
                os.close(near)
                text = ""
                while "peers, " not in text or "times in ms" not in text:
                    text += os.read(far, 65536).decode()
                self.assertNotIn("quit", text)
            finally:
                process.kill()
                process.wait()
                os.close(far)

    def test_a_dumb_terminal_and_quiet_have_no_table(self):
        for options, environment in (((), {"TERM": "dumb"}), (("-q",), {})):
            with self.subTest(options=options, environment=environment):
                with self.terminal("-c", 2, "-i", "100ms", *options,
                                   environment=environment) as terminal:
                    before = terminal.await_text(r"^.*target +sent").group()
                    self.assertNotIn("\033", before)
                    self.assertNotIn("latest", before)
                    self.finish(terminal)

    def test_one_host_leaves_the_terminal_as_it_is(self):
        with Responder(echo) as server, Terminal(server.address()) as terminal:
            terminal.await_text(r"bytes from .*\n")
            self.assertEqual(terminal.waits_for_lines(), (True, True))


if __name__ == "__main__":
    harness.main()
