"""What the server gives up before it answers anybody: its user, its capabilities, the system calls
that serving does not need. All the rest of what it does must still work then."""

import contextlib
import os
import pathlib
import pwd
import shutil
import signal
import tempfile
import unittest
from unittest import mock

import harness
import tracing

SIZES = (0, 1, 1472, 8000, 65507)
WORKERS = 4
NOBODY = pwd.getpwnam("nobody")
WITHOUT = shutil.which("without", path=os.environ["UDPECHO_TOOLS"])

# A C library that makes a call more than others.
CURIOUS = pathlib.Path(os.environ["UDPECHO_TOOLS"], "curious_library.so")

# Runs a program as nobody, with other groups left out.
AS_NOBODY = ("setpriv", f"--reuid={NOBODY.pw_uid}", f"--regid={NOBODY.pw_gid}", "--clear-groups")

# Runs a program where it meets nobody else's ports.
OWN_NETWORK = ("unshare", "--net")

# What this build has, in the words of its log.
with harness.Server() as first:
    SANDBOX = first.find("confined")[0]["sandbox"]
HAS_FILTER = SANDBOX == "seccomp"

# A sanitizer's runtime needs all that the sandbox takes, and may have threads of its own.
HAS_SANITIZER = "sanitizer" in SANDBOX
not_sanitized = unittest.skipIf(HAS_SANITIZER, "not with a sanitizer's runtime in the process")

needs_root = unittest.skipUnless(os.geteuid() == 0, "only root can switch to another user")


class Confinement(unittest.TestCase):
    def setUp(self):
        """A directory that everybody can read, with the program in it."""
        directory = tempfile.TemporaryDirectory(prefix="udpechod-")
        self.addCleanup(directory.cleanup)
        self.directory = pathlib.Path(directory.name)
        self.directory.chmod(0o755)
        program = shutil.copy(harness.UDPECHOD, self.directory)
        patch = mock.patch.object(harness, "UDPECHOD", program)
        patch.start()
        self.addCleanup(patch.stop)
        self.config = self.directory / "udpechod.conf"
        self.config.write_text("log-level=info\n", encoding="utf-8")

    def server(self, *options, **others):
        return harness.Server(f"--workers={WORKERS}", f"--config={self.config}", *options, **others)

    def check_refused(self, code, *options, prefix=(), words=()):
        done = harness.run("--listen=127.0.0.1:0", *options, prefix=prefix)
        self.assertEqual((done.returncode, done.stdout), (code, ""), done.stderr)
        line, = [line for line in done.stderr.splitlines() if " error " in line]
        for word in words:
            self.assertIn(word, line)
        self.assertNotIn(" serving ", done.stderr)

    def threads(self, server):
        """/proc/PID/task/*/status of every thread, as dictionaries. None with a sanitizer."""
        found = []
        if HAS_SANITIZER:
            return found
        for path in pathlib.Path(f"/proc/{server.process.pid}/task").iterdir():
            text = (path / "status").read_text(encoding="utf-8")
            found.append(dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line))
        self.assertEqual(len(found), WORKERS + 2)  # the main thread and the log's
        return found

    def check_confined(self, server, user=0, group=0, bounding="0" * 16):
        for thread in self.threads(server):
            self.assertEqual(thread["Uid"].split(), 4 * [str(user)])
            self.assertEqual(thread["Gid"].split(), 4 * [str(group)])
            for kind in "CapInh", "CapPrm", "CapEff", "CapAmb":
                self.assertEqual(thread[kind], "0" * 16, kind)
            self.assertEqual(thread["CapBnd"], bounding)
            self.assertEqual(thread["NoNewPrivs"], "1")
            self.assertEqual(thread["Seccomp"], "2" if HAS_FILTER else "0")
            if user != 0:
                self.assertLessEqual(set(thread["Groups"].split()), {str(group)})

    def check_works(self, server, reloads=True):
        """Everything that the server does, to its end."""
        for host, port in server.addresses:
            with harness.client((host, port)) as sock:
                for size in SIZES:
                    self.assertEqual(harness.echo(sock, bytes(size)), bytes(size))
        server.signal(signal.SIGUSR1)
        self.assertGreaterEqual(server.wait_for("counters")["received"], len(SIZES))
        if reloads:
            self.check_reloads(server)
        with server.frozen():
            pass
        counters = server.stop()
        self.assertEqual((counters["reason"], harness.accounted(counters)), ("request", 0))

    def check_reloads(self, server):
        # Longer than what the first reading took memory for, with an interface to look up.
        lines = 5000 * ["deny=192.0.2.0/24"] + ["listen=[fe80::1%lo]:7", "listen=localhost:7",
                                                "log-level=debug", ""]
        self.config.write_text("\n".join(lines), encoding="utf-8")
        server.signal(signal.SIGHUP)
        server.wait_for("reloaded", log_level="debug")
        with harness.client(server.address) as sock:
            harness.echo(sock, b"loud")
        server.wait_for("received", payload="loud")
        self.config.write_text("no-such-option\n", encoding="utf-8")
        server.signal(signal.SIGHUP)
        server.wait_for("reload failed, nothing changed")


@needs_root
class AsRoot(Confinement):
    EVERYWHERE = ("127.0.0.1:0", "[::1]:0")

    @harness.needs_ipv6
    def test_becomes_another_user(self):
        os.chown(self.config, NOBODY.pw_uid, NOBODY.pw_gid)
        with self.server("--user=nobody", listen=self.EVERYWHERE) as server:
            self.check_confined(server, NOBODY.pw_uid, NOBODY.pw_gid)
            self.check_works(server)

    def test_stays_root_without_its_capabilities(self):
        with self.server() as server:
            self.check_confined(server)
            self.check_works(server)

    def test_opens_a_port_of_root_first(self):
        with self.server("--user=nobody", prefix=OWN_NETWORK, listen=["0.0.0.0:1"]) as server:
            self.check_confined(server, NOBODY.pw_uid, NOBODY.pw_gid)

    def test_numbers(self):
        for options, user, group in ((["--user=65534"], 65534, NOBODY.pw_gid),
                                     (["--user=54321", "--group=12345"], 54321, 12345),
                                     (["--user=nobody", "--group=root"], NOBODY.pw_uid, 0),
                                     (["--group=12345"], 0, 12345)):
            with self.subTest(options=options), self.server(*options) as server:
                self.check_confined(server, user, group)

    def test_unknown_names(self):
        for options, words in ((["--user=nobdy"], ["find the user nobdy", "--user"]),
                               (["--user=4294967295"], ["find the user 4294967295"]),
                               (["--user=54321"], ["find the group of user 54321", "--group"]),
                               (["--user=nobody", "--group=n"], ["find the group n"])):
            with self.subTest(options=options):
                self.check_refused(67, *options, words=words)

    @not_sanitized
    def test_new_root(self):
        with self.server("--user=nobody", f"--chroot={self.directory}") as server:
            self.assertEqual(os.readlink(f"/proc/{server.process.pid}/root"), str(self.directory))
            self.assertEqual(os.readlink(f"/proc/{server.process.pid}/cwd"), str(self.directory))
            self.check_confined(server, NOBODY.pw_uid, NOBODY.pw_gid)
            # The file is not where it was, as the process sees it.
            server.signal(signal.SIGHUP)
            line = server.wait_for("reload failed, nothing changed")
            self.assertIn(f"{self.config}: cannot be read", line["error"])
            self.check_works(server, reloads=False)

    def test_missing_root(self):
        for name, error in ("none", "No such file"), (self.config.name, "Not a directory"):
            self.check_refused(78, f"--chroot={self.directory}/{name}", words=[
                f"change root to {self.directory}/{name}", error, "--chroot takes an existing directory"])

    def test_file_that_only_root_may_read(self):
        self.config.chmod(0o600)
        with self.server("--user=nobody") as server:
            server.signal(signal.SIGHUP)
            line = server.wait_for("reload failed, nothing changed")
            self.assertIn("Permission denied", line["error"])
            self.check_works(server, reloads=False)

    def test_capabilities_given_to_another_user(self):
        prefix = (*OWN_NETWORK, *AS_NOBODY, "--inh-caps=+net_bind_service",
                  "--ambient-caps=+net_bind_service")
        with self.server(prefix=prefix, listen=["0.0.0.0:1"]) as server:
            # Emptying the bounding set needs a capability that it does not have.
            bounding = server.status("CapBnd")
            self.check_confined(server, NOBODY.pw_uid, NOBODY.pw_gid, bounding)


@needs_root  # to become nobody first
class AsNobody(Confinement):
    def test_works(self):
        os.chown(self.config, NOBODY.pw_uid, NOBODY.pw_gid)
        for options in [], ["--user=nobody"], [f"--user={NOBODY.pw_uid}"]:
            with self.subTest(options=options), self.server(*options, prefix=AS_NOBODY) as server:
                for thread in self.threads(server):
                    self.assertEqual(thread["CapEff"], "0" * 16)
                    self.assertEqual(thread["NoNewPrivs"], "1")
                    self.assertEqual(thread["Seccomp"], "2" if HAS_FILTER else "0")
                self.check_works(server)
                self.config.write_text("log-level=info\n", encoding="utf-8")

    def test_cannot_become_another(self):
        for option, words in (("--user=root", ["drop groups other than that of root"]),
                              ("--group=root", ["drop groups other than that of root"]),
                              ("--chroot=/", ["change root to /"])):
            with self.subTest(option=option):
                self.check_refused(77, option, prefix=AS_NOBODY, words=words)


class Sandbox(Confinement):
    def test_off(self):
        with self.server("--sandbox=off") as server:
            self.assertEqual(server.find("confined")[0]["sandbox"], "off")
            for thread in self.threads(server):
                self.assertEqual((thread["Seccomp"], thread["CapPrm"]), ("0", "0" * 16))
            self.check_works(server)

    def test_reload_with_nothing_but_a_list_to_read(self):
        networks = self.directory / "networks"
        networks.write_text("127.0.0.0/8\n", encoding="utf-8")
        with harness.Server(f"--allow=@{networks}") as server:
            server.signal(signal.SIGHUP)
            server.wait_for("reloaded")
            server.stop()

    def test_reload_with_nothing_to_read(self):
        with harness.Server() as server:
            server.signal(signal.SIGHUP)
            server.wait_for("reloaded")
            server.stop()

    @not_sanitized
    @unittest.skipUnless(HAS_FILTER and CURIOUS.exists(), "no filter, or nothing to preload")
    def test_library_that_makes_another_call(self):
        """It is refused, the log has one line about it, and the reload goes on."""
        self.config.write_text("allow=127.0.0.1\nallow=192.0.2.1\n", encoding="utf-8")
        with self.server(environment={"LD_PRELOAD": str(CURIOUS)}) as server:
            for number in 1, 2:
                server.signal(signal.SIGHUP)
                server.wait_for("reloaded", count=number)
                line = server.wait_for("the sandbox refused a system call", count=number)
                self.assertGreaterEqual(line["count"], 2)
                self.assertGreater(line["call"], 0)
            with harness.client(server.address) as sock:
                self.assertEqual(harness.echo(sock, b"here"), b"here")
            server.stop()

    def test_on_demand(self):
        if HAS_FILTER:
            with self.server("--sandbox=on") as server:
                self.check_works(server)
        else:
            self.check_refused(71, "--sandbox=on", words=["--sandbox=on", SANDBOX])

    @not_sanitized
    def test_limits(self):
        # Where there is a file to reload, listeners may be added.
        for reloads in False, True:
            with self.server() if reloads else harness.Server() as server:
                with open(f"/proc/{server.process.pid}/limits", encoding="utf-8") as lines:
                    limits = {line[:26].strip(): line[26:].split()[:2] for line in lines}
                self.assertEqual(limits["Max core file size"], ["0", "0"])
                self.assertEqual(limits["Max processes"], ["0", "0"])
                highest = max(map(int, os.listdir(f"/proc/{server.process.pid}/fd")))
                self.assertEqual(limits["Max open files"] == 2 * [str(highest + 2)], not reloads)

    @not_sanitized
    @tracing.needs_strace
    def test_limit_that_cannot_be_lowered(self):
        inject = "prlimit64:error=EPERM:when=1+"
        with tracing.TracedServer("prlimit64", inject=inject) as server:
            self.assertEqual(server.find("cannot lower a resource limit")[0]["error"],
                             "Operation not permitted")
            self.assertEqual(server.find("confined")[0]["sandbox"], SANDBOX)
            server.stop()
        with tracing.TracedServer("prlimit64", "--sandbox=on", inject=inject, wait=False) as server:
            self.assertEqual(server.finish(), 71, server.log())
            server.wait_for("no sandbox, required by --sandbox=on", error="Operation not permitted")

    @needs_root
    @tracing.needs_strace
    def test_capability_that_cannot_be_dropped(self):
        """The others are dropped all the same, and then it ends."""
        with tracing.TracedServer("prctl", wait=False, inject=
                                  "prctl:error=EPERM:when=8") as server:
            self.assertEqual(server.finish(), 71, server.log())
            server.wait_for("cannot drop privileges", error="Operation not permitted",
                            step="empty the capability bounding set")
            self.assertIn("PR_CAPBSET_DROP", server.calls("INJECTED")[0])
            self.assertGreater(len(server.calls("PR_CAPBSET_DROP")), 10)

    @unittest.skipUnless(WITHOUT, "built without libseccomp, which removes features")
    def test_on_a_kernel_that_lacks_what_it_is_made_for(self):
        prefix = (WITHOUT, "epoll,recvmmsg,sendmmsg,SO_REUSEPORT,SO_MEMINFO", "--")
        with self.server(prefix=prefix) as server:
            self.assertEqual(server.find("serving", backend="poll")[0]["batching"], "single/single")
            self.check_works(server)

    @not_sanitized
    @tracing.needs_strace
    def test_thread_that_cannot_be_started(self):
        """The log's or the first worker's: nobody waits without end."""
        for number in 1, 2:
            with self.subTest(number=number), \
                    tracing.TracedServer("clone3,clone", wait=False,
                                         inject=f"clone3,clone:error=EAGAIN:when={number}+") as server:
                self.assertEqual(server.finish(), 71)
                line, = server.find("cannot start a thread")
                self.assertIn("temporarily unavailable", line["error"])
                self.assertTrue(server.calls("INJECTED"))


if __name__ == "__main__":
    harness.main()
