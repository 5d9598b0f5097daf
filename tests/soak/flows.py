"""Flows to one address of several servers, and what is lost while one of the servers changes.

16 flows, half of them IPv6, send 1,600 datagrams a second in all; each one that has no answer when its
scene ends, a second after the last was sent, is lost.
"""

import select
import socket
import struct
import threading
import time

ADDRESSES = {4: "198.51.100.7", 6: "2001:db8:7::7"}
PORT = 7
FLOWS = 8  # of each IP version
RATE = 100  # of each flow, a second


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
        self.slowest = dict.fromkeys(ADDRESSES, 0)  # of the answers, in seconds
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
                    datagram = flows[opened], *struct.unpack("!Q", opened.recv(64))
                except OSError:
                    continue
                sent = self.missing.pop(datagram, None)
                if sent is not None:
                    version = self.sockets[datagram[0]][0]
                    self.slowest[version] = max(self.slowest[version], time.monotonic() - sent)
            if time.monotonic() >= ends:
                return


class Table:
    def __init__(self, kind, traffic):
        self.kind = kind
        self.traffic = traffic
        self.failed = False
        print(f"{'':15} {'scene':38} {'sent':>6} {'lost':>6} {'window':>7} {'changed':>8} {'slowest':>8}"
              "  (seconds)", flush=True)

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
            print(f"{self.kind:10} IPv{version} {name:38} {traffic.sent[version]:6} {len(lost):6} "
                  f"{window:7.2f} {changed:8.2f} {traffic.slowest[version]:8.2f}  {verdict}", flush=True)
