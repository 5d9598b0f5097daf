"""A service manager that speaks systemd's protocols, as far as udpechod does: sd_listen_fds(3), and
sd_notify(3) with a file descriptor store."""

import array
import os
import socket
import sys

import harness

# Does what the service manager does between fork and exec: argv is the descriptors, their names and
# the command.
HAND_OVER = """
import fcntl, os, sys
descriptors, names = [int(number) for number in sys.argv[1].split()], sys.argv[2]
end = 3 + len(descriptors)
copies = [fcntl.fcntl(descriptor, fcntl.F_DUPFD, end) for descriptor in descriptors]
for number, copy in enumerate(copies, 3):
    os.dup2(copy, number)
os.closerange(end, os.sysconf("SC_OPEN_MAX"))
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(descriptors)))
if names:
    os.environ["LISTEN_FDNAMES"] = names
os.execvp(sys.argv[3], sys.argv[3:])
"""

# More than any message here has.
DESCRIPTORS_MAX = 100


def handed_over(descriptors, *options, names="", prefix=(), **keywords):
    """A server that is handed these, which stay open here too, under these names, if any."""
    prefix = [sys.executable, "-c", HAND_OVER, " ".join(map(str, descriptors)), names, *prefix]
    return harness.Server(*options, prefix=prefix, descriptors=descriptors, **keywords)


class Manager:
    """Listens at a path, or at a name that is none of a file, which begins with @. What it is told
    it hears when it is asked for the next message, and not before."""

    def __init__(self, name, patience_us=None):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind("\0" + name[1:] if name.startswith("@") else name)
        self.socket.settimeout(harness.PATIENCE)
        self.environment = {"NOTIFY_SOCKET": name}
        self.store = []  # of (name, descriptor), the latest first as systemd has it
        if patience_us is not None:
            self.environment["WATCHDOG_USEC"] = str(patience_us)

    def close(self):
        self.socket.close()
        self._forget(lambda name: True)

    def hear(self):
        """The next message that is not about the store, as a dictionary."""
        while True:
            text, ancillary, _, _ = self.socket.recvmsg(
                4096, socket.CMSG_SPACE(DESCRIPTORS_MAX * array.array("i").itemsize))
            message = dict(line.split("=", 1) for line in text.decode().split("\n"))
            descriptors = array.array("i")
            for _, _, data in ancillary:
                descriptors.frombytes(data)
            if "FDSTORE" in message:
                assert message["FDPOLL"] == "0", message
                self._keep(message["FDNAME"], descriptors)
            elif "FDSTOREREMOVE" in message:
                self._forget(lambda name, gone=message["FDNAME"]: name == gone)
            else:
                return message

    def wait_for(self, *names):
        """The next message that has all these names."""
        while not set(names) <= set(message := self.hear()):
            pass
        return message

    def _keep(self, name, descriptors):
        assert ":" not in name and len(name) <= 255, name
        for descriptor in descriptors:
            if any(os.path.sameopenfile(descriptor, kept) for _, kept in self.store):
                os.close(descriptor)
            else:
                self.store.insert(0, (name, descriptor))

    def _forget(self, is_gone):
        for name, descriptor in self.store:
            if is_gone(name):
                os.close(descriptor)
        self.store = [(name, descriptor) for name, descriptor in self.store if not is_gone(name)]

    def stored(self):
        """Where the sockets in the store are bound: (host, port), as often as there are sockets."""
        found = []
        for _, descriptor in self.store:
            with socket.socket(fileno=os.dup(descriptor)) as sock:
                found.append(sock.getsockname()[:2])
        return sorted(found)

    def start(self, *options, sockets=(), wait=True, **keywords):
        """A server that is handed `sockets` of a socket unit, and all that is in the store."""
        names = ["udpechod.socket"] * len(sockets) + [name for name, _ in self.store]
        server = handed_over(
            [sock.fileno() for sock in sockets] + [descriptor for _, descriptor in self.store],
            *options, names=":".join(names), environment=self.environment, wait=wait, **keywords)
        if wait:
            self.wait_for("READY")
        return server
