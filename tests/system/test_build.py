"""CMake without a preset, on a machine that lacks some of the libraries."""

import json
import os
import pathlib
import re
import subprocess
import tempfile
import unittest

import harness

PROJECT = pathlib.Path(__file__).parent.parent.parent
CMAKE = os.environ["CMAKE"]


def packages():
    """The files by which pkg-config finds the libraries of this machine."""
    folders = subprocess.run(["pkg-config", "--variable=pc_path", "pkg-config"], check=True,
                             capture_output=True, text=True).stdout.strip()
    return [path for folder in folders.split(":") for path in pathlib.Path(folder).glob("*.pc")]


class Build(unittest.TestCase):
    def configure(self, *options, lacks=()):
        """Configures in an empty folder; returns it, the exit code and all that was said."""
        temporary = tempfile.TemporaryDirectory(prefix="udpecho-")
        self.addCleanup(temporary.cleanup)
        folder = pathlib.Path(temporary.name)
        found = folder / "pkgconfig"
        found.mkdir()
        for path in packages():
            if path.stem not in lacks and not (found / path.name).exists():
                (found / path.name).symlink_to(path)
        environment = {name: value for name, value in os.environ.items() if name != "CFLAGS"}
        environment["PKG_CONFIG_LIBDIR"] = str(found)
        done = subprocess.run([CMAKE, "-S", PROJECT, "-B", folder / "build", *options], text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment,
                              stdin=subprocess.DEVNULL, check=False)
        return folder / "build", done.returncode, done.stdout

    def must_configure(self, *options, **more):
        build, code, text = self.configure(*options, **more)
        self.assertEqual(code, 0, text)
        return build, text

    @staticmethod
    def names_of_tests(build):
        """Returns the names of the tests in a build folder."""
        done = subprocess.run([*pathlib.Path(CMAKE).parent.glob("ctest"), "--show-only=json-v1"],
                              cwd=build, check=True, capture_output=True, text=True)
        return {test["name"] for test in json.loads(done.stdout)["tests"]}

    @staticmethod
    def setting(build, name):
        return re.search(rf"(?m)^{name}:\w+=(.*)$", (build / "CMakeCache.txt").read_text())[1]

    def test_default_is_an_optimised_build_with_tests(self):
        build, _ = self.must_configure()
        self.assertEqual(self.setting(build, "CMAKE_BUILD_TYPE"), "RelWithDebInfo")
        self.assertIn("unit_units", self.names_of_tests(build))

    def test_build_type_that_was_asked_for(self):
        build, _ = self.must_configure("-DCMAKE_BUILD_TYPE=MinSizeRel", "-DBUILD_TESTING=OFF")
        self.assertEqual(self.setting(build, "CMAKE_BUILD_TYPE"), "MinSizeRel")

    def test_without_tests(self):
        build, text = self.must_configure("-DBUILD_TESTING=OFF", lacks=["cmocka"])
        self.assertEqual(self.names_of_tests(build), set())
        self.assertNotIn("cmocka", text)

    def test_without_cmocka(self):
        build, text = self.must_configure(lacks=["cmocka"])
        self.assertEqual(self.names_of_tests(build), set())
        line, = [line for line in text.splitlines() if "tests are left out" in line]
        self.assertIn("libcmocka-dev", line)

    def test_without_apr(self):
        for lacks in "apr-1", "apr-util-1":
            with self.subTest(lacks):
                _, code, text = self.configure(lacks=[lacks])
                self.assertNotEqual(code, 0)
                line, = [line for line in text.splitlines() if "UDPECHO_APR_FROM_SOURCE" in line]
                self.assertIn("libapr1-dev libaprutil1-dev", line)

    def test_without_the_filter_of_system_calls(self):
        build, _ = self.must_configure("-DUDPECHO_SECCOMP=OFF", "-DCMAKE_EXPORT_COMPILE_COMMANDS=ON")
        self.assertFalse({name for name in self.names_of_tests(build)
                          if name == "platform_filter" or "without" in name})
        commands = (build / "compile_commands.json").read_text()
        self.assertNotIn("/without.c", commands)

    def test_presets_leave_warnings_to_the_user(self):
        for preset in "dev", "release":
            with self.subTest(preset):
                build, _ = self.must_configure("--preset", preset, "-DBUILD_TESTING=OFF")
                self.assertNotIn("-Werror", (build / "compile_commands.json").read_text())


if __name__ == "__main__":
    harness.main()
