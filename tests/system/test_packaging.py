"""What is installed, and what service managers of other systems are told of udpechod.

None of these systems is here. Each rc.d script runs for real over a stand-in for its system's
rc.subr, which does of it what the script relies on and no more, and the command line that comes of
it is given to the real udpechod.
"""

import configparser
import os
import pathlib
import plistlib
import re
import shutil
import subprocess
import tempfile
import unittest

import client_harness
import harness

PACKAGING = pathlib.Path(os.environ["UDPECHO_PACKAGING"])
BUILD = pathlib.Path(os.environ["UDPECHO_TOOLS"]).parent

# FreeBSD's and NetBSD's, which are one family. RC_CONF is what the operator says in rc.conf(5). Where
# he asks for a service jail, which only FreeBSD has, the script is run again inside, without its
# precmd.
RC_SUBR = """
load_rc_config() { eval "$RC_CONF"; }
run_rc_command() {
    eval "cmd=\\$$1_cmd precmd=\\$$1_precmd rc_flags=\\${flags:-\\$${name}_flags}"
    if [ -n "$cmd" ]; then eval "$cmd"; exit; fi
    if [ "$_rc_svcj" != jailing ]; then eval "$precmd" || exit; fi
    case $1 in
    start)
        if [ "$udpechod_svcj" = YES ] && [ "$_rc_svcj" != jailing ]; then
            env -u flags _rc_svcj=jailing sh "$0" start
            exit
        fi
        [ -r "$required_files" ] && eval "$command $rc_flags $command_args"; wait ;;
    reload) echo HUP ;;
    esac
}
"""

OPENBSD_RC_SUBR = """
eval "$RC_CONF"
daemon_flags=$udpechod_flags
rc_exec() { eval "$*"; }
rc_cmd() {
    case $1 in
    start) rc_pre && rc_exec "$daemon $daemon_flags" ;;
    configtest) rc_configtest ;;
    esac
}
"""

# Stands in for udpechod: leaves its arguments behind, and has the real one say what it makes of
# them.
UDPECHOD = f"""#!/bin/sh
printf '%s\\n' "$@" > "$HERE/arguments.udpechod"
exec {harness.UDPECHOD} "$@" --check-config
"""

# The options of FreeBSD's daemon(8), and what it does with the rest.
DAEMON = """#!/bin/sh
while getopts cfHrSp:P:t:u:m:o:s:T:l:R: option; do
    echo "$option${OPTARG:+=$OPTARG}"; OPTARG=
done > "$HERE/arguments.daemon"
shift $((OPTIND - 1))
exec "$@"
"""

LOGGER = """#!/bin/sh
echo "$*" > "$HERE/arguments.logger"
exec cat
"""


class RcScript:
    """What holds for all of them; a class below says what its system calls things."""

    SHELL = "sh"
    RC_SUBR, SUBR = RC_SUBR, "/etc/rc.subr"

    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.here = pathlib.Path(directory.name)
        (self.here / "rc.subr").write_text(self.RC_SUBR)
        for name, text in ("udpechod", UDPECHOD), ("daemon", DAEMON), ("logger", LOGGER):
            (self.here / name).write_text(text)
            (self.here / name).chmod(0o755)
        self.config = self.here / "udpechod.conf"
        shutil.copy(PACKAGING / "udpechod.conf", self.config)
        text = (PACKAGING / self.PORT / self.FILE).read_text()
        for real, ours in ((self.SUBR, "rc.subr"), (self.PROGRAM, "udpechod"),
                           (self.CONFIG, "udpechod.conf"), ("/usr/sbin/daemon", "daemon")):
            self.assertTrue(real in text or real == "/usr/sbin/daemon")
            text = text.replace(real, str(self.here / ours))
        for name, value in self.SUBSTITUTED.items():
            text = text.replace(name, value)
        self.script = self.here / "script"
        self.script.write_text(text)

    def rc(self, action, rc_conf=""):
        environment = {**os.environ, "HERE": str(self.here), "RC_CONF": rc_conf,
                       "PATH": f"{self.here}:{os.environ['PATH']}"}
        return subprocess.run([self.SHELL, self.script, action], capture_output=True, text=True,
                              timeout=harness.PATIENCE, env=environment)

    def arguments(self, program):
        """What the stand-in of a program was given last."""
        return (self.here / f"arguments.{program}").read_text().splitlines()

    def test_syntax(self):
        subprocess.run([self.SHELL, "-n", self.script], check=True)

    def test_nothing_is_left_to_substitute(self):
        for name in re.findall(r"%%\w+%%|@[A-Z_]+@|\$\{[A-Z]+\}", self.script.read_text()):
            self.fail(name)

    def test_start(self):
        done = self.rc("start")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(self.arguments("udpechod"), [f"--config={self.config}"])
        self.assertIn("listen=localhost:8888\n", done.stdout)

    def test_flags_of_the_operator(self):
        done = self.rc("start", "udpechod_flags='--listen=[::1]:7 --workers=2'")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(sorted(self.arguments("udpechod")),
                         sorted([f"--config={self.config}", "--listen=[::1]:7", "--workers=2"]))
        self.assertIn("\nworkers=2\n", done.stdout)

    def test_nothing_is_started_with_a_mistake(self):
        self.config.write_text("listen=nowhere:x\n")
        done = self.rc("start")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn(f"{self.config}:1: listen", done.stdout + done.stderr)
        self.assertEqual(self.arguments("udpechod")[-1], "--check-config")

    def test_configtest(self):
        self.assertEqual(self.rc("configtest").returncode, 0)
        self.config.write_text("nonsense\n")
        done = self.rc("configtest")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("nonsense", done.stdout + done.stderr)


class FreeBsd(RcScript, unittest.TestCase):
    PORT, FILE = "freebsd/ports/net/udpecho", "files/udpechod.in"
    PROGRAM, CONFIG = "%%PREFIX%%/sbin/udpechod", "%%PREFIX%%/etc/udpechod.conf"
    SUBSTITUTED = {"%%USERS%%": "udpechod"}

    def test_daemon_is_told_what_it_is_to_do(self):
        self.rc("start", "udpechod_runas=somebody; udpechod_flags=--workers=2")
        self.assertEqual(self.arguments("daemon"),
                         ["f", "S", "T=udpechod", "p=/var/run/udpechod.pid", "u=somebody"])
        self.assertEqual(self.arguments("udpechod"), [f"--config={self.config}", "--workers=2"])

    def test_service_jail_gets_the_same_arguments(self):
        done = self.rc("start", "udpechod_svcj=YES; udpechod_flags=--workers=2")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(self.arguments("daemon"),
                         ["f", "S", "T=udpechod", "p=/var/run/udpechod.pid", "u=udpechod"])
        self.assertEqual(self.arguments("udpechod"), [f"--config={self.config}", "--workers=2"])

    def test_service_jail_is_not_made_with_a_mistake(self):
        self.config.write_text("nonsense\n")
        self.assertNotEqual(self.rc("start", "udpechod_svcj=YES").returncode, 0)
        self.assertFalse((self.here / "arguments.daemon").exists())

    def test_flags_of_the_environment_win_over_those_of_the_operator(self):
        self.rc("start", "flags=--workers=3; udpechod_flags=--workers=2")
        self.assertEqual(self.arguments("udpechod"), [f"--config={self.config}", "--workers=3"])

    def test_reload_only_without_a_mistake(self):
        self.assertEqual(self.rc("reload").stdout, "HUP\n")
        self.config.write_text("nonsense\n")
        self.assertNotIn("HUP", self.rc("reload").stdout)


class NetBsd(RcScript, unittest.TestCase):
    PORT, FILE = "netbsd/pkgsrc/net/udpecho", "files/udpechod.sh"
    PROGRAM, CONFIG = "@PREFIX@/sbin/udpechod", "@PKG_SYSCONFDIR@/udpechod.conf"
    SUBR = "@SYSCONFBASE@/rc.subr"
    SUBSTITUTED = {"@RCD_SCRIPTS_SHELL@": "/bin/sh", "@UDPECHOD_USER@": "udpechod"}

    test_reload_only_without_a_mistake = FreeBsd.test_reload_only_without_a_mistake

    def test_log_goes_to_syslog(self):
        self.rc("start")
        self.assertEqual(self.arguments("logger"), ["-t udpechod -p daemon.info"])


class OpenBsd(RcScript, unittest.TestCase):
    PORT, FILE = "openbsd/ports/net/udpecho", "pkg/udpechod.rc"
    SUBSTITUTED = {}
    # OpenBSD's ksh is a child of pdksh, and so is mksh. Nothing in the script is beyond sh(1).
    SHELL = "mksh" if shutil.which("mksh") else "sh"
    PROGRAM, CONFIG = "${TRUEPREFIX}/sbin/udpechod", "${SYSCONFDIR}/udpechod.conf"
    RC_SUBR, SUBR = OPENBSD_RC_SUBR, "/etc/rc.d/rc.subr"


class Launchd(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.path = PACKAGING / "macos" / "org.udpecho.udpechod.plist"
        cls.job = plistlib.loads(cls.path.read_bytes())

    def test_file_is_named_after_its_label(self):
        self.assertEqual(self.path.stem, self.job["Label"])

    def test_types_are_those_of_launchd_plist(self):
        types = {"Label": str, "ProgramArguments": list, "Sockets": dict, "UserName": str,
                 "GroupName": str, "RunAtLoad": bool, "KeepAlive": dict, "ExitTimeOut": int,
                 "ProcessType": str, "StandardErrorPath": str}
        self.assertEqual({key: type(value) for key, value in self.job.items()}, types)
        self.assertIn(self.job["ProcessType"], ("Background", "Standard", "Adaptive", "Interactive"))

    def test_it_is_kept_alive_unless_it_ended_as_told(self):
        self.assertTrue(self.job["RunAtLoad"])
        self.assertEqual(self.job["KeepAlive"], {"SuccessfulExit": False})

    def test_socket_is_a_datagram_socket_on_the_loopback(self):
        self.assertEqual(self.job["Sockets"], {"Listeners": [
            {"SockType": "dgram", "SockProtocol": "UDP", "SockFamily": family,
             "SockNodeName": name, "SockServiceName": "8888"}
            for family, name in (("IPv4", "127.0.0.1"), ("IPv6", "::1"))]})

    def test_arguments_are_right(self):
        program, *options = self.job["ProgramArguments"]
        self.assertEqual(program, "/usr/local/sbin/udpechod")
        options = [option.replace("/usr/local/etc", str(PACKAGING)) for option in options]
        done = harness.run(*options, "--check-config")
        self.assertEqual((done.returncode, done.stderr), (0, ""))


class Systemd(unittest.TestCase):
    DIRECTORY = PACKAGING / "systemd"
    SERVICES = "udpechod.service", "udpechod-activated.service"
    WATCH = "udpecho-watch.service"

    def unit(self, name):
        parser = configparser.ConfigParser(strict=False, interpolation=None)
        parser.optionxform = str
        parser.read(self.DIRECTORY / name)
        return parser

    def test_arguments_are_right(self):
        for name in self.SERVICES:
            _, *options = self.unit(name)["Service"]["ExecStart"].split()
            options = [option.replace("/etc/udpecho", str(PACKAGING)) for option in options]
            done = harness.run(*options, "--check-config")
            self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_they_are_always_started_again_and_watched(self):
        for name in self.SERVICES:
            unit = self.unit(name)
            self.assertEqual(unit["Unit"]["StartLimitIntervalSec"], "0")
            self.assertEqual(unit["Service"]["Type"], "notify")
            self.assertEqual(unit["Service"]["Restart"], "on-failure")
            self.assertIn("WatchdogSec", unit["Service"])

    def test_mistakes_fail_a_reload_and_stop_it(self):
        """What systemd makes of it is in tests/soak/packages.py."""
        for name in self.SERVICES:
            text = (self.DIRECTORY / name).read_text()
            start, = re.findall("(?m)^ExecStart=(.*)$", text)
            self.assertEqual(re.findall("(?m)^ExecReload=(.*)$", text),
                             [f"{start} --check-config", "/bin/kill -HUP $MAINPID"])
            self.assertEqual(self.unit(name)["Service"]["RestartPreventExitStatus"], "64 67 77 78")

    def test_watcher_is_started_again_unless_its_files_are_wrong(self):
        """udpecho ends with 1 where nobody has answered, and with 2 at a mistake."""
        unit = self.unit(self.WATCH)
        self.assertEqual(unit["Unit"]["StartLimitIntervalSec"], "0")
        service = unit["Service"]
        self.assertEqual([service[name] for name in (
            "Type", "Restart", "SuccessExitStatus", "RestartPreventExitStatus", "ExecReload")],
            ["notify", "on-failure", "1", "2", "/bin/kill -HUP $MAINPID"])

    def test_watcher_is_confined_as_the_server_is(self):
        """What the server may beyond that is to confine itself by seccomp."""
        needs = {name: value for name, value in self.unit(self.SERVICES[0])["Service"].items()
                 if not name.startswith(("Exec", "Restart", "Watchdog", "Timeout", "Standard", "File",
                                         "Runtime", "SystemCallFilter"))}
        watch = self.unit(self.WATCH)["Service"]
        self.assertEqual({name: watch[name] for name in needs}, needs)

    def test_socket_is_on_the_loopback(self):
        for name, address in (("udpechod.socket", "127.0.0.1:8888"),
                              ("udpechod-ipv6.socket", "[::1]:8888")):
            socket = self.unit(name)["Socket"]
            self.assertEqual(socket["ListenDatagram"], address)
            self.assertTrue((self.DIRECTORY / socket["Service"]).exists())

    def test_sockets_of_ipv6_come_and_go_with_the_others(self):
        self.assertEqual(self.unit("udpechod.socket")["Unit"]["Wants"], "udpechod-ipv6.socket")
        unit = self.unit("udpechod-ipv6.socket")["Unit"]
        self.assertEqual((unit["PartOf"], unit["Before"], unit["ConditionPathExists"]),
                         ("udpechod.socket", "udpechod.socket", "/proc/net/if_inet6"))

    @unittest.skipUnless(shutil.which("systemd-analyze"), "systemd-analyze is not installed")
    def test_exposure(self):
        for name, most in zip((*self.SERVICES, self.WATCH), (1.1, 0.4, 1.1)):
            done = subprocess.run(["systemd-analyze", "security", "--offline=yes", "--no-pager",
                                   f"--threshold={round(10 * most)}", self.DIRECTORY / name],
                                  capture_output=True, text=True, timeout=harness.PATIENCE)
            if "Unknown" in done.stderr or "unrecognized" in done.stderr:
                self.skipTest(f"this systemd-analyze rates no files: {done.stderr}")
            self.assertEqual(done.returncode, 0, done.stdout[-200:] + done.stderr)


class ConfigurationFile(unittest.TestCase):
    def test_as_installed_everything_is_at_its_default(self):
        done = harness.run(f"--config={PACKAGING / 'udpechod.conf'}", "--check-config")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(done.stdout, harness.run("--check-config").stdout)

    def test_what_it_suggests_is_right(self):
        text = (PACKAGING / "udpechod.conf").read_text()
        suggested = re.findall(r"(?m)^#(\S+=\S+)$", text)
        self.assertGreater(len(suggested), 1)
        with tempfile.NamedTemporaryFile("w") as keys:  # the file it names is the operator's to write
            keys.write(32 * "0b" + "\n")
            keys.flush()
            options = ["--" + re.sub("(?<=^stamp-key-file=).*", keys.name, option)
                       for option in suggested]
            done = harness.run(*options, "--check-config")
            self.assertEqual((done.returncode, done.stderr), (0, ""))


class Watcher(unittest.TestCase):
    """The files of udpecho-watch, read by the real udpecho."""

    CONFIG = (PACKAGING / "udpecho-watch.conf").read_text()

    def run_with(self, config, targets, *options):
        """Asks the targets in place of those of the file, and serves no metrics."""
        with tempfile.TemporaryDirectory() as directory:
            here = pathlib.Path(directory)
            (here / "targets").write_text(targets)
            config = config.replace("/etc/udpecho", directory)
            if not os.environ["UDPECHO_MODULES"]:
                config = config.replace("metrics-listen=", "#")
            (here / "udpecho-watch.conf").write_text(re.sub("(?<=^metrics-listen=).*",
                                                            f"unix:{directory}/metrics", config, flags=re.M))
            return client_harness.run(f"--config={here}/udpecho-watch.conf", *options)

    def test_as_installed_there_are_no_targets(self):
        done = self.run_with(self.CONFIG, (PACKAGING / "targets").read_text())
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        self.assertIn("targets: expected HOST[:PORT]", done.stderr)

    def test_with_targets_it_watches(self):
        with harness.Server() as server:
            target = "%s:%d" % server.address
            done = self.run_with(self.CONFIG, (PACKAGING / "targets").read_text() + target, "--count=1")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertNotIn("seq=0", done.stdout)
        self.assertIn("1 asked, 1 answered", done.stdout)

    def test_the_targets_it_suggests_are_right(self):
        suggested = re.findall(r"(?m)^#     (\S.*)$", (PACKAGING / "targets").read_text())
        self.assertEqual(len(suggested), 3)
        done = self.run_with(self.CONFIG, "\n".join(suggested), "--count=1", "--deadline=50ms")
        self.assertNotIn("expected", done.stderr)

    def test_what_it_suggests_is_right(self):
        suggested = re.findall(r"(?m)^#([a-z-]+(=\S+)?)$", self.CONFIG)
        self.assertGreater(len(suggested), 4)
        config = self.CONFIG + "".join(f"{option}\n" for option, _ in suggested)
        with harness.Server("--stamp=127.0.0.1:0") as server:
            stamp, = [address for address in server.addresses if address != server.address]
            done = self.run_with(config, "%s:%d" % stamp, "--count=1")
        self.assertEqual((done.returncode, done.stderr), (0, ""))


class Installed(unittest.TestCase):
    FILES = {"bin/udpecho", "sbin/udpechod", "share/doc/udpecho/CHANGELOG.md",
             "share/doc/udpecho/LICENSE", "share/man/man1/udpecho.1",
             "share/man/man5/udpechod.conf.5", "share/man/man8/udpechod.8"}
    COMPLETIONS = {f"share/{folder}/{name}" for program in ("udpecho", "udpechod")
                   for folder, name in (("bash-completion/completions", f"{program}.bash"),
                                        ("zsh/site-functions", f"_{program}"),
                                        ("fish/vendor_completions.d", f"{program}.fish"))}

    def test_files_are_where_they_are_looked_for(self):
        with tempfile.TemporaryDirectory() as prefix:
            subprocess.run(["cmake", "--install", BUILD, "--prefix", prefix], check=True,
                           capture_output=True, timeout=harness.PATIENCE)
            found = {str(path.relative_to(prefix)) for path in pathlib.Path(prefix).rglob("*")
                     if path.is_file()}
        completions = self.COMPLETIONS if os.environ["UDPECHO_COMPLETIONS"] else set()
        modules = set(os.environ["UDPECHO_MODULES"].split())
        self.assertEqual(found, self.FILES | completions | modules)

    @unittest.skipUnless(os.environ["UDPECHO_MODULES"], "built without libmicrohttpd")
    def test_programs_find_their_modules_wherever_they_are_put(self):
        with tempfile.TemporaryDirectory() as prefix:
            subprocess.run(["cmake", "--install", BUILD, "--prefix", prefix], check=True,
                           capture_output=True, timeout=harness.PATIENCE)
            done = harness.run("--listen=127.0.0.1:0", "--metrics-listen=127.0.0.1:0",
                               "--duration=1ms", program=f"{prefix}/sbin/udpechod")
            asked = harness.run("--metrics-listen=127.0.0.1:0", "--count=1", "--timeout=1ms",
                                "127.0.0.1:1", program=f"{prefix}/bin/udpecho")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(asked.returncode, 1, asked.stderr)  # nobody is there, but for the module


if __name__ == "__main__":
    harness.main()
