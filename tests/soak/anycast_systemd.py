"""One of two servers with one anycast address under systemd, with the units and bird.conf as they are: what
systemctl, drains, deaths, a boot with a broken configuration and a shutdown cost.

    UDPECHOD=build/dev/src/udpechod UDPECHO=build/dev/src/udpecho \\
        python3 tests/soak/anycast_systemd.py [DIRECTORY]

It wants root, mmdebstrap, systemd-nspawn and bird2, and makes a Debian in DIRECTORY if there is none. The
programs must find their libraries there. It takes 3 minutes.
"""

import pathlib
import re
import shutil
import subprocess
import sys
import time

from flows import ADDRESSES, Table, Traffic
from routing import ANYCAST, PATIENCE, Anycast, Server, prepare, wait_until
from systemd import Container, build, make_debian

SERVER = "udpechod.service"
ANNOUNCERS = [f"udpecho-announce@{address}.service" for address in ADDRESSES.values()]
LAME_DUCK = 20  # longer than the TimeoutStopSec of the unit, 10 seconds
BROKEN = "no-such-option\n"
BOUND = f"listen=198.51.100.7:7\nlisten=[2001:db8:7::7]:7\nlame-duck={LAME_DUCK}s\n"


class Machine(Server):
    """A Debian with an init of its own in the network of a server."""

    def __init__(self, root):
        super().__init__("bird", 2)
        self.root = root
        make_debian(root, "bird2")
        build(root, "4MiB")
        (root / "etc/bird/bird.conf").write_text(self.configuration())
        system = root / "etc/systemd/system"
        shutil.copy(ANYCAST / "udpecho-announce@.service", system)
        shutil.copy(ANYCAST / "udpecho-announce", root / "usr/local/sbin")
        (system / "udpechod.service.d").mkdir(exist_ok=True)
        # For a port below 1024, as the unit says in its comments.
        lines = re.findall(r"(?m)^#     (\S+)$", (system / SERVER).read_text())
        (system / "udpechod.service.d/low.conf").write_text("\n".join(lines))
        subprocess.run(["systemctl", f"--root={root}", "--quiet", "enable", "bird.service", SERVER,
                        *ANNOUNCERS], check=True)

    def boot(self, config):
        (self.root / "etc/udpecho/udpechod.conf").write_text(config)
        self.container = Container(self.root, f"--network-namespace-path=/proc/{self.pid}/ns/net",
                                   "--capability=CAP_NET_ADMIN")

    def boot_routing(self, _):
        self.boot(BROKEN)

    def systemctl(self, *words):
        done = self.container.run("systemctl", *words)
        assert done.returncode == 0, f"systemctl {words}: {done.stderr}"

    def configure(self, config):
        self.container.run("sh", "-c", 'echo "$1" >/etc/udpecho/udpechod.conf', "sh", config)

    def show(self, name):
        return self.container.show(SERVER, name)

    def state(self, unit):
        return self.container.show(unit, "ActiveState")

    def journal(self):
        return self.container.run("journalctl", "--no-pager", "-o", "short-precise", "-u", SERVER,
                                  "-u", "udpecho-announce@*", "-u", "bird").stdout


class Scenes:
    """What happens to the first server."""

    def __init__(self, root):
        self.machine, self.other = Machine(root), Server("bird", 3)
        self.network = Anycast("bird", [self.machine, self.other])
        self.other.start_server()
        self.other.start_announcers()
        self.network.wait_for_next_hops(1)
        self.table = Table("systemd", Traffic())

    def both(self, *words):
        """systemctl with these words, after which both servers are announced."""
        self.machine.systemctl(*words)
        self.network.wait_for_next_hops(2)

    def one(self, *words):
        self.machine.systemctl(*words)
        self.network.wait_for_next_hops(1)

    def announces_nothing(self):
        assert self.machine.state(SERVER) == "failed"
        for _ in range(80):
            time.sleep(0.1)
            assert [self.network.next_hops(version) for version in ADDRESSES] == [1, 1]

    def mended(self):
        self.machine.configure(BOUND)
        self.both("start", SERVER)

    def control(self, option, hops):
        self.machine.container.run("udpechod", option)
        self.network.wait_for_next_hops(hops)

    def stop(self):
        """The script withdraws the address before the lame-duck time begins."""
        self.machine.systemctl("stop", "--no-block", SERVER)
        self.network.wait_for_next_hops(1)
        wait_until(lambda: self.machine.state(SERVER) == "deactivating", "it stops")
        began = time.monotonic()
        wait_until(lambda: "lame" in self.machine.show("StatusText"), "it tells that it stops")
        wait_until(lambda: self.machine.state(SERVER) != "deactivating", "it has stopped")
        assert self.machine.show("Result") == "success"
        assert time.monotonic() - began > LAME_DUCK - 1

    def kill(self, unit, signal):
        """It is started again, and both servers are announced."""
        before = self.machine.container.show(unit, "NRestarts")
        self.machine.systemctl("kill", f"--signal={signal}", unit)
        wait_until(lambda: self.machine.container.show(unit, "NRestarts") != before, "it is started again")
        wait_until(lambda: self.machine.state(unit) == "active", "it runs")
        self.network.wait_for_next_hops(2)

    def shutdown(self):
        self.machine.systemctl("poweroff")
        self.machine.container.process.wait(timeout=PATIENCE)
        self.network.wait_for_next_hops(1)

    def boot(self):
        self.machine.boot(BOUND)
        self.network.wait_for_next_hops(2)

    def run(self):
        scene = self.table.scene
        scene("boots with a broken configuration", self.announces_nothing)
        scene("the configuration is mended", self.mended)
        scene("systemctl stop udpechod", self.stop)
        scene("systemctl start udpechod", lambda: self.both("start", SERVER))
        scene("systemctl restart udpechod", lambda: self.both("restart", SERVER))
        scene("systemctl reload udpechod", lambda: self.both("reload", SERVER))
        scene("systemctl stop udpecho-announce@", lambda: self.one("stop", *ANNOUNCERS))
        scene("systemctl start udpecho-announce@", lambda: self.both("start", *ANNOUNCERS))
        scene("udpechod --drain", lambda: self.control("--drain", 1))
        scene("udpechod --undrain", lambda: self.control("--undrain", 2))
        scene("systemctl restart bird", lambda: self.both("restart", "bird"))
        scene("death of the script (SIGKILL)", lambda: self.kill(ANNOUNCERS[0], "SIGKILL"))
        scene("death of udpechod (SIGKILL)", lambda: self.kill(SERVER, "SIGKILL"))
        scene("hang of udpechod (SIGSTOP)", lambda: self.kill(SERVER, "SIGSTOP"), planned=False)
        scene("systemctl poweroff", self.shutdown)
        scene("boots", self.boot)


def main():
    prepare("bird", "systemd-nspawn")
    scenes = Scenes(pathlib.Path(sys.argv[1] if sys.argv[1:] else "/var/tmp/udpecho-anycast"))
    try:
        scenes.run()
    except BaseException:
        print(scenes.machine.journal(), file=sys.stderr)
        raise
    finally:
        scenes.machine.container.close()
        scenes.network.close()
    sys.exit(scenes.table.failed)


if __name__ == "__main__":
    main()
