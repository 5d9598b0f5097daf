"""The MSI, NSIS's installer and the ZIP file: each is built, installed in silence, used, upgraded
and removed.
"""

import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest
import unittest.mock
import zipfile

import harness
from windows_harness import (SERVICES, drive, free_port, program_data, query, registry, start, stop,
                             wait_for_state, windows)

EARLIER, LATER = "0.1.0", "0.1.1"

WATCHER, WATCH_FILES = "udpecho-watch", {"udpecho-watch.conf.example", "targets.example"}
FILES = {"CHANGELOG.txt", "LICENSE.txt", "NOTICE.txt", "udpechod.conf.example", "bin/udpecho.exe",
         "bin/udpechod.exe", "completions/udpecho.bash", "completions/udpechod.bash",
         "completions/udpecho.ps1", "completions/udpechod.ps1", "manual/udpecho.html",
         "manual/udpechod.html"}

packages = pathlib.Path(tempfile.mkdtemp(prefix="udpecho-packages-"))
unittest.addModuleCleanup(shutil.rmtree, packages)


def build(generator, suffix, version):
    """A package of the programs as they are, which says that it is of this version."""
    package = packages / f"{version}{suffix}"
    if not package.exists():
        done = subprocess.run(
            [os.environ["CPACK"], "--config", os.environ["CPACK_CONFIG"], "-G", generator,
             "-B", packages, "-D", f"CPACK_PACKAGE_VERSION={version}",
             "-D", f"CPACK_PACKAGE_FILE_NAME={version}"],
            capture_output=True, text=True, timeout=harness.PATIENCE)
        if done.returncode != 0:
            raise AssertionError(done.stdout + done.stderr)
    return package


def windows_path(path):
    """A path of this machine as the programs of Windows have it."""
    return "Z:" + str(path).replace("/", "\\") if harness.EMULATOR else str(path)


def export(root):
    """A part of the registry as text, one section for each key."""
    file = packages / "registry"
    windows("reg", "export", root, windows_path(file), "/y")
    return file.read_text(encoding="utf-16")


def installed_versions():
    """What "Apps & features" lists."""
    keys = export(r"HKLM\Software\Microsoft\Windows\CurrentVersion\Uninstall").split("\n\n")
    return [re.search(r'"DisplayVersion"="(.*)"', key)[1] for key in keys
            if '"DisplayName"="udpecho"' in key]


def places():
    """The files in all directories where installers leave some."""
    return {path for top in ("Program Files", "Program Files (x86)", "ProgramData",
                             "windows/Installer")
            for path in (drive() / top).rglob("*")}


class Installer:
    """What holds for all three. How each works is the business of its class."""
    home = drive() / "Program Files" / "udpecho"
    files = FILES | WATCH_FILES

    def setUp(self):
        self.port = free_port()
        self.config = program_data() / "udpecho" / "udpechod.conf"
        self.before = places()
        self.package = None
        self.addCleanup(self.leave_nothing)

    def leave_nothing(self):
        if self.package is not None:
            self.remove()
        shutil.rmtree(self.config.parent, ignore_errors=True)

    def install(self, version, options="", **keywords):
        package = build(self.generator, self.suffix, version)
        done = self.run_installer(package, options, **keywords)
        if query() is not None:
            self.package = package
            wait_for_state("running", 4)
        return done

    def upgrade(self, version, options=""):
        self.install(version, options)

    def remove(self):
        self.run_remover(self.package)
        self.package = None

    def assert_serves(self):
        with harness.client(("127.0.0.1", self.port)) as sock:
            self.assertEqual(harness.echo(sock, b"from outside"), b"from outside")
        asked = harness.run("--count=1", f"127.0.0.1:{self.port}",
                            program=str(self.home / "bin" / "udpecho.exe"))
        self.assertIn("1 sent, 1 received", asked.stdout, asked.stderr)

    def assert_options(self, options):
        """The one place that has them."""
        self.assertTrue(registry(rf"{SERVICES}\udpechod", "ImagePath").endswith(
            f'\\bin\\udpechod.exe" --service {options}'))

    def assert_nothing_left(self):
        self.assertIsNone(query())
        self.assertIsNone(query(WATCHER))
        # An empty directory, so that no other user can take its place before an upgrade is done.
        self.assertEqual(places() - self.before - {self.config.parent}, set())
        for root in (r"HKLM\Software", r"HKLM\System"):
            lines = export(root).splitlines()
            self.assertEqual([line for line in lines if "udpecho" in line.lower()], [])

    def test_it_serves_until_it_is_removed(self):
        self.install(EARLIER, f"--listen=127.0.0.1:{self.port} --log-level=debug")
        self.assert_serves()
        found = {path.relative_to(self.home).as_posix() for path in self.home.rglob("*")
                 if path.is_file()}
        self.assertEqual(found, self.files)
        self.assertRegex(
            registry(rf"{SERVICES}\EventLog\Application\udpechod", "EventMessageFile"),
            r"^C:\\.*\\udpecho\\bin\\udpechod\.exe$")
        self.assertEqual(registry(rf"{SERVICES}\udpechod", "Start"), "0x2")
        self.assertIsNone(query(WATCHER))
        self.remove()
        self.assert_nothing_left()

    def test_an_upgrade_keeps_options_and_configuration(self):
        self.install(EARLIER, "--log-level=debug --workers=1")
        self.config.write_text(f"listen=127.0.0.1:{self.port}\n")
        self.upgrade(LATER)
        self.assert_serves()
        self.assert_options("--log-level=debug --workers=1")
        self.assert_version(LATER)
        self.remove()
        self.assertEqual(self.config.read_text(), f"listen=127.0.0.1:{self.port}\n")
        self.config.unlink()
        self.assert_nothing_left()

    def test_an_upgrade_takes_other_options(self):
        self.install(EARLIER, "--listen=127.0.0.1:0 --log-level=debug")
        options = f"--listen=127.0.0.1:{self.port}"
        self.upgrade(LATER, options)
        self.assert_serves()
        self.assert_options(options)
        self.assert_version(LATER)

    def test_the_firewall_is_opened_if_asked(self):
        if not harness.EMULATOR:
            self.skipTest("reads what the netsh of Wine says it was asked, and this is Windows")
        with unittest.mock.patch.dict(os.environ, WINEDEBUG="-all,fixme+netsh"):
            asked = self.install(EARLIER, f"--listen=*:{self.port} --open-firewall").stderr
        self.assertRegex(asked, r'L"add" L"rule" L"name=udpechod" .* '
                                r'L"program=.*\\\\bin\\\\udpechod\.exe"')

    def assert_version(self, version):
        self.assertEqual(installed_versions(), [version])


class Careful:
    """What those do that run commands of their own, and so can refuse to."""

    def test_the_watcher_comes_if_asked_for_and_stays_over_upgrades(self):
        self.install(EARLIER, f"--listen=127.0.0.1:{self.port}", watch=True)
        self.assertEqual(query(WATCHER)["STATE"], 1, "it has no targets yet")
        found = {path.name for path in self.home.iterdir()}
        self.assertLessEqual(WATCH_FILES, found)
        targets = self.config.parent / "targets"
        targets.write_text(f"127.0.0.1:{self.port}\n")
        (self.config.parent / f"{WATCHER}.conf").write_text(
            "targets=C:/ProgramData/udpecho/targets\nquiet\n")
        start(WATCHER)
        self.upgrade(LATER)
        self.assert_version(LATER)
        wait_for_state("running", 4, WATCHER)
        self.remove()
        self.assertIsNone(query(WATCHER))
        shutil.rmtree(self.config.parent)
        self.config.parent.mkdir()
        self.assert_nothing_left()

    def test_an_earlier_version_is_refused(self):
        self.install(LATER, f"--listen=127.0.0.1:{self.port}")
        later = self.package
        self.assertNotEqual(self.install(EARLIER).returncode, 0)
        self.package = later
        self.assert_version(LATER)
        self.assert_serves()

    def test_wrong_options_install_nothing(self):
        config = drive() / "%NAME%.conf"
        self.addCleanup(config.unlink)
        config.write_text(f"listen=127.0.0.1:{self.port}\n")
        # The second is right, save for a service.
        for options in ("--workers=none", rf"--config=C:\{config.name}"):
            self.assertNotEqual(self.install(EARLIER, options).returncode, 0)
            self.assert_nothing_left()

    def test_an_earlier_windows_is_refused(self):
        """Windows 8.1 has no such value."""
        if not harness.EMULATOR:
            self.skipTest("takes a value out of the registry that Windows needs")
        key, name = r"HKLM\Software\Microsoft\Windows NT\CurrentVersion", "CurrentMajorVersionNumber"
        major = registry(key, name)
        self.addCleanup(windows, "reg", "add", key, "/v", name, "/t", "REG_DWORD", "/d", major, "/f")
        windows("reg", "delete", key, "/v", name, "/f")
        self.assertNotEqual(self.install(EARLIER).returncode, 0)
        self.assert_nothing_left()

    def test_a_service_of_another_installation_stays(self):
        harness.run("--install-service", f"--listen=127.0.0.1:{self.port}")
        self.addCleanup(harness.run, "--uninstall-service")
        command = registry(rf"{SERVICES}\udpechod", "ImagePath")
        done = self.run_installer(build(self.generator, self.suffix, EARLIER), "--workers=1")
        self.assertNotEqual(done.returncode, 0)
        self.assertEqual(registry(rf"{SERVICES}\udpechod", "ImagePath"), command)
        harness.run("--uninstall-service")
        self.assert_nothing_left()


@unittest.skipUnless(shutil.which("wixl") and shutil.which("msibuild"),
                     "wixl or msibuild is missing; Debian has them in wixl and msitools")
class Msi(Careful, Installer, unittest.TestCase):
    generator, suffix = "External", ".msi"
    files = FILES

    def run_installer(self, package, options, watch=False):
        given = ([f"OPTIONS={options}"] if options else []) + (["ADDLOCAL=ALL"] if watch else [])
        return windows("msiexec", "/i", windows_path(package), "/quiet", *given)

    def run_remover(self, package):
        return windows("msiexec", "/x", windows_path(package), "/quiet")

    def upgrade(self, version, options=""):
        """In two steps under Wine, which does not tell the first that it is part of the second."""
        if harness.EMULATOR:
            command = registry(rf"{SERVICES}\udpechod", "ImagePath")
            windows("msiexec", "/x", windows_path(self.package), "/quiet",
                    "UPGRADINGPRODUCTCODE={5D0D8C05-9C7E-4C5B-8B61-6D1C0E7A7F07}")
            self.assertEqual(registry(rf"{SERVICES}\udpechod", "ImagePath"), command)
        self.install(version, options)

    def test_both_programs_are_on_the_path(self):
        self.install(EARLIER, f"--listen=127.0.0.1:{self.port}")
        key = r"HKLM\System\CurrentControlSet\Control\Session Manager\Environment"
        self.assertIn("C:\\Program Files\\udpecho\\bin\\", registry(key, "PATH").split(";"))

    def test_a_repair_leaves_the_options_of_the_service(self):
        options = f"--listen=127.0.0.1:{self.port}"
        self.install(EARLIER, options)
        windows("msiexec", "/fomus", windows_path(self.package), "/quiet", "OPTIONS=--workers=7")
        self.assert_options(options)
        self.assertNotIn("workers", export(r"HKLM\Software"))
        wait_for_state("running", 4)
        self.assert_serves()
        self.assertNotIn("OPTIONS", self.table("Property").partition("SecureCustomProperties")[2]
                         .splitlines()[0])

    def table(self, name):
        return subprocess.run(["msiinfo", "export", self.package, name], check=True,
                              capture_output=True, text=True).stdout


@unittest.skipUnless(shutil.which("makensis"), "makensis is missing; Debian has it in nsis")
class Nsis(Careful, Installer, unittest.TestCase):
    generator, suffix = "NSIS", ".exe"
    files = FILES | WATCH_FILES | {"Uninstall.exe"}
    directory = ""

    def run_installer(self, package, options, watch=False):
        # Quotation marks within an argument are beyond what a list of arguments can say.
        given = f' /OPTIONS="{options}"'.replace("%", "%%") if options else ""
        given += " /WATCH" if watch else ""
        script = packages / "install.bat"
        script.write_text(f'"{windows_path(package)}" /S{given}{self.directory}\n')
        return windows("cmd", "/c", windows_path(script))

    def run_remover(self, package):
        windows(str(self.home / "Uninstall.exe"), "/S")
        # It goes on as a copy of itself.
        harness.wait_until(lambda: not self.home.exists())


    def test_wrong_options_leave_a_working_installation(self):
        self.install(EARLIER, f"--listen=127.0.0.1:{self.port}")
        for options in ("--workers=none", "--no-such-option"):
            self.assertNotEqual(self.install(LATER, options).returncode, 0)
            self.assert_version(EARLIER)
            self.assert_serves()

    def test_an_upgrade_goes_where_the_last_one_went(self):
        self.home = drive() / "udp echo"
        self.directory = r" /D=C:\udp echo"
        self.install(EARLIER, f"--listen=127.0.0.1:{self.port}")
        self.assert_serves()
        self.directory = ""
        self.install(LATER)
        self.assert_version(LATER)
        self.assert_serves()
        self.assertFalse(Installer.home.exists())


class Zip(Installer, unittest.TestCase):
    """The user does by hand what the other installers do."""
    generator, suffix = "ZIP", ".zip"
    home = drive() / "udp echo" / "udpecho"

    def udpechod(self, *options):
        return harness.run(*options, program=str(self.home / "bin" / "udpechod.exe"))

    def run_installer(self, package, options):
        if self.home.exists():
            stop()
        with zipfile.ZipFile(package) as files, tempfile.TemporaryDirectory() as directory:
            files.extractall(directory)
            shutil.copytree(pathlib.Path(directory, package.stem), self.home, dirs_exist_ok=True)
        done = self.udpechod("--install-service", *options.split())
        start()
        return done

    def run_remover(self, package):
        self.udpechod("--uninstall-service")
        shutil.rmtree(self.home.parent)

    def assert_version(self, version):
        """There is nothing that would tell."""


if __name__ == "__main__":
    harness.main()
