"""The manual page of the client has the names of all metrics and no others, and the values of their
labels; its alerts and its dashboard ask for metrics that there are. Usage: metric_names.py PACKAGING PROGRAM..., which is what metric_names.c becomes"""

import json
import pathlib
import re
import subprocess
import sys

from counter_names import differences, section


def asked(packaging):
    """The metrics that the dashboard and the alerts ask for."""
    panels = json.loads((packaging / "grafana/udpecho-watch.json").read_text(encoding="utf-8"))
    rules = (packaging / "prometheus/udpecho-watch.rules.yml").read_text(encoding="utf-8")
    text = "\n".join(re.findall(r'"expr": ".*"', json.dumps(panels, indent=1))) + rules
    return set(re.findall(r"\budpecho_\w+", text))


def main():
    packaging, *program = sys.argv[1:]
    packaging = pathlib.Path(packaging)
    scrape = subprocess.run(program, check=True, capture_output=True, text=True).stdout
    manual = (packaging / "man/udpecho.1").read_text(encoding="utf-8")
    text = section(manual, "METRICS")

    names = set(re.findall(r"^# TYPE (\w+) ", scrape, re.M))
    told = set(re.findall(r"\b(?:udpecho|process)_\w+", text))
    gauges = set(re.findall(r"^# TYPE (udpecho_\w+_datagrams) gauge$", scrape, re.M))
    items = re.findall(r"^\.It (?:Li|Xo$)(.*?)(?=^\.It|^\.El)", text, re.M | re.S)
    told_gauges = {name for item in items if re.search(r"\b[Gg]auges?:", item)
                   for name in re.findall(r"udpecho_\w+", item)}
    values = set(re.findall(r'\b(?:kind|reason)="(\w+)"', scrape))
    told_values = {word for words in re.findall(r"^\.Li (?:kind|reason) :\n((?:\.Cm .*\n|and\n)+)",
                                                text, re.M)
                   for word in re.findall(r"\w+", words)} - {"Cm", "and"}
    wrong = (differences("METRICS of the manual", names, told)
             + differences("METRICS of the manual, as a gauge,", gauges, told_gauges)
             + differences("METRICS of the manual, as a label,", values, told_values))
    samples = set(re.findall(r"^(\w+)[{ ]", scrape, re.M))
    wrong += [f"{name} is asked for and not there" for name in sorted(asked(packaging) - samples)]
    if wrong or len(names) < 20 or len(values) < 10:
        sys.exit("\n".join(wrong) or "the scrape is not whole")


if __name__ == "__main__":
    main()
