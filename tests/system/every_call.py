"""Every system call that udpechod makes in a part of its life, failing in several ways: strace(1)
makes the first, the second, the fifth or every one of that part fail.

Which calls these are is found out by looking at that part once. Each scenario is judged by how a
process ends and what it says then, by the echoes that are lost, by the processor time that it takes
where a call fails each time, and by what works again when nothing fails any more.
"""

import collections
import concurrent.futures
import contextlib
import errno
import http.client
import itertools
import json
import os
import re
import signal
import socket
import subprocess
import tempfile
import time

import harness
import tracing

ERRORS = "EINTR", "EAGAIN", "ENOMEM", "EMFILE", "EPERM"
WHENS = "1", "2", "5", "every"

# Errors that mean "try again": libraries repeat the call without limit.
AGAIN = {"EINTR", "EAGAIN"}

# What cannot fail, what glibc makes an abort of, and what ends a thread.
NEVER = {"futex", "exit", "exit_group", "rt_sigreturn", "restart_syscall", "execve", "arch_prctl",
         "set_tid_address", "set_robust_list", "rseq", "getpid", "getuid", "getgid", "gettid"}

# Memory: test_memory.py walks every allocation to failure.
OF_MEMORY = {"mmap", "brk", "mprotect", "munmap", "madvise"}

# libmicrohttpd ends the process where it cannot take a descriptor out of epoll(7) again, which no
# kernel refuses.
OF_HTTP = {(part, "epoll_ctl") for part in ("status", "handover", "end")}

# The way of a datagram, where a failure may cost echoes, and all of them if it lasts.
OF_DATAGRAMS = {"recvmmsg", "sendmmsg", "recvmsg", "sendmsg", "epoll_wait", "epoll_pwait"}

# If these always fail, the process cannot receive any request.
OF_EVENTS = {"read", "write", "poll", "ppoll"}

# How a start may be refused: not by what the user wrote.
REFUSALS = {69, 71, 77}

# Seconds: for what takes milliseconds, and a wait for another process that may be as long as its own.
PATIENCE = 10
LONG_PATIENCE = 25
CPU_WINDOW = 0.4

Scenario = collections.namedtuple("Scenario", "part call error when")


def has_metrics():
    """Whether this build serves metrics."""
    return harness.run("--listen=127.0.0.1:0", "--metrics-listen=127.0.0.1:0",
                       "--duration=1ms").returncode == 0


class Fault(AssertionError):
    """A scenario that went wrong."""


def require(condition, what):
    if not condition:
        raise Fault(what)


def wait_until(condition, patience=PATIENCE):
    deadline = time.monotonic() + patience
    while not (found := condition()) and time.monotonic() < deadline:
        time.sleep(0.01)
    return found


def injection(call, error, when, offset=0):
    """The argument of strace; `offset` calls of this name come before those that count."""
    place = f"{offset + 1}+" if when == "every" else str(offset + int(when))
    return f"inject={call}:error={error}:when={place}"


class Process:
    """A udpechod whose log goes to a file, and a client at its port."""

    def __init__(self, directory, port, *options, prefix=()):
        self.directory, self.port = directory, port
        self.log = tempfile.TemporaryFile()
        self.tracer = None
        self.process = subprocess.Popen(
            [*prefix, harness.UDPECHOD, "--log-format=json", "--workers=2", *options],
            stderr=self.log, stdin=subprocess.DEVNULL, env=tracing.environment())
        self.client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.client.settimeout(0.2)
        self.client.connect(("127.0.0.1", port))
        self.count = 0

    def text(self):
        self.log.seek(0)
        return self.log.read().decode(errors="replace")

    def lines(self, message):
        return sum(f'"message":"{message}' in line for line in self.text().splitlines())

    def ended(self):
        return self.process.poll() is not None

    def answers(self):
        """Whether one datagram comes back."""
        self.count += 1
        payload = b"%d" % self.count
        try:
            self.client.send(payload)
            while self.client.recv(100) != payload:
                pass
            return True
        except (socket.timeout, ConnectionRefusedError):
            return False

    def lost(self, count=5):
        return sum(not self.answers() for _ in range(count))

    def serves(self, patience=PATIENCE):
        """Waits until it answers; false if it ends before, or does not."""
        return wait_until(lambda: self.ended() or self.answers(), patience) and not self.ended()

    def seconds(self):
        try:
            with open(f"/proc/{self.process.pid}/stat", encoding="ascii") as file:
                fields = file.read().rsplit(")", 1)[1].split()
            return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        except OSError:
            return 0

    def is_busy(self):
        before = self.seconds()
        time.sleep(CPU_WINDOW)
        return self.seconds() - before > CPU_WINDOW / 2

    # ---- Tracing one that runs ----

    def attach(self, call, error, when, trace):
        self.tracer = subprocess.Popen(
            ["strace", "-f", "-qq", "-o", trace, "-e", f"trace={call}", "-e",
             injection(call, error, when), "-p", str(self.process.pid)],
            stderr=subprocess.DEVNULL)
        wait_until(lambda: self.ended() or self._is_traced())

    def _is_traced(self):
        with contextlib.suppress(OSError):
            for thread in os.listdir(f"/proc/{self.process.pid}/task"):
                with open(f"/proc/{self.process.pid}/task/{thread}/status",
                          encoding="utf-8") as file:
                    if "TracerPid:\t0\n" in file.read():
                        return False
        return True

    def detach(self):
        if self.tracer is not None:
            self.tracer.terminate()
            self.tracer.wait()
            self.tracer = None

    # ---- Ends ----

    def stop(self, may_be_deaf=False):
        """Asks it to end, twice if it need not hear the first."""
        self.process.send_signal(signal.SIGTERM)
        wait_until(self.ended, 4)
        if may_be_deaf and not self.ended():
            self.process.send_signal(signal.SIGTERM)
            wait_until(self.ended, 4)
            require(self.process.returncode in (0, -signal.SIGTERM), "the second signal is not heard")
            return
        require(self.ended(), f"it does not end: {self.text()[-400:]}")
        require(self.process.returncode == 0,
                f"it ends with {self.process.returncode}: {self.text()[-400:]}")

    def close(self):
        self.detach()
        if not self.ended():
            with contextlib.suppress(OSError), open(f"/proc/{self.process.pid}/status",
                                                    encoding="utf-8") as file:
                tracer = int(re.search(r"TracerPid:\t(\d+)", file.read())[1])
                if tracer != 0:
                    os.kill(tracer, signal.SIGKILL)
            self.process.kill()
        self.process.wait()
        self.client.close()
        self.log.close()


class Stage:
    """A directory and a port of its own, and what is started there."""

    def __init__(self, number, metrics):
        self._stack = contextlib.ExitStack()
        self.directory = self._stack.enter_context(tempfile.TemporaryDirectory())
        self.port = 10000 + 4 * (number % 10000)
        self.metrics = metrics
        self.trace = os.path.join(self.directory, "trace")
        self.write_config(1)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._stack.close()

    def path(self, name):
        return os.path.join(self.directory, name)

    def write_config(self, listeners):
        with open(self.path("conf"), "w", encoding="utf-8") as file:
            for number in range(listeners):
                file.write(f"listen=127.0.0.1:{self.port + number}\n")

    def start(self, name="a", prefix=()):
        options = [f"--config={self.path('conf')}", f"--control={self.path('control')}",
                   f"--takeover={self.path('takeover')}"]
        if self.metrics:
            options.append(f"--metrics-listen=unix:{self.path('metrics')}")
        process = Process(self.directory, self.port, *options, prefix=prefix)
        self._stack.callback(process.close)
        return process

    def start_traced(self, what):
        """`what` are arguments of strace."""
        return self.start(prefix=["strace", "-D", "-f", "-qq", "-o", self.trace, *what])

    def calls(self):
        with contextlib.suppress(OSError), open(self.trace, errors="replace",
                                                encoding="utf-8") as file:
            return file.readlines()
        return []

    def is_met(self):
        return any("INJECTED" in line for line in self.calls())

    # ---- Asking it ----

    def ask(self):
        """Whether the control socket answers, and HTTP."""
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(3)
            try:
                sock.connect(self.path("control"))
                sock.sendall(b"status\n")
                answer = b"".join(iter(lambda: sock.recv(65536), b""))
                json.loads(answer)
            except (OSError, ValueError):
                return False
        return not self.metrics or self.scrape()

    def scrape(self):
        connection = http.client.HTTPConnection("localhost", timeout=3)
        try:
            connection.sock = socket.socket(socket.AF_UNIX)
            connection.sock.settimeout(3)
            connection.sock.connect(self.path("metrics"))
            connection.request("GET", "/healthz")
            return connection.getresponse().status in (200, 503)
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


def check_refusal(process, scenario):
    """It did not start: how it ends and what it says then."""
    code = process.process.returncode
    text = process.text()
    require(code in REFUSALS, f"it ends with {code}: {text[-400:]}")
    words = [os.strerror(getattr(errno, scenario.error))]
    if scenario.call.startswith("clone"):
        words.append(os.strerror(errno.EAGAIN))  # as glibc has it for a lack of memory
    if scenario.call != "write":
        require(any(word in text for word in words), f"{code}, and not said: {words}: {text[-400:]}")


def may_lose(scenario):
    return scenario.call in OF_DATAGRAMS | OF_EVENTS


def check_serving(process, scenario):
    """It serves while the call fails, or fails no more; and it ends."""
    lasts = scenario.when == "every"
    if lasts:
        require(not process.is_busy(), "it is busy")
    require(may_lose(scenario) or process.lost() == 0, "echoes are lost")
    process.stop(may_be_deaf=lasts and scenario.call in OF_EVENTS)


# ---- The parts ----

def at_start(stage, scenario, offset):
    process = stage.start_traced(["-e", f"trace={scenario.call}", "-e", injection(
        scenario.call, scenario.error, scenario.when, offset)])
    is_blind = scenario.when == "every" and may_lose(scenario)
    if not process.serves(2 if is_blind else PATIENCE) and not is_blind:
        require(process.ended(), f"it neither serves nor ends: {process.text()[-400:]}")
    if process.ended():
        check_refusal(process, scenario)
    else:
        check_serving(process, scenario)


def attached(stage, scenario):
    process = stage.start()
    require(process.serves(), f"it does not start: {process.text()}")
    process.attach(scenario.call, scenario.error, scenario.when, stage.trace)
    return process


def at_reload(stage, scenario, _):
    process = attached(stage, scenario)
    stage.write_config(3)
    process.process.send_signal(signal.SIGHUP)
    said = lambda: process.lines("reloaded") + process.lines("cannot reload") > 0
    wait_until(lambda: process.ended() or said(), 2 if scenario.when == "every" else 4)
    require(not process.ended(), f"a reload ends it: {process.process.returncode}")
    if scenario.when == "every":
        require(not process.is_busy(), "it is busy")
    require(may_lose(scenario) or process.lost() == 0, "echoes are lost")
    process.detach()
    for number in range(3):  # the first may be the one that was not heard
        process.process.send_signal(signal.SIGHUP)
        if wait_until(lambda: process.lines("reloaded") > 0, 1 + 2 * number):
            break
    require(process.lines("reloaded") > 0, f"no reload any more: {process.text()[-400:]}")
    require(process.serves(2), "it answers no more")
    process.stop()


def at_status(stage, scenario, _):
    process = attached(stage, scenario)
    stage.ask()
    require(not process.ended(), f"it ends: {process.process.returncode}")
    if scenario.when == "every":
        require(not process.is_busy(), "it is busy")
    require(may_lose(scenario) or process.lost() == 0, "echoes are lost")
    process.detach()
    require(wait_until(stage.ask, 5), f"nobody answers: {process.text()[-400:]}")
    require(process.serves(2), "it answers no more")
    process.stop()


def check_one_serves(stage, before, after, scenario, injected):
    """Either of two processes serves in the end, the other has ended."""
    wait_until(lambda: before.ended() or after.ended(), LONG_PATIENCE)
    require(before.ended() or after.ended(), "both live: "
            f"{before.text()[-300:]} {after.text()[-300:]}")
    if after.ended():
        if injected is after:
            check_refusal(after, scenario)
        else:
            require(after.process.returncode in REFUSALS,
                    f"it ends with {after.process.returncode}: {after.text()[-400:]}")
    injected.detach()
    rest = before if after.ended() else after
    require(not rest.ended(), f"nobody serves: {before.text()[-300:]} {after.text()[-300:]}")
    if rest is after:
        require(before.process.returncode == 0,
                f"the predecessor ends with {before.process.returncode}")
    require(may_lose(scenario) or rest.lost() == 0, "echoes are lost")
    return rest


def at_takeover(stage, scenario, offset):
    """The successor's calls."""
    before = stage.start()
    require(before.serves(), f"it does not start: {before.text()}")
    after = stage.start_traced(["-e", f"trace={scenario.call}", "-e", injection(
        scenario.call, scenario.error, scenario.when, offset)])
    if scenario.when == "every" and scenario.call in OF_EVENTS:
        # It cannot be told of anything, nor tell; but who serves is not hurt.
        wait_until(lambda: before.ended() or after.ended(), 3)
        require(before.ended() or before.lost() == 0, "echoes are lost")
        return
    rest = check_one_serves(stage, before, after, scenario, after)
    is_deaf = rest is after and scenario.when == "every" and scenario.call in OF_EVENTS
    rest.stop(may_be_deaf=is_deaf)


def at_handover(stage, scenario, _):
    """The predecessor's calls."""
    before = attached(stage, scenario)
    after = stage.start()
    if scenario.when == "every" and scenario.call in OF_EVENTS:
        wait_until(lambda: before.ended() or after.ended(), 3)
        before.detach()  # and then hears again
    rest = check_one_serves(stage, before, after, scenario, before)
    require(rest.serves(2), "it answers no more")
    rest.stop()


def at_end(stage, scenario, _):
    process = attached(stage, scenario)
    process.stop(may_be_deaf=scenario.when == "every" and scenario.call in OF_EVENTS | OF_DATAGRAMS)


PARTS = {"start": at_start, "reload": at_reload, "status": at_status, "takeover": at_takeover,
         "handover": at_handover, "end": at_end}

# Runs whose calls are counted from the program's first one, not from the time strace attaches.
FROM_THE_START = {"start", "takeover"}


class Calls:
    """What each part calls, by looking at it once: {part: {call: how many of them come before}}."""

    def __init__(self, metrics, number):
        self.metrics = metrics
        self.number = itertools.count(number)
        self.of = {part: self.look(part) for part in PARTS}

    def look(self, part):
        scenario = Scenario(part, "all", "EINTR", "60000")
        with Stage(next(self.number), self.metrics) as stage:
            PARTS[part](stage, scenario, 0)
            return self.count(stage.calls(), part in FROM_THE_START)

    @staticmethod
    def count(lines, has_loader):
        """The loader's calls come before the program looks what is closed of its standard files."""
        names = [found[1] for found in (re.match(r"\d+ +(?:<\.\.\. )?([a-z0-9_]+)(?:\(| resumed)", line)
                                        for line in lines) if found]
        first = next(number for number, line in enumerate(lines)
                     if "fcntl(0, F_GETFD)" in line) if has_loader else 0
        loader = collections.Counter(names[:first])
        return {name: loader[name] for name in sorted(set(names[first:]) - NEVER - OF_MEMORY)}

    def scenarios(self):
        return [Scenario(part, call, error, when) for part, calls in self.of.items()
                for call in calls for error in ERRORS for when in WHENS
                if not (error in AGAIN and when == "every") and (part, call) not in OF_HTTP]


class Outcome(collections.namedtuple("Outcome", "scenario is_met fault seconds")):
    """`fault` is what went wrong, None if nothing did. Where a part makes fewer calls than `when`
    says, the failure was not met."""


def run(calls, number, scenario):
    began = time.monotonic()
    fault = None
    with Stage(number, calls.metrics) as stage:
        try:
            PARTS[scenario.part](stage, scenario, calls.of[scenario.part][scenario.call])
        except Fault as error:
            fault = str(error)
        return Outcome(scenario, stage.is_met(), fault, time.monotonic() - began)


def run_all(calls, scenarios, jobs, tell=lambda outcome: None):
    outcomes = []
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        for done in concurrent.futures.as_completed(
                pool.submit(run, calls, number, scenario)
                for number, scenario in enumerate(scenarios)):
            outcomes.append(done.result())
            tell(outcomes[-1])
    return outcomes
