"""The manual page has the names of all counters and metrics and no others, and the alerts and the
dashboard ask for metrics that there are. Usage: counter_names.py PACKAGING PROGRAM..., which is
what counter_names.c becomes"""

import json
import pathlib
import re
import subprocess
import sys


def section(manual, name):
    text = re.search(rf"^\.Sh {name}$(.*?)(?=^\.Sh )", manual, re.M | re.S).group(1)
    return text.replace("\\\n", " ")


def differences(what, there, told):
    """Lines that say what one of the sets lacks."""
    return ([f"{what} lacks {name}" for name in sorted(there - told)]
            + [f"{what} has {name}, which is none" for name in sorted(told - there)])


def expressions(packaging):
    """All that the dashboard and the alerts ask for."""
    panels = json.loads((packaging / "grafana/udpechod.json").read_text(encoding="utf-8"))["panels"]
    asked = [target["expr"] for panel in panels for target in panel["targets"]]
    rules = (packaging / "prometheus/udpechod.rules.yml").read_text(encoding="utf-8")
    return "\n".join(asked + [rules])


def unknown(asked, samples):
    """Metrics that are asked for and not there, and values of their labels."""
    metrics = {sample.split("{")[0] for sample in samples} | {"udpechod_listener_info"}
    for name in sorted(set(re.findall(r"\b(?:udpechod|process)_\w+", asked)) - metrics):
        yield f"{name} is asked for and not there"
    for name, label, words in re.findall(r'(udpechod_\w+)\{(reason|error)=~?"([^"]+)"', asked):
        # The reasons of a listener are there once they come up; they are those of the whole.
        name = name.replace("_listener_", "_")
        for word in words.split("|"):
            if f'{name}{{{label}="{word}"}}' not in samples:
                yield f'{name} is asked for {label}="{word}", which is not there'


def main():
    packaging, *program = sys.argv[1:]
    packaging = pathlib.Path(packaging)
    output = subprocess.run(program, check=True, capture_output=True, text=True).stdout
    names, scrape = (part.splitlines() for part in output.split("\n\n", 1))
    samples = [line.rsplit(" ", 1)[0] for line in scrape if not line.startswith("#")]
    manual = (packaging / "man/udpechod.8").read_text(encoding="utf-8")

    items = re.findall(r"^\.It Li (.*)", section(manual, "COUNTERS"), re.M)
    told = {name for item in items for name in re.findall(r"\w+", item)} - {"health"}
    counters = {sample for sample in samples if re.search(r"_total\b", sample)}
    # What is counted for a service by itself is no row of the table.
    of_services = {sample for sample in counters
                   if "{listener=" in sample or sample.startswith("udpechod_stamp_")}
    counters -= of_services
    of_services = {sample.split("{")[0] for sample in of_services}
    in_manual = set(re.findall(r'\budpechod_\w+_total\b(?:\{\w+="\w+"\})?',
                               section(manual, "METRICS")))
    with_label = {counter.split("{")[0] for counter in counters if "{" in counter}
    wrong = (differences("COUNTERS of the manual", set(names), told)
             + differences("METRICS of the manual", counters | of_services,
                           in_manual - with_label)
             + list(unknown(expressions(packaging), samples)))
    if wrong or len(counters) != len(names):
        sys.exit("\n".join(wrong) or "there are not as many metrics as counters")


if __name__ == "__main__":
    main()
