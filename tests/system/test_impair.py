"""--impair: what is done to replies, as a client sees it, and how it is counted."""

import contextlib
import pathlib
import signal
import socket
import tempfile
import time
import unittest

import client_harness
import harness

ALLOW = "--allow=127.0.0.0/8"

# A client's reply may be as late as this on a busy machine; nothing here depends on it.
LATE = "--timeout=5s"


def server(*impairs, options=(), **others):
    return harness.Server("--workers=1", ALLOW, *(f"--impair={impair}" for impair in impairs), *options, **others)


class Impair(unittest.TestCase):
    def measure(self, running, *options):
        host, port = running.address
        with client_harness.Client(f"{host}:{port}", "--quiet", LATE, *options) as client:
            return client.finish()

    def ask(self, running, count):
        """Sends numbers, one at a time; returns what comes back for each, within a while."""
        answers = []
        with harness.client(running.address, timeout=0.3) as sock:
            for number in range(1, count + 1):
                sock.send(number.to_bytes(4, "big"))
                came = []
                try:
                    while True:
                        came.append(sock.recv(100))
                        sock.settimeout(0.05)
                except TimeoutError:
                    sock.settimeout(0.3)
                answers.append([int.from_bytes(answer, "big") for answer in came])
        return answers

    def check(self, counters, **impaired):
        """Checks that only these impairments happened and that every datagram is accounted for."""
        self.assertEqual({name.removeprefix("impaired_"): value for name, value in counters.items()
                          if name.startswith("impaired_") and value > 0}, impaired)
        lost = sum(impaired.get(kind, 0) for kind in ("drop", "queue", "buffer", "end"))
        self.assertEqual(harness.accounted(counters), lost - impaired.get("duplicate", 0))

    def test_every_nth_to_the_datagram(self):
        with server("drop=1/5,duplicate=1/7") as running:
            answers = self.ask(running, 36)
            counters = running.stop()
        for number, came in enumerate(answers, 1):
            times = 0 if number % 5 == 0 else 2 if number % 7 == 0 else 1
            self.assertEqual(came, [number] * times)
        self.check(counters, drop=7, duplicate=4)  # not the 35th

    def test_one_bit_is_corrupt(self):
        with server("corrupt=1/2") as running:
            answers = self.ask(running, 20)
            counters = running.stop()
        for number, came in enumerate(answers, 1):
            self.assertEqual([bin(answer ^ number).count("1") for answer in came], [1 - number % 2])
        self.check(counters, corrupt=10)

    def test_reordered_replies_come_behind_the_next(self):
        with server("reorder=1/3") as running, harness.client(running.address) as sock:
            got = []
            for number in range(1, 7):
                sock.send(bytes([number]))
                if number % 3:
                    got += [sock.recv(10)[0] for _ in range(1 + (number == 4))]
            got.append(sock.recv(10)[0])  # nothing overtakes the last one: it waits for a second
            counters = running.stop()
        self.assertEqual(got, [1, 2, 4, 3, 5, 6])
        self.check(counters, reorder=2)

    def test_the_client_tells_what_was_done(self):
        """Reply number N is that of sequence number N - 1. The last one is whole and in order."""
        with server("drop=1/10,duplicate=1/8,reorder=1/9,corrupt=1/11") as running:
            report = self.measure(running, "--count=217", "--interval=20ms")
            counters = running.stop()
        client_harness.check_sums(self, report)

        def every(nth, *others):
            return {number - 1 for number in range(1, 218)
                    if number % nth == 0 and all(number % other for other in others)}

        replies = report.of("reply")
        answered = {reply["sequence"] for reply in replies if reply["verdict"] in ("answer", "late")}
        # Where the number itself is corrupt, the client cannot tell whose reply it is.
        self.assertEqual(set(range(217)) - answered, every(10) | every(11, 10))
        self.assertEqual({reply["sequence"] for reply in replies if reply["verdict"] == "duplicate"}
                         - every(11), every(8, 9, 10, 11))
        # It overtakes nothing where the next that is not dropped is corrupt.
        overtaken = {sequence for sequence in every(9, 10, 11)
                     if (sequence + 2 + ((sequence + 2) % 10 == 0)) % 11}
        self.assertEqual({reply["sequence"] for reply in replies if reply["verdict"] == "answer"
                          and reply["reordered"]}, overtaken)
        self.assertEqual(counters["impaired_drop"], len(every(10)))
        self.assertEqual(counters["impaired_corrupt"], len(every(11, 10)))
        self.assertEqual(counters["impaired_reorder"], len(every(9, 10)))

    def test_the_same_in_every_run(self):
        runs = []
        for _ in range(2):
            with server("drop=20%,duplicate=10%,seed=5") as running:
                runs.append(self.ask(running, 40))
                running.stop()
        self.assertEqual(runs[0], runs[1])
        self.assertIn([], runs[0])
        with server("drop=20%,duplicate=10%,seed=6") as running:
            self.assertNotEqual(self.ask(running, 40), runs[0])

    def test_a_delay_is_no_shorter_than_asked_for(self):
        with server("delay=50ms,jitter=20ms") as running:
            report = self.measure(running, "--count=100", "--interval=20ms")
            counters = running.stop()
        summary = report.summary
        self.assertEqual(summary["received"], 100)
        self.check(counters, delay=100)
        # Between 30 and 70 ms evenly, as number and seed have it in every run; a busy machine adds to it.
        self.assertGreaterEqual(summary["round_trip_min_us"], 30000)
        self.assertGreaterEqual(summary["round_trip_p50_us"], 48000)
        self.assertGreaterEqual(summary["round_trip_max_us"], 68000)

    @harness.posix_only("no SIGSTOP")
    def test_a_rate_that_is_exceeded_drops(self):
        """Ten replies of 1,000 bytes at once, at 10 ms each, of which a queue of 5,000 bytes holds five."""
        with server("rate=800kbit/s,queue=5000") as running, harness.client(running.address) as sock:
            with running.frozen():
                for number in range(10):
                    sock.send(bytes([number]) * 1000)
            start = time.monotonic()
            got = [sock.recv(2000)[0] for _ in range(5)]
            self.assertGreaterEqual(time.monotonic() - start, 0.04)
            counters = running.stop()
        self.assertEqual(got, [0, 1, 2, 3, 4])
        self.check(counters, delay=5, queue=5)

    @harness.posix_only("no SIGUSR1")
    def test_the_buffer_has_an_end(self):
        with server("delay=10s", options=["--impair-buffer=256KiB"]) as running:
            with harness.client(running.address) as sock:
                for _ in range(1000):
                    sock.send(bytes(600))
                harness.wait_until(lambda: harness.received(running) == 1000)
            counters = running.stop()
        held = counters["impaired_delay"]
        self.assertTrue(100 < held < 400, held)
        self.check(counters, delay=held, buffer=1000 - held, end=held)

    @harness.posix_only("no SIGUSR1")
    def test_a_stop_sends_what_is_due_soon(self):
        """The first reply is due in time by --impair-drain, the second is not."""
        for drain, soon, late in ("0s", "20s", "60s"), ("1s", "500ms", "30s"), ("10s", "3s", "60s"):
            with self.subTest(drain=drain), \
                    server(f"delay={soon}", f"from=127.0.0.2,delay={late}",
                           options=[f"--impair-drain={drain}", "--workers=2"]) as running, \
                    harness.client(running.address) as sock, \
                    harness.client(running.address, bind=("127.0.0.2", 0)) as other:
                for number in range(10):
                    other.send(bytes([number]))
                    sock.send(bytes([number]))
                harness.wait_until(lambda running=running: harness.received(running) == 20)
                counters = running.stop()
                sent = 0 if drain == "0s" else 10
                self.assertEqual(harness.replies(sock), [bytes([number]) for number in range(sent)])
                self.assertEqual(harness.replies(other), [])
                self.check(counters, delay=20, end=20 - sent)

    @harness.posix_only("no control socket with a path")
    def test_it_is_not_ready_while_delayed_replies_leave(self):
        """The end of --duration asks no worker to stop."""
        with tempfile.TemporaryDirectory(prefix="udpecho-") as directory:
            control = f"--control={directory}/control"
            with server("delay=6s", options=["--impair-drain=60s", "--duration=3s", control]) as running, \
                    harness.client(running.address) as sock:
                sock.send(b"late")
                harness.wait_until(lambda: harness.run("--ready", control).returncode != 0)
                self.assertEqual(harness.run("--ready", control).stdout, "not ready: draining\n")
                self.assertEqual(sock.recv(10), b"late")
                running.finish()

    def test_an_ipv6_network_holds_no_ipv4_source(self):
        with server("from=::/0,drop=100%", options=["--allow=::/0"]) as running, \
                harness.client(running.address) as sock:
            self.assertEqual(harness.echo(sock, b"IPv4"), b"IPv4")

    @harness.posix_only("no SIGTERM")
    def test_a_second_signal_waits_for_no_delayed_reply(self):
        with server("delay=30s", options=["--impair-drain=60s"]) as running, harness.client(running.address) as sock:
            sock.send(b"late")
            harness.wait_until(lambda: harness.received(running) == 1)
            running.signal(signal.SIGTERM)
            running.wait_for("draining, a second signal exits immediately")
            running.signal(signal.SIGUSR1)
            harness.wait_until(lambda: len(running.find("counters", impaired_delay=1)) > 0)
            running.signal(signal.SIGTERM)
            self.assertEqual(running.finish(), -signal.SIGTERM)

    @harness.posix_only("no --takeover")
    def test_delayed_replies_leave_from_the_process_that_was_asked(self):
        with tempfile.TemporaryDirectory() as directory:
            takeover = f"--takeover={directory}/takeover"
            with server("delay=5s", options=["--impair-drain=10s", takeover]) as running, \
                    harness.client(running.address) as sock:
                for number in range(5):
                    sock.send(bytes([number]))
                harness.wait_until(lambda: harness.received(running) == 5)
                with harness.Server("--workers=1", takeover, listen=[f"127.0.0.1:{running.address[1]}"]) as successor:
                    running.wait_for("successor is serving, draining")
                    self.assertEqual(harness.echo(sock, b"new"), b"new")
                    self.assertEqual([sock.recv(10)[0] for _ in range(5)], [0, 1, 2, 3, 4])
                    self.assertEqual(running.finish(), 0)
                    self.check(running.wait_for("stopped"), delay=5)
                    successor.stop()

    @harness.posix_only("no SIGHUP")
    def test_a_reload_while_delayed_replies_leave(self):
        with tempfile.TemporaryDirectory() as directory:
            file = pathlib.Path(directory, "conf")
            always = "listen=127.0.0.1:0\nallow=127.0.0.0/8\nimpair=delay=4s\nimpair-drain=10s\n"
            file.write_text(always)
            with harness.Server(f"--config={file}", listen=[]) as running, harness.client(running.address) as sock:
                sock.send(b"late")
                harness.wait_until(lambda: harness.received(running) == 1)
                running.signal(signal.SIGTERM)
                running.wait_for("draining, a second signal exits immediately")
                self.reload(running, file, always + "impair-buffer=256KiB\n", 1)
                self.assertEqual(running.find("stopped"), [])
                self.assertEqual(sock.recv(10), b"late")
                self.assertEqual(running.finish(), 0)
                self.check(running.wait_for("stopped"), delay=1)

    @harness.posix_only("no SIGUSR1")
    def test_a_count_is_of_replies_that_leave(self):
        with server("drop=1/2,delay=10ms", options=["--count=3"]) as running:
            with harness.client(running.address) as sock:
                for number in range(1, 6):
                    sock.send(bytes([number]))
                    if number % 2:
                        self.assertEqual(sock.recv(10), bytes([number]))
                    else:  # what it gives back is not there for others of its batch
                        harness.wait_until(lambda number=number: harness.received(running) == number)
            self.assertEqual(running.finish(), 0)
            counters = running.wait_for("stopped")
        self.assertEqual((counters["reason"], counters["echoed"]), ("count", 3))

    @harness.posix_only("no SIGSTOP")
    def test_duplicates_are_part_of_the_limits(self):
        for limits in (["--max-rate=100/s"], ["--max-bandwidth=400/s"],
                       ["--rate-limit=100/s", "--rate-limit-exempt=none"]):
            with self.subTest(limits):
                with server("duplicate=100%", options=limits) as running, \
                        harness.client(running.address) as sock:
                    with running.frozen():
                        for number in range(1000):
                            sock.send(number.to_bytes(4, "big"))
                    counters = running.stop()
                duplicates = counters["impaired_duplicate"]
                self.assertGreater(counters["echoed"] - duplicates, duplicates)
                self.assertEqual(harness.accounted(counters), -duplicates)

    @harness.posix_only("no SIGUSR1")
    def test_only_the_port_and_the_network_named(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as spare:
            spare.bind(("127.0.0.1", 0))
            port = spare.getsockname()[1]
        with server(f"port={port},drop=1/1", f"port={port},from=127.0.0.2,none",
                    listen=[f"127.0.0.1:{port}", "127.0.0.1:0"]) as running:
            with harness.client(running.addresses[1]) as sock:
                self.assertEqual(harness.echo(sock, b"plain"), b"plain")
            with harness.client(running.addresses[0], bind=("127.0.0.2", 0)) as sock:
                self.assertEqual(harness.echo(sock, b"exempt"), b"exempt")
            with harness.client(running.addresses[0]) as sock:
                sock.send(b"lost")
                harness.wait_until(lambda: harness.received(running) == 3)
            self.check(running.stop(), drop=1)

    @harness.needs_loopback_addresses
    def test_a_wildcard_answers_late_from_where_it_was_asked(self):
        with server("delay=20ms", listen=["0.0.0.0:0"]) as running:
            with harness.client(("127.0.0.3", running.address[1])) as sock:
                self.assertEqual(harness.echo(sock, b"here"), b"here")

    def test_every_protocol(self):
        with server("delay=30ms", listen=[], options=["--stamp=127.0.0.1:0"]) as running:
            report = self.measure(running, "--stamp", "--count=5", "--interval=20ms")
            self.assertEqual(report.summary["received"], 5)
            self.check(running.stop(), delay=5)
        with server("duplicate=1/2", listen=[], options=["--echo-plus=127.0.0.1:0"]) as running:
            report = self.measure(running, "--echo-plus", "--count=7", "--interval=20ms")
            self.assertEqual(report.summary["duplicate_replies"], 3)
            self.check(running.stop(), duplicate=3)

    def test_it_needs_an_access_list(self):
        done = harness.run("--listen=127.0.0.1:0", "--impair=drop=1%")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("--allow", done.stderr)
        done = harness.run("--impair=drop=1%", "--impair=drop=2%", ALLOW)
        self.assertIn("same network", done.stderr)

    def test_the_log_warns(self):
        with server("drop=1%") as running:
            self.assertEqual(running.find("replies are impaired")[0]["impair"], "drop=1%")

    @harness.posix_only("no SIGHUP")
    def test_a_reload(self):
        with tempfile.TemporaryDirectory() as directory:
            file = pathlib.Path(directory, "conf")
            always = "listen=127.0.0.1:0\nallow=127.0.0.0/8\n"
            file.write_text(always)
            with harness.Server(f"--config={file}", listen=[]) as running, \
                    harness.client(running.address) as sock:
                self.assertEqual(harness.echo(sock, b"1"), b"1")
                self.reload(running, file, always + "impair=delay=700ms\n", 1)
                sock.send(b"late")
                harness.wait_until(lambda: harness.received(running) == 2)
                self.reload(running, file, always, 2)
                self.assertEqual(harness.echo(sock, b"2"), b"2")
                self.assertEqual(sock.recv(10), b"late")  # what was delayed before leaves
                self.reload(running, file, always + "impair=delay=20s\n", 3)
                sock.send(b"lost")
                harness.wait_until(lambda: harness.received(running) == 4)
                self.reload(running, file, always.replace("127.0.0.1:0", "127.0.0.2:0"), 4)
                self.check(running.stop(), delay=2, end=1)

    @harness.posix_only("no SIGHUP")
    def test_another_buffer(self):
        """Replies that wait move to it; those that have no room there are dropped and counted."""
        with tempfile.TemporaryDirectory() as directory:
            file = pathlib.Path(directory, "conf")
            always = "listen=127.0.0.1:0\nworkers=1\nallow=127.0.0.0/8\nimpair=delay=20s\nimpair-buffer="
            file.write_text(always + "256KiB\n")
            with harness.Server(f"--config={file}", listen=[]) as running, harness.client(running.address) as sock:
                def send(count, received):
                    for _ in range(count):
                        sock.send(bytes(600))
                    harness.wait_until(lambda: harness.received(running) == received)

                send(1000, 1000)
                self.reload(running, file, always + "8MiB\n", 1)
                send(1000, 2000)
                running.signal(signal.SIGUSR1)
                before = running.wait_for("counters", received=2000)
                self.assertTrue(100 < before["impaired_delay"] - 1000 < 400, before)
                self.reload(running, file, always + "256KiB\n", 2)
                counters = running.stop()
        self.assertEqual(counters["impaired_delay"], before["impaired_delay"])
        held = counters["impaired_delay"] - 1000  # in the small one, before and after
        self.check(counters, delay=1000 + held, buffer=2000 - held, end=held)

    def schedule(self, *lines):
        """A file of these lines."""
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        file = pathlib.Path(directory.name, "schedule")
        file.write_text("".join(line + "\n" for line in lines))
        return file

    def test_a_schedule_of_replies(self):
        file = self.schedule("# a burst of losses", "", "after-replies=3,drop=1/1", "after-replies=5,duplicate=50%",
                             "after-replies=15,repeat")
        runs = []
        for _ in range(2):
            with server(f"schedule={file},seed=3") as running:
                runs.append(self.ask(running, 30))
                counters = running.stop()
        self.assertEqual(runs[0], runs[1])
        for number, came in enumerate(runs[0]):
            self.assertIn(len(came), ([1] if number % 15 < 3 else [0] if number % 15 < 5 else [1, 2]))
        self.check(counters, drop=4, duplicate=sum(len(came) == 2 for came in runs[0]))

    @harness.posix_only("no SIGUSR1")
    def test_workers_agree_on_the_line_in_force(self):
        file = self.schedule("after-replies=5,drop=1/1", "after-replies=25,none")
        with server(f"schedule={file}", options=["--workers=4"]) as running, contextlib.ExitStack() as stack:
            socks = [stack.enter_context(harness.client(running.address)) for _ in range(40)]
            for number, sock in enumerate(socks, 1):  # from as many ports, so that all workers have some
                sock.send(b"here")
                harness.wait_until(lambda number=number: harness.received(running) == number)
            self.check(running.stop(), drop=20)
            answered = [len(harness.replies(sock)) for sock in socks]
        self.assertEqual(answered, 5 * [1] + 20 * [0] + 15 * [1])

    def test_a_schedule_of_times(self):
        file = self.schedule("after=0,drop=1/1", "after=1500ms,none")
        start = time.monotonic()
        with server(f"schedule={file}") as running, harness.client(running.address, timeout=0.05) as sock:
            lost = 0
            answer = None
            while answer is None and lost < 1000:
                try:
                    answer = harness.echo(sock, b"now")
                except TimeoutError:
                    lost += 1
            self.assertGreater(time.monotonic() - start, 1.4)
            counters = running.stop()
        self.assertEqual(answer, b"now")
        self.check(counters, **({"drop": counters["received"] - counters["echoed"]} if lost else {}))

    @harness.posix_only("no SIGHUP")
    def test_a_schedule_is_read_again(self):
        file = self.schedule("after-replies=0,drop=1/1")
        with harness.Server(ALLOW, f"--impair=schedule={file}") as running, harness.client(running.address) as sock:
            sock.send(b"lost")
            harness.wait_until(lambda: harness.received(running) == 1)
            file.write_text("after-replies=0,none\nafter-replies=0,drop=1/1\n")
            running.signal(signal.SIGHUP)
            error = running.wait_for("reload failed, nothing changed")["error"]
            self.assertEqual(error, f"--impair=schedule={file}:2: after-replies=0,drop=1/1: "
                                    "expected a line that begins later than the one before it")
            sock.send(b"lost")
            harness.wait_until(lambda: harness.received(running) == 2)
            file.write_text("after-replies=0,none\nafter-replies=1,drop=1/1\n")
            running.signal(signal.SIGHUP)
            running.wait_for("reloaded")
            self.assertEqual(harness.echo(sock, b"here"), b"here")
            sock.send(b"lost")
            harness.wait_until(lambda: harness.received(running) == 4)
            self.check(running.stop(), drop=3)

    def test_a_wrong_schedule_is_refused(self):
        file = self.schedule("after=1s,drop=101%")
        for options in [], ["--check-config"]:
            done = harness.run(ALLOW, f"--impair=schedule={file}", *options)
            self.assertEqual(done.returncode, 78)
            self.assertIn(f"--impair=schedule={file}:1: after=1s,drop=101%: expected a percentage", done.stderr)
        done = harness.run(ALLOW, f"--impair=schedule={file}.missing")
        self.assertEqual(done.returncode, 78)
        self.assertIn(f"--impair=schedule={file}.missing: cannot be read", done.stderr)

    def reload(self, running, file, text, count):
        file.write_text(text)
        running.signal(signal.SIGHUP)
        running.wait_for("reloaded", count=count)


if __name__ == "__main__":
    harness.main()
