"""What other systems' package tools and container engines are given.

None of these systems is here. Their files are read as far as something here can read them, held
against what they are about, and scripts run over stand-ins for what they call.
"""

import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest
import xml.etree.ElementTree

import harness

try:
    import yaml
except ImportError:
    yaml = None

PACKAGING = pathlib.Path(os.environ["UDPECHO_PACKAGING"])
PROJECT = PACKAGING.parent
VERSION = re.search(r"VERSION (\S+)", (PROJECT / "CMakeLists.txt").read_text().split("project(")[1])[1]

# Stand-ins for tools of macOS: each leaves its arguments behind.
LIPO = 'shift 2; joined=$1; shift; cat "$@" > "$joined"'
PKGBUILD = 'cd "$2" && find . -type f | sort > "$HERE/files"; for last; do :; done; : > "$last"'
PRODUCTBUILD = '[ -e "$4/udpecho.pkg" ] && for last; do :; done; : > "$last"'


class StandIns(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.here = pathlib.Path(directory.name)
        (self.here / "bin").mkdir()

    def stand_in(self, name, body):
        tool = self.here / "bin" / name
        tool.write_text(f'#!/bin/sh\necho "$*" >> "$HERE/{name}"\n{body}\n')
        tool.chmod(0o755)

    def sh(self, script, *arguments):
        environment = {**os.environ, "HERE": str(self.here),
                       "PATH": f"{self.here / 'bin'}:{os.environ['PATH']}"}
        return subprocess.run(["sh", script, *arguments], cwd=self.here, capture_output=True,
                              text=True, timeout=harness.PATIENCE, env=environment)


class MacOsPackage(StandIns):
    SCRIPT = PACKAGING / "macos" / "package.sh"

    def test_programs_of_two_processors_become_one_package(self):
        for name, body in ("lipo", LIPO), ("pkgbuild", PKGBUILD), ("productbuild", PRODUCTBUILD):
            self.stand_in(name, body)
        for processor in "x86_64", "aarch64":
            for program in "bin/udpecho", "sbin/udpechod":
                path = self.here / processor / "usr/local" / program
                path.parent.mkdir(parents=True)
                path.write_text(processor)
        done = self.sh(self.SCRIPT, "x86_64", "aarch64")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertTrue((self.here / f"udpecho-{VERSION}.pkg").exists())
        self.assertEqual((self.here / "files").read_text().split(),
                         ["./Library/LaunchDaemons/org.udpecho.udpechod.plist",
                          "./usr/local/bin/udpecho", "./usr/local/etc/udpechod.conf.default",
                          "./usr/local/sbin/udpechod"])
        self.assertRegex((self.here / "lipo").read_text(), "x86_64/usr/local/sbin/udpechod "
                                                           "aarch64/usr/local/sbin/udpechod\n$")
        self.assertIn(f"--version {VERSION} ", (self.here / "pkgbuild").read_text())

    def test_nothing_to_package_is_an_error(self):
        done = self.sh(self.SCRIPT)
        self.assertEqual(done.returncode, 64)
        self.assertIn("Usage", done.stderr)

    def test_configuration_of_the_operator_stays(self):
        self.stand_in("launchctl", "exit 1")
        etc = self.here / "usr/local/etc"
        etc.mkdir(parents=True)
        (etc / "udpechod.conf.default").write_text("ours")
        for theirs in None, "theirs":
            if theirs:
                (etc / "udpechod.conf").write_text(theirs)
            done = self.sh(PACKAGING / "macos/scripts/postinstall", "package", "to", str(self.here))
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertEqual((etc / "udpechod.conf").read_text(), theirs or "ours")
        self.assertFalse((self.here / "launchctl").exists(), "another volume's system is not running")

    def test_installer_is_told_of_the_package_that_is_built(self):
        root = xml.etree.ElementTree.parse(PACKAGING / "macos" / "distribution.xml").getroot()
        self.assertEqual([ref.text for ref in root.iter("pkg-ref") if ref.text], ["udpecho.pkg"])
        for ref in root.iter("pkg-ref"):
            self.assertIn(f"--identifier {ref.get('id')} ", self.SCRIPT.read_text())
        self.assertEqual([line.get("choice") for line in root.iter("line")],
                         [choice.get("id") for choice in root.iter("choice")])


class Homebrew(unittest.TestCase):
    def test_release_is_that_of_the_project(self):
        text = (PACKAGING / "homebrew" / "udpecho.rb").read_text()
        self.assertIn(f"/udpecho-{VERSION}.tar.gz\"\n", text)
        self.assertRegex(text, r'\n  homepage "https://\S+"\n  url "https://\S+"\n  sha256 "[0-9a-f]{64}"\n')

    @unittest.skipUnless(shutil.which("ruby"), "ruby is not installed")
    def test_syntax(self):
        subprocess.run(["ruby", "-c", PACKAGING / "homebrew" / "udpecho.rb"], check=True,
                       capture_output=True, timeout=harness.PATIENCE)


class Port:
    """What holds for the ports of all systems; a class below says what its system calls things."""

    def text(self, name):
        return (PACKAGING / self.PORT / name).read_text()

    def listed(self):
        """The files of the port's list, the marks in front of them left out."""
        lines = [line for line in self.text(self.LIST).splitlines() if not line.startswith(self.NO_FILE)]
        return {re.sub(r"^(%%\w+%%|@(bin|man) )|\.gz$", "", line) for line in lines}

    def test_version_is_that_of_the_project(self):
        self.assertIn(self.VERSION_LINE, self.text("Makefile"))

    def test_list_has_what_is_installed(self):
        build = pathlib.Path(os.environ["UDPECHO_TOOLS"]).parent
        if not os.environ["UDPECHO_COMPLETIONS"]:
            self.skipTest("this build has no completions, which the port installs")
        with tempfile.TemporaryDirectory() as prefix:
            subprocess.run(["cmake", "--install", build, "--prefix", prefix], check=True,
                           capture_output=True, timeout=harness.PATIENCE)
            installed = {str(path.relative_to(prefix))
                         for folder in ("bin", "sbin", "share")
                         for path in (pathlib.Path(prefix) / folder).rglob("*") if path.is_file()}
        installed = {name.replace("share/man/", self.MANUALS) for name in installed}
        self.assertEqual(self.listed(), installed - self.documents() | self.BESIDES)

    def documents(self):
        """What the list leaves to a variable of the Makefile."""
        return set()

    def test_description_is_as_wide_as_the_ports_want_it(self):
        for line in self.text(self.DESCRIPTION).splitlines():
            self.assertLessEqual(len(line), 80)

    def test_one_description_for_all(self):
        self.assertEqual(self.text(self.DESCRIPTION),
                         (PACKAGING / FreeBsdPort.PORT / FreeBsdPort.DESCRIPTION).read_text())

    def test_service_has_a_user_of_its_own(self):
        self.assertRegex(self.text(self.USERS), self.USER)
        self.assertNotIn("nobody", self.text(self.SERVICE))


class FreeBsdPort(Port, unittest.TestCase):
    PORT = "freebsd/ports/net/udpecho"
    LIST, NO_FILE, DESCRIPTION, MANUALS = "pkg-plist", "@comment", "pkg-descr", "share/man/"
    BESIDES = {"@sample etc/udpechod.conf.sample"}
    VERSION_LINE = f"DISTVERSION=\t{VERSION}\n"
    SERVICE = "files/udpechod.in"
    USERS, USER = "Makefile", r"\nUSERS=\t+udpechod\nGROUPS=\t+udpechod\n"

    def documents(self):
        names = re.search(r"^PORTDOCS=\t(.*)", self.text("Makefile"), re.M)[1].split()
        return {f"share/doc/udpecho/{name}" for name in names}

    def test_script_is_the_framework_s_to_install(self):
        self.assertIn("\nUSE_RC_SUBR=\tudpechod\n", self.text("Makefile"))


class NetBsdPackage(Port, unittest.TestCase):
    PORT = "netbsd/pkgsrc/net/udpecho"
    LIST, NO_FILE, DESCRIPTION, MANUALS = "PLIST", "@comment", "DESCR", "man/"
    BESIDES = {"share/examples/udpecho/udpechod.conf"}
    VERSION_LINE = f"DISTNAME=\tudpecho-{VERSION}\n"
    SERVICE = "files/udpechod.sh"
    USERS, USER = "Makefile", r"\nUDPECHOD_USER\?=\t+udpechod\n"

    def test_script_is_the_framework_s_to_install(self):
        self.assertIn("\nRCD_SCRIPTS=\tudpechod\n", self.text("Makefile"))


class OpenBsdPort(Port, unittest.TestCase):
    PORT = "openbsd/ports/net/udpecho"
    LIST, DESCRIPTION, MANUALS = "pkg/PLIST", "pkg/DESCR", "man/"
    NO_FILE = ("@comment", "@new", "@rcscript")
    BESIDES = {"share/examples/udpecho/udpechod.conf", "@sample ${SYSCONFDIR}/udpechod.conf"}
    VERSION_LINE = f"DISTNAME =\tudpecho-{VERSION}\n"
    SERVICE = "pkg/udpechod.rc"
    USERS, USER = "pkg/PLIST", r"@newuser _udpechod:\d+:_udpechod:"

    def test_script_is_the_framework_s_to_install(self):
        self.assertIn("\n@rcscript ${RCDIR}/udpechod\n", self.text("pkg/PLIST"))
        self.assertIn("\ndaemon_user=_udpechod\n", self.text("pkg/udpechod.rc"))


class Containerfile(unittest.TestCase):
    TEXT = (PACKAGING / "oci" / "Containerfile").read_text()

    def test_what_it_copies_is_there(self):
        for source in re.findall(r"(?m)^COPY ([^-\s]\S*) ", self.TEXT):
            if source != "/image":
                self.assertTrue((PROJECT / source).exists(), source)

    def test_image_has_no_root_and_nothing_but_what_was_built(self):
        last = self.TEXT.rsplit("\nFROM ", 1)[1]
        self.assertTrue(last.startswith("scratch\nCOPY --from=build /image /\n"))
        self.assertRegex(last, r"(?m)^USER [1-9]\d*:[1-9]\d*$")


@unittest.skipUnless(yaml, "Python has no module yaml")
class Kubernetes(unittest.TestCase):
    def documents(self, name):
        return list(yaml.safe_load_all((PACKAGING / "kubernetes" / name).read_text()))

    def check_pods(self, workload):
        labels = workload["spec"]["template"]["metadata"]["labels"]
        self.assertEqual(workload["apiVersion"], "apps/v1")
        self.assertEqual(workload["spec"]["selector"]["matchLabels"], labels)
        pod = workload["spec"]["template"]["spec"]
        self.assertTrue(pod["securityContext"]["runAsNonRoot"])
        container, = pod["containers"]
        self.assertEqual(container["securityContext"],
                         {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True,
                          "capabilities": {"drop": ["ALL"]}})
        done = harness.run(*container["args"], "--check-config")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        ports = {port["name"]: port["containerPort"] for port in container["ports"]}
        settings = dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)
        self.assertTrue(settings["listen"].endswith(f":{ports['echo']}"))
        for name, path in ("readinessProbe", "/readyz"), ("livenessProbe", "/healthz"):
            request = container[name]["httpGet"]
            self.assertEqual(request["path"], path)
            port = ports.get(request["port"], request["port"])
            self.assertTrue(settings["health-listen"].endswith(f":{port}"))
        self.check_lame_duck(settings["lame-duck"], container["readinessProbe"],
                             pod["terminationGracePeriodSeconds"])
        return labels, ports

    def check_lame_duck(self, setting, probe, grace):
        """It is long enough for the probe to fail, and short enough to end before it is killed."""
        lame_duck = 0 if setting == "none" else int(setting.removesuffix("s"))
        self.assertLess(lame_duck + 5, grace)
        if lame_duck > 0:
            self.assertGreater(lame_duck, probe["periodSeconds"] * probe["failureThreshold"])

    def test_service_leads_to_the_pods_of_the_deployment(self):
        deployment, budget, service = self.documents("deployment.yaml")
        labels, ports = self.check_pods(deployment)
        self.assertEqual((deployment["kind"], service["kind"]), ("Deployment", "Service"))
        self.assertEqual(service["spec"]["selector"], labels)
        self.assertEqual((budget["apiVersion"], budget["kind"]), ("policy/v1", "PodDisruptionBudget"))
        self.assertEqual(budget["spec"]["selector"]["matchLabels"], labels)
        spread, = deployment["spec"]["template"]["spec"]["topologySpreadConstraints"]
        self.assertEqual(spread["labelSelector"]["matchLabels"], labels)
        self.assertEqual(deployment["spec"]["strategy"]["rollingUpdate"],
                         {"maxUnavailable": 0, "maxSurge": 1})
        arguments = deployment["spec"]["template"]["spec"]["containers"][0]["args"]
        self.assertIn("--lame-duck=10s", arguments)
        port, = service["spec"]["ports"]
        self.assertEqual((port["protocol"], port["port"]), ("UDP", 7))
        self.assertIn(port["targetPort"], ports)

    def test_daemon_set_is_in_the_network_of_its_node(self):
        daemon_set, = self.documents("daemonset.yaml")
        self.check_pods(daemon_set)
        self.assertEqual(daemon_set["kind"], "DaemonSet")
        self.assertEqual(daemon_set["spec"]["updateStrategy"]["rollingUpdate"], {"maxUnavailable": 1})
        self.assertTrue(daemon_set["spec"]["template"]["spec"]["hostNetwork"])


@unittest.skipUnless(yaml, "Python has no module yaml")
class HostedMachines(unittest.TestCase):
    def jobs(self):
        """(workflow, name, job, what its steps run)."""
        paths = list((PROJECT / ".github" / "workflows").glob("*.yml"))
        self.assertGreater(len(paths), 1)
        for path in paths:
            workflow = yaml.safe_load(path.read_text())
            for name, job in workflow["jobs"].items():
                commands = [step.get("run") or step.get("with", {}).get("run", "")
                            for step in job["steps"]]
                with self.subTest(workflow=path.name, job=name):
                    yield workflow, name, job, commands

    def test_scripts_that_they_call_are_there(self):
        for workflow, name, job, commands in self.jobs():
            self.assertIn("runs-on", job)
            self.assertLessEqual({job.get("needs", name)}, workflow["jobs"].keys())
            for script in re.findall(r"\b(?:ba)?sh (\S+)", "\n".join(commands)):
                self.assertTrue((PROJECT / script).exists(), script)

    def test_a_command_that_fails_ends_its_step(self):
        """"sh -e" goes on where a command fails that "&&" follows, unless it is the last."""
        for *_, commands in self.jobs():
            for lines in commands:
                for line in lines.splitlines()[:-1]:
                    self.assertNotIn("&&", line)


if __name__ == "__main__":
    harness.main()
