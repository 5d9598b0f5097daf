"""Where the server listens, and what it says when it cannot."""

import json
import os
import shutil
import socket
import tempfile
import unittest

import harness
import tracing

UNPRIVILEGED_PORT_START = "/proc/sys/net/ipv4/ip_unprivileged_port_start"


def listening(*listen, options=()):
    """What a server with these --listen options says that it listens on, one line for each."""
    with harness.Server(*options, listen=listen) as server:
        server.stop()
        return [line["address"] for line in server.find("listening")]


class Addresses(unittest.TestCase):
    def check_answers(self, server, addresses):
        for address in addresses:
            with self.subTest(address=address), harness.client(address) as sock:
                self.assertEqual(harness.echo(sock, b"hello"), b"hello")
        self.assertEqual(server.stop()["echoed"], len(addresses))

    def test_default_is_loopback_port_8888(self):
        # The one port that a test may not bind: it could be another's.
        self.assertIn("listen=localhost:8888\n", harness.run("--check-config").stdout)

    @harness.needs_ipv6
    def test_localhost_is_the_loopback_of_both_families(self):
        for name in "localhost:0", "LocalHost:0":
            with harness.Server(listen=[name]) as server:
                self.assertEqual([host for host, _ in server.addresses], ["127.0.0.1", "::1"])
                self.check_answers(server, server.addresses)

    def test_default_port_is_8888(self):
        self.assertIn("listen=127.0.0.1\n",
                      harness.run("--listen=127.0.0.1", "--check-config").stdout)

    def test_port_zero_becomes_a_real_one(self):
        with harness.Server() as server:
            self.assertGreater(server.address[1], 0)
            self.check_answers(server, [server.address])

    @harness.needs_ipv6
    def test_several_addresses(self):
        with harness.Server(listen=("127.0.0.1:0", "[::1]:0", "127.0.0.1:0")) as server:
            self.assertEqual([host for host, _ in server.addresses],
                             ["127.0.0.1", "::1", "127.0.0.1"])
            self.assertEqual(len({port for _, port in server.addresses}), 3)
            self.check_answers(server, server.addresses)

    @harness.needs_ipv6
    def test_ipv6_in_brackets(self):
        with harness.Server(listen=("[::1]:0",)) as server:
            self.assertEqual(server.address[0], "::1")
            self.check_answers(server, server.addresses)

    @harness.needs_ipv6
    def test_star_is_a_socket_for_each_family(self):
        with harness.Server(listen=("*:0",)) as server:
            (host4, port4), (host6, port6) = server.addresses
            self.assertEqual((host4, host6), ("0.0.0.0", "::"))
            self.check_answers(server, [("127.0.0.1", port4), ("::1", port6)])

    @harness.not_under_wine("WSASendMsg drops the address that a reply is to leave from")
    def test_wildcard_answers_from_every_address(self):
        with harness.Server(listen=("0.0.0.0:0",)) as server:
            port = server.address[1]
            self.check_answers(server, [("127.0.0.1", port), ("127.0.0.2", port)])

    @harness.needs_ipv6
    def test_ipv6_wildcard_leaves_ipv4_alone(self):
        with harness.Server(listen=("[::]:0",)) as server, \
                socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as neighbour:
            neighbour.bind(("0.0.0.0", server.address[1]))

    def test_host_name(self):
        with harness.Server(listen=("localhost:0",)) as server:
            self.assertIn("127.0.0.1", [host for host, _ in server.addresses])
            self.check_answers(server, server.addresses)

    @harness.needs_loopback_addresses
    def test_same_address_twice_is_one_listener(self):
        # The port is taken at 127.0.0.1, so that the kernel gives it to nobody else, and free at
        # 127.0.0.2.
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as holder:
            holder.bind(("127.0.0.1", 0))
            address = f"127.0.0.2:{holder.getsockname()[1]}"
            self.assertEqual(listening(address, address), [address])


class Refusals(unittest.TestCase):
    def check_refused(self, code, *options, address=None, **others):
        """The server ends with `code` and says why in one line, and nothing else."""
        done = harness.run("--log-format=json", *options, **others)
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertEqual(done.stdout, "")
        line, = [json.loads(text) for text in done.stderr.splitlines()]
        self.assertEqual((line["level"], line["message"]), ("error", "cannot listen"))
        if address is not None:
            self.assertEqual(line["address"], address)
        return line

    def test_port_in_use(self):
        for reuse in "workers", "processes", "off":
            with self.subTest(reuse=reuse), \
                    socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as owner:
                owner.bind(("127.0.0.1", 0))
                address = "127.0.0.1:%d" % owner.getsockname()[1]
                line = self.check_refused(69, f"--listen={address}", f"--reuse-port={reuse}",
                                          address=address)
                self.assertEqual(line["error"], "Address already in use")

    def test_port_in_use_by_a_wildcard(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as owner:
            owner.bind(("0.0.0.0", 0))
            address = "127.0.0.1:%d" % owner.getsockname()[1]
            self.check_refused(69, f"--listen={address}", address=address)

    @harness.not_under_wine("every IPv4 address can be bound")
    def test_address_of_another_host(self):
        self.check_refused(69, "--listen=192.0.2.1:0", address="192.0.2.1:0")

    @harness.needs_ipv6
    def test_ipv6_address_of_another_host(self):
        self.check_refused(69, "--listen=[2001:db8::1]:0", address="[2001:db8::1]:0")

    def test_broadcast_and_multicast_addresses(self):
        for address in "127.255.255.255:0", "255.255.255.255:0", "224.0.0.1:0":
            with self.subTest(address=address):
                line = self.check_refused(69, f"--listen={address}", address=address)
                self.assertIn("broadcast or multicast", line["hint"])

    def test_second_listener_fails(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as owner:
            owner.bind(("127.0.0.1", 0))
            address = "127.0.0.1:%d" % owner.getsockname()[1]
            self.check_refused(69, "--listen=127.0.0.1:0", f"--listen={address}", address=address)

    def test_unknown_name(self):
        line = self.check_refused(68, "--listen=no-such-host.invalid:0")
        self.assertEqual(line["listen"], "no-such-host.invalid:0")

    @harness.needs_ipv6
    def test_unknown_interface(self):
        line = self.check_refused(68, "--listen=[fe80::1%nosuch0]:0")
        self.assertIn("interface", line["hint"])

    @harness.posix_only("no port is reserved")
    def test_reserved_port_without_privilege(self):
        with open(UNPRIVILEGED_PORT_START) as file:
            if int(file.read()) <= 7:
                self.skipTest("this system lets everybody bind port 7")
        prefix = ()
        program = harness.UDPECHOD
        if os.geteuid() == 0:
            if shutil.which("setpriv") is None:
                self.skipTest("setpriv is not installed, and root may bind port 7")
            prefix = ("setpriv", "--reuid=65534", "--clear-groups", "--inh-caps=-all",
                      "--bounding-set=-all")
            # The user nobody could not start it in a directory that others may not search.
            directory = tempfile.TemporaryDirectory()
            self.addCleanup(directory.cleanup)
            os.chmod(directory.name, 0o755)
            program = shutil.copy(harness.UDPECHOD, directory.name)
        line = self.check_refused(77, "--listen=127.0.0.1:7", address="127.0.0.1:7",
                                  prefix=prefix, program=program)
        self.assertEqual(line["error"], "Permission denied")

    def test_bad_syntax(self):
        for value, right in (("::1", "[ADDRESS]:PORT"), ("8888", "*[:PORT]"),
                             ("[::1", "[ADDRESS]:PORT"), ("[::1]8888", ":PORT"),
                             ("[127.0.0.1]:7", "IPv6"), ("[fe80::1%]:7", "[fe80::1%eth0]:PORT"),
                             (":7", "*[:PORT]"), ("", "*[:PORT]"), ("127.0.0.1:", "0 to 65535"),
                             ("127.0.0.1:99999", "0 to 65535"), ("127.0.0.1:-1", "0 to 65535"),
                             ("127.0.0.1:echo", "0 to 65535")):
            with self.subTest(value=value):
                done = harness.run(f"--listen={value}")
                self.assertEqual((done.returncode, done.stdout), (64, ""))
                line, = done.stderr.splitlines()
                self.assertIn(f"--listen={value}: ", line)
                self.assertIn(right, line)


@tracing.needs_strace
@harness.needs_ipv6
class WithoutIPv6(unittest.TestCase):
    """A kernel that knows no IPv6 sockets."""

    def server(self, listen, **others):
        with tracing.TracedServer("socket", "--workers=1", listen=(listen,)) as server:
            server.stop()
            first = tracing.when(server.calls(), "AF_INET6")
        return tracing.TracedServer("socket", "--workers=1", listen=(listen,),
                                    inject=f"socket:error=EAFNOSUPPORT:when={first}", **others)

    def test_star_serves_ipv4_and_warns_once(self):
        with self.server("*:0") as server:
            with harness.client(("127.0.0.1", server.address[1])) as sock:
                self.assertEqual(harness.echo(sock, b"four"), b"four")
            server.stop()
            self.assertEqual([host for host, _ in server.addresses], ["0.0.0.0"])
            line, = [line for line in server.lines if line["level"] == "warning"]
            self.assertEqual((line["message"], line["address"]), ("address left out", "[::]:0"))
            self.assertTrue(server.calls("AF_INET6", "INJECTED"))

    def test_localhost_serves_ipv4_and_warns_once(self):
        with self.server("localhost:0") as server:
            self.assertEqual([host for host, _ in server.addresses], ["127.0.0.1"])
            line, = [line for line in server.lines if line["level"] == "warning"]
            self.assertEqual((line["message"], line["address"]), ("address left out", "[::1]:0"))

    def test_ipv6_address_is_refused(self):
        with self.server("[::1]:0", wait=False) as server:
            self.assertEqual(server.finish(), 69)
            line, = [line for line in server.lines if line["level"] == "error"]
            self.assertEqual(line["address"], "[::1]:0")
            self.assertTrue(server.calls("AF_INET6", "INJECTED"))


if __name__ == "__main__":
    harness.main()
