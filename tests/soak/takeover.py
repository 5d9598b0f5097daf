"""Servers that take over from one another while a client sends, and another one asks by the control
socket: what is lost, and who is not answered.

    python3 takeover.py [--handovers=200] [--rate=20000] [--pause=0.1]

Nothing here passes or fails; it prints what it saw. UDPECHOD names the program, UDPECHO_TOOLS the
folder of the tests' programs.
"""

import argparse
import json
import os
import pathlib
import sys
import tempfile
import time

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "system"))

# pylint: disable=wrong-import-position
import harness
import test_takeover


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--handovers", type=int, default=200)
    parser.add_argument("--rate", type=int, default=20000)
    parser.add_argument("--pause", type=float, default=0.1, help="seconds between handovers")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        control = os.path.join(directory, "control")
        settings = (f"--takeover={os.path.join(directory, 'takeover')}", f"--control={control}")
        server = harness.Server(*settings)
        asker = test_takeover.Asker(control)
        client = test_takeover.SteadyClient(server.address, options.rate)
        began = time.monotonic()
        for _ in range(options.handovers):
            successor = harness.Server(*settings)
            server.finish()
            server.kill()
            server = successor
            time.sleep(options.pause)
        seconds = time.monotonic() - began
        lost = client.finish()
        unanswered = asker.finish()
        server.kill()
    print(json.dumps({"handovers": options.handovers, "seconds": round(seconds, 1),
                      "sent": client.sent, "per_second": round(client.sent / seconds),
                      "lost": lost, "asked": asker.asked, "unanswered": len(unanswered)}))


if __name__ == "__main__":
    main()
