"""Runs the real udpecho, and reads what it says in all of its formats.

The binary is named by the environment variable UDPECHO.
"""

import collections
import contextlib
import csv
import json
import os
import pathlib
import re
import subprocess
import tempfile

import harness

UDPECHO = os.environ["UDPECHO"]


class Client:
    """A running udpecho, which writes JSON and CSV to files besides what it shows."""

    def __init__(self, *arguments, prefix=()):
        self._directory = tempfile.TemporaryDirectory(prefix="udpecho-")
        self.json_file, self.csv_file = (pathlib.Path(self._directory.name, name)
                                         for name in ("run.json", "run.csv"))
        self.process = subprocess.Popen(
            [*prefix, *harness.EMULATOR, UDPECHO, f"--json-file={self.json_file}",
             f"--csv-file={self.csv_file}", *map(str, arguments)],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.communicate()
        self._directory.cleanup()

    def wait_for(self, kind, count=1):
        """Waits until that many records of this type are written."""
        word = f'"record":"{kind}"'
        harness.wait_until(lambda: self._text(self.json_file).count(word) >= count)

    def interrupt(self):
        self.process.send_signal(harness.STOP)

    @staticmethod
    def _text(path):
        if not path.exists():
            return ""  # it has not come so far, or never will
        with open(path, newline="") as file:
            return file.read()

    def finish(self):
        """Waits for its end; returns a Report."""
        text, errors = self.process.communicate(timeout=3 * harness.PATIENCE)
        return Report(self.process.returncode, text, errors,
                      self._text(self.json_file), self._text(self.csv_file))


class Report:
    """What a run said. Records are dictionaries, with their numbers as they were written where
    `exact` is asked for."""

    def __init__(self, code, text, errors, json_text, csv_text):
        self.code = code
        self.text = text
        self.errors = errors
        self.exact_records = [json.loads(line, parse_int=str, parse_float=str)
                              for line in json_text.splitlines()]
        self.records = [json.loads(line) for line in json_text.splitlines()]
        self.rows = list(csv.DictReader(csv_text.splitlines()))

    def of(self, kind, **fields):
        """The records of this type with these fields."""
        return [record for record in self.records if record["record"] == kind
                and all(record[name] == value for name, value in fields.items())]

    @property
    def summary(self):
        found = self.of("summary", interim=False)
        if len(found) != 1:
            raise AssertionError(f"{len(found)} summaries:\n{self.text}{self.errors}")
        return found[0]

    def verdicts(self):
        """How many replies there were of each verdict, if they were told at all."""
        return collections.Counter(reply["verdict"] for reply in self.of("reply"))


def ask(*arguments, prefix=()):
    """Runs udpecho to its end."""
    with Client(*arguments, prefix=prefix) as client:
        return client.finish()


def run(*arguments, prefix=()):
    """The same without any file."""
    return harness.run(*map(str, arguments), program=UDPECHO, prefix=prefix)


@contextlib.contextmanager
def full_pipe():
    """The end of one that has no room left."""
    inside, outside = os.pipe()
    os.set_blocking(outside, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(outside, bytes(4096))
    os.set_blocking(outside, True)
    yield outside
    os.close(outside)
    os.close(inside)


def check_sums(test, report):
    """What must hold of every run, whatever it met: each datagram has come to one end, and the sums
    are those of what was told of each."""
    for total in [*report.of("summary"), *report.of("sweep_port"), *report.of("total")]:
        test.assertEqual(total["sent"], total["received"] + total["corrupted"] + total["lost"]
                         + total["outstanding"], total)
        test.assertLessEqual(total["late"], total["received"], total)
        test.assertLessEqual(total["reordered"], total["received"], total)
    if report.of("reply") and not report.of("total"):
        check_told(test, report)


def check_told(test, report):
    """Checks the records of a verbose run with one peer."""
    summary, replies = report.summary, report.of("reply")
    verdicts = report.verdicts()
    answers = [reply for reply in replies if reply["verdict"] in ("answer", "late")]
    for kind in "duplicate", "corrupt", "misdelivered", "elsewhere", "unknown":
        test.assertEqual(summary[f"{kind}_replies"], verdicts[kind], kind)
    test.assertEqual(summary["received"], len(answers))
    test.assertEqual(summary["late"], verdicts["late"])
    test.assertEqual(summary["reordered"], sum(reply["reordered"] for reply in answers))
    test.assertEqual(summary["bytes"], sum(reply["length"] for reply in answers))
    test.assertEqual(summary["not_sent"], len(report.of("not_sent")))
    test.assertEqual(summary["refused"], len(report.of("refused")))
    # Nothing is answered, or missing, twice.
    for told in answers, report.of("missing"):
        sequences = [record["sequence"] for record in told if record["sequence"] is not None]
        test.assertEqual(len(sequences), len(set(sequences)))
    if answers:
        trips = [reply["round_trip_us"] for reply in answers if reply["round_trip_us"] is not None]
        test.assertEqual(summary["round_trips"], len(trips))
    if answers and trips:
        test.assertEqual((summary["round_trip_min_us"], summary["round_trip_max_us"]),
                         (min(trips), max(trips)))
        test.assertAlmostEqual(summary["round_trip_mean_us"], sum(trips) / len(trips), delta=0.51)


def matches(pattern, text):
    """The named groups of every line that is wholly so."""
    return [match.groupdict() for match in re.finditer(f"(?m)^{pattern}$", text)]
