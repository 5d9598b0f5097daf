"""Servers with one address behind a router, in network namespaces:

    client 203.0.113.2 ---- router 192.0.2.1 ---- servers 192.0.2.2, 192.0.2.3
    2001:db8:c::2           2001:db8::1           2001:db8::2, 2001:db8::3

The client is the program itself. The routing daemons have the files of packaging/anycast.
"""

import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "system"))

import namespaces
from flows import ADDRESSES

ANYCAST = pathlib.Path(__file__).resolve().parents[2] / "packaging" / "anycast"
PATIENCE = 60
LISTEN = ("--listen=198.51.100.7:7", "--listen=[2001:db8:7::7]:7", "--control=/run/udpecho/control",
          "--lame-duck=6s")

ROUTER_BIRD = """\
router id 192.0.2.1;
protocol device {}
protocol kernel { ipv4 { export all; import none; }; merge paths on; }
protocol kernel { ipv6 { export all; import none; }; merge paths on; }
protocol bfd { interface "*" { interval 300 ms; multiplier 3; }; }
template bgp server {
    local as 65000;
    bfd;
    error wait time 1, 10;
    passive;
}
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


def without_bfd(text):
    """The same configuration of BIRD or FRR, in which only BGP's hold time notices that a link is cut."""
    return re.sub(r"(?m)^( +bfd;| neighbor \S+ bfd .*)\n", "", text)


def wait_until(holds, what, patience=PATIENCE):
    deadline = time.monotonic() + patience
    while not holds():
        assert time.monotonic() < deadline, f"waited {patience} seconds: {what}"
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
             'echo $$ >"/run/$0.process"; exec "$@"', name, *command],
            stdout=log or subprocess.DEVNULL, stderr=log or subprocess.DEVNULL)

    def kill(self, name, number):
        self.run("sh", "-c", f"kill -{number} $(cat /run/{name}.process)")

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
        if kind == "exabgp":
            self.write("/run/exabgp.conf", text)
            self.start("exabgp", "env", "exabgp.daemon.user=root", "exabgp", "/run/exabgp.conf")
            return
        self.do("chown frr:frr /run/frr")
        self.write("/etc/frr/frr.conf", text)
        for daemon in "zebra", "bfdd", "bgpd":
            self.start(daemon, f"/usr/lib/frr/{daemon}", "-A", "127.0.0.1", "-f",
                       "/etc/frr/frr.conf")
            wait_until(lambda: self.run("test", "-e", f"/run/frr/{daemon}.vty", check=False).returncode == 0,
                       f"{daemon} of {self.name} starts")

    def stop_routing(self):
        for daemon in "bird", "exabgp", "bgpd", "bfdd", "zebra":
            if daemon in self.processes:
                self.stop(daemon)


class Server(Host):
    def __init__(self, kind, number):
        super().__init__(f"server{number}")
        self.kind = kind
        self.number = number
        self.log = open(f"/run/{self.name}.log", "ab")

    def configuration(self):
        """The file of packaging/anycast, whose host is the first server."""
        text = (ANYCAST / f"{self.kind}.conf").read_text()
        return text.replace("192.0.2.2", f"192.0.2.{self.number}").replace(
            "2001:db8::2", f"2001:db8::{self.number}")

    def boot_routing(self, change=lambda text: text):
        self.start_routing(self.kind, change(self.configuration()))

    def start_server(self, *options):
        self.start("udpechod", "udpechod", *LISTEN, *options, log=self.log)

    def start_announcers(self):
        """ExaBGP has its own."""
        for version, address in ADDRESSES.items() if self.kind != "exabgp" else ():
            self.start(f"announce{version}", "env", f"ROUTING={self.kind}", ANYCAST / "udpecho-announce",
                       address, log=self.log)

    def stop_announcers(self):
        for version in ADDRESSES:
            self.kill(f"announce{version}", int(signal.SIGTERM))
        for version in ADDRESSES:
            self.processes.pop(f"announce{version}").wait(PATIENCE)


class Network:
    """The links and the addresses that each host has for itself."""

    def __init__(self, servers):
        self.router = Host("router")
        self.servers = servers
        # A bridge with a fixed MAC address keeps it when a link goes down.
        self.router.do("ip link add servers address 02:00:00:00:00:01 type bridge\n"
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
        for server in servers:
            n = server.number
            namespaces.do(f"ip link add port{n} netns {self.router.pid} type veth "
                          f"peer name eth0 netns {server.pid}")
            self.router.do(f"ip link set port{n} master servers up")
            server.do(f"ip addr add 192.0.2.{n}/24 dev eth0\n"
                      f"ip addr add 2001:db8::{n}/64 dev eth0 nodad\n"
                      "ip link set eth0 up\n"
                      "ip route add default via 192.0.2.1\n"
                      "ip route add default via 2001:db8::1")

    def close(self):
        for host in (self.router, *self.servers):
            host.namespace.kill()  # --kill-child
            host.namespace.wait()
        # It may have gone with the router's network.
        subprocess.run(["ip", "link", "del", "near"], stderr=subprocess.DEVNULL)

    def cut(self, server):
        """The link stays up at both its ends, and nothing gets through."""
        self.router.do(f"ip link set port{server.number} nomaster")

    def mend(self, server):
        self.router.do(f"ip link set port{server.number} master servers")

    def log(self):
        return "".join(pathlib.Path(server.log.name).read_text() for server in self.servers)


class Anycast(Network):
    """All servers have the address, and tell the router so by BGP."""

    def __init__(self, kind, servers, change=lambda text: text):
        super().__init__(servers)
        for server in servers:
            server.do("ip addr add 198.51.100.7/32 dev lo\n"
                      "ip addr add 2001:db8:7::7/128 dev lo nodad")
        router = {"frr": ROUTER_FRR}.get(kind, ROUTER_BIRD)
        self.router.start_routing("frr" if kind == "frr" else "bird", change(router))
        for server in servers:
            server.boot_routing(change)

    def next_hops(self, version):
        """How many servers the router's kernel sends to. FRR's routes are those of a next hop group."""
        shown = self.router.run("ip", f"-{version}", "route", "show", ADDRESSES[version],
                                stdout=subprocess.PIPE).stdout
        return len(re.findall(r"\bvia\b", shown))

    def wait_for_next_hops(self, number, patience=PATIENCE):
        wait_until(lambda: all(self.next_hops(version) == number for version in ADDRESSES),
                   f"{number} next hops in the router", patience)


def prepare(*programs):
    """Leaves the network of the host, and has udpechod, udpecho and these programs on the path."""
    namespaces.enter()
    if namespaces.INSIDE not in os.environ:
        sys.exit(namespaces.missing() or "this wants root")
    for program in programs:
        if not shutil.which(program):
            sys.exit(f"{program} is not installed")
    namespaces.do("mount --make-rprivate /\nmount -t tmpfs tmpfs /run")
    for program in "UDPECHOD", "UDPECHO":
        folder = pathlib.Path(os.environ[program]).resolve().parent
        os.environ["PATH"] = f"{folder}:{os.environ['PATH']}"
