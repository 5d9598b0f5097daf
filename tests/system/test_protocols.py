"""Several protocols in one process: each at its own address, through reloads, take-overs, the store of
a service manager and its sockets."""

import os
import re
import signal
import socket
import struct
import tempfile
import time
import unittest

import forging
import harness
import namespaces
from service_manager import Manager, handed_over

PAYLOAD = struct.pack("!IQH", 7, 0xed00378040000000, 0x8a01) + bytes(30)


def spoken(address):
    """Returns the protocol that answers at the address."""
    with harness.client(address) as sock:
        reply = harness.echo(sock, PAYLOAD)
    if reply == PAYLOAD:
        return "echo"
    return "stamp" if reply[24:28] == PAYLOAD[:4] else "echo-plus"


def by_protocol(server, count=1):
    """{protocol: address} of the lines of the log so far, the latest of each."""
    return {line["protocol"]: ("127.0.0.1", int(line["address"].split(":")[1]))
            for line in server.find("listening")}


def free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


ALL = ("--listen=127.0.0.1:0", "--stamp=127.0.0.1:0", "--echo-plus=127.0.0.1:0")


class Protocols(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def write(self, *lines):
        path = os.path.join(self.folder, "config")
        with open(path, "w") as file:
            file.write("".join(line + "\n" for line in lines))
        return path

    def check_all(self, addresses):
        self.assertEqual(sorted(addresses), ["echo", "echo-plus", "stamp"])
        for protocol, address in addresses.items():
            self.assertEqual(spoken(address), protocol)

    def test_one_process_speaks_all_at_once(self):
        with harness.Server(*ALL, listen=()) as server:
            self.check_all(by_protocol(server))
            self.assertEqual(harness.accounted(server.stop()), 0)

    def test_another_protocol_leaves_no_plain_echo_that_nobody_asked_for(self):
        done = harness.run("--stamp=127.0.0.1", "--check-config")
        self.assertEqual(done.returncode, 0)
        self.assertEqual(re.findall("(?m)^(?:listen|stamp|echo-plus)=.*", done.stdout),
                         ["stamp=127.0.0.1"])
        self.assertIn("listen=localhost:8888", harness.run("--check-config").stdout)

    def test_stamp_has_its_port(self):
        with tempfile.TemporaryDirectory():
            done = harness.run("--stamp=127.0.0.1", "--echo-plus=127.0.0.1:862", "--check-config")
        self.assertEqual(done.returncode, 64)
        self.assertIn("--stamp=127.0.0.1 and --echo-plus=127.0.0.1:862: only one protocol",
                      done.stderr)

    def test_one_address_has_one_protocol(self):
        port = free_port()
        for other in f"127.0.0.1:{port}", f"localhost:{port}":
            done = harness.run(f"--stamp=127.0.0.1:{port}", f"--listen={other}")
            self.assertIn(done.returncode, (64, 69))
            self.assertRegex(done.stderr, "only one protocol is possible there"
                                          "|--listen, --stamp and --echo-plus need an address")
        done = harness.run("--echo-plus=127.0.0.1")
        self.assertIn("--echo-plus=127.0.0.1: expected ADDRESS:PORT", done.stderr)

    def test_a_reload_adds_removes_and_changes_them(self):
        ports = free_port(), free_port()
        first, second = [("127.0.0.1", port) for port in ports]
        config = self.write(f"listen=127.0.0.1:{ports[0]}")
        with harness.Server(f"--config={config}", listen=()) as server:
            self.assertEqual(spoken(first), "echo")
            for count, (lines, expected) in enumerate((
                    ((f"stamp=127.0.0.1:{ports[0]}", f"listen=127.0.0.1:{ports[1]}"),
                     ("stamp", "echo")),
                    ((f"echo-plus=127.0.0.1:{ports[0]}", f"stamp=127.0.0.1:{ports[1]}"),
                     ("echo-plus", "stamp")),
                    ((f"listen=127.0.0.1:{ports[0]}", f"stamp=127.0.0.1:{ports[1]}"),
                     ("echo", "stamp"))), 1):
                self.write(*lines)
                server.signal(signal.SIGHUP)
                server.wait_for("reloaded", count=count)
                harness.wait_until(lambda: (spoken(first), spoken(second)) == expected)
                self.assertEqual((spoken(first), spoken(second)), expected)
            server.wait_for("listening", count=2, address=f"127.0.0.1:{ports[0]}", protocol="echo")
            self.assertEqual([line["protocol"] for line in
                              server.find("listening", address=f"127.0.0.1:{ports[0]}")],
                             ["echo", "stamp", "echo-plus", "echo"])
            self.assertEqual(server.find("no longer listening"), [])
            self.write(f"stamp=127.0.0.1:{ports[0]}", f"listen=127.0.0.1:{ports[0]}")
            server.signal(signal.SIGHUP)
            line = server.wait_for("reload failed, nothing changed")
            self.assertIn("only one protocol is possible there", line["error"])
            self.assertEqual((spoken(first), spoken(second)), ("echo", "stamp"))
            self.assertEqual(server.find("the sandbox refused a system call"), [])
            self.assertEqual(harness.accounted(server.stop()), 0)

    def test_a_session_goes_on_through_a_reload(self):
        config = self.write("stamp=127.0.0.1:0", "stamp-sessions=stateful")
        with harness.Server(f"--config={config}", listen=()) as server, \
                harness.client(server.address) as sock:
            numbers = [harness.echo(sock, PAYLOAD)[:4] for _ in range(3)]
            server.signal(signal.SIGHUP)
            server.wait_for("reloaded")
            numbers += [harness.echo(sock, PAYLOAD)[:4] for _ in range(3)]
        self.assertEqual(numbers, [struct.pack("!I", number) for number in range(6)])

    def test_a_successor_speaks_the_same_at_the_same_ports(self):
        path = f"--takeover={os.path.join(self.folder, 'takeover')}"
        with harness.Server(*ALL, path, listen=()) as server:
            before = by_protocol(server)
            with harness.Server(*ALL, path, listen=()) as successor:
                self.assertEqual(server.finish(), 0)
                self.assertEqual(by_protocol(successor), before)
                self.check_all(before)

    def test_a_successor_may_speak_another(self):
        path = f"--takeover={os.path.join(self.folder, 'takeover')}"
        with harness.Server(path) as server:
            address = server.address
            with harness.Server(path, f"--stamp=127.0.0.1:{address[1]}", listen=()) as successor:
                self.assertEqual(server.finish(), 0)
                self.assertEqual(successor.address, address)
                self.assertEqual(spoken(address), "stamp")

    def test_the_store_of_the_service_manager_keeps_them_apart(self):
        manager = Manager("@udpecho-protocols-%d" % os.getpid())
        self.addCleanup(manager.close)
        with manager.start(*ALL, listen=()) as server:
            before = by_protocol(server)
            server.stop()
        self.assertEqual(len({name for name, _ in manager.store}), 3)
        with manager.start(*ALL, listen=()) as server:
            self.assertEqual(by_protocol(server), before)
            self.check_all(before)

    def test_sockets_of_the_service_manager_say_by_their_names(self):
        sockets = []
        for _ in range(3):
            sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self.addCleanup(sock.close)
            sock.bind(("127.0.0.1", 0))
            sockets.append(sock)
        with handed_over([sock.fileno() for sock in sockets],
                         names="stamp:udpechod.socket:echo-plus") as server:
            self.check_all(by_protocol(server))
            self.assertEqual([spoken(sock.getsockname()) for sock in sockets],
                             ["stamp", "echo", "echo-plus"])
            self.assertEqual(server.find("the sandbox refused a system call"), [])


class Loops(unittest.TestCase):
    """Two servers, or one that is two, and a packet that claims to come from the other."""

    def setUp(self):
        if namespaces.INSIDE not in os.environ:
            self.skipTest(namespaces.missing() or "only a program can move into its own namespace")

    def check_loop_ends(self, option):
        with harness.Server(f"--{option}=127.0.0.1:0", "--workers=1", listen=()) as one, \
                harness.Server(f"--{option}=127.0.0.1:0", "--workers=1", listen=()) as other:
            servers = one, other
            started = time.monotonic()
            forging.forge(one.address, other.address, PAYLOAD)
            harness.wait_until(lambda: any(server.find("not answered", reason="reply_loop")
                                           for server in servers))
            elapsed = time.monotonic() - started
            counters = [server.stop() for server in servers]
        received = sum(each["received"] for each in counters)
        print(f"{option}: dead after {received} datagrams, {elapsed:.3f} s")
        self.assertEqual(sum(each["dropped_reply_loop"] for each in counters), 1)
        self.assertEqual(sum(each["echoed"] for each in counters), received - 1)
        self.assertLess(received, 40)

    def test_forged_stamp_sessions(self):
        self.check_loop_ends("stamp")

    def test_forged_echo_plus_sessions(self):
        self.check_loop_ends("echo-plus")

    def test_between_listeners_of_one_server(self):
        with harness.Server("--stamp=127.0.0.1:0", "--stamp=127.0.0.1:0", listen=()) as server:
            forging.forge(server.addresses[0], server.addresses[1], PAYLOAD)
            harness.wait_until(lambda: harness.received(server) > 0)
            self.assertEqual(server.stop()["dropped_source_self"], 1)


class ForgedSessions(unittest.TestCase):
    """More forged sessions than the server can hold, and one genuine session."""

    SESSIONS = 100_000
    AT_A_TIME = 200  # between two packets of the honest one, which wait until these were received

    def setUp(self):
        if namespaces.INSIDE not in os.environ:
            self.skipTest(namespaces.missing() or "only a program can move into its own namespace")

    def test_they_take_no_memory_and_an_honest_one_keeps_its_count(self):
        with harness.Server("--stamp=127.0.0.1:0", "--stamp-sessions=stateful", "--workers=1",
                            "--rate-limit=off", listen=()) as server, \
                harness.client(server.address) as sock:
            has_sanitizer = "sanitizer" in server.find("confined")[0]["sandbox"]
            numbers = [harness.echo(sock, PAYLOAD)[:4] for _ in range(100)]
            before = server.status("VmRSS")
            for first in range(0, self.SESSIONS, self.AT_A_TIME):
                for number in range(first, first + self.AT_A_TIME):
                    source = f"127.1.{number >> 8 & 255}.{number & 255}", 1024 + (number >> 16)
                    forging.forge(source, server.address, PAYLOAD)
                numbers.append(harness.echo(sock, PAYLOAD)[:4])
            after = server.status("VmRSS")
            counters = server.stop()
        print(f"{counters['received']} packets; resident before {before}, after {after}")
        self.assertEqual(numbers, [struct.pack("!I", number) for number in range(len(numbers))])
        self.assertEqual(counters["received"], self.SESSIONS + len(numbers))
        grown = int(after.split()[0]) - int(before.split()[0])
        if not has_sanitizer:  # whose runtime remembers every datagram for itself
            self.assertLess(grown, 1024)  # KiB; the table was taken at the start


if __name__ == "__main__":
    namespaces.enter_own_loopback()
    harness.main()
