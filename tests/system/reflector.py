"""A STAMP Session-Reflector (RFC 8762, RFC 8972) of the tests' own, for what udpecho makes of others
than udpechod: as a function of responder.Request, exactly so wrong as a test wants it."""

import hashlib
import hmac
import socket
import struct
import time

BASE = 44
NTP_EPOCH = 2208988800
LOCATION, TIMESTAMP_INFO, CLASS_OF_SERVICE, DIRECT_MEASUREMENT, FOLLOW_UP = 2, 3, 4, 5, 7


def timestamp(nanoseconds, ptp=False):
    """Eight octets of a time since 1970."""
    seconds, rest = divmod(nanoseconds, 10 ** 9)
    if ptp:
        return struct.pack("!II", seconds & 0xffffffff, rest)
    return struct.pack("!II", seconds + NTP_EPOCH & 0xffffffff, (rest << 32) // 10 ** 9)


class Reflector:
    """Numbers its replies if it is `stateful`. They are as long as the request, or `length` octets;
    without `tlvs`, what is behind the base packet comes back as it was sent. Its clock is `ahead`
    by nanoseconds, writes NTP or PTP, and says that it is off by what `error` stands for."""

    def __init__(self, stateful=False, length=None, tlvs=True, ptp=False, one_time=False,
                 error=0x0d01, ahead=0, ttl=57, traffic_class=0, seen_from=None,
                 keeps_timestamp=True):
        self.stateful, self.length, self.tlvs, self.ptp = stateful, length, tlvs, ptp
        self.one_time, self.error, self.ahead, self.ttl = one_time, error, ahead, ttl
        self.traffic_class, self.seen_from = traffic_class, seen_from
        self.keeps_timestamp = keeps_timestamp
        self.sessions = {}  # by source and SSID: how many replies
        self._left = {}     # of each, when the last one did

    def _now(self):
        return time.time_ns() + self.ahead

    def __call__(self, request):
        payload, arrived = request.payload.ljust(BASE, b"\0"), self._now()
        session = (request.source, payload[14:16])
        count = self.sessions[session] = self.sessions.get(session, 0) + 1
        number = struct.pack("!I", count - 1) if self.stateful else payload[:4]
        tail = self._tlvs(payload[BASE:], request, session, count) if self.tlvs else payload[BASE:]
        left = arrived if self.one_time else self._now()
        reply = (number + timestamp(left, self.ptp)
                 + struct.pack("!H", self.error | 0x4000 * self.ptp) + payload[14:16]
                 + timestamp(arrived, self.ptp) + payload[:4]
                 + (payload[4:12] if self.keeps_timestamp else timestamp(arrived, self.ptp))
                 + payload[12:14] + bytes(2) + bytes([self.ttl]) + bytes(3) + tail)
        self._left[session] = (number, left)
        return [reply if self.length is None else reply[:self.length]]

    def _tlvs(self, tail, request, session, count):
        done = b""
        while len(tail) >= 4:
            flags, kind, length = struct.unpack("!BBH", tail[:4])
            value, rest = tail[4:4 + length], tail[4 + length:]
            if len(value) < length:
                return done + struct.pack("!BBH", 0x40, kind, length) + value
            fill = {LOCATION: self._location, TIMESTAMP_INFO: lambda *_: bytes([1, 2, 1, 2]),
                    CLASS_OF_SERVICE: self._class_of_service,
                    DIRECT_MEASUREMENT: lambda value, *_: value[:4] + struct.pack("!II", count, count),
                    FOLLOW_UP: lambda value, *_: self._follow_up(session),
                    1: lambda value, *_: value}.get(kind)
            if fill is not None:
                flags, value = 0, fill(value, request)
            done += struct.pack("!BBH", flags, kind, length) + value
            tail = rest
        return done + tail

    def _class_of_service(self, value, _request):
        wanted = value[0] >> 2
        refused = wanted not in (0, self.traffic_class >> 2)
        bits = wanted << 10 | self.traffic_class << 2 | refused
        return struct.pack("!HH", bits, 0)

    def _location(self, value, request):
        host, port = self.seen_from or request.source[:2]
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        address = socket.inet_pton(family, host).ljust(16, b"\0")
        done, tail = struct.pack("!HH", 862, port), value[4:]
        while len(tail) >= 4:
            kind, length = tail[1], struct.unpack("!H", tail[2:4])[0]
            filled = {7: 9 if family == socket.AF_INET6 else 8}.get(kind)
            done += (tail[:4 + length] if filled is None
                     else struct.pack("!BBH", 0, filled, length) + address)
            tail = tail[4 + length:]
        return done

    def _follow_up(self, session):
        number, left = self._left.get(session, (bytes(4), None))
        if not self.stateful or left is None:
            return bytes(16)
        return number + timestamp(left + 5000, self.ptp) + bytes([2, 0, 0, 0])


def code(key, *parts):
    return hmac.new(key, b"".join(parts), hashlib.sha256).digest()[:16]


class AuthenticatedReflector:
    """One of authenticated mode, stateless, which looks into no TLV. What it answers is right, or
    has another bit `damaged`."""

    LENGTH = 112

    def __init__(self, key, damaged=None):
        self.key, self.damaged = key, damaged
        self.refused = 0

    def __call__(self, request):
        arrived = time.time_ns()
        payload, tail = request.payload[:self.LENGTH], request.payload[self.LENGTH:]
        if len(payload) < self.LENGTH or code(self.key, payload[:96]) != payload[96:]:
            self.refused += 1
            return []
        reply = (payload[:4] + bytes(12) + timestamp(time.time_ns()) + b"\x0d\x01" + payload[26:28]
                 + bytes(4) + timestamp(arrived) + bytes(8) + payload[:4] + bytes(12)
                 + payload[16:26] + bytes(6) + b"\x39" + bytes(15))
        reply = bytearray(reply + code(self.key, reply) + tail)
        if self.damaged is not None:
            reply[self.damaged] ^= 1
        return [bytes(reply)]


class LossyPath:
    """Loses every tenth request on its way there, and every seventh reply on its way back."""

    def __init__(self, answer):
        self._answer = answer
        self._replies = self.lost_requests = self.lost_replies = 0

    def __call__(self, request):
        if request.number % 10 == 0:
            self.lost_requests += 1
            return []
        kept = []
        for reply in self._answer(request):
            self._replies += 1
            if self._replies % 7 == 0:
                self.lost_replies += 1
            else:
                kept.append(reply)
        return kept
