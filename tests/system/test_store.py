"""Sockets that the service manager keeps for the next process: systemd's file descriptor store. Here
the test is the manager."""

import os
import signal
import socket
import tempfile
import unittest

import harness
import tracing
from service_manager import Manager, handed_over

CLIENTS = 50


class Store(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.config = os.path.join(directory.name, "udpechod.conf")
        self.manager = Manager(os.path.join(directory.name, "notify"))
        self.addCleanup(self.manager.close)

    def write(self, *listen):
        with open(self.config, "w", encoding="utf-8") as file:
            file.writelines(f"listen={address}\n" for address in listen)

    def first(self, *options, listen=("127.0.0.1:0",)):
        """What a server leaves behind that ends: where it was bound."""
        with self.manager.start(*options, listen=listen) as server:
            addresses = server.addresses
            server.stop()
            self.manager.wait_for("STOPPING")
        return addresses

    def clients(self, address, count=CLIENTS):
        """Opens enough clients that each of several sockets receives from some of them."""
        clients = [harness.client(address) for _ in range(count)]
        for client in clients:
            self.addCleanup(client.close)
        return clients

    def check_echoes(self, clients, payload=b"hello"):
        for client in clients:
            client.send(payload)
        for client in clients:
            self.assertEqual(client.recv(100), payload)

    def check_free(self, address):
        """Checks that no socket is bound to the address."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.bind(address)


class Restart(Store):
    def check_nothing_is_lost(self, end):
        """Requests sent while no server runs are answered by the next one."""
        with self.manager.start("--workers=4") as server:
            address = server.address
            self.assertEqual(self.manager.stored(), [address] * 4)
            clients = self.clients(address)
            self.check_echoes(clients)
            end(server)
        for client in clients:
            client.send(b"meanwhile")
        with self.manager.start("--workers=4", listen=(f"{address[0]}:{address[1]}",)) as server:
            for client in clients:
                self.assertEqual(client.recv(100), b"meanwhile")
            self.assertEqual(server.wait_for("using listeners of the previous process")["count"], 1)
            self.assertEqual(server.find("listening")[0]["sharing"], "socket per worker")
            self.check_echoes(clients)
            self.assertEqual(self.manager.stored(), [address] * 4)
            self.assertEqual(server.stop()["echoed"], 2 * CLIENTS)

    def test_server_that_ends(self):
        def end(server):
            server.stop()
            self.manager.wait_for("STOPPING")
        self.check_nothing_is_lost(end)

    def test_server_that_is_killed(self):
        self.check_nothing_is_lost(harness.Server.kill)

    def test_port_that_the_kernel_chose_stays(self):
        address, = self.first()
        with self.manager.start() as server:
            self.assertEqual(server.address, address)
            server.stop()

    @harness.needs_ipv6
    def test_all_kinds_of_addresses(self):
        addresses = self.first(listen=("127.0.0.1:0", "*:0", "[::1]:0"))
        self.assertEqual(len(addresses), 4)
        with self.manager.start(listen=("127.0.0.1:0", "*:0", "[::1]:0")) as server:
            self.assertEqual(server.addresses, addresses)
            self.assertEqual(set(self.manager.stored()), set(addresses))
            server.stop()

    def test_one_that_is_bound_to_an_interface(self):
        listen = ("127.0.0.1%lo:0", "127.0.0.1:0")
        with self.manager.start("--workers=2", listen=listen) as server:
            addresses = [line["address"] for line in server.find("listening")]
            self.assertRegex(addresses[0], r"^127\.0\.0\.1%lo:")
            server.stop()
        with self.manager.start("--workers=2", listen=tuple(reversed(listen))) as server:
            self.assertEqual([line["address"] for line in server.find("listening")],
                             list(reversed(addresses)))
            self.assertEqual(server.wait_for("using listeners of the previous process")["count"], 2)
            server.stop()

    def check_workers(self, before, after):
        """Whatever there were and are of workers: no socket is left that nobody reads, also where a
        reload opens another listener beside."""
        self.write("127.0.0.1:0")
        config = f"--config={self.config}"
        address, = self.first(config, *before, listen=())
        clients = self.clients(address)
        with self.manager.start(config, *after, listen=()) as server:
            self.assertEqual(server.address, address)
            self.check_echoes(clients)
            self.write("127.0.0.1:0", "127.0.0.2:0")
            server.signal(signal.SIGHUP)
            self.manager.wait_for("RELOADING")
            self.manager.wait_for("READY")
            self.check_echoes(clients + self.clients(server.wait_for("listening", count=2) and
                                                     server.addresses[1]))
            self.assertEqual(set(self.manager.stored()), set(server.addresses))
            server.stop()

    def test_more_workers_than_sockets(self):
        self.check_workers(["--workers=1"], ["--workers=4"])
        self.check_workers(["--workers=2"], ["--workers=5"])

    def test_fewer_workers_than_sockets(self):
        self.check_workers(["--workers=4"], ["--workers=1"])
        self.check_workers(["--workers=5"], ["--workers=2"])

    def test_sockets_that_were_not_shared(self):
        self.check_workers(["--workers=4", "--reuse-port=off"], ["--workers=4"])

    def test_sockets_that_are_not_to_be_shared(self):
        self.check_workers(["--workers=4"], ["--workers=4", "--reuse-port=off"])

    def test_one_worker_for_more_sockets_than_there_may_be_listeners(self):
        listen = [f"127.0.0.{number}:0" for number in range(1, 6)]
        addresses = self.first("--workers=64", listen=listen)
        self.assertEqual(len(self.manager.store), 5 * 64)
        with self.manager.start("--workers=1", listen=listen) as server:
            for address in addresses:
                self.check_echoes(self.clients(address))
            server.stop()

    @tracing.needs_strace
    def test_sockets_of_threads_that_could_not_be_started(self):
        """The others answer what waits there, too."""
        with tracing.TracedServer("clone,clone3", "--workers=4") as server:
            server.stop()
            threads = len([call for call in server.calls("clone") if "resumed" not in call])
        address, = self.first("--workers=8")
        clients = self.clients(address)
        for client in clients:
            client.send(b"early")
        fail = f"inject=clone,clone3:error=EAGAIN:when={threads - 1}+"
        with self.manager.start("--workers=4", prefix=["strace", "-D", "-f", "-qq", "-o", "/dev/null",
                                                       "-e", "trace=clone,clone3", "-e", fail]) as server:
            server.wait_for("fewer workers than configured", started=2)
            os.kill(int(server.status("TracerPid")), signal.SIGKILL)  # it has the sockets too
            harness.wait_until(lambda: server.status("TracerPid") == "0")
            self.assertEqual(self.manager.stored(), [address] * 8)
            for client in clients:
                self.assertEqual(client.recv(100), b"early")
            self.check_echoes(clients)
            server.stop()


class GivenUp(Store):
    def test_by_a_reload(self):
        self.write("127.0.0.1:0", "127.0.0.2:0")
        with self.manager.start(f"--config={self.config}", listen=()) as server:
            kept, gone = server.addresses
            self.assertEqual(set(self.manager.stored()), {kept, gone})
            self.write("127.0.0.1:0", "127.0.0.3:0")
            server.signal(signal.SIGHUP)
            self.manager.wait_for("RELOADING")
            self.manager.wait_for("READY")
            new = server.wait_for("listening", count=3) and server.addresses[2]
            self.assertEqual(set(self.manager.stored()), {kept, new})
            self.check_free(gone)
            server.kill()
        clients = self.clients(kept) + self.clients(new)
        for client in clients:
            client.send(b"meanwhile")
        with self.manager.start(f"--config={self.config}", listen=()) as server:
            for client in clients:
                self.assertEqual(client.recv(100), b"meanwhile")
            server.stop()

    def test_by_a_reload_that_fails(self):
        """A socket that was opened in vain is not kept; a serving one is."""
        self.write("127.0.0.1:0")
        with self.manager.start(f"--config={self.config}", listen=()) as server:
            self.write("127.0.0.2:0", "224.0.0.1:0")
            server.signal(signal.SIGHUP)
            server.wait_for("reload failed, nothing changed", level="error")
            self.manager.wait_for("READY")
            self.assertEqual(set(self.manager.stored()), {server.address})
            server.stop()

    def test_by_the_next_start(self):
        kept, gone = self.first(listen=("127.0.0.1:0", "127.0.0.2:0"))
        with self.manager.start(listen=("127.0.0.3:0", f"{kept[0]}:{kept[1]}")) as server:
            self.assertEqual(server.addresses[1], kept)
            server.wait_for("no longer listening", address=f"{gone[0]}:{gone[1]}")
            self.assertEqual(set(self.manager.stored()), set(server.addresses))
            self.check_free(gone)
            for address in server.addresses:
                self.check_echoes(self.clients(address))
            server.stop()

    def test_for_a_wildcard_with_the_same_port(self):
        """It cannot be bound before the manager, which may be slow, has closed the other."""
        (_, port), = self.first()
        with self.manager.start(listen=(f"0.0.0.0:{port}",), wait=False) as server:
            server.wait_for("no longer listening")
            self.manager.wait_for("READY")
            self.assertEqual(set(self.manager.stored()), {("0.0.0.0", port)})
            self.check_echoes(self.clients(("127.0.0.1", port)))
            server.stop()

    def test_not_by_a_start_that_fails(self):
        """The next one may be right."""
        self.first("--workers=2")
        stored = self.manager.stored()
        with self.manager.start(listen=("127.0.0.1:0", "224.0.0.1:0"), wait=False) as server:
            self.assertNotEqual(server.finish(), 0)
        with self.manager.start() as server:
            self.assertEqual(self.manager.stored(), stored)
            server.stop()

    def test_for_sockets_of_a_socket_unit(self):
        """Sockets of a socket unit are not stored: the unit keeps them open."""
        gone, = self.first()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.bind(("127.0.0.1", 0))
            with self.manager.start(sockets=[sock]) as server:
                self.assertEqual(server.addresses, [sock.getsockname()])
                self.assertEqual(self.manager.store, [])
                self.check_free(gone)
                self.check_echoes(self.clients(server.address))
                server.stop()


class Names(Store):
    def bound(self):
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.addCleanup(sock.close)
        sock.bind(("127.0.0.1", 0))
        return sock

    def test_other_number_than_there_are_sockets(self):
        for names in "one", "one:two:three", "udpechod-stored-1-127.0.0.1":
            with handed_over([self.bound().fileno(), self.bound().fileno()], names=names,
                             wait=False) as server:
                self.assertEqual(server.finish(), 78)
                self.assertEqual(server.wait_for("cannot listen", level="error")["error"],
                                 f"LISTEN_FDNAMES={names}: expected as many names as LISTEN_FDS says "
                                 "there are sockets, 2")

    def test_address_that_is_another(self):
        """Such a socket could not be found in the store by its address later."""
        sock = self.bound()
        for name in "udpechod-stored-", "udpechod-stored-1-127.0.0.1", "udpechod-stored-" + "x" * 239:
            self.manager.store = [(name, os.dup(sock.fileno()))]
            with self.manager.start("--workers=1") as server:
                self.assertNotEqual(server.address, sock.getsockname())
                self.assertEqual(self.manager.stored(), [server.address])
                server.stop()
            self.manager.wait_for("STOPPING")
            self.manager.store = []

    def test_file(self):
        self.manager.store = [("udpechod-stored-1-127.0.0.1", os.open("/dev/null", os.O_RDONLY))]
        with self.manager.start("--workers=1") as server:
            self.assertEqual(self.manager.stored(), [server.address])
            server.stop()


if __name__ == "__main__":
    harness.main()
