"""Two network namespaces for a test, with addresses, links and routes that no loopback has.

One is the client's, and the test itself runs in it; the other is the server's. The kernel takes
all of it away when the test ends.

                   client             server
             10.0.0.9  near0 ------ far0  10.0.0.1, 10.0.0.2
     fd00::9, fe80::9                     fd00::1, fd00::2, fe80::1
    10.1.0.9, fd01::9  near1 ------ far1  10.1.0.1, fd01::1
    10.5.5.5, fd05::5  lo             lo  10.9.9.9, fd09::9

The server's way back to 10.5.5.5 and fd05::5 is the second link. The client's way to everything
but 10.1.0.1 and fd01::1 is the first.
"""

import os
import shutil
import subprocess
import sys
import time
import unittest

INSIDE = "UDPECHO_TEST_NAMESPACE"

NAMESPACES = """\
mount --make-rprivate /
mount -t tmpfs tmpfs /run
ip netns add server
"""

LINKS = """\
ip link add near0 type veth peer name far0 netns server
ip link add near1 type veth peer name far1 netns server
"""

CLIENT = """\
lo 10.5.5.5/32 fd05::5/128
near0 10.0.0.9/24 fd00::9/64 fe80::9/64
near1 10.1.0.9/24 fd01::9/64
"""

SERVER = """\
lo 10.9.9.9/32 fd09::9/128
far0 10.0.0.1/24 10.0.0.2/24 fd00::1/64 fd00::2/64 fe80::1/64
far1 10.1.0.1/24 fd01::1/64
"""

ROUTES = """\
ip route add 10.9.9.9 via 10.0.0.1
ip route add fd09::9 via fd00::1
ip -n server route add 10.5.5.5 via 10.1.0.9
ip -n server route add fd05::5 via fd01::9
"""

IN_SERVER = ("ip", "netns", "exec", "server")


def missing():
    """Why there can be no namespaces here; None if there can."""
    for program in "unshare", "ip", "mount":
        if shutil.which(program) is None:
            return f"{program} is not installed"
    if subprocess.run(["unshare", "-n", "-m", "true"], stderr=subprocess.DEVNULL).returncode != 0:
        return "this user may not make network namespaces"
    return None


def do(commands, prefix=()):
    for command in commands.splitlines():
        subprocess.run([*prefix, *command.split()], check=True)


def accept_detours(prefix):
    """A reply that comes by another link than its request is no forgery here (rp_filter)."""
    for interfaces in "all", "default":
        subprocess.run([*prefix, "sh", "-c",
                        f"echo 0 > /proc/sys/net/ipv4/conf/{interfaces}/rp_filter"], check=True)


def configure(interfaces, prefix):
    for line in interfaces.splitlines():
        interface, *addresses = line.split()
        if interface != "lo":
            # No link-local addresses but those given here.
            do(f"ip link set {interface} addrgenmode none", prefix)
        do(f"ip link set {interface} up", prefix)
        for address in addresses:
            # "nodad": ready at once, without a search for others on the link that have it.
            do(f"ip addr add {address} dev {interface} {'nodad' if ':' in address else 'brd +'}",
               prefix)


def wait_for_link(interface, prefix):
    """The kernel drops without a word what is sent before it has got round to noting that both ends
    of a link are up, for which it may take a second."""
    command = [*prefix, "ip", "link", "show", interface]
    while b" state UP " not in subprocess.run(command, check=True, capture_output=True).stdout:
        time.sleep(0.01)


def filter_packets(test, rules, prefix):
    """Loads nft(8) chains into a table that is there until the test ends, or skips the test."""
    nft = [*prefix, "nft"]
    if shutil.which("nft") is None or subprocess.run(
            [*nft, "add", "table", "inet", "test"], stderr=subprocess.DEVNULL).returncode != 0:
        test.skipTest("no nftables on this host")
    test.addCleanup(subprocess.run, [*nft, "delete", "table", "inet", "test"], check=True)
    subprocess.run([*nft, "-f", "-"], check=True, text=True, input=f"table inet test {{\n{rules}\n}}")


def enter():
    """Starts the program again in a network namespace of its own, if that is possible."""
    if INSIDE not in os.environ and missing() is None:
        os.environ[INSIDE] = "1"
        os.execvp("unshare", ["unshare", "-n", "-m", sys.executable, *sys.argv])


def enter_own_loopback():
    """The same for a test that only wants no other traffic on its loopback. Where that is not
    possible it stays where it is, and so it does under an emulator, which may have its sockets made
    by a process that does not come along."""
    if not os.environ.get("UDPECHOD_EMULATOR"):
        enter()
    if INSIDE in os.environ:
        do("ip link set lo up")


def set_up():
    """Makes the server's namespace and all addresses, links and routes."""
    if INSIDE not in os.environ:
        raise unittest.SkipTest(missing() or "only a program can move into its own namespace")
    do(NAMESPACES)
    accept_detours(())
    accept_detours(IN_SERVER)
    do(LINKS)
    configure(CLIENT, ())
    configure(SERVER, IN_SERVER)
    do(ROUTES)
    for interface, prefix in ("near0", ()), ("near1", ()), ("far0", IN_SERVER), ("far1", IN_SERVER):
        wait_for_link(interface, prefix)
