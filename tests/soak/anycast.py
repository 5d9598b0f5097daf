"""Two servers with one anycast address behind a router that spreads flows over them (ECMP): what a
planned stop, a lame duck, a hang, a death, a cut link and a return cost. The files of packaging/anycast
run as they are, in network namespaces:

    UDPECHOD=build/dev/src/udpechod UDPECHO=build/dev/src/udpecho \\
        python3 tests/soak/anycast.py [--without-bfd] [bird] [frr] [exabgp]

It wants root and, for what is named, Debian's bird2, frr or exabgp with bird2. The router's daemon is of
the same kind, but BIRD for ExaBGP. Planned changes must lose nothing, others no more than what is sent
until the router has the route no longer. It takes 1 minute for each kind; --without-bfd cuts a link only,
and takes 4.
"""

import signal
import sys
import time

from flows import ADDRESSES, Table, Traffic
from routing import PATIENCE, Anycast, Server, prepare, without_bfd

PROGRAMS = {"bird": ["bird"], "frr": ["vtysh"], "exabgp": ["exabgp", "bird"]}
HOLD_TIME = 300  # more than BIRD's 240 and FRR's 180 seconds


class Scenes:
    """What happens to the first server."""

    def __init__(self, kind, change=lambda text: text):
        self.kind = kind
        self.network = Anycast(kind, [Server(kind, n) for n in (2, 3)], change)
        self.first, self.second = self.network.servers
        for server in self.network.servers:
            server.start_server()
            server.start_announcers()
        self.network.wait_for_next_hops(2)
        self.table = Table(kind, Traffic())

    def come_back(self):
        self.first.start_server()
        if "announce4" not in self.first.processes:
            self.first.start_announcers()
        self.network.wait_for_next_hops(2)

    def stop_in_order(self):
        self.first.stop_announcers()
        self.first.kill("udpechod", int(signal.SIGTERM))
        assert self.first.stop("udpechod") == 0  # the second signal skips the lame-duck time

    def lame_duck(self):
        assert self.first.stop("udpechod") == 0
        self.network.wait_for_next_hops(1)

    def fail(self, number):
        self.first.kill("udpechod", int(number))
        self.network.wait_for_next_hops(1)

    def cut(self):
        self.network.cut(self.first)
        self.network.wait_for_next_hops(1, HOLD_TIME)

    def mend(self):
        self.network.mend(self.first)
        self.network.wait_for_next_hops(2)

    def boot_broken(self):
        self.first.start_server("--listen=203.0.113.99:7")
        assert self.first.processes.pop("udpechod").wait(PATIENCE) != 0
        self.first.boot_routing()
        self.first.start_announcers()
        # What another server of the same kind needs for its sessions and announcements, and more.
        for _ in range(80):
            time.sleep(0.1)
            assert [self.network.next_hops(version) for version in ADDRESSES] == [1, 1]

    def run(self):
        scene = self.table.scene
        scene("nothing happens", lambda: time.sleep(1))
        if self.kind != "exabgp":
            scene("withdraw, wait, stop", self.stop_in_order)
            scene("the server comes back", self.come_back)
        scene("SIGTERM, lame duck", self.lame_duck)
        scene("the server comes back", self.come_back)
        scene("hang (SIGSTOP)", lambda: self.fail(signal.SIGSTOP), planned=False)
        self.first.processes["udpechod"].send_signal(signal.SIGCONT)  # nsenter(1) has stopped with its child
        self.network.wait_for_next_hops(2)
        scene("death (SIGKILL)", lambda: self.fail(signal.SIGKILL), planned=False)
        self.first.processes.pop("udpechod").wait(PATIENCE)
        scene("the server comes back", self.come_back)
        if self.kind != "exabgp":
            self.run_cut("BFD")
            self.stop_in_order()
        else:
            self.lame_duck()
        self.first.stop_routing()
        scene("boot with a broken configuration", self.boot_broken)
        scene("the configuration is mended", self.come_back)

    def run_cut(self, how):
        self.table.scene(f"the link is cut, {how}", self.cut, planned=False)
        self.table.scene("the link is mended", self.mend)


def run(kind, with_bfd):
    scenes = Scenes(kind) if with_bfd else Scenes(kind, without_bfd)
    try:
        if with_bfd:
            scenes.run()
        else:
            scenes.run_cut("no BFD")
        return scenes.table.failed
    except BaseException:
        print(scenes.network.log(), file=sys.stderr)
        raise
    finally:
        scenes.network.close()


def main():
    kinds = [word for word in sys.argv[1:] if word != "--without-bfd"] or ["bird", "frr"]
    prepare(*[program for kind in kinds for program in PROGRAMS[kind]])
    sys.exit(any([run(kind, "--without-bfd" not in sys.argv) for kind in kinds]))


if __name__ == "__main__":
    main()
