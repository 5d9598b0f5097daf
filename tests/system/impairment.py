"""What --impair decides for each reply, computed anew: by SplitMix64's finalizer (Steele, Lea, Flood:
Fast Splittable Pseudorandom Number Generators, 2014), from the seed, the kind and the number."""

KINDS = "drop", "duplicate", "reorder", "corrupt"
# The streams of random numbers that come after those of the kinds: which bit, and how much jitter.
CORRUPT_BIT = len(KINDS)
JITTER = range(CORRUPT_BIT + 1, CORRUPT_BIT + 7)

WORD = 2**64
ONE = 2**32  # of the jitter
STEP = 0x9e3779b97f4a7c15


def mix(value):
    value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9 % WORD
    value = (value ^ value >> 27) * 0x94d049bb133111eb % WORD
    return value ^ value >> 31


class Random:
    def __init__(self, seed):
        seeded = mix((seed + STEP) % WORD)
        self._starts = [mix((seeded + STEP * (stream + 1)) % WORD) for stream in range(JITTER.stop)]

    def number(self, stream, number):
        return mix((self._starts[stream] + STEP * number) % WORD)


class Profile:
    """`chances` are percentages or, as strings, "1/N"."""

    def __init__(self, seed=0, **chances):
        self.seed = seed
        self.chances = chances
        self._random = Random(seed).number

    def __str__(self):
        return ",".join([*(f"{kind}={chance}{'' if isinstance(chance, str) else '%'}"
                           for kind, chance in self.chances.items()), f"seed={self.seed}"])

    def happens(self, kind, number):
        chance = self.chances.get(kind, 0)
        if isinstance(chance, str):
            return number % int(chance.removeprefix("1/")) == 0
        return self._random(KINDS.index(kind), number) % 1_000_000 < round(chance * 10_000)

    def corrupt(self, payload, number):
        bit = self._random(CORRUPT_BIT, number) % (8 * len(payload))
        changed = bytearray(payload)
        changed[bit // 8] ^= 1 << bit % 8
        return bytes(changed)


class Delay:
    """`delay` and `jitter` are milliseconds."""

    def __init__(self, delay, jitter=0, distribution="uniform", seed=0):
        self.delay = delay
        self.jitter = jitter
        self.distribution = distribution
        self.seed = seed
        self._random = Random(seed).number

    def __str__(self):
        return (f"delay={self.delay}ms" +
                (f",jitter={self.jitter}ms,distribution={self.distribution}" if self.jitter else "") +
                f",seed={self.seed}")

    def _deviation(self, number):
        """Returns the delay in units of 1/ONE of the jitter."""
        if self.distribution == "uniform":
            return (self._random(JITTER.start, number) >> 31) - ONE
        return sum(sum(divmod(self._random(stream, number), ONE)) for stream in JITTER) - len(JITTER) * ONE

    def microseconds(self, number):
        deviation = 1000 * self.jitter * self._deviation(number)
        return max(0, 1000 * self.delay + (abs(deviation) // ONE) * (1 if deviation >= 0 else -1))


class Path:
    """What comes back for each request to one server, where each waits for all that the one before
    it brings."""

    def __init__(self, profile):
        self.profile = profile
        self.number = 0
        self.held = None
        self.outcomes = {kind: [] for kind in KINDS}  # whether it happened, each time that it could

    def _does(self, kind):
        happens = self.profile.happens(kind, self.number)
        self.outcomes[kind].append(happens)
        return happens

    def counts(self):
        return {kind: sum(outcomes) for kind, outcomes in self.outcomes.items()}

    def send(self, payload):
        """The payloads that it brings, in order."""
        self.number += 1
        if self._does("drop"):
            return []
        if self._does("corrupt"):
            payload = self.profile.corrupt(payload, self.number)
        if self.held is None and self._does("reorder"):
            self.held = payload
            return []
        replies = [payload]
        if self.held is not None:
            replies.append(self.held)
            self.held = None
        if self._does("duplicate"):
            replies.append(payload)
        return replies
