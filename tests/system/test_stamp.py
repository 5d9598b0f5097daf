"""A STAMP reflector over the network: what it answers, octet by octet, and what it does not."""

import contextlib
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import unittest

import harness
import vectors
from service_manager import handed_over

IP_RECVTTL, SO_TIMESTAMPNS, SO_TIMESTAMPING = 12, 35, 37  # of Linux
TX_SOFTWARE = 1 << 1 | 1 << 4  # and told: SOF_TIMESTAMPING_SOFTWARE

WITHOUT = shutil.which("without", path=os.environ["UDPECHO_TOOLS"])

# A request that every reflector answers, and the same authenticated by KEY.
GOOD = bytes.fromhex("00000001" "ed00378040000000" "8a01") + bytes(30)
KEY = bytes(range(32))


def authenticated(sequence=1, ssid=0, key=KEY):
    body = struct.pack("!I12xQHH", sequence, 0xed00378040000000, 0x8a01, ssid) + bytes(68)
    return body + vectors.code(key, body)


def request(sequence, ssid=0):
    return struct.pack("!IQHH", sequence, 0xed00378040000000, 0x8a01, ssid) + bytes(28)


def sequence_of(reply):
    return int.from_bytes(reply[:4], "big")


def has_authentication():
    done = harness.run("--stamp=127.0.0.1:0", "--stamp-key-file=/nonexistent", "--check-config")
    return "libsodium" not in done.stderr


needs_authentication = unittest.skipUnless(has_authentication(), "built without libsodium")


class Stamp(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def file(self, content, name="file", mode=0o600):
        path = os.path.join(self.folder.name, name)
        with open(path, "w") as file:
            file.write(content)
        os.chmod(path, mode)
        return path

    def reflector(self, *options, listen=("127.0.0.1:0",), **keywords):
        return harness.Server(*(f"--stamp={address}" for address in listen), *options, listen=(),
                              **keywords)


class Vectors(Stamp):
    """Each packet is sent, and the reply compared in all that is known beforehand."""

    def options_of(self, name, vector):
        """What the reflector of a vector is told, as a tuple, so that some share one."""
        authenticates = name.startswith("stamp-a")
        options = [f"--stamp-sessions={vector.get('mode', 'stateless')}",
                   f"--stamp-mode={'authenticated' if authenticates else 'unauthenticated'}",
                   f"--stamp-tlv={vector.get('tlv', 'on')}",
                   f"--stamp-clock={vector.get('clock', 'ntp')}",
                   f"--stamp-strict={'on' if vector.get('strict') == 'yes' else 'off'}"]
        if vector.get("short") == "drop":
            options.append("--stamp-short-requests=refuse")
        if vector.get("dscp_permitted") != "no" and vector.get("dscp_reply", vector.get("dscp_request")) != vector.get("dscp_request"):
            options.append(f"--stamp-dscp={vector['dscp_reply']}")
        if "key" in vector:
            options.append(f"--stamp-key-file={self.file(vector['key'].hex() + chr(10), 'key')}")
        return tuple(options)

    def check(self, name, vector, address):
        layout = vectors.AUTHENTICATED if name.startswith("stamp-a") else vectors.PLAIN
        good = authenticated() if layout is vectors.AUTHENTICATED else GOOD
        ttl = int(vector["ttl"]) if vector["ttl"].isdigit() else 64
        with harness.client(address) as sock:
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, ttl)
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_RECVTOS, 1)
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_TOS,
                            int(vector.get("dscp_request", 0)) << 2
                            | int(vector.get("ecn_request", 0)))
            for _ in range(int(vector.get("reflector_sequence", 0))):
                harness.echo(sock, vector["request"])
            sock.send(vector["request"])
            if vector["reply"] is None:
                sock.send(good)
                self.assertEqual(sequence_of(sock.recv(1000)), 1)
                return
            reply, ancillary, _, _ = sock.recvmsg(2000, 100)
            expected, reply_masked = bytearray(vectors.masked(vector["reply"], layout)), \
                bytearray(vectors.masked(reply, layout))
            if not vector["ttl"].isdigit():
                expected[layout.ttl] = reply_masked[layout.ttl] = 0
            if "src" in vector:
                self.check_location(reply, sock)
                del expected[layout.length:], reply_masked[layout.length:]
            self.assertEqual(reply_masked.hex(), expected.hex())
            self.check_times(reply, layout, vector.get("clock", "ntp"))
            if "key" in vector:
                self.assertTrue(vectors.codes_are_right(reply, layout, vector["key"]))
            if "dscp_reply" in vector:
                dscps = [data[0] >> 2 for _, kind, data in ancillary if kind == socket.IP_TOS]
                self.assertEqual(dscps, [int(vector["dscp_reply"])])

    def check_times(self, reply, layout, clock):
        """T2 is not after T3, and both are now."""
        epoch, unit = (2208988800, 1 << 32) if clock == "ntp" else (0, 10 ** 9)
        times = []
        for at in layout.t2, layout.t3:
            seconds, fraction = struct.unpack("!II", reply[at:at + 8])
            times.append(seconds - epoch + fraction / unit)
        self.assertLessEqual(*times)
        self.assertLess(abs(time.time() - times[0]), 60)
        estimate, = struct.unpack("!H", reply[layout.estimate:layout.estimate + 2])
        self.assertEqual(estimate >> 14 & 1, clock == "ptp")
        self.assertNotEqual(estimate & 0xff, 0)

    def check_location(self, reply, sock):
        """RFC 8972 section 4.2: ports and addresses as the request arrived with them."""
        (_, kind, value), = vectors.tlvs(reply, vectors.PLAIN)
        own, peer = sock.getsockname(), sock.getpeername()
        self.assertEqual((kind, value[:4]), (2, struct.pack("!HH", peer[1], own[1])))
        self.assertEqual(value[4:].hex(),
                         (b"\0\3\0\x08" + bytes(8) + b"\0\5\0\x10" + socket.inet_aton(peer[0])
                          + bytes(12) + b"\0\x08\0\x10" + socket.inet_aton(own[0])
                          + bytes(12)).hex())

    def check_all(self, pattern):
        by_options = {}
        for name, vector in vectors.load(pattern).items():
            by_options.setdefault(self.options_of(name, vector), {})[name] = vector
        self.assertNotEqual(by_options, {})
        for options, group in by_options.items():
            with self.reflector(*options) as server:
                for name, vector in group.items():
                    with self.subTest(name):
                        self.check(name, vector, server.address)
                self.assertEqual(harness.accounted(server.stop()), 0)

    def test_unauthenticated(self):
        self.check_all("stamp-u*")

    @needs_authentication
    def test_authenticated(self):
        self.check_all("stamp-a*")

    @needs_authentication
    def test_tlvs(self):
        self.check_all("stamp-t*")


class Wire(Stamp):
    def test_debug_lines_show_the_request_and_the_reply(self):
        with self.reflector("--log-level=debug", "--log-payload=1024") as server, \
                harness.client(server.address) as sock:
            reply = harness.echo(sock, GOOD[:14])
            sock.send(GOOD[:13])
            dropped = server.wait_for("dropped", reason="stamp_length")
            lines = server.find("received") + server.find("reply") + [dropped]
        self.assertEqual([line["length"] for line in lines], [14, 13, 44, 13])
        self.assertEqual([line["payload"].encode("latin-1") for line in lines],
                         [GOOD[:14], GOOD[:13], reply, GOOD[:13]])

    def test_replies_leave_with_the_greatest_ttl_and_the_dscp_of_their_requests(self):
        for listen, level, options in (
                ("127.0.0.1:0", socket.IPPROTO_IP, (IP_RECVTTL, socket.IP_RECVTOS,
                                                    socket.IP_TOS)),
                ("[::1]:0", socket.IPPROTO_IPV6, (socket.IPV6_RECVHOPLIMIT, socket.IPV6_RECVTCLASS,
                                                  socket.IPV6_TCLASS))):
            with self.subTest(listen), self.reflector(listen=(listen,)) as server, \
                    harness.client(server.address) as sock:
                sock.setsockopt(level, options[0], 1)
                sock.setsockopt(level, options[1], 1)
                sock.setsockopt(level, options[2], 46 << 2 | 1)
                sock.send(GOOD)
                _, ancillary, _, _ = sock.recvmsg(1000, 200)
                # The lowest octet, whether it is a byte or an int.
                values = sorted(int.from_bytes(data, sys.byteorder) for _, _, data in ancillary)
                self.assertEqual(values, [46 << 2, 255])

    def test_every_source_port_but_0_is_served(self):
        with self.reflector("--deny-source-ports=below-1024") as server:
            try:
                sock = harness.client(server.address, bind=("127.0.0.1", 862))
            except OSError:
                self.skipTest("only root may open ports below 1024")
            with sock:
                self.assertEqual(sequence_of(harness.echo(sock, GOOD)), 1)

    def test_malformed_packets_are_counted_by_reason(self):
        with self.reflector("--stamp-short-requests=refuse", "--stamp-strict=on") as server, \
                harness.client(server.address) as sock:
            sock.send(bytes(13))
            sock.send(request(1)[:43])
            sock.send(request(1)[:12] + bytes(32))
            self.assertEqual(sequence_of(harness.echo(sock, GOOD)), 1)
            counters = server.stop()
        self.assertEqual([counters.get(f"dropped_{reason}") for reason in
                          ("stamp_length", "stamp_short", "stamp_error_estimate")], [1, 1, 1])
        self.assertEqual(harness.accounted(counters), 0)

    def test_sessions_count_by_themselves(self):
        with self.reflector("--stamp-sessions=stateful") as server, \
                harness.client(server.address) as one, harness.client(server.address) as other:
            for expected in range(3):
                self.assertEqual(sequence_of(harness.echo(one, request(100))), expected)
            self.assertEqual(sequence_of(harness.echo(other, request(100))), 0)
            self.assertEqual(sequence_of(harness.echo(one, request(100, ssid=7))), 0)
            self.assertEqual(sequence_of(harness.echo(one, request(100))), 3)


def follow_up_request(sequence):
    return request(sequence) + bytes([0x80, vectors.FOLLOW_UP, 0, 16]) + bytes(16)


class Offset(Stamp):
    def test_times_of_ptp_may_be_of_tai(self):
        for clock, epoch, ahead in ("ptp", 0, 37), ("ntp", 2208988800, 0):
            with self.reflector(f"--stamp-clock={clock}", "--stamp-ptp-offset=37s") as server, \
                    harness.client(server.address) as sock:
                before = time.time()
                reply = harness.echo(sock, GOOD)
                after = time.time()
            for at in vectors.PLAIN.t2, vectors.PLAIN.t3:
                seconds, = struct.unpack("!I", reply[at:at + 4])
                self.assertLessEqual(int(before), seconds - epoch - ahead)
                self.assertLessEqual(seconds - epoch - ahead, int(after))


class FollowUp(Stamp):
    """When the reply before left, in nanoseconds since 1970 by --stamp-clock=ptp."""

    def ask(self, sock, sequence):
        """The reply's number and T3, what it tells of the reply before (number, time, method), and
        when it came."""
        sock.send(follow_up_request(sequence))
        reply, ancillary, _, _ = sock.recvmsg(1000, 100)
        came, = [seconds * 10**9 + ns for _, kind, data in ancillary if kind == SO_TIMESTAMPNS
                 for seconds, ns in [struct.unpack("@qq", data)]]
        number, seconds, ns = struct.unpack("!3I", reply[:12])
        before, left_seconds, left_ns, method = struct.unpack("!3IB3x", reply[48:])
        return number, seconds * 10**9 + ns, (before, left_seconds * 10**9 + left_ns, method), came

    @harness.needs_feature("departure time")
    def test_it_is_when_the_kernel_let_the_reply_go(self):
        for address in "127.0.0.1:0", "[::1]:0", "0.0.0.0:0", "[::]:0":
            with self.subTest(address), self.reflector(
                    "--stamp-sessions=stateful", "--stamp-clock=ptp",
                    listen=(address,)) as server, harness.client(server.address) as sock:
                sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
                number, sent, follow_up, came = self.ask(sock, 100)
                self.assertEqual((number, follow_up), (0, (0, 0, 0)))
                for expected in range(1, 50):
                    last_sent, last_came = sent, came
                    number, sent, follow_up, came = self.ask(sock, 100)
                    self.assertEqual((number, follow_up[0], follow_up[2]),
                                     (expected, expected - 1, 2))
                    self.assertLess(last_sent, follow_up[1])
                    self.assertLessEqual(follow_up[1], last_came)
                self.assertEqual(server.find("the sandbox refused a system call"), [])

    @unittest.skipUnless(WITHOUT, "the tool that removes features was not built")
    def test_else_it_is_when_the_reply_was_sent(self):
        with self.reflector("--stamp-sessions=stateful", "--stamp-clock=ptp",
                            prefix=[WITHOUT, "SO_TIMESTAMPING", "--"]) as server, \
                harness.client(server.address) as sock:
            sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
            _, sent, _, _ = self.ask(sock, 100)
            self.assertEqual(self.ask(sock, 100)[2], (0, sent, 2))

    @unittest.skipUnless(WITHOUT, "the tool that removes features was not built")
    def test_what_the_kernel_tells_of_replies_is_read_without_recvmmsg(self):
        with self.reflector("--stamp-sessions=stateful", prefix=[WITHOUT, "recvmmsg", "--"]) as server, \
                harness.client(server.address) as sock:
            self.check_quiet(server, sock, follow_up_request(100))

    @unittest.skipUnless(WITHOUT, "the tool that removes features was not built")
    def test_what_it_tells_another_process_is_read_without_the_feature(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as bound, \
                socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sink:
            for sock in bound, sink:
                sock.bind(("127.0.0.1", 0))
            bound.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPING, TX_SOFTWARE)
            for _ in range(40):
                bound.sendto(b"", sink.getsockname())
            with handed_over([bound.fileno()], listen=(),
                             prefix=[WITHOUT, "SO_TIMESTAMPING", "--"]) as server, \
                    harness.client(bound.getsockname()) as sock:
                self.check_quiet(server, sock, b"as ever")

    def check_quiet(self, server, sock, payload):
        """A note that is not read has every wait end at once: the worker never rests, or pauses
        for an error."""
        for _ in range(10):
            self.assertEqual(len(harness.echo(sock, payload)), len(payload))
        before = server.processor_seconds()
        time.sleep(0.5)
        self.assertLess(server.processor_seconds() - before, 0.1)
        counters = server.stop()
        self.assertEqual((counters["receive_errors"], counters["health"]), (0, "ok"))


@needs_authentication
class Keys(Stamp):
    def ask(self, server, packet):
        """The reply, or None where a packet of everybody's key comes back first."""
        with harness.client(server.address) as sock:
            sock.send(packet)
            sock.send(authenticated(sequence=99))
            reply = sock.recv(1000)
        return None if sequence_of(reply) == 99 else reply

    def test_the_key_is_that_of_the_ssid_the_network_or_everybody(self):
        by_ssid, by_network = b"s" * 8, b"n" * 100
        path = self.file(f"{KEY.hex()}\nssid=7 {by_ssid.hex()}\n127.0.0.2/32 {by_network.hex()}\n")
        with self.reflector(f"--stamp-key-file={path}") as server:
            self.assertIsNotNone(self.ask(server, authenticated()))
            reply = self.ask(server, authenticated(ssid=7, key=by_ssid))
            self.assertTrue(vectors.codes_are_right(reply, vectors.AUTHENTICATED, by_ssid))
            self.assertIsNone(self.ask(server, authenticated(ssid=7)))
            with harness.client(server.address, bind=("127.0.0.2", 0)) as sock:
                sock.send(authenticated())
                reply = harness.echo(sock, authenticated(key=by_network))
                self.assertTrue(vectors.codes_are_right(reply, vectors.AUTHENTICATED, by_network))
            counters = server.stop()
        self.assertEqual(counters["dropped_stamp_hmac"], 2)

    def test_a_reload_reads_the_keys_again(self):
        path = self.file(KEY.hex())
        config = self.file(f"stamp=127.0.0.1:0\nstamp-key-file={path}\n", "config")
        with harness.Server(f"--config={config}", listen=()) as server:
            self.assertIsNotNone(self.ask(server, authenticated()))
            self.file("aa")
            server.signal(signal.SIGHUP)
            server.wait_for("reloaded")
            with harness.client(server.address) as sock:
                sock.send(authenticated())
                self.assertIsNotNone(harness.echo(sock, authenticated(key=b"\xaa")))

    def test_a_bad_file_is_told_and_changes_nothing(self):
        path = self.file(KEY.hex())
        with self.reflector(f"--stamp-key-file={path}", "--sandbox=auto") as server:
            for count, (content, mode, error) in enumerate((
                    ("aa\nzz\n", 0o600, f"{path}:2: expected a key of pairs of hexadecimal digits"),
                    ("", 0o600, f"{path}: expected a key"),
                    ("aa", 0o644, f"{path}: not safe to use: ")), 1):
                self.file(content, mode=mode)
                server.signal(signal.SIGHUP)
                line = server.wait_for("reload failed, nothing changed", count=count)
                self.assertIn(error, line["error"])
                self.assertNotIn(KEY.hex(), server.log())
            self.assertIsNotNone(self.ask(server, authenticated()))
            self.assertEqual(server.find("the sandbox refused a system call"), [])

    def test_a_bad_file_keeps_it_from_starting(self):
        path = self.file("aa", mode=0o644)
        done = harness.run("--stamp=127.0.0.1:0", f"--stamp-key-file={path}", "--check-config")
        self.assertEqual(done.returncode, 78)
        self.assertIn(f"--stamp-key-file={path}: not safe to use", done.stderr)
        done = harness.run("--stamp=127.0.0.1:0", "--stamp-mode=authenticated")
        self.assertEqual(done.returncode, 64)
        self.assertIn("--stamp-mode=authenticated goes with --stamp-key-file", done.stderr)


if __name__ == "__main__":
    harness.main()
