"""Every system call that udpechod makes from its start to its end, in reloads, when it is asked for
its status and on both sides of a takeover, failing once in one of several ways, another in each
part. tests/soak/faults.py tries all of them, which takes some minutes."""

import itertools
import os
import unittest

import every_call
import harness
import namespaces
import tracing


def sample(scenarios):
    """For each call of each part one way to fail, taken in turn."""
    groups = itertools.groupby(scenarios, key=lambda scenario: (scenario.part, scenario.call))
    for number, (_, ways) in enumerate(groups):
        ways = list(ways)
        yield ways[number * 5 % len(ways)]


def has_sanitizer():
    """Its runtime makes calls of its own, whose failure is not looked at."""
    with harness.Server("--duration=1ms") as server:
        return "sanitizer" in server.find("confined")[0]["sandbox"]


@unittest.skipIf(has_sanitizer(), "a sanitizer's runtime is in the process")
@tracing.needs_strace
@unittest.skipUnless(os.geteuid() == 0, "only root may trace a process in the sandbox")
@unittest.skipUnless(namespaces.INSIDE in os.environ, "no network namespace for its ports")
class EveryCall(unittest.TestCase):
    def test_sample(self):
        calls = every_call.Calls(every_call.has_metrics(), 9000)
        scenarios = list(sample(calls.scenarios()))
        outcomes = every_call.run_all(calls, scenarios, jobs=4)
        for outcome in outcomes:
            with self.subTest(outcome.scenario):
                self.assertIsNone(outcome.fault)
        # A failure that no scenario reaches tests nothing.
        met = sum(outcome.is_met for outcome in outcomes)
        self.assertGreater(met, len(outcomes) / 2)


if __name__ == "__main__":
    namespaces.enter_own_loopback()
    harness.main()
