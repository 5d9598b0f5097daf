"""UDP servers of the tests' own, which answer as a test wants them to: exactly so wrong."""

import collections
import contextlib
import os
import select
import socket
import threading

# A request to the server; `number` counts from 1, `source` is the sender's address.
Request = collections.namedtuple("Request", "number payload source")

# An answer that is not simply sent back: from the socket `by`, 0 that was asked or one of the
# others, to the address `to`, or to the one that asked.
Reply = collections.namedtuple("Reply", "payload by to", defaults=(0, None))


def bound_socket(host, port):
    """A socket that holds what waits while the machine is busy."""
    (family, _, _, _, address), = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)
    sock = socket.socket(family, socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 22)
    sock.bind(address)
    return sock


class Responder:
    """Sends for every Request what `answer` returns for it: a list of payloads or of Reply.

    `others` are the addresses of the sockets that are not asked.
    """

    def __init__(self, answer, host="127.0.0.1", port=0, others=()):
        self._answer = answer
        self._sockets = [bound_socket(*address) for address in ((host, port), *others)]
        self._host, self.port = self._sockets[0].getsockname()[:2]
        self.requests = []
        self.sent = 0  # replies
        self._error = None
        self._stop = os.pipe()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def address(self):
        """The address in the form that udpecho accepts and prints."""
        return f"[{self._host}]:{self.port}" if ":" in self._host else f"{self._host}:{self.port}"

    def _run(self):
        try:
            self._serve()
        except Exception as error:  # of the answer, which is the test's
            self._error = error

    def _serve(self):
        while True:
            ready, _, _ = select.select([self._sockets[0], self._stop[0]], [], [])
            if self._stop[0] in ready:
                return
            request = Request(len(self.requests) + 1, *self._sockets[0].recvfrom(65536))
            self.requests.append(request)
            for reply in self._answer(request):
                if not isinstance(reply, Reply):
                    reply = Reply(reply)
                with contextlib.suppress(OSError):  # some tests send what cannot be sent
                    self._sockets[reply.by].sendto(reply.payload, reply.to or request.source)
                    self.sent += 1

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.write(self._stop[1], b".")
        self._thread.join()
        for sock in self._sockets:
            sock.close()
        for end in self._stop:
            os.close(end)
        if self._error is not None:
            raise self._error


def echo(request):
    """A correct echo server."""
    return [request.payload]


def silence(_request):
    return []


class Unreliable:
    """Drops every tenth reply, sends every seventh twice, and every fifth after the next one."""

    def __init__(self):
        self._held = []

    def __call__(self, request):
        if request.number % 10 == 0:
            return []
        replies = [request.payload] * (2 if request.number % 7 == 0 else 1)
        if request.number % 5 == 0:
            self._held = replies
            return []
        replies, self._held = replies + self._held, []
        return replies

    @staticmethod
    def expected(count):
        """What a client must find in `count` datagrams, the last of which must not be one that is
        held back."""
        kept = [number for number in range(1, count + 1) if number % 10 != 0]
        return {"sent": count, "received": len(kept), "lost": count - len(kept),
                "duplicate_replies": sum(number % 7 == 0 for number in kept),
                "reordered": sum(number % 5 == 0 for number in kept)}


class Delayed:
    """Answers each datagram when the next one comes."""

    def __init__(self):
        self._held = []

    def __call__(self, request):
        held, self._held = self._held, [request.payload]
        return held


def flip(payload, index=-1):
    """The payload with one byte changed, or an empty one with a byte added."""
    changed = bytearray(payload or b"!")
    changed[index] ^= 0x20
    return bytes(changed)
