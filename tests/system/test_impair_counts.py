"""--impair over many datagrams: each of them, how many there are, and what udpecho says of each."""

import collections
import contextlib
import os
import socket
import unittest

import client_harness
import harness
import impairment

ALLOW = "--allow=127.0.0.0/8"
COUNT = 100_000

# The targets, and the requests to each. IMPAIR_EACH=2100 makes 100,800 requests.
SERIES, EACH = 48, int(os.environ.get("IMPAIR_EACH", "300"))

# What a chi-square of these degrees of freedom exceeds in one of a thousand cases (NIST/SEMATECH
# e-Handbook of Statistical Methods, 1.3.6.7.4).
CRITICAL = {1: 10.828, 9: 27.877}

# Gaps between events are counted in as many ranges of about the same probability.
RANGES = 10


def chi_square(observed, expected):
    return sum((seen - wanted)**2 / wanted for seen, wanted in zip(observed, expected, strict=True))


class Counts(unittest.TestCase):
    def run_against(self, profile):
        """Asks one at a time, and compares every octet that comes back."""
        path = impairment.Path(profile)
        with harness.Server("--workers=1", ALLOW, f"--impair={profile}") as running, \
                harness.client(running.address) as sock:
            for number in range(1, COUNT + 1):
                payload = number.to_bytes(4, "big") * 4
                sock.send(payload)
                for wanted in path.send(payload):
                    self.assertEqual(sock.recv(100), wanted, number)
            if path.held is not None:
                self.assertEqual(sock.recv(100), path.held)
            counters = running.stop()
        self.assertEqual({kind: counters[f"impaired_{kind}"] for kind in impairment.KINDS}, path.counts())
        return path

    def check_chance(self, outcomes, chance):
        """It happened as often, and as far apart, as independent chances bring."""
        numbers = [number for number, happened in enumerate(outcomes, 1) if happened]
        expected = len(outcomes) * chance
        self.assertLess(chi_square([len(numbers), len(outcomes) - len(numbers)],
                                   [expected, len(outcomes) - expected]), CRITICAL[1])
        gaps = collections.Counter(after - before for before, after in zip([0, *numbers], numbers))
        observed, shares = [0] * RANGES, [0.0] * RANGES
        longer = 1.0  # how likely it is that a gap is at least this long
        for gap in range(1, len(outcomes)):
            where = min(RANGES - 1, int(RANGES * (1 - longer)))
            observed[where] += gaps[gap]
            shares[where] += longer * chance
            longer *= 1 - chance
        self.assertLess(chi_square(observed, [len(numbers) * share for share in shares]), CRITICAL[RANGES - 1])

    def test_chances(self):
        """Two runs with the same seed, since both bring what was computed beforehand."""
        chances = {"drop": 3, "duplicate": 2, "reorder": 4, "corrupt": 1}
        for _ in range(2):
            path = self.run_against(impairment.Profile(seed=20, **chances))
        for kind, percentage in chances.items():
            with self.subTest(kind=kind):
                self.check_chance(path.outcomes[kind], percentage / 100)

    def test_every_nth(self):
        path = self.run_against(impairment.Profile(drop="1/7", duplicate="1/11", reorder="1/13", corrupt="1/17"))
        self.assertEqual(path.outcomes["drop"], [number % 7 == 0 for number in range(1, COUNT + 1)])

    def expect(self, profile, count):
        """What a client says: which sequence numbers are unanswered, duplicate and reordered."""
        path = impairment.Path(profile)
        payload = bytes(56)
        replies = [path.send(payload) for _ in range(count)]

        def those(condition):
            return {sequence for sequence, came in enumerate(replies) if condition(came)}

        unanswered = those(lambda came: came == [] or payload not in came)
        if "reorder" in profile.chances:  # one that nothing overtakes is in order
            return set(), set(), unanswered - ({count - 1} if path.held else set())
        # The client ends with the last answer, and may miss the duplicate that follows it.
        return unanswered, those(lambda came: len(came) == 2) - {count - 1}, set()

    def test_the_client_names_each(self):
        """A listener and a profile for each of many series, since a client leaves 20 ms between requests."""
        with contextlib.ExitStack() as stack:
            spares = [stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) for _ in range(SERIES)]
            for spare in spares:
                spare.bind(("127.0.0.1", 0))
            ports = [spare.getsockname()[1] for spare in spares]
        profiles = {f"127.0.0.1:{port}": impairment.Profile(
            seed=index, **{impairment.KINDS[index % len(impairment.KINDS)]: 5}) for index, port in enumerate(ports)}
        with harness.Server("--workers=1", ALLOW, listen=list(profiles),
                            *(f"--impair=port={target.rpartition(':')[2]},{profile}"
                              for target, profile in profiles.items())) as running:
            with client_harness.Client("--quiet", "--timeout=5s", "--interval=20ms", f"--count={EACH}",
                                       *profiles) as client:
                report = client.finish()
            running.stop()
        said = collections.defaultdict(lambda: (set(range(EACH)), set(), set()))
        for reply in report.of("reply"):
            unanswered, duplicate, reordered = said[reply["target"]]
            if reply["verdict"] in ("answer", "late"):
                unanswered.discard(reply["sequence"])
                reordered.update([reply["sequence"]] if reply["reordered"] else [])
            elif reply["verdict"] == "duplicate" and reply["sequence"] < EACH - 1:
                duplicate.add(reply["sequence"])
        for target, profile in profiles.items():
            with self.subTest(impair=str(profile)):
                self.assertEqual(said[target], self.expect(profile, EACH))


if __name__ == "__main__":
    harness.main()
