"""The packages for Linux: that they are built, and what is in them.

What they do on a host is tried by tests/soak/packages.py.
"""

import os
import pathlib
import re
import shutil
import subprocess
import unittest

import harness

SOURCE = pathlib.Path(os.environ["UDPECHO_PACKAGING"]).parent
BUILD = pathlib.Path(os.environ["UDPECHO_TOOLS"], "packages")
BUILD_PATIENCE = 280


def output(*command, patience=harness.PATIENCE):
    done = subprocess.run(command, cwd=SOURCE, capture_output=True, text=True, timeout=patience)
    if done.returncode != 0:
        raise AssertionError(f"{command}: {done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.stdout


def files_of(program, section, completions):
    return {f"/usr/share/man/man{section}/{program}.{section}.gz",
            f"/usr/share/bash-completion/completions/{program}.bash",
            f"/usr/share/fish/vendor_completions.d/{program}.fish",
            f"/usr/share/zsh/{completions}/_{program}"}


WATCH = {"/etc/udpecho/targets", "/etc/udpecho/udpecho-watch.conf",
         "/usr/lib/systemd/system/udpecho-watch.service"}
SERVICE = {"/usr/share/man/man5/udpechod.conf.5.gz", "/etc/udpecho/udpechod.conf",
           *(f"/usr/lib/systemd/system/{unit}" for unit in
             ("udpechod.service", "udpechod-activated.service", "udpechod.socket",
              "udpechod-ipv6.socket"))}

EXAMPLES = "/usr/share/doc/udpechod/examples"
ANYCAST = {f"{EXAMPLES}/anycast/{file.name}" for file in (SOURCE / "packaging/anycast").iterdir()}


def modules():
    """Where they are installed is the system's, as CMake knows it."""
    if not os.environ["UDPECHO_MODULES"]:
        return set()
    library = re.search("(?m)^CMAKE_INSTALL_LIBDIR:PATH=(.*)$", (BUILD / "CMakeCache.txt").read_text())
    return {f"/usr/{library[1]}/udpecho/http.so"}


def setUpModule():
    if shutil.which("dpkg-shlibdeps") is None:
        raise unittest.SkipTest("dpkg-dev is not installed, without which there are no packages")
    output("cmake", "--preset", "package", "-B", BUILD)
    shutil.rmtree(BUILD / "packages", ignore_errors=True)
    output("cmake", "--build", BUILD, "--target", "package", patience=BUILD_PATIENCE)


def package(pattern):
    found = list((BUILD / "packages").glob(pattern))
    assert len(found) == 1, found
    return found[0]


class Debian(unittest.TestCase):
    def files(self, package_file):
        lines = output("dpkg-deb", "--contents", package_file).splitlines()
        return {line.split()[5][1:] for line in lines if not line.startswith("d")}

    def documents(self, program):
        return {f"/usr/share/lintian/overrides/{program}",
                *(f"/usr/share/doc/{program}/{name}" for name in
                  ("changelog.Debian.gz", "changelog.gz", "copyright"))}

    def test_client(self):
        self.assertEqual(self.files(package("udpecho_*.deb")),
                         files_of("udpecho", 1, "vendor-completions") | {"/usr/bin/udpecho"} |
                         modules() | self.documents("udpecho"))

    def test_client_as_a_service(self):
        self.assertEqual(self.files(package("udpecho-watch_*.deb")),
                         WATCH | self.documents("udpecho-watch"))

    def test_server(self):
        self.assertEqual(self.files(package("udpechod_*.deb")),
                         files_of("udpechod", 8, "vendor-completions") | {"/usr/sbin/udpechod"} |
                         SERVICE | ANYCAST | self.documents("udpechod"))

    def test_configuration_is_the_administrators(self):
        self.assertEqual(output("dpkg-deb", "--info", package("udpechod_*.deb"), "conffiles"),
                         "/etc/udpecho/udpechod.conf\n")
        self.assertEqual(output("dpkg-deb", "--info", package("udpecho-watch_*.deb"), "conffiles"),
                         "/etc/udpecho/targets\n/etc/udpecho/udpecho-watch.conf\n")

    def test_what_needs_the_client_wants_the_same_version(self):
        needed = ["udpecho-watch", *(["udpechod"] if modules() else [])]
        for name in needed:
            file = package(f"{name}_*.deb")
            version = output("dpkg-deb", "--field", file, "Version").strip()
            self.assertIn(f"udpecho (= {version})", output("dpkg-deb", "--field", file, "Depends"))

    def test_client_takes_the_module_from_the_server_of_0_1_0(self):
        for field in "Breaks", "Replaces":
            self.assertEqual(output("dpkg-deb", "--field", package("udpecho_*.deb"), field),
                             "udpechod (<< 0.2.0-1)\n")

    def test_packed_twice_they_are_the_same(self):
        before = {path: path.read_bytes() for path in (BUILD / "packages").iterdir()}
        output("cmake", "--build", BUILD, "--target", "package", patience=BUILD_PATIENCE)
        for path, content in before.items():
            self.assertEqual(path.read_bytes(), content, path)

    @unittest.skipUnless(shutil.which("lintian"), "lintian is not installed")
    def test_lintian_finds_nothing(self):
        found = output("lintian", "--allow-root", "--fail-on=error,warning",
                       *(BUILD / "packages").glob("*.deb"))
        self.assertEqual(found, "")


@unittest.skipUnless(shutil.which("rpmbuild"), "rpm is not installed")
class Rpm(unittest.TestCase):
    def files(self, package_file):
        return set(output("rpm", "--query", "--list", "--package", package_file).splitlines())

    def licence(self, program):
        return {f"/usr/share/licenses/{program}", f"/usr/share/licenses/{program}/LICENSE"}

    def test_client(self):
        self.assertEqual(self.files(package("udpecho-[0-9]*.rpm")),
                         files_of("udpecho", 1, "site-functions") | {"/usr/bin/udpecho"} |
                         modules() | {os.path.dirname(path) for path in modules()} |
                         self.licence("udpecho"))

    def test_client_as_a_service(self):
        self.assertEqual(self.files(package("udpecho-watch-*.rpm")),
                         WATCH | {"/etc/udpecho"} | self.licence("udpecho-watch"))
        self.assertIn("udpecho = ", output("rpm", "--query", "--requires", "--package",
                                           package("udpecho-watch-*.rpm")))

    def test_server(self):
        self.assertEqual(self.files(package("udpechod-*.rpm")),
                         files_of("udpechod", 8, "site-functions") | {"/usr/sbin/udpechod"} |
                         SERVICE | ANYCAST | self.licence("udpechod") |
                         {"/etc/udpecho", "/usr/share/doc/udpechod", EXAMPLES, f"{EXAMPLES}/anycast"})

    def test_client_takes_the_module_from_the_server_of_0_1_0(self):
        self.assertEqual(output("rpm", "--query", "--conflicts", "--package",
                                package("udpecho-[0-9]*.rpm")), "udpechod < 0.2.0\n")

    def test_configuration_is_the_administrators(self):
        self.assertEqual(output("rpm", "--query", "--configfiles", "--package",
                                package("udpechod-*.rpm")), "/etc/udpecho/udpechod.conf\n")
        self.assertEqual(output("rpm", "--query", "--configfiles", "--package",
                                package("udpecho-watch-*.rpm")),
                         "/etc/udpecho/targets\n/etc/udpecho/udpecho-watch.conf\n")

    @unittest.skipUnless(shutil.which("rpmlint"), "rpmlint is not installed")
    def test_rpmlint_finds_nothing(self):
        found = output("rpmlint", "--config", SOURCE / "packaging/rpm/rpmlint.toml",
                       *(BUILD / "packages").glob("*.rpm"))
        self.assertIn(" 0 errors, 0 warnings", found)


if __name__ == "__main__":
    harness.main()
