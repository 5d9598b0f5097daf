"""udpecho asks many targets at a time, which come and go, die and come back, and change their
addresses: what each run tells of each of them is what the servers have received."""

import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import unittest

import client_harness
import harness
import namespaces
from client_harness import Client, ask, check_sums
from responder import Responder, bound_socket, echo, silence

# The timeout is long enough for a machine that is busy.
QUICK = ("--interval=200ms", "--timeout=2s")


class Targets(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.TemporaryDirectory(prefix="udpecho-")
        self.addCleanup(self.directory.cleanup)
        self.file = pathlib.Path(self.directory.name, "targets")

    def server(self, answer=echo, host="127.0.0.1", port=0):
        server = Responder(answer, host=host, port=port)
        self.addCleanup(server.__exit__)
        return server

    def write(self, *targets):
        """Replaces the whole file, like an editor."""
        fresh = self.file.with_suffix(".new")
        fresh.write_text("".join(f"{target}\n" for target in targets), encoding="utf-8")
        fresh.replace(self.file)

    def start(self, *arguments):
        client = Client(*QUICK, *arguments)
        self.addCleanup(client.__exit__)
        return client

    @staticmethod
    def wait_for(client, kind, target, count=1):
        """Waits for so many records of this type about this target."""
        def seen():
            text = client._text(client.json_file)
            return sum(f'"record":"{kind}"' in line and f'"target":"{target}"' in line
                       for line in text.splitlines()) >= count
        harness.wait_until(seen)
        if not seen():
            raise AssertionError(f"no {kind} of {target}")

    def check_received(self, server, sent):
        """It may still have to read the last of what a run sent that was interrupted."""
        harness.wait_until(lambda: len(server.requests) >= sent)
        self.assertEqual(len(server.requests), sent)

    def check_counts(self, report, servers):
        """Each server has received what the summaries of its target say was sent to it, and the
        total is the sum of them."""
        check_sums(self, report)
        summaries = report.of("summary", interim=False)
        for server in servers:
            self.check_received(server, sum(summary["sent"] for summary in summaries
                                            if summary["target"] == server.address()))
        total, = report.of("total", interim=False)
        for name in "sent", "received", "lost":
            self.assertEqual(total[name], sum(s[name] for s in summaries), name)
        self.assertEqual(total["sent"], sum(len(server.requests) for server in servers))
        self.assertEqual(total, report.records[-1])


class Operands(Targets):
    def test_each_is_asked_as_often(self):
        servers = [self.server(), self.server(), self.server()]
        report = ask("-c", 4, *QUICK, *(server.address() for server in servers))
        self.assertEqual((report.code, report.errors), (0, ""))
        self.check_counts(report, servers)
        self.assertEqual([len(server.requests) for server in servers], [4, 4, 4])
        self.assertEqual(len(report.of("start")), 3)

    def test_a_target_named_twice_is_asked_once(self):
        server, other = self.server(), self.server()
        report = ask("-c", 2, *QUICK, server.address(), other.address(), server.address())
        self.assertEqual(report.code, 0)
        self.check_counts(report, [server, other])
        self.assertEqual(len(server.requests), 2)

    def test_the_exit_status_reports_a_target_without_answer(self):
        silent, server = self.server(silence), self.server()
        report = ask("-c", 2, *QUICK, silent.address(), server.address())
        self.assertEqual(report.code, 1)
        self.check_counts(report, [silent, server])
        total = report.records[-1]
        self.assertEqual((total["peers"], total["answered"], total["lost"]), (2, 1, 2))

    def test_an_address_that_cannot_be_asked_is_an_error(self):
        done = client_harness.run("127.0.0.1:9", "224.0.0.1")
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        self.assertEqual(done.stderr, "udpecho: 224.0.0.1: expected --broadcast with an address of "
                                      "several hosts\n")

    def test_one_that_was_not_due_before_the_end_is_not_unanswered(self):
        server, later = self.server(), self.server()
        report = ask("--interval=20s", "-w", "1s", server.address(), later.address())
        self.assertEqual((report.code, report.errors), (0, ""))
        self.assertEqual(later.requests, [])
        total = report.records[-1]
        self.assertEqual((total["peers"], total["answered"]), (1, 1))

    def test_a_name_that_is_not_found_has_a_row(self):
        server = self.server()
        report = ask("-c", 1, server.address(), "no.such.host.invalid")
        record, = report.of("not_asked")
        self.assertEqual((record["target"], record["found"]), ("no.such.host.invalid", False))
        self.assertRegex(report.text, r"(?m)^no.such.host.invalid +not asked: lookup failed: "
                                      + record["error"] + "$")

    def test_more_targets_than_descriptors_were_allowed_at_first(self):
        if os.uname().sysname != "Linux":
            self.skipTest("not every address of 127.0.0.0/8 is this host's here")
        if shutil.which("prlimit") is None:
            self.skipTest("prlimit is not installed")
        with harness.Server("--rate-limit=off", listen=("0.0.0.0:0",)) as server:
            _, port = server.address
            self.write(*(f"127.0.{i // 100}.{i % 100 + 1}:{port}" for i in range(500)))
            report = ask("-c", 2, "--interval=2s", f"--targets={self.file}",
                         prefix=("prlimit", "--nofile=100:1000"))
            counters = server.stop()
        self.assertEqual((report.code, report.errors), (0, ""))
        total = report.records[-1]
        self.assertEqual((total["peers"], total["sent"], total["received"]), (500, 1000, 1000))
        self.assertEqual(counters["received"], 1000)


class File(Targets):
    def test_standard_input(self):
        servers = [self.server(), self.server()]
        text = "".join(f"{server.address()}  # one\r\n\r\n" for server in servers)
        done = subprocess.run(
            [*harness.EMULATOR, client_harness.UDPECHO, "-q", "-c", "2", *QUICK, "--targets=-"],
            input=text, capture_output=True, text=True, timeout=harness.PATIENCE)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual([len(server.requests) for server in servers], [2, 2])

    def test_targets_come_and_go(self):
        first, second, third = servers = [self.server(), self.server(), self.server()]
        self.write(first.address(), second.address())
        client = self.start(f"--targets={self.file}")
        self.wait_for(client, "reply", second.address(), 2)

        self.write(second.address(), third.address())
        client.process.send_signal(signal.SIGHUP)
        self.wait_for(client, "summary", first.address())
        self.wait_for(client, "reply", third.address(), 2)
        self.wait_for(client, "reply", second.address(), 4)

        self.write(first.address(), second.address(), third.address())
        client.process.send_signal(signal.SIGHUP)
        self.wait_for(client, "start", first.address(), 2)
        client.interrupt()
        report = client.finish()
        self.assertEqual(report.errors, "")
        self.check_counts(report, servers)
        started = [start["target"] for start in report.of("start")]
        self.assertEqual(started.count(first.address()), 2)
        self.assertEqual(started.count(second.address()), 1)  # it was not disturbed
        self.assertEqual(started.count(third.address()), 1)
        replies = [reply["sequence"] for reply in report.of("reply", target=second.address())]
        self.assertEqual(replies, list(range(len(replies))))

    def test_a_bad_file_changes_nothing(self):
        server, other = self.server(), self.server()
        self.write(server.address())
        client = self.start(f"--targets={self.file}")
        self.wait_for(client, "reply", server.address())
        for content in (other.address(), "300.1.1.1"), (), ("224.0.0.1",):
            self.write(*content)
            client.process.send_signal(signal.SIGHUP)
            # What comes later shows that it was read.
            told = client.process.stderr.readline()
            self.assertIn("udpecho: ", told)
            if len(content) == 2:
                self.assertEqual(told, f"udpecho: --targets={self.file}:2: 300.1.1.1: expected "
                                       "HOST[:PORT] (an IPv4 address is four numbers without "
                                       "leading zeros, such as 192.0.2.1)\n")
        self.write(server.address(), other.address())
        client.process.send_signal(signal.SIGHUP)
        self.wait_for(client, "reply", other.address())
        client.interrupt()
        report = client.finish()
        self.assertEqual((report.code, report.errors), (0, ""))
        self.check_counts(report, [server, other])
        self.assertEqual(len(report.of("start")), 2)

    def test_without_a_file_to_read_again_sighup_ends_it(self):
        servers = self.server(), self.server()
        client = self.start(*(server.address() for server in servers))
        for server in servers:
            self.wait_for(client, "reply", server.address())
        client.process.send_signal(signal.SIGHUP)
        self.assertEqual(client.finish().code, 0)

    def test_a_target_that_dies_and_comes_back(self):
        other = self.server()
        with Responder(echo) as server:
            self.write(server.address(), other.address())
            client = self.start(f"--targets={self.file}")
            self.wait_for(client, "reply", server.address(), 2)
        self.wait_for(client, "missing", server.address(), 2)
        again = self.server(port=server.port)
        before = len(again.requests)
        harness.wait_until(lambda: len(again.requests) >= before + 2)
        client.interrupt()
        report = client.finish()
        self.assertEqual(report.code, 0)
        check_sums(self, report)
        summary, = report.of("summary", interim=False, target=server.address())
        self.assertGreaterEqual(summary["lost"], 2)
        self.assertGreaterEqual(summary["received"], 4)
        lost, = report.of("summary", interim=False, target=other.address())
        self.assertEqual(lost["lost"], 0)


class Names(Targets):
    """Uses a name service of the test in a mount namespace."""

    def setUp(self):
        super().setUp()
        if namespaces.INSIDE not in os.environ:
            self.skipTest(namespaces.missing() or "not in a namespace of its own")
        files = {"hosts": "", "resolv.conf": "nameserver 127.0.0.1\noptions timeout:30 attempts:5\n",
                 "nsswitch.conf": "hosts: files dns\n"}
        namespaces.do("mount --make-rprivate /")
        for name, content in files.items():
            path = pathlib.Path(self.directory.name, name)
            path.write_text(content, encoding="ascii")
            if pathlib.Path("/etc", name).exists():
                namespaces.do(f"mount --bind {path} /etc/{name}")
                self.addCleanup(namespaces.do, f"umount /etc/{name}")
        self.hosts = pathlib.Path(self.directory.name, "hosts")
        # A name server that takes queries and never answers.
        self.dns = bound_socket("127.0.0.1", 53)
        self.addCleanup(self.dns.close)

    def know(self, **names):
        """What the system knows of names under .test from now on. The file is written in place, at
        once and with one length, for one who reads it meanwhile."""
        text = "".join(f"{address} {name}.test\n" for name, addresses in names.items()
                       for address in addresses.split())
        descriptor = os.open(self.hosts, os.O_WRONLY)
        os.pwrite(descriptor, text.ljust(1000, "\n").encode(), 0)
        os.close(descriptor)

    def two_servers(self):
        """Two servers with one port at two addresses."""
        first = self.server(host="127.0.0.2")
        return first, self.server(host="127.0.0.3", port=first.port)

    def test_a_name_that_changes_its_address(self):
        first, second = self.two_servers()
        target = f"moving.test:{first.port}"
        self.know(moving="127.0.0.2")
        client = self.start("--resolve-interval=1s", target, "127.0.0.1:9")
        self.wait_for(client, "reply", target, 2)
        self.know(moving="127.0.0.3")
        self.wait_for(client, "address", target)
        self.wait_for(client, "summary", target)
        harness.wait_until(lambda: len(second.requests) >= 3)
        client.interrupt()
        report = client.finish()
        check_sums(self, report)
        sent = {s["address"]: s["sent"] for s in report.of("summary", interim=False, target=target)}
        self.assertEqual(list(sent), ["127.0.0.2", "127.0.0.3"])
        self.check_received(first, sent["127.0.0.2"])
        self.check_received(second, sent["127.0.0.3"])
        changed, = report.of("address")
        self.assertEqual((changed["address"], changed["former"]),
                         ("127.0.0.3", "127.0.0.2"))

    def test_a_single_name_that_changes_its_address(self):
        first, second = self.two_servers()
        target = f"moving.test:{first.port}"
        self.know(moving="127.0.0.2")
        client = self.start("--resolve-interval=1s", target)
        self.wait_for(client, "reply", target)
        self.know(moving="127.0.0.3")
        self.wait_for(client, "summary", target)
        harness.wait_until(lambda: len(second.requests) >= 2)
        client.interrupt()
        report = client.finish()
        self.assertEqual((report.code, report.errors), (0, ""))
        former, last = report.of("summary", interim=False)
        self.check_received(first, former["sent"])
        self.check_received(second, last["sent"])

    def test_a_name_server_that_never_answers(self):
        """It holds up neither the others nor the end."""
        server = self.server()
        self.know(known="127.0.0.1")
        names = [f"unknown{i}.test" for i in range(40)]
        target = f"known.test:{server.port}"
        client = self.start(*names, target)
        self.wait_for(client, "reply", target, 3)
        self.assertTrue(self.dns.recvfrom(1000))
        client.interrupt()
        report = client.finish()
        self.assertEqual(report.code, 1)  # those were not found
        summary, = report.of("summary", interim=False)
        self.assertEqual(summary["target"], target)
        self.check_received(server, summary["sent"])
        self.assertEqual({(record["target"], record["error"], record["found"])
                          for record in report.of("not_asked")},
                         {(name, None, False) for name in names})
        for name in names:
            self.assertRegex(report.text,
                             rf"(?m)^{name} +not asked: its name was not looked up in time$")

    def test_more_names_than_are_looked_up_at_a_time(self):
        server = self.server()
        names = [f"unknown{i}.test" for i in range(100)]
        client = self.start(*names, server.address())
        self.wait_for(client, "reply", server.address(), 3)
        client.interrupt()
        report = client.finish()
        self.assertEqual(report.code, 1)
        self.assertEqual(len(report.of("not_asked")), len(names))

    def test_a_name_that_is_found_later(self):
        server = self.server()
        other = self.server()
        target = f"late.test:{server.port}"
        self.dns.close()  # refused, and so not waited for
        client = self.start("--resolve-interval=1s", target, other.address())
        self.wait_for(client, "lookup", target, 2)
        self.know(late="127.0.0.1")
        self.wait_for(client, "reply", target, 2)
        client.interrupt()
        report = client.finish()
        self.assertEqual(report.code, 0)
        self.assertEqual(report.records[-1]["failed_lookups"], len(report.of("lookup")))
        summary, = report.of("summary", target=target)
        self.check_received(server, summary["sent"])

    def test_a_name_that_is_no_longer_found_is_asked_on(self):
        server = self.server()
        target = f"known.test:{server.port}"
        self.know(known="127.0.0.1")
        self.dns.close()
        client = self.start("--resolve-interval=1s", target, "127.0.0.1:9")
        self.wait_for(client, "reply", target)
        self.know()
        self.wait_for(client, "lookup", target, 2)
        asked = len(server.requests)
        harness.wait_until(lambda: len(server.requests) > asked + 2)
        client.interrupt()
        report = client.finish()
        summary, = report.of("summary", target=target)
        self.assertEqual(summary["lost"], 0)
        self.check_received(server, summary["sent"])

    def test_a_run_with_an_end_does_not_wait_for_a_name_again(self):
        server = self.server()
        self.dns.close()
        report = ask("-c", 2, *QUICK, server.address(), "unknown.test")
        self.assertEqual(report.code, 1)
        self.assertEqual(len(report.of("lookup")), 1)
        self.assertEqual(report.summary["sent"], 2)

    def test_a_single_name_that_is_not_found(self):
        self.dns.close()
        done = client_harness.run("unknown.test")
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        self.assertIn("udpecho: unknown.test: cannot find it: ", done.stderr)

    def test_no_name_is_found(self):
        self.dns.close()
        done = client_harness.run("-q", "-c", "1", "unknown1.test", "unknown2.test")
        self.assertEqual((done.returncode, done.stderr), (2, "udpecho: no target was found\n"))

    def test_all_addresses_of_a_name(self):
        ipv4 = self.server()
        ipv6 = self.server(host="::1", port=ipv4.port)
        self.know(both="127.0.0.1 ::1")
        report = ask("-c", 3, *QUICK, "--all-addresses", f"both.test:{ipv4.port}")
        self.assertEqual(report.code, 0)
        sent = {s["address"]: s["sent"] for s in report.of("summary", interim=False)}
        self.assertEqual(sent, {"127.0.0.1": 3, "::1": 3})
        self.assertEqual((len(ipv4.requests), len(ipv6.requests)), (3, 3))
        report = ask("-c", 2, *QUICK, "--all-addresses", "-4", f"both.test:{ipv4.port}")
        self.assertEqual([s["address"] for s in report.of("summary", interim=False)], ["127.0.0.1"])


if __name__ == "__main__":
    namespaces.enter_own_loopback()
    harness.main()
