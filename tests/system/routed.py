"""Three network namespaces: a client's, in which the test runs, a router's and a server's.

                      client            router            server
       10.0.0.9, fd00::9  near0 ---- left0
       10.1.0.9, fd01::9  near1 ---- left1  right0 ---- far0  10.2.0.2, fd02::2
       10.5.5.5, fd05::5  lo

The client's way there is by near0; the router's way back to 10.5.5.5 and fd05::5 is by near1, to
the other addresses of the client by their links. The kernel takes all of it away when the test
ends.
"""

import os
import shutil
import subprocess
import unittest

import namespaces

ROUTER, SERVER = (("ip", "netns", "exec", name) for name in ("router", "server"))

NAMESPACES = """\
mount --make-rprivate /
mount -t tmpfs tmpfs /run
ip netns add router
ip netns add server
ip link add near0 type veth peer name left0 netns router
ip link add near1 type veth peer name left1 netns router
ip -n router link add right0 type veth peer name far0 netns server
"""

LINKS = {
    "near0": ((), "left0", ROUTER),
    "near1": ((), "left1", ROUTER),
    "right0": (ROUTER, "far0", SERVER),
}

CLIENT = """\
lo 10.5.5.5/32 fd05::5/128
near0 10.0.0.9/24 fd00::9/64
near1 10.1.0.9/24 fd01::9/64
"""

# Who forwards asks for neighbours from his link-local address.
IN_ROUTER = """\
lo
left0 10.0.0.1/24 fd00::1/64 fe80::1/64
left1 10.1.0.1/24 fd01::1/64 fe80::1/64
right0 10.2.0.1/24 fd02::1/64 fe80::1/64
"""

IN_SERVER = """\
lo
far0 10.2.0.2/24 fd02::2/64
"""

ROUTES = """\
ip route add default via 10.0.0.1
ip route add default via fd00::1
ip -n router route add 10.5.5.5 via 10.1.0.9
ip -n router route add fd05::5 via fd01::9
ip -n server route add default via 10.2.0.1
ip -n server route add default via fd02::1
"""

# The router tells of every datagram that is too big, not of a few in a second (icmp(7)).
ROUTER_SETTINGS = """\
sysctl -qw net.ipv4.ip_forward=1
sysctl -qw net.ipv6.conf.all.forwarding=1
sysctl -qw net.ipv4.icmp_ratelimit=0
sysctl -qw net.ipv6.icmp.ratelimit=0
"""


def set_up():
    """Makes all of it, or skips the file."""
    if namespaces.INSIDE not in os.environ:
        raise unittest.SkipTest(namespaces.missing() or "only a program can move into its own "
                                                        "namespace")
    if shutil.which("sysctl") is None:
        raise unittest.SkipTest("sysctl is not installed")
    namespaces.do(NAMESPACES)
    for prefix in (), ROUTER, SERVER:
        namespaces.accept_detours(prefix)
    namespaces.configure(CLIENT, ())
    namespaces.configure(IN_ROUTER, ROUTER)
    namespaces.configure(IN_SERVER, SERVER)
    namespaces.do(ROUTER_SETTINGS, ROUTER)
    namespaces.do(ROUTES)
    for near, (prefix, far, far_prefix) in LINKS.items():
        namespaces.wait_for_link(near, prefix)
        namespaces.wait_for_link(far, far_prefix)


def set_mtu(**links):
    """The MTU of the links that are named by their first end; both ends are set, and what the
    kernels have learned of the paths is forgotten."""
    for near, mtu in links.items():
        prefix, far, far_prefix = LINKS[near]
        namespaces.do(f"ip link set {near} mtu {mtu}", prefix)
        namespaces.do(f"ip link set {far} mtu {mtu}", far_prefix)
    for prefix in (), ROUTER, SERVER:
        namespaces.do("ip route flush cache\nip -6 route flush cache", prefix)
