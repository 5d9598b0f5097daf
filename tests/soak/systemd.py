"""udpechod under systemd itself, in a container: what restarts, deaths and hung workers cost.

    python3 systemd.py [--restarts=200] [--kills=10] [--rate=20000] [--buffer=SIZE] [--root=DIRECTORY]

Nothing here passes or fails; it prints what it saw. It wants root, mmdebstrap, systemd-nspawn and
strace, and makes a Debian in DIRECTORY if there is none. UDPECHOD and UDPECHO name the programs,
which must find their libraries there. First the service has the sockets, which systemd keeps for it,
then the socket unit. Either has room for 4 MiB of datagrams that wait, the former if net.core.rmem_max
lets it, or for --buffer.
"""

import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time

PACKAGING = pathlib.Path(__file__).resolve().parents[2] / "packaging"
# The packages that systemd, the test and the package need.
PACKAGES = ("systemd,systemd-sysv,dbus,iproute2,procps,strace,"
            "libapr1,libaprutil1,libseccomp2,libmicrohttpd12,libsodium23")
PATIENCE = 60


def make_debian(root, *more):
    if not (root / "usr/bin/systemctl").exists():
        subprocess.run(["mmdebstrap", "--variant=minbase", f"--include={','.join((PACKAGES, *more))}",
                        "bookworm", root], check=True)


def build(root, buffer):
    shutil.copy(os.environ["UDPECHOD"], root / "usr/sbin/udpechod")
    shutil.copy(os.environ["UDPECHO"], root / "usr/bin/udpecho")
    (root / "etc/udpecho").mkdir(exist_ok=True)
    config = root / "etc/udpecho/udpechod.conf"
    shutil.copy(PACKAGING / "udpechod.conf", config)
    config.write_text(f"{config.read_text()}receive-buffer={buffer}\n")
    for unit in (PACKAGING / "systemd").iterdir():
        shutil.copy(unit, root / "etc/systemd/system")


class Container:
    """A booted Debian with a network of its own, if the options do not name one."""

    def __init__(self, root, *options):
        self.process = subprocess.Popen(
            ["systemd-nspawn", "--quiet", "-D", root, "--volatile=overlay", "--register=no",
             "--keep-unit", "--boot", "--console=pipe", *(options or ["--private-network"])],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.init = None
        deadline = time.monotonic() + PATIENCE
        while self.run("systemctl", "is-system-running", "--wait").stdout.strip() not in (
                "running", "degraded"):
            if time.monotonic() > deadline:
                self.process.kill()
                sys.exit("the container does not boot")
            self.init = None  # what was found may have been on the way to it
            time.sleep(0.2)
        self.run("ip", "link", "set", "lo", "up")

    def inside(self, *command):
        """The command line that runs a command there."""
        if self.init is None:
            found = subprocess.run(["pgrep", "-P", str(self.process.pid)], capture_output=True,
                                   text=True)
            self.init = found.stdout.split()[0] if found.stdout else None
        return ["nsenter", "-t", self.init or "0", "-a", *command]

    def run(self, *command):
        return subprocess.run(self.inside(*command), capture_output=True, text=True,
                              timeout=PATIENCE)

    def show(self, unit, name):
        return self.run("systemctl", "show", "--value", "-p", name, unit).stdout.strip()

    def close(self):
        self.run("systemctl", "poweroff", "--force", "--force")
        self.process.wait(timeout=PATIENCE)


class Load:
    """A client that sends at a steady rate until it is asked to end."""

    def __init__(self, container, rate):
        self.container = container
        self.process = subprocess.Popen(
            container.inside("sh", "-c", 'echo $$; exec "$@"', "sh", "udpecho", "--flood",
                             f"--rate={rate}/s", "--duration=1h", "--json", "--quiet",
                             "127.0.0.1:8888"),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        self.number = self.process.stdout.readline().strip()  # as the container counts processes

    def end(self):
        time.sleep(2)  # whatever is not answered by now counts as lost
        self.container.run("kill", "-INT", self.number)
        output, _ = self.process.communicate(timeout=PATIENCE)
        return json.loads(output.splitlines()[-1])


def tell(what, **figures):
    print(json.dumps({"what": what, **figures}), flush=True)


def restart(container, service, rate, count):
    load = Load(container, rate)
    failed = 0
    began = time.monotonic()
    for _ in range(count):
        failed += container.run("systemctl", "restart", service).returncode != 0
    seconds = time.monotonic() - began
    tell("restarts", service=service, restarts=count, failed=failed, seconds=round(seconds, 1), **load.end())


def kill(container, service, rate, count):
    load = Load(container, rate)
    for _ in range(count):
        before = container.show(service, "NRestarts")
        container.run("systemctl", "kill", "--signal=SIGKILL", service)
        while container.show(service, "NRestarts") == before or \
                container.show(service, "ActiveState") != "active":
            time.sleep(0.05)
        time.sleep(0.5)
    tell("kills", service=service, kills=count, **load.end())


def hang(container, service):
    """Delays the next receive of every worker for longer than the watchdog waits."""
    process = container.show(service, "MainPID")
    tracer = subprocess.Popen(container.inside(
        "sh", "-c", 'echo $$; exec "$@"', "sh",
        "strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=recvmmsg",
        "-e", "inject=recvmmsg:delay_enter=600000000", "-p", process),
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    number = tracer.stdout.readline().strip()
    time.sleep(1)
    before = container.show(service, "NRestarts")
    began = time.monotonic()
    container.run("udpecho", "--count=1", "127.0.0.1:8888")
    while container.show(service, "ActiveState") == "active":
        if time.monotonic() - began > PATIENCE:
            break
        time.sleep(0.1)
    noticed = time.monotonic() - began
    # It holds what it traces, even where that is killed.
    container.run("kill", "-KILL", number)
    tracer.wait(timeout=PATIENCE)
    while container.show(service, "NRestarts") == before:
        if time.monotonic() - began > 2 * PATIENCE:
            break
        time.sleep(0.1)
    answered = container.run("udpecho", "--count=1", "127.0.0.1:8888").returncode == 0
    tell("hung worker", service=service, noticed_after=round(noticed, 1), answered_then=answered,
         restarts=int(container.show(service, "NRestarts")) - int(before))


def observe(container, service, options):
    container.run("udpecho", "--count=1", "127.0.0.1:8888")
    tell("service", service=service, active=container.show(service, "ActiveState"),
         status=container.show(service, "StatusText"),
         stored=container.show(service, "NFileDescriptorStore"))
    if container.show(service, "ActiveState") != "active":
        sys.exit(container.run("journalctl", "-u", service, "-n", "10", "--no-pager").stdout)
    print(container.run("udpechod", "--status").stdout)
    restart(container, service, options.rate, options.restarts)
    kill(container, service, options.rate, options.kills)
    hang(container, service)
    print(container.run("journalctl", "-u", service, "-n", "30", "--no-pager").stdout)
    score = container.run("systemd-analyze", "security", "--no-pager", service)
    tell("exposure", service=service, score=score.stdout.strip().splitlines()[-1:])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--restarts", type=int, default=200)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--rate", type=int, default=20000)
    parser.add_argument("--root", type=pathlib.Path, default=pathlib.Path("/var/tmp/udpecho-soak"))
    parser.add_argument("--buffer", default="4MiB")
    options = parser.parse_args()
    make_debian(options.root)
    build(options.root, options.buffer)
    container = Container(options.root)
    try:
        container.run("systemctl", "start", "udpechod.service")
        observe(container, "udpechod.service", options)
        container.run("systemctl", "stop", "udpechod.service")
        container.run("systemctl", "start", "udpechod.socket")
        observe(container, "udpechod-activated.service", options)
    finally:
        container.close()


if __name__ == "__main__":
    main()
