"""How many instructions udpechod runs for an echoed datagram, with everything on and with
everything off: its own and those of its libraries, not the kernel's. Needs valgrind.

It counts the same on a busy machine, and shows what the times of compare.py cannot tell from noise.
"""

import pathlib
import re
import tempfile

import compare
import harness

MILLISECONDS = 200, 2000  # of which the difference is taken: what starting and ending costs goes


def count(options, load, milliseconds, directory):
    """Returns instructions and datagrams of one run."""
    file = pathlib.Path(directory, "callgrind")
    prefix = ("valgrind", "--tool=callgrind", f"--callgrind-out-file={file}")
    with harness.Server("--workers=1", *options, prefix=prefix) as server:
        turns = compare.Turns(server, (), *load)
        turns.take(milliseconds)
        turns.end()
        echoed = server.stop()["echoed"]
    return int(re.search(r"(?m)^totals: (\d+)", file.read_text())[1]), echoed


def per_datagram(options, load, directory):
    few, many = (count(options, load, milliseconds, directory) for milliseconds in MILLISECONDS)
    return (many[0] - few[0]) / (many[1] - few[1])


def main():
    print("| traffic | size | off | on |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory() as directory, compare.everything_on() as on:
        for title, load in compare.loads():
            off, all_on = (per_datagram(options, load, directory)
                           for options in (compare.OFF, (*on, "--sandbox=off")))
            print(f"| {title} | {load[2]} | {off:.0f} | {all_on:.0f} |", flush=True)


if __name__ == "__main__":
    main()
