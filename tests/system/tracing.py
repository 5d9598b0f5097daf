"""A server under strace, which writes down its system calls and makes some of them fail."""

import os
import shutil
import signal
import subprocess
import tempfile
import unittest

import harness


def _can_trace():
    strace = shutil.which("strace")
    return strace and subprocess.run([strace, "-qq", "-e", "trace=none", "true"],
                                     stderr=subprocess.DEVNULL).returncode == 0


def needs_strace(test):
    traced = unittest.skipUnless(_can_trace(), "strace is not installed, or may not trace here")
    return harness.posix_only("strace knows no system calls of Windows")(traced(test))


def environment():
    """In which a program can be traced: the leak sanitizer is a tracer itself, and a process can
    have only one."""
    return {**os.environ, "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"}


class TracedServer(harness.Server):
    """A server whose system calls named by `trace` are written down.

    `inject` is what strace(1) has after -e inject=, several times with spaces between; "when"
    counts the calls of each thread for itself. The server stays the direct child, so signals and its exit code are its own.
    """

    def __init__(self, trace, *options, inject=None, more_environment=None, **others):
        self._file = tempfile.NamedTemporaryFile(prefix="udpechod-", suffix=".strace")
        prefix = ["strace", "-D", "-f", "-qq", "-o", self._file.name, "-e", f"trace={trace}"]
        for injection in (inject or "").split():
            prefix += ["-e", f"inject={injection}"]
        super().__init__(*options, prefix=prefix,
                         environment={**environment(), **(more_environment or {})}, **others)

    def calls(self, *words):
        """Lines of strace that have all these words. Complete once the server has ended."""
        with open(self._file.name, errors="replace") as lines:
            return [line for line in lines if all(word in line for word in words)]

    def end_tracing(self):
        """Ends strace, which lets go of the server and of all that it delays."""
        tracer = int(self.status("TracerPid"))
        if tracer != 0:
            os.kill(tracer, signal.SIGKILL)

    def kill(self):
        if self.process.poll() is None:
            self.end_tracing()
        super().kill()
        self._file.close()


def when(calls, word):
    """The number, from 1, of the first of these calls that has this word, as "when" takes it."""
    return 1 + next(index for index, call in enumerate(calls) if word in call)
