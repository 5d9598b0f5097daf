"""Two servers with one anycast address behind a router that spreads flows over them (ECMP): what a
planned stop, a lame duck, a hang, a death and a return cost. The files of packaging/anycast run as they
are, in network namespaces:

    client 203.0.113.2 ---- router 192.0.2.1 ---- servers 192.0.2.2, 192.0.2.3
    2001:db8:c::2           2001:db8::1           2001:db8::2, 2001:db8::3

    UDPECHOD=build/dev/src/udpechod UDPECHO=build/dev/src/udpecho python3 tests/soak/anycast.py [bird] [frr]

It wants root and, for what is named, Debian's bird2 or frr. 16 flows, half of them IPv6, send 1,600
datagrams a second in all; each one that has no answer when its scene ends, a second after the last
was sent, is lost. All routing daemons are of one kind. Planned changes must lose nothing, others no
more than what is sent until the router has the route no longer. It takes 1 minute for each kind.
"""

import os
import pathlib
import re
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "system"))

import namespaces

ANYCAST = pathlib.Path(__file__).resolve().parents[2] / "packaging" / "anycast"
ADDRESSES = {4: "198.51.100.7", 6: "2001:db8:7::7"}
PORT = 7
FLOWS = 8  # of each IP version
RATE = 100  # of each flow, a second
PATIENCE = 60

ROUTER_BIRD = """\
router id 192.0.2.1;
protocol device {}
protocol kernel { ipv4 { export all; import none; }; merge paths on; }
protocol kernel { ipv6 { export all; import none; }; merge paths on; }
protocol bfd { interface "*" { interval 300 ms; multiplier 3; }; }
template bgp server { local as 65000; bfd; passive; }
""" + "".join(f"""\
protocol bgp from server {{ neighbor 192.0.2.{n} as 65001; ipv4 {{ import all; export none; }}; }}
protocol bgp from server {{ neighbor 2001:db8::{n} as 65001; ipv6 {{ import all; export none; }}; }}
""" for n in (2, 3))

ROUTER_FRR = """\
router bgp 65000
 bgp router-id 192.0.2.1
 no bgp ebgp-requires-policy
 no bgp default ipv4-unicast
""" + "".join(f"""\
 neighbor {address} remote-as 65001
 neighbor {address} bfd 3 300 300
""" for n in (2, 3) for address in (f"192.0.2.{n}", f"2001:db8::{n}")) + """\
 address-family ipv4 unicast
  maximum-paths 8
  neighbor 192.0.2.2 activate
  neighbor 192.0.2.3 activate
 exit-address-family
 address-family ipv6 unicast
  maximum-paths 8
  neighbor 2001:db8::2 activate
  neighbor 2001:db8::3 activate
 exit-address-family
"""


def wait_until(holds, what):
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, f"waited {PATIENCE} seconds: {what}"
        time.sleep(0.05)


class Host:
    """Namespaces of network, mounts and processes. Its /run and /etc/frr are its own. Its processes end
    when it is closed, or with this program, whose pipe keeps cat(1) waiting."""

    def __init__(self, name):
        self.name = name
        self.processes = {}
        self.namespace = subprocess.Popen(
            ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c",
             "mount -t tmpfs tmpfs /run && mkdir -p /run/bird /run/frr /etc/frr /run/udpecho && "
             "mount -t tmpfs tmpfs /etc/frr && touch /etc/frr/vtysh.conf && ip link set lo up && "
             "echo ready && exec cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self.namespace.stdout.readline() == b"ready\n", f"no namespaces for {name}"
        children = f"/proc/{self.namespace.pid}/task/{self.namespace.pid}/children"
        self.pid = pathlib.Path(children).read_text().split()[0]

    def run(self, *command, check=True, **options):
        return subprocess.run(["nsenter", "-t", self.pid, "-n", "-m", "-p", *command], check=check,
                              text=True, **options)

    def do(self, commands):
        for command in commands.splitlines():
            self.run(*command.split())

    def start(self, name, *command, log=None):
        """The process tells its id, which is another one in here, and is known by its name."""
        self.processes[name] = subprocess.Popen(
            ["nsenter", "-t", self.pid, "-n", "-m", "-p", "sh", "-c",
             'echo $$ >"/run/$0.pid"; exec "$@"', name, *command],
            stdout=log or subprocess.DEVNULL, stderr=log or subprocess.DEVNULL)

    def kill(self, name, number):
        self.run("sh", "-c", f"kill -{number} $(cat /run/{name}.pid)")

    def stop(self, name, number=signal.SIGTERM):
        self.kill(name, int(number))
        return self.processes.pop(name).wait(PATIENCE)

    def write(self, path, text):
        self.run("sh", "-c", f"cat >{path}", input=text)

    def start_routing(self, kind, text):
        if kind == "bird":
            self.write("/run/bird.conf", text)
            self.start("bird", "bird", "-f", "-c", "/run/bird.conf")
            return
        self.do("chown frr:frr /run/frr")
        self.write("/etc/frr/frr.conf", text)
        for daemon in "zebra", "bfdd", "bgpd":
            self.start(daemon, f"/usr/lib/frr/{daemon}", "-A", "127.0.0.1", "-f",
                       "/etc/frr/frr.conf")
            wait_until(lambda: self.run("test", "-e", f"/run/frr/{daemon}.vty", check=False).returncode == 0,
                       f"{daemon} of {self.name} starts")

    def stop_routing(self):
        for daemon in "bird", "bgpd", "bfdd", "zebra":
            if daemon in self.processes:
                self.stop(daemon)


class Server(Host):
    def __init__(self, kind, number):
        super().__init__(f"server{number}")
        self.kind = kind
        self.number = number
        self.log = open(f"/run/{self.name}.log", "ab")

    def boot_routing(self):
        """The file of packaging/anycast, whose host is the first server."""
        text = (ANYCAST / f"{self.kind}.conf").read_text()
        self.start_routing(self.kind, text.replace("192.0.2.2", f"192.0.2.{self.number}"))

    def start_server(self, *options):
        self.start("udpechod", "udpechod", "--listen=198.51.100.7:7", "--listen=[2001:db8:7::7]:7",
                   "--control=/run/udpecho/control", "--lame-duck=6s", *options, log=self.log)

    def start_announcers(self):
        for version, address in ADDRESSES.items():
            self.start(f"announce{version}", "env", f"ROUTING={self.kind}", ANYCAST / "udpecho-announce",
                       address, log=self.log)

    def stop_announcers(self):
        for version in ADDRESSES:
            self.kill(f"announce{version}", int(signal.SIGTERM))
        for version in ADDRESSES:
            self.processes.pop(f"announce{version}").wait(PATIENCE)


class Traffic:
    """Sends on all flows until it is stopped, then waits a second for answers."""

    def __init__(self):
        self.sockets = []
        for version, address in ADDRESSES.items():
            for _ in range(FLOWS):
                flow = socket.socket(socket.AF_INET if version == 4 else socket.AF_INET6,
                                     socket.SOCK_DGRAM)
                flow.connect((address, PORT))
                flow.setblocking(False)
                self.sockets.append((version, flow))
        self.number = 0

    def __enter__(self):
        self.missing = {}  # (flow, number) -> when it was sent
        self.sent = dict.fromkeys(ADDRESSES, 0)
        self.ends = threading.Event()
        self.thread = threading.Thread(target=self.run)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ends.set()
        self.thread.join()

    def run(self):
        due = time.monotonic()
        while not self.ends.is_set():
            for flow, (version, opened) in enumerate(self.sockets):
                self.number += 1
                self.missing[flow, self.number] = time.monotonic()
                self.sent[version] += 1
                try:
                    opened.send(struct.pack("!Q", self.number))
                except OSError:
                    pass  # an error that an earlier datagram has caused, or no route: it is missing
            due += 1 / RATE
            self.receive(max(0, due - time.monotonic()))
        self.receive(1)

    def receive(self, seconds):
        ends = time.monotonic() + seconds
        flows = {opened: flow for flow, (_, opened) in enumerate(self.sockets)}
        while True:
            ready = select.select(list(flows), [], [], max(0, ends - time.monotonic()))[0]
            for opened in ready:
                try:
                    self.missing.pop((flows[opened], *struct.unpack("!Q", opened.recv(64))), None)
                except OSError:
                    pass
            if time.monotonic() >= ends:
                return


class Network:
    def __init__(self, kind):
        self.kind = kind
        self.router = Host("router")
        self.servers = [Server(kind, n) for n in (2, 3)]
        self.hosts = [self.router, *self.servers]
        self.router.do("ip link add servers type bridge\n"
                       "ip addr add 192.0.2.1/24 dev servers\n"
                       "ip addr add 2001:db8::1/64 dev servers nodad\n"
                       "ip link set servers up\n"
                       "sysctl -qw net.ipv4.ip_forward=1\n"
                       "sysctl -qw net.ipv6.conf.all.forwarding=1\n"
                       "sysctl -qw net.ipv4.fib_multipath_hash_policy=1\n"
                       "sysctl -qw net.ipv6.fib_multipath_hash_policy=1\n"
                       "sysctl -qw net.ipv4.conf.all.rp_filter=0")
        namespaces.do(f"ip link add near type veth peer name client netns {self.router.pid}\n"
                      "ip addr add 203.0.113.2/24 dev near\n"
                      "ip addr add 2001:db8:c::2/64 dev near nodad\n"
                      "ip link set lo up\n"
                      "ip link set near up")
        self.router.do("ip addr add 203.0.113.1/24 dev client\n"
                       "ip addr add 2001:db8:c::1/64 dev client nodad\n"
                       "ip link set client up")
        namespaces.do("ip route add default via 203.0.113.1\n"
                      "ip route add default via 2001:db8:c::1")
        for server in self.servers:
            n = server.number
            namespaces.do(f"ip link add port{n} netns {self.router.pid} type veth "
                          f"peer name eth0 netns {server.pid}")
            self.router.do(f"ip link set port{n} master servers up")
            server.do(f"ip addr add 192.0.2.{n}/24 dev eth0\n"
                      f"ip addr add 2001:db8::{n}/64 dev eth0 nodad\n"
                      "ip link set eth0 up\n"
                      "ip route add default via 192.0.2.1\n"
                      "ip route add default via 2001:db8::1\n"
                      "ip addr add 198.51.100.7/32 dev lo\n"
                      "ip addr add 2001:db8:7::7/128 dev lo nodad")
        self.router.start_routing(kind, ROUTER_BIRD if kind == "bird" else ROUTER_FRR)
        for server in self.servers:
            server.boot_routing()

    def close(self):
        for host in self.hosts:
            host.namespace.kill()  # --kill-child
            host.namespace.wait()
        # It may have gone with the router's network.
        subprocess.run(["ip", "link", "del", "near"], stderr=subprocess.DEVNULL)

    def next_hops(self, version):
        """How many servers the router's kernel sends to. FRR's routes are those of a next hop group."""
        shown = self.router.run("ip", f"-{version}", "route", "show", ADDRESSES[version],
                                stdout=subprocess.PIPE).stdout
        return len(re.findall(r"\bvia\b", shown))

    def wait_for_next_hops(self, number):
        wait_until(lambda: all(self.next_hops(version) == number for version in ADDRESSES),
                   f"{number} next hops in the router")


class Table:
    def __init__(self, kind, traffic):
        self.kind = kind
        self.traffic = traffic
        self.failed = False

    def scene(self, name, act, planned=True):
        """act() returns once the route is as it will be, with the time of the failure, if it is one."""
        with self.traffic as traffic:
            time.sleep(1)
            begun = time.monotonic()
            act()
            changed = time.monotonic() - begun
            time.sleep(1)
        for version in ADDRESSES:
            lost = [(flow, sent) for (flow, _), sent in traffic.missing.items()
                    if traffic.sockets[flow][0] == version]
            times = [sent for _, sent in lost]
            window = max(times) - min(times) if times else 0
            # Each flow to the server that failed loses what it sends until the route changes.
            allowed = 0 if planned else len({flow for flow, _ in lost}) * (RATE * changed + 2)
            verdict = "ok" if len(lost) <= allowed else "WRONG"
            self.failed |= verdict != "ok"
            print(f"{self.kind:5} IPv{version} {name:38} {traffic.sent[version]:6} {len(lost):6} "
                  f"{window:7.2f} {changed:8.2f}  {verdict}", flush=True)


def run(kind):
    network = Network(kind)
    try:
        first, second = network.servers
        for server in network.servers:
            server.start_server()
            server.start_announcers()
        network.wait_for_next_hops(2)
        table = Table(kind, Traffic())

        def come_back():
            first.start_server()
            if "announce4" not in first.processes:
                first.start_announcers()
            network.wait_for_next_hops(2)

        def stop_in_order():
            first.stop_announcers()
            first.kill("udpechod", int(signal.SIGTERM))
            assert first.stop("udpechod") == 0  # the second signal skips the lame-duck time

        def lame_duck():
            assert first.stop("udpechod") == 0
            network.wait_for_next_hops(1)

        def fail(number):
            def act():
                first.kill("udpechod", int(number))
                network.wait_for_next_hops(1)
            return act

        table.scene("nothing happens", lambda: time.sleep(1))
        table.scene("withdraw, wait, stop", stop_in_order)
        table.scene("the server comes back", come_back)
        table.scene("SIGTERM, lame duck", lame_duck)
        table.scene("the server comes back", come_back)
        table.scene("hang (SIGSTOP)", fail(signal.SIGSTOP), planned=False)
        first.processes["udpechod"].send_signal(signal.SIGCONT)  # nsenter(1) has stopped with its child
        network.wait_for_next_hops(2)
        table.scene("death (SIGKILL)", fail(signal.SIGKILL), planned=False)
        first.processes.pop("udpechod").wait(PATIENCE)
        table.scene("the server comes back", come_back)

        def boot_broken():
            first.start_server("--listen=203.0.113.99:7")
            assert first.processes.pop("udpechod").wait(PATIENCE) != 0
            first.boot_routing()
            first.start_announcers()
            # What another server of the same kind needs for its sessions and announcements, and more.
            for _ in range(80):
                time.sleep(0.1)
                assert [network.next_hops(version) for version in ADDRESSES] == [1, 1]

        stop_in_order()
        first.stop_routing()
        table.scene("boot with a broken configuration", boot_broken)
        table.scene("the configuration is mended", come_back)
        return table.failed
    except BaseException:
        for server in network.servers:
            print(pathlib.Path(server.log.name).read_text(), file=sys.stderr)
        raise
    finally:
        network.close()


def main():
    if namespaces.INSIDE not in os.environ:
        sys.exit(namespaces.missing() or "this wants root")
    kinds = sys.argv[1:] or ["bird", "frr"]
    for kind in kinds:
        if not shutil.which({"bird": "bird", "frr": "vtysh"}.get(kind, kind)):
            sys.exit(f"{kind} is not installed")
    namespaces.do("mount --make-rprivate /\nmount -t tmpfs tmpfs /run")
    for program in "UDPECHOD", "UDPECHO":
        folder = pathlib.Path(os.environ[program]).resolve().parent
        os.environ["PATH"] = f"{folder}:{os.environ['PATH']}"
    print(f"{'':10} {'scene':38} {'sent':>6} {'lost':>6} {'window':>7} {'changed':>8}   (seconds)",
          flush=True)
    sys.exit(any([run(kind) for kind in kinds]))


if __name__ == "__main__":
    namespaces.enter()
    main()
