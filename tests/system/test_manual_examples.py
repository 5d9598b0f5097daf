"""Runs the commands of EXAMPLES in the manual pages, as they stand there.

The loopback of a network namespace has the addresses of the examples (RFC 5737, RFC 3849).
"""

import os
import pathlib
import re
import signal
import subprocess
import tempfile
import unittest

import harness
import namespaces

ADDRESSES = "192.0.2.1", "2001:db8::1"
HOSTS = "# the targets of an example\n192.0.2.1\n[2001:db8::1]\n"

# An example with one of these runs longer than a test should; it is interrupted once it has replies.
LONG = "--targets=", "=8h", "=1m", "=1000", "--load=", "--flood"
REPLIES = 10


def setUpModule():
    if namespaces.INSIDE not in os.environ:
        raise unittest.SkipTest(namespaces.missing() or "this needs a namespace of its own")
    # --chroot=/var/empty and the default of --status are then those of this test only.
    namespaces.do("mount --make-rprivate /\nmount -t tmpfs tmpfs /var\nmount -t tmpfs tmpfs /run\n"
                  "mkdir /run/udpecho\nip link set lo up")
    for address in ADDRESSES:
        namespaces.do(f"ip addr add {address} dev lo{' nodad' if ':' in address else ''}")


def examples(page):
    """The lines of each example, without the prompt."""
    text = (pathlib.Path(os.environ["UDPECHO_PACKAGING"]) / "man" / page).read_text()
    section = text.split("\n.Sh EXAMPLES\n")[1].split("\n.Sh ")[0]
    return [re.findall(r"(?m)^(?:\.Dl )?[$#] (.*)$", re.sub(r"\\e\n *", "", example))
            for example in re.split(r"\n\.Pp\n(?!\.)", section)]


class Examples(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="udpecho-")
        self.addCleanup(directory.cleanup)
        self.folder = pathlib.Path(directory.name)
        (self.folder / "hosts.txt").write_text(HOSTS)
        for program in harness.UDPECHOD, os.environ["UDPECHO"]:
            (self.folder / pathlib.Path(program).name).symlink_to(program)

    def start(self, lines):
        """A shell that becomes the command of the last line."""
        script = "\n".join([*lines[:-1], f"exec {lines[-1]}"])
        process = subprocess.Popen(["sh", "-e", "-c", script], cwd=self.folder, text=True,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=(self.folder / "errors").open("w"),
                                   env={**os.environ, "PATH": f"{self.folder}:{os.environ['PATH']}"})
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def errors(self):
        return (self.folder / "errors").read_text()

    def finish(self, process):
        text, _ = process.communicate(timeout=2 * harness.PATIENCE)
        self.assertEqual(process.returncode, 0, text + self.errors())
        return text

    def test_client(self):
        found = examples("udpecho.1")
        self.assertGreaterEqual(len(found), 6)
        for lines in found:
            with self.subTest(lines=lines), harness.Server("--stamp=192.0.2.1", "--rate-limit=off", listen=(
                    "192.0.2.1:7", "[2001:db8::1]:7", "localhost:8888")) as server:
                self.assertRegex(lines[-1], "^udpecho ")
                process = self.start(lines)
                if any(option in lines[-1] for option in LONG):
                    harness.wait_until(lambda: process.poll() is not None or harness.received(server) >= REPLIES)
                    process.send_signal(signal.SIGINT)
                self.finish(process)
                self.assertEqual(self.errors(), "")
                harness.wait_until(lambda: harness.received(server) > 0)
                self.assertGreater(harness.received(server), 0)

    def ask(self, command):
        """Sends datagrams until one comes back."""
        address = "192.0.2.1" if "--listen=" in command or "--stamp=" in command else "127.0.0.1:8888"
        protocol = ["--stamp"] if "--stamp=" in command else []
        done = harness.run(*protocol, "--count=5", "--interval=20ms", address,
                           program=os.environ["UDPECHO"])
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr + self.errors())

    def test_server(self):
        found = examples("udpechod.8")
        self.assertGreaterEqual(len(found), 6)
        for lines in found:
            with self.subTest(lines=lines):
                self.assertRegex(lines[-1], "^udpechod ")
                if "--status" in lines[-1]:
                    with harness.Server("--control=/run/udpecho/control"):
                        self.assertIn("received", self.finish(self.start(lines)))
                    continue
                process = self.start(lines)
                harness.wait_until(lambda: process.poll() is not None or "serving" in self.errors())
                self.ask(lines[-1])
                if "--count=" not in lines[-1]:
                    process.send_signal(signal.SIGTERM)
                self.finish(process)


if __name__ == "__main__":
    namespaces.enter()
    harness.main()
