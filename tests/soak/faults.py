"""Every system call of udpechod failing in every way that system_every_call tries a part of.

    python3 faults.py [--parts=start,reload] [--calls=socket] [--jobs=4]

Prints what went wrong and a summary, and ends with 1 if anything did. UDPECHOD names the program. As
root, in a network of its own.
"""

import argparse
import collections
import json
import pathlib
import sys
import time

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "system"))

# pylint: disable=wrong-import-position
import every_call
import harness
import namespaces


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--parts", default=",".join(every_call.PARTS))
    parser.add_argument("--calls", default="")
    parser.add_argument("--jobs", type=int, default=4)
    options = parser.parse_args()
    namespaces.enter_own_loopback()

    def tell(outcome):
        if outcome.fault:
            print(*outcome.scenario, outcome.fault.replace("\n", " "), sep="\t", flush=True)

    began = time.monotonic()
    calls = every_call.Calls(every_call.has_metrics(), 9000)
    scenarios = [scenario for scenario in calls.scenarios()
                 if scenario.part in options.parts.split(",")
                 and (not options.calls or scenario.call in options.calls.split(","))]
    outcomes = every_call.run_all(calls, scenarios, options.jobs, tell)
    by_part = collections.Counter((outcome.scenario.part,
                                   "wrong" if outcome.fault else
                                   "right" if outcome.is_met else "not met")
                                  for outcome in outcomes)
    print(json.dumps({"scenarios": len(outcomes), "seconds": round(time.monotonic() - began),
                      **{" ".join(key): count for key, count in sorted(by_part.items())}}))
    return any(outcome.fault for outcome in outcomes)


if __name__ == "__main__":
    sys.exit(main())
