"""The Debian packages in the life of a host: installed, used, upgraded under load, removed, purged.

    python3 packages.py PACKAGES [--upgrades=10] [--rate=20000] [--root=DIRECTORY]

PACKAGES is the folder with the .deb of udpecho, udpecho-watch and udpechod. It wants root, mmdebstrap and
systemd-nspawn, and makes a Debian in DIRECTORY if there is none, which is booted and left as it was.
Prints what an upgrade costs, which nothing here judges; fails if anything else is not as it should be.
"""

import argparse
import pathlib
import re
import shutil
import subprocess
import sys
import time

from systemd import Container, Load, make_debian, tell

CONFIG = "/etc/udpecho/udpechod.conf"
EDITED = "listen=127.0.0.1:8888\nlisten=127.0.0.1:7777\n"
UNITS = ("udpechod.service", "udpechod-activated.service", "udpechod.socket")
WATCH, TARGETS = "udpecho-watch.service", "/etc/udpecho/targets"
IPV6_UNIT = "udpechod-ipv6.socket"  # comes and goes with the last of these


def offer(packages, root, version):
    """Puts the packages where the container sees them, as if they were of that version."""
    names = []
    for package in sorted(packages.glob("udpecho*.deb")):
        tree = root / "var/tmp/tree"
        shutil.rmtree(tree, ignore_errors=True)
        subprocess.run(["dpkg-deb", "--raw-extract", package, tree], check=True)
        control = tree / "DEBIAN/control"
        control.write_text(re.sub(r"(?m)^(Version: |Depends:.*\budpecho \(= )[^)\n]*", rf"\g<1>{version}",
                                  control.read_text()))
        name = f"/var/tmp/{package.name.split('_')[0]}_{version}.deb"
        subprocess.run(["dpkg-deb", "--root-owner-group", "--build", tree, root / name[1:]],
                       check=True, stdout=subprocess.DEVNULL)
        shutil.rmtree(tree)
        names.append(name)
    if len(names) != 3:
        sys.exit(f"{packages} has {len(names)} packages, not 3")
    return names


class Host(Container):
    failures = 0

    def expect(self, what, found, expected):
        if found == expected:
            tell(what, ok=True)
        else:
            Host.failures += 1
            tell(what, ok=False, found=found, expected=expected)

    def dpkg(self, *arguments):
        done = self.run("env", "DEBIAN_FRONTEND=noninteractive", "dpkg", *arguments)
        if done.returncode != 0:
            sys.exit(f"dpkg {' '.join(arguments)}: {done.stderr}")

    def states(self):
        """Returns for each unit whether it is enabled and whether it is active."""
        return {unit: tuple(self.run("systemctl", f"is-{state}", unit).stdout.strip()
                            for state in ("enabled", "active")) for unit in UNITS}

    def answers(self, port):
        return self.run("udpecho", "--count=1", f"127.0.0.1:{port}").returncode == 0

    def bound(self):
        lines = self.run("ss", "-lunpH").stdout.splitlines()
        return sorted({line.split()[3] for line in lines if "udpechod" in line})

    def files(self):
        """All that is on disk and could have come with a package; but not what logs and caches."""
        found = self.run("find", "/", "-xdev", "-path", "/var/tmp", "-prune", "-o", "-path", "/tmp",
                         "-prune", "-o", "-path", "/var/log", "-prune", "-o",
                         "-path", "/var/lib/dpkg", "-prune", "-o", "-print").stdout
        lists = self.run("ls", "/var/lib/dpkg/info").stdout
        return set(found.splitlines()) | set(lists.splitlines())


def install(host, packages):
    host.dpkg("-i", *packages)
    host.expect("installed, it is enabled and runs", host.states(),
                {UNITS[0]: ("enabled", "active"), UNITS[1]: ("static", "inactive"),
                 UNITS[2]: ("disabled", "inactive")})
    host.expect("the watcher, which has no targets, is not", [
        host.run("systemctl", f"is-{state}", WATCH).stdout.strip() for state in ("enabled", "active")],
        ["disabled", "inactive"])
    host.expect("it answers", host.answers(8888), True)
    host.expect("it is on the loopback only", host.bound(), ["127.0.0.1:8888", "[::1]:8888"])
    host.expect("it tells root its status", host.run("udpechod", "--status").returncode, 0)
    host.expect("and nobody else", host.run("setpriv", "--reuid=65534", "--clear-groups", "udpechod",
                                            "--status").returncode, 77)


def reload(host):
    host.run("sh", "-c", f"printf '%s' '{EDITED}' >> {CONFIG}")
    host.run("systemctl", "reload", UNITS[0])
    host.expect("a reload opens another port", host.answers(7777), True)


def use(host, config):
    host.run("sh", "-c", f"printf '%s' \"$1\" > {CONFIG}", "sh", config)


def state(host, unit):
    return host.show(unit, "ActiveState"), host.show(unit, "ExecMainStatus"), host.show(unit, "NRestarts")


def mistake(host):
    """A wrong file: a reload fails and changes nothing; a start fails, and is not tried again."""
    before = host.run("cat", CONFIG).stdout
    use(host, "listen=127.0.0.1.:8888\n")
    done = host.run("systemctl", "reload", UNITS[0])
    host.expect("a reload of a wrong file fails", done.returncode != 0, True)
    host.expect("and says why", "expected ADDRESS[:PORT]" in host.run(
        "journalctl", "-u", UNITS[0], "--no-pager").stdout, True)
    host.expect("nothing has changed", (state(host, UNITS[0])[0], host.answers(8888)), ("active", True))
    host.run("systemctl", "restart", UNITS[0])
    host.run("sleep", "2")
    host.expect("a start with a wrong file is not repeated", state(host, UNITS[0]), ("failed", "78", "0"))
    use(host, before)
    host.expect("mended, it reloads after a start", [
        host.run("systemctl", verb, UNITS[0]).returncode for verb in ("start", "reload")], [0, 0])
    host.expect("and answers", host.answers(8888), True)


def low_port(host):
    """Ports below 1024 as the comment of the unit says; without it, a start is not repeated."""
    before = host.run("cat", CONFIG).stdout
    use(host, "listen=*:7\n")
    host.run("systemctl", "restart", UNITS[0])
    host.run("sleep", "2")
    host.expect("a port below 1024 is refused once", state(host, UNITS[0]), ("failed", "77", "0"))
    unit = host.run("systemctl", "cat", UNITS[0]).stdout
    lines = re.findall(r"(?m)^#     (\S+)$", unit)
    host.expect("the comment has a section", lines[0], "[Service]")
    folder = f"/run/systemd/system/{UNITS[0]}.d"
    host.run("sh", "-c", f"mkdir -p {folder} && printf '%s\\n' {' '.join(lines)} > {folder}/low.conf")
    host.run("systemctl", "daemon-reload")
    host.run("systemctl", "restart", UNITS[0])
    host.expect("with the lines of the comment it answers there", host.answers(7), True)
    host.run("rm", "-r", folder)
    host.run("systemctl", "daemon-reload")
    use(host, before)
    host.run("systemctl", "restart", UNITS[0])
    host.expect("and is back", host.answers(8888), True)


def mistake_with_sockets(host):
    """A wrong file behind systemd's sockets, to which somebody sends on and on."""
    before = host.run("cat", CONFIG).stdout
    use(host, "no-such-option\n")
    host.run("systemctl", "restart", UNITS[1])
    load = Load(host, 100)
    for _ in range(60):
        if host.show(UNITS[2], "ActiveState") == "failed":
            break
        time.sleep(1)
    host.expect("the socket gives up on a wrong file", [host.show(unit, "ActiveState") for unit in UNITS[1:]],
                ["failed", "failed"])
    load.end()
    use(host, before)
    time.sleep(10)  # for so long systemd counts what it started
    host.expect("mended, it starts again", host.run("systemctl", "start", UNITS[2]).returncode, 0)
    host.expect("and answers on the socket", host.answers(8888), True)


def upgrade(host, what, rate, count, versions):
    """Back and forth between two versions."""
    before = host.states()
    load = Load(host, rate)
    for number in range(count):
        host.dpkg("-i", *versions[number % 2])
    tell(f"upgrade, {what}", upgrades=count, **load.end())
    host.expect("an upgrade leaves enabled and active what was", host.states(), before)
    kept = host.run("cat", CONFIG).stdout
    host.expect("an upgrade keeps the configuration", kept.endswith(EDITED), True)


def scrape(host):
    """What udpecho-watch serves to Prometheus: {line without its number: number}."""
    request = 'exec 3<>/dev/tcp/127.0.0.1/9007 && printf "GET /metrics HTTP/1.0\\r\\n\\r\\n" >&3 && cat <&3'
    lines = host.run("bash", "-c", request).stdout.splitlines()
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)
            if name.startswith("udpecho_")}


def asked(host):
    """How often each target that udpecho-watch asks has answered."""
    return {re.search('target="(.*?)"', name)[1]: value for name, value in scrape(host).items()
            if name.startswith("udpecho_received_datagrams_total{")}


def has_told(host, text, *options):
    return text in host.run("journalctl", "-u", WATCH, "--no-pager", *options).stdout


def watch(host):
    """It wants targets before it starts, reads them again, and comes back where it dies."""
    host.run("systemctl", "start", WATCH)
    host.run("sleep", "7")
    host.expect("without targets it does not start, once", state(host, WATCH), ("failed", "2", "0"))
    host.expect("and says what it needs, as an error",
                has_told(host, f"{TARGETS}: expected HOST[:PORT]", "-p", "err"), True)
    host.run("sh", "-c", "echo 127.0.0.1 by.name >> /etc/hosts")
    host.run("sh", "-c", f"printf '127.0.0.1:8888\\nby.name:8888\\nno.such.name\\n' >> {TARGETS}")
    done = host.run("systemctl", "enable", "--now", WATCH)
    host.expect("with targets it does", (done.returncode, state(host, WATCH)[0]), (0, "active"))
    host.run("sleep", "3")
    host.expect("they answer", sorted(target for target, count in asked(host).items() if count > 0),
                ["127.0.0.1:8888", "by.name:8888"])
    host.expect("what has no address is told", has_told(host, "no.such.name: lookup failed"), True)
    host.run("sh", "-c", f"echo 127.0.0.2:8888 >> {TARGETS}")
    host.expect("a reload is taken", host.run("systemctl", "reload", WATCH).returncode, 0)
    host.run("sleep", "2")
    host.expect("it asks one more", scrape(host).get("udpecho_targets"), 4.0)
    host.run("sh", "-c", f"echo :::: >> {TARGETS}")
    host.run("systemctl", "reload", WATCH)
    host.run("sleep", "1")
    host.expect("a wrong file is told, and changes nothing",
                (has_told(host, "::::: expected", "-p", "err"), scrape(host).get("udpecho_targets"), state(host, WATCH)[0]),
                (True, 4.0, "active"))
    host.run("sed", "-i", "$d", TARGETS)
    host.run("systemctl", "kill", "--signal=SIGKILL", WATCH)
    host.run("sleep", "8")
    host.expect("killed, it is started again", (state(host, WATCH)[0], state(host, WATCH)[2]), ("active", "1"))


def watch_ends(host):
    """A watcher that nobody has answered is stopped, and has not failed."""
    host.run("sh", "-c", f"echo 127.0.0.1:9 > {TARGETS}")
    host.run("systemctl", "restart", WATCH)
    host.run("sleep", "2")
    host.run("systemctl", "stop", WATCH)
    host.run("sh", "-c", "sed -i /by.name/d /etc/hosts; [ -s /etc/hosts ] || rm /etc/hosts")
    host.expect("stopped without an answer, it has not failed", state(host, WATCH)[:2], ("inactive", "1"))
    host.run("systemctl", "start", WATCH)


def change_to_sockets(host):
    host.run("systemctl", "disable", UNITS[0])
    done = host.run("systemctl", "enable", "--now", UNITS[2])
    host.expect("the sockets take over from the service", done.returncode, 0)
    host.expect("it answers on systemd's socket", host.answers(8888), True)
    host.expect("by the service that has no network", host.show(UNITS[1], "NRestarts"), "0")
    host.run("systemctl", "start", UNITS[0])
    host.expect("and back", (host.answers(8888), host.states()[UNITS[2]][1]), (True, "inactive"))
    host.run("systemctl", "start", UNITS[2])
    host.expect("and again to the sockets", host.answers(8888), True)
    host.expect("and on that of IPv6",
                host.run("udpecho", "--count=1", "[::1]:8888").returncode, 0)


def switch_off(host, versions):
    host.run("systemctl", "disable", "--now", *UNITS)
    host.dpkg("-i", *versions[1])
    host.expect("what was disabled stays so", sorted({state for pair in host.states().values()
                                                      for state in pair}),
                ["disabled", "inactive", "static"])


def remove(host, before):
    host.run("systemctl", "enable", "--now", UNITS[0])
    host.dpkg("-r", "udpechod", "udpecho-watch", "udpecho")
    host.expect("removed, no socket is left", host.run("systemctl", "is-active", IPV6_UNIT).stdout,
                "inactive\n")
    host.expect("removed, nothing runs", host.run("pgrep", "udpecho").stdout, "")
    host.expect("removed, nothing failed",
                host.run("systemctl", "--failed", "--no-legend", "--plain", "udpechod*").stdout, "")
    host.expect("the configuration stays", host.run("cat", CONFIG).stdout.endswith(EDITED), True)
    host.dpkg("-P", "udpechod", "udpecho-watch")
    host.expect("purged, nothing is left behind", sorted(host.files() - before), [])
    host.expect("and nothing else is gone", sorted(before - host.files()), [])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("packages", type=pathlib.Path)
    parser.add_argument("--upgrades", type=int, default=10)
    parser.add_argument("--rate", type=int, default=20000)
    parser.add_argument("--root", type=pathlib.Path,
                        default=pathlib.Path("/var/tmp/udpecho-packages"))
    options = parser.parse_args()
    make_debian(options.root)
    old, new = (offer(options.packages, options.root, version) for version in ("0~1", "0~2"))
    host = Host(options.root)
    try:
        before = host.files()
        install(host, old)
        reload(host)
        mistake(host)
        low_port(host)
        watch(host)
        upgrade(host, "its own sockets", options.rate, options.upgrades, (new, old))
        host.expect("upgraded, it watches on", (state(host, WATCH)[0], scrape(host).get("udpecho_targets")),
                    ("active", 4.0))
        watch_ends(host)
        change_to_sockets(host)
        upgrade(host, "systemd's socket", options.rate, options.upgrades, (new, old))
        mistake_with_sockets(host)
        switch_off(host, (new, old))
        remove(host, before)
    finally:
        host.close()
    sys.exit(1 if Host.failures else 0)


if __name__ == "__main__":
    main()
