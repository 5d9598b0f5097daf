"""Packets of STAMP and UDPEchoPlus and the replies that are due, as files of tests/vectors have them,
and what of a reply a test over the network cannot know beforehand."""

import collections
import glob
import hashlib
import hmac
import os

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, "vectors")

CODE = 16  # octets of an HMAC

Layout = collections.namedtuple("Layout", "length sequence t3 estimate t2 ttl")

PLAIN = Layout(44, 0, 4, 12, 16, 40)
AUTHENTICATED = Layout(112, 0, 16, 24, 32, 80)

TIMESTAMP_INFORMATION, DIRECT_MEASUREMENT, FOLLOW_UP, HMAC = 3, 5, 7, 8


def load(pattern):
    """{name: fields}, with the packets as bytes; a reply that must not come is None."""
    found = {}
    for path in sorted(glob.glob(os.path.join(FOLDER, pattern + ".txt"))):
        with open(path) as lines:
            fields = dict(line.rstrip("\n").split(": ", 1) for line in lines
                          if not line.startswith("#") and ": " in line)
        for name in "request", "reply", "key":
            text = fields.get(name)
            if text is not None:
                fields[name] = None if text == "none" else bytes.fromhex(text.replace("-", ""))
        found[os.path.splitext(os.path.basename(path))[0]] = fields
    return found


def code(key, data):
    return hmac.new(key, data, hashlib.sha256).digest()[:CODE]


def tlvs(packet, layout):
    """(offset, type, value) of each TLV that is whole."""
    at = layout.length
    while at + 4 <= len(packet):
        end = at + 4 + int.from_bytes(packet[at + 2:at + 4], "big")
        if end > len(packet):
            return
        yield at, packet[at + 1], packet[at + 4:end]
        at = end


def masked(packet, layout):
    """A reply with zero where it depends on the clock, the path, or the codes that cover these."""
    packet = bytearray(packet)
    spans = [(layout.t3, 8), (layout.estimate, 2), (layout.t2, 8)]
    if layout is AUTHENTICATED:
        spans.append((layout.length - CODE, CODE))
    spans += [(at + 4, len(value)) for at, kind, value in tlvs(packet, layout)
              if kind in (TIMESTAMP_INFORMATION, DIRECT_MEASUREMENT, FOLLOW_UP, HMAC)]
    for at, length in spans:
        packet[at:at + length] = bytes(length)
    return bytes(packet)


def codes_are_right(packet, layout, key):
    """Whether all that is authenticated in a packet of STAMP is so by this key."""
    base = layout.length - CODE
    right = layout is PLAIN or packet[base:base + CODE] == code(key, packet[:base])
    for at, kind, value in tlvs(packet, layout):
        if kind == HMAC and not packet[at] & 0x20:
            right &= value == code(key, packet[:4] + packet[layout.length:at])
    return right
