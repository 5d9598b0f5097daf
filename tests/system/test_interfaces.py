"""Listeners and clients that are bound to a network interface, on a host with two uplinks.

The addresses are those of namespaces.py: the server's two uplinks are far0 and far1, and its way back
to 10.5.5.5 and fd05::5 is far1, if nothing else is said.
"""

import contextlib
import json
import os
import re
import signal
import socket
import tempfile
import unittest

import client_harness
import harness
import namespaces
from responder import Responder, echo
from service_manager import Manager

# A second, worse way back, by the other uplink.
ROUTES = """\
ip -n server route add 10.5.5.5 via 10.0.0.9 metric 1000
ip -n server route add fd05::5 via fd00::9 metric 2000
"""

FAR = ["10.5.5.5", "fd05::5"]
ANY = {"10.5.5.5": "10.0.0.1", "fd05::5": "fd00::1"}  # an address of the server, by near0
PROTOCOLS = {"10.5.5.5": 0x0800, "fd05::5": 0x86dd}


def setUpModule():
    namespaces.set_up()
    namespaces.do(ROUTES)


@contextlib.contextmanager
def wire(interface, source):
    """All packets of this family that come by this interface."""
    with socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM,
                       socket.htons(PROTOCOLS[source])) as link:
        link.bind((interface, PROTOCOLS[source]))
        yield link


def came_by(link, payload):
    """Whether such a datagram came in there. What is sent out is seen as well."""
    link.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        while True:
            packet, (_, _, kind, *_) = link.recvfrom(65536)
            if kind != socket.PACKET_OUTGOING and payload in packet:
                return True
    return False


def interface_of(descriptor):
    """The interface that a socket is bound to. The kernel says ENODEV if that is gone."""
    with socket.socket(fileno=os.dup(descriptor)) as sock:
        return sock.getsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, 16).rstrip(b"\0")


class Interfaces(unittest.TestCase):
    def server(self, *options, listen, **others):
        server = harness.Server(*options, listen=listen, prefix=namespaces.IN_SERVER, **others)
        self.addCleanup(server.kill)
        return server

    def ports(self, server):
        """{(wildcard, interface): port} of all that it listens on."""
        found = {}
        for line in server.find("listening"):
            host, interface, port = re.fullmatch(r"\[?(.*?)%(\w+)\]?:(\d+)",
                                                 line["address"]).groups()
            found[host, interface] = int(port)
        return found

    def reply(self, source, address, port, near="near0"):
        """What comes back to this source for a datagram that leaves by `near`; None for a refusal."""
        family = socket.AF_INET6 if ":" in source else socket.AF_INET
        with socket.socket(family, socket.SOCK_DGRAM) as sock:
            sock.settimeout(1)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, near.encode())
            sock.bind((source, 0))
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"")  # by any may it return
            sock.connect((address, port))
            for _ in range(int(harness.PATIENCE)):  # while a neighbour is looked for, a refusal is lost
                sock.send(b"by which way")
                try:
                    return sock.recv(100)
                except ConnectionRefusedError:
                    return None
                except TimeoutError:
                    pass
            raise TimeoutError


class Listeners(Interfaces):
    def check_ways(self, server):
        """Each listener answers what comes by its interface, by that interface, and nothing else."""
        ports = self.ports(server)
        for source in FAR:
            wildcard = "::" if ":" in source else "0.0.0.0"
            with self.subTest(source=source), wire("near0", source) as first, \
                    wire("near1", source) as second:
                port = ports[wildcard, "far0"]
                self.assertEqual(self.reply(source, ANY[source], port), b"by which way")
                self.assertTrue(came_by(first, b"by which way"))
                self.assertFalse(came_by(second, b"by which way"))
                # The same datagrams, by which the other uplink's listener is not reached.
                self.assertIsNone(self.reply(source, ANY[source], ports[wildcard, "far1"]))

    def test_every_address_by_one_uplink(self):
        server = self.server(listen=["*%far0:0", "*%far1:0"])
        self.check_ways(server)
        self.assertEqual(harness.accounted(server.stop()), 0)

    def test_without_replies_leave_by_the_routing_table(self):
        server = self.server(listen=["*:0"])
        ports = {host: port for host, port in server.addresses}
        for source, wildcard in zip(FAR, ("0.0.0.0", "::")):
            with self.subTest(source=source), wire("near1", source) as link:
                self.assertEqual(self.reply(source, ANY[source], ports[wildcard]), b"by which way")
                self.assertTrue(came_by(link, b"by which way"))

    def test_one_address(self):
        for listen, source in ("10.0.0.1%far0:0", FAR[0]), ("[fd00::1%far0]:0", FAR[1]):
            with self.subTest(listen=listen), wire("near0", source) as link:
                server = self.server("--workers=3", listen=[listen])
                (_, interface), port = self.ports(server).popitem()
                self.assertEqual(interface, "far0")
                self.assertEqual(self.reply(source, ANY[source], port), b"by which way")
                self.assertTrue(came_by(link, b"by which way"))

    def test_both_uplinks_have_the_same_port(self):
        with tempfile.TemporaryDirectory() as directory:
            control = f"--control={directory}/control"
            server = self.server(control, listen=["*%far0:4109", "*%far1:4109"])
            told = json.loads(harness.run("--status", "--json", control).stdout)["listening"]
        self.assertEqual(set(self.ports(server)), {(host, f"far{number}") for number in (0, 1)
                                                   for host in ("0.0.0.0", "::")})
        self.assertEqual(told, [line["address"] for line in server.find("listening")])

    def test_no_such_interface(self):
        for listen in "*%nosuch0:0", "[fd00::1%nosuch0]:0":
            done = harness.run(f"--listen={listen}", prefix=namespaces.IN_SERVER)
            self.assertEqual(done.returncode, 68)
            self.assertIn("No such device", done.stderr)
            self.assertIn("must be an interface of this host", done.stderr)

    def test_one_with_and_one_without_on_a_port(self):
        done = harness.run("--listen=*%far0:4110", "--listen=*:4110", prefix=namespaces.IN_SERVER)
        self.assertEqual(done.returncode, 69)
        self.assertIn("another socket has this port", done.stderr)


class Reload(Interfaces):
    def test_one_is_added_and_taken_away_in_the_sandbox(self):
        with tempfile.NamedTemporaryFile("w") as file:
            os.chmod(file.name, 0o644)  # for nobody

            def write(*listen):
                file.seek(0)
                file.truncate()
                file.write("".join(f"listen={address}\n" for address in listen))
                file.flush()

            write("*%far1:0")
            server = self.server(f"--config={file.name}", "--user=nobody", listen=[])
            write("*%far1:0", "*%far0:0")
            server.signal(signal.SIGHUP)
            server.wait_for("listening", 4)
            Listeners.check_ways(self, server)
            write("*%far0:0")
            server.signal(signal.SIGHUP)
            gone = {server.wait_for("no longer listening", count)["address"].split(":")[0]
                    for count in (1, 2)}
            self.assertEqual(gone, {"0.0.0.0%far1", "["})
            write("*%far0:0", "*%nosuch0:0")
            server.signal(signal.SIGHUP)
            server.wait_for("reload failed, nothing changed")
            self.assertIsNotNone(self.reply(FAR[0], ANY[FAR[0]],
                                            self.ports(server)["0.0.0.0", "far0"]))


class Replaced(Interfaces):
    """An interface goes, as those of hot-plugged hardware, tunnels and containers do, and one of the
    same name comes. The kernel leaves a socket bound to the one that went."""

    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = directory.name
        self.add_link()
        self.addCleanup(self.remove_link)

    def add_link(self):
        namespaces.do("ip link add near7 type veth peer name far7 netns server")
        namespaces.configure("near7 10.7.0.9/24 fd07::9/64 fe80::79/64", ())
        namespaces.configure("far7 10.7.0.1/24 fd07::1/64 fe80::7/64", namespaces.IN_SERVER)
        namespaces.wait_for_link("near7", ())
        namespaces.wait_for_link("far7", namespaces.IN_SERVER)

    def remove_link(self):
        namespaces.do("ip link del near7")

    def replace_link(self):
        self.remove_link()
        self.add_link()

    def configure(self, *listen):
        with open(f"{self.directory}/conf", "w", encoding="utf-8") as file:
            file.writelines(f"listen={address}\n" for address in listen)

    def serve(self, *listen, options=()):
        self.configure(*listen)
        return self.server(f"--config={self.directory}/conf", *options, listen=[])

    def managed(self, manager):
        server = manager.start(f"--config={self.directory}/conf", listen=[],
                               prefix=namespaces.IN_SERVER, wait=False)
        self.addCleanup(server.kill)
        manager.wait_for("READY")
        return server

    def reload(self, server, count=1):
        server.signal(signal.SIGHUP)
        server.wait_for("reloaded", count)

    def answer(self, *address):
        with harness.client(address) as sock:
            try:
                return harness.echo(sock, b"hello")
            except ConnectionRefusedError:
                return None

    def check_answers(self, port4, port6=None, answer=b"hello"):
        self.assertEqual(self.answer("10.7.0.1", port4), answer)
        self.assertEqual(self.answer("fd07::1", port6 or port4), answer)

    def check_opened_anew(self, server, addresses):
        for message in ("listener opened again, its interface was replaced", "no longer listening"):
            server.wait_for(message, len(addresses))
            self.assertEqual({line["address"] for line in server.find(message)}, addresses)

    def test_reload(self):
        """Also in the sandbox. The port that the kernel chose stays."""
        server = self.serve("*%far7:0", "*%far0:0")
        ports = self.ports(server)
        port4, port6 = ports["0.0.0.0", "far7"], ports["::", "far7"]
        self.check_answers(port4, port6)
        self.replace_link()
        self.check_answers(port4, port6, None)
        self.reload(server)
        self.check_opened_anew(server, {f"0.0.0.0%far7:{port4}", f"[::%far7]:{port6}"})
        self.assertEqual(self.ports(server), ports)
        self.check_answers(port4, port6)
        self.reload(server, 2)
        self.assertEqual(len(server.find("no longer listening")), 2)
        self.assertEqual(harness.accounted(server.stop()), 0)

    def test_reload_while_it_is_gone(self):
        """All else comes into force."""
        server = self.serve("*%far7:4113")
        self.remove_link()
        self.reload(server)
        lost = server.find("listener receives nothing, its interface is gone", level="warning")
        self.assertEqual([line["error"] for line in lost], ["No such device"] * 2)
        self.add_link()
        self.reload(server, 2)
        self.check_answers(4113)

    def test_link_local_address(self):
        server = self.serve("[fe80::7%far7]:0", options=["--sandbox=off"])
        self.replace_link()
        self.reload(server)
        server.wait_for("no longer listening")
        line = server.find("listening")[-1]
        port = int(line["address"].rsplit(":", 1)[1])
        self.assertEqual(self.answer("fe80::7", port, 0, socket.if_nametoindex("near7")), b"hello")

    def test_takeover(self):
        takeover = f"--takeover={self.directory}/takeover"
        first = self.serve("*%far7:4111", options=[takeover])
        self.replace_link()
        second = self.serve("*%far7:4111", options=[takeover])
        self.assertEqual(len(second.find("socket left out", error="No such device")), 2)
        self.check_answers(4111)
        self.assertEqual(first.finish(), 0)

    def test_store_of_a_service_manager(self):
        """What it keeps is opened anew by a reload, and closed by the next process."""
        manager = Manager(f"{self.directory}/notify")
        self.addCleanup(manager.close)
        self.configure("*%far7:4112")
        server = self.managed(manager)
        self.replace_link()
        server.signal(signal.SIGHUP)
        manager.wait_for("RELOADING")
        manager.wait_for("READY")
        self.assertEqual({interface_of(descriptor) for _, descriptor in manager.store}, {b"far7"})
        server.stop()
        manager.wait_for("STOPPING")
        self.replace_link()
        self.configure("*:4112")
        with self.managed(manager) as server:
            self.assertEqual(server.find("using listeners of the previous process"), [])
            self.check_answers(4112)
            self.assertEqual({interface_of(descriptor) for _, descriptor in manager.store}, {b""})


class Inherited(Interfaces):
    def test_by_a_successor(self):
        with tempfile.TemporaryDirectory() as directory:
            takeover = f"--takeover={directory}/takeover"
            first = self.server(takeover, listen=["*%far0:0", "*%far1:0"])
            second = self.server(takeover, listen=["*%far1:0", "*%far0:0"])
            self.assertEqual(first.finish(), 0)
            self.assertEqual(self.ports(second), self.ports(first))
            Listeners.check_ways(self, second)

    def test_by_a_service_manager(self):
        """BindToDevice= of systemd.socket(5)."""
        opener = ("import os, socket, sys; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM);"
                  "s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b'far0');"
                  "s.bind(('0.0.0.0', 0)); os.dup2(s.fileno(), 3); os.set_inheritable(3, True);"
                  "os.environ.update(LISTEN_FDS='1', LISTEN_PID=str(os.getpid()));"
                  "os.execvp(sys.argv[1], sys.argv[1:])")
        server = harness.Server(listen=[], prefix=(*namespaces.IN_SERVER, "python3", "-c", opener))
        self.addCleanup(server.kill)
        with wire("near0", FAR[0]) as link:
            port = self.ports(server)["0.0.0.0", "far0"]
            self.assertEqual(self.reply(FAR[0], ANY[FAR[0]], port), b"by which way")
            self.assertTrue(came_by(link, b"by which way"))


class Client(Interfaces):
    def ask(self, *arguments):
        return client_harness.ask("--count=2", "--interval=200ms", "--timeout=300ms", *arguments,
                                  prefix=namespaces.IN_SERVER)

    def test_it_asks_by_its_interface(self):
        for peer, sources in zip(FAR, (("10.0.0.", "10.1.0."), ("fd00::", "fd01::"))):
            with Responder(echo, host=peer) as server:
                host, port = peer, server.port
                for number, network in enumerate(sources):
                    bare = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
                    behind = (f"[{host}%far{number}]:{port}" if ":" in host
                              else f"{host}%far{number}:{port}")
                    for arguments in ([f"--interface=far{number}", bare], [behind]):
                        with self.subTest(arguments=arguments):
                            report = self.ask(*arguments)
                            self.assertEqual((report.code, report.summary["received"]), (0, 2),
                                             report.text + report.errors)
                            self.assertEqual(server.requests[-1].source[0][:len(network)], network)

    def test_each_target_may_have_its_interface(self):
        with Responder(echo, host=FAR[0]) as server:
            targets = [f"{FAR[0]}%far{number}:{server.port}" for number in (0, 1)]
            report = self.ask(*targets)
            self.assertEqual(report.code, 0, report.text + report.errors)
            self.assertEqual({s["target"]: s["received"]
                              for s in report.of("summary", interim=False)},
                             dict.fromkeys(targets, 2))
            networks = [request.source[0].rpartition(".")[0] for request in server.requests]
            self.assertEqual(sorted(networks), ["10.0.0", "10.0.0", "10.1.0", "10.1.0"])

    def test_an_interface_that_does_not_exist_yet(self):
        with Responder(echo, host=FAR[0]) as server:
            for missing in "10.0.0.9%nosuch0", "fe80::1%nosuch0":
                report = self.ask(f"{FAR[0]}%far0:{server.port}", missing)
                self.assertEqual((report.code, report.errors), (1, ""))
                self.assertEqual([record["target"] for record in report.of("lookup")], [missing])
                self.assertEqual(report.summary["received"], 2)

    def check_refused(self, words, *arguments):
        done = client_harness.run("--count=1", *arguments, prefix=namespaces.IN_SERVER)
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        self.assertIn(words, done.stderr)

    def test_what_cannot_be(self):
        self.check_refused("cannot use --interface=nosuch0: No such device", "--interface=nosuch0",
                           "10.0.0.9")
        self.check_refused("cannot use --interface=nosuch0: No such device", "10.0.0.9%nosuch0")
        self.check_refused("10.0.0.9%nosuch0: cannot use --interface=nosuch0: No such device",
                           "10.0.0.9%nosuch0", "10.0.0.9%nosuch1")
        self.check_refused("expected one of them, not both", "--interface=far0", "10.0.0.9%far1")
        self.check_refused("expected the name of a network interface", "--interface=" + 16 * "x",
                           "10.0.0.9")
        self.check_refused("interfaces go to --interface", "--source=10.0.0.1%far0", "10.0.0.9")


if __name__ == "__main__":
    namespaces.enter()
    harness.main()
