"""Two servers of one network, one of which has the addresses by VRRP: what it costs to move them. Both
have packaging/anycast/keepalived.conf, in network namespaces:

    UDPECHOD=build/dev/src/udpechod UDPECHO=build/dev/src/udpecho python3 tests/soak/vrrp.py

It wants root and Debian's keepalived. While the addresses move nobody has them, so that every scene
with a move loses something; each may lose what is sent until the other server has them. It takes a minute.
"""

import shutil
import signal
import sys
import time

from flows import ADDRESSES, Table, Traffic
from routing import ANYCAST, PATIENCE, Network, Server, prepare, wait_until


class Keepalived(Server):
    def __init__(self, number):
        super().__init__("keepalived", number)

    def configuration(self):
        text = (ANYCAST / "keepalived.conf").read_text()
        text = text.replace("/usr/sbin/udpechod", shutil.which("udpechod"))
        return text if self.number == 2 else text.replace("priority 150", "priority 100")

    def start_keepalived(self):
        self.write("/run/keepalived.conf", self.configuration())
        self.start("keepalived", "keepalived", "--dont-fork", "--log-console", "--use-file",
                   "/run/keepalived.conf", log=self.log)

    def start_server(self, *options):
        self.start("udpechod", "udpechod", "--listen=*:7", "--control=/run/udpecho/control", "--lame-duck=6s",
                   *options, log=self.log)

    def has_addresses(self):
        shown = self.run("ip", "address", "show", "dev", "eth0", capture_output=True).stdout
        return [f" {address}/" in shown for address in ADDRESSES.values()]

    def hardware_address(self):
        return self.run("ip", "-br", "link", "show", "eth0", capture_output=True).stdout.split()[2]


class Scenes:
    """What happens to the first server, which has the addresses while it is well."""

    def __init__(self):
        self.first, self.second = Keepalived(2), Keepalived(3)
        self.network = Network([self.first, self.second])
        self.network.router.do("ip route add 198.51.100.7/32 dev servers\n"
                               "ip route add 2001:db8:7::7/128 dev servers")
        for server in self.network.servers:
            server.start_server()
            server.start_keepalived()
        self.wait_for(self.first)
        self.table = Table("keepalived", Traffic())

    def wait_for(self, server):
        wait_until(lambda: all(server.has_addresses()), f"{server.name} has the addresses")

    def router_sends_to(self, server):
        shown = [self.network.router.run("ip", "neighbour", "show", address, capture_output=True).stdout
                 for address in ADDRESSES.values()]
        return all(server.hardware_address() in neighbour for neighbour in shown)

    def move(self, server, act):
        act()
        self.wait_for(server)
        wait_until(lambda: self.router_sends_to(server), f"the router sends to {server.name}")

    def drain(self, option):
        self.first.run("udpechod", option, "--control=/run/udpecho/control", capture_output=True)

    def boot_broken(self):
        self.first.start_server("--listen=203.0.113.99:7")
        assert self.first.processes.pop("udpechod").wait(PATIENCE) != 0
        self.first.start_keepalived()
        for _ in range(50):
            time.sleep(0.1)
            assert self.first.has_addresses() == [False, False]

    def run(self):
        def away(name, act):
            self.table.scene(name, lambda: self.move(self.second, act), planned=False)

        def back(name, act):
            self.table.scene(name, lambda: self.move(self.first, act), planned=False)

        first = self.first
        self.table.scene("nothing happens", lambda: time.sleep(1))
        away("udpechod --drain", lambda: self.drain("--drain"))
        back("udpechod --undrain", lambda: self.drain("--undrain"))
        away("SIGTERM, lame duck", lambda: first.kill("udpechod", int(signal.SIGTERM)))
        first.processes.pop("udpechod").wait(PATIENCE)
        back("the server comes back", first.start_server)
        away("hang (SIGSTOP)", lambda: first.kill("udpechod", int(signal.SIGSTOP)))
        back("it goes on", lambda: first.processes["udpechod"].send_signal(signal.SIGCONT))  # nsenter(1) too
        away("death (SIGKILL)", lambda: first.kill("udpechod", int(signal.SIGKILL)))
        first.processes.pop("udpechod").wait(PATIENCE)
        back("the server comes back", first.start_server)
        away("the link is cut", lambda: self.network.cut(first))
        back("the link is mended", lambda: self.network.mend(first))
        away("keepalived is stopped", lambda: first.stop("keepalived"))
        first.stop("udpechod", signal.SIGKILL)
        self.table.scene("boot with a broken configuration", self.boot_broken)
        back("the configuration is mended", first.start_server)


def main():
    prepare("keepalived")
    scenes = Scenes()
    try:
        scenes.run()
    except BaseException:
        print(scenes.network.log(), file=sys.stderr)
        raise
    finally:
        scenes.network.close()
    sys.exit(scenes.table.failed)


if __name__ == "__main__":
    main()
