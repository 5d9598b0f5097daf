"""The manual page has every name that a record of the client's JSON and CSV can have, and the
columns in their order. Usage: record_names.py SOURCE-FOLDER MANUAL"""

import pathlib
import re
import sys


def section(manual, name):
    return re.search(rf"^\.Sh {name}$(.*?)(?=^\.Sh )", manual, re.M | re.S).group(1)


def names_of_records(source):
    """The types of records and the names of their fields."""
    types = re.findall(r'(?:record_begin|request_record)\(event, "(\w+)"', source)
    fields = re.findall(r'\badd\w*\(&?record, "(\w+)"', source)
    times = re.findall(r'\{"(\w+_us)",', source)
    # The prefix of a name is its direction.
    ways = re.findall(r'add_delays\(&record, "(\w+)"', source)
    halves = re.findall(r'add_pings\(&record, "(\w+)"', source)
    of_each = re.findall(r'of_half\(record, half, "(\w+)"', source)
    each = {time for time in times if not time.startswith("round_trip_")}
    return {*types, *fields, *times} - each - {*ways, *halves} | {f"{way}_{time}" for way in ways for time in each} \
        | {f"{half}_{name}" for half in halves for name in of_each}


def names_of_manual(manual):
    text = section(manual, "JSON").replace("\\\n", " ")
    return {name for line in re.findall(r"^\.(?:It )?Cm (.*)$", text, re.M)
            for name in line.split(" , ") for name in name.split()}


def columns_of_source(source):
    """Returns the columns of plain echo, and those of the other protocols."""
    return [re.findall(r'"(\w+)"', table)
            for table in re.findall(r"columns\[\] = \{(.*?)\};", source, re.S)]


def columns_of_manual(manual):
    """The same; it shows what the other protocols have besides, in front of the last two."""
    shown, more = [re.findall(r"\w+", table)
                   for table in re.findall(r"^\.Bd.*?$(.*?)^\.Ed", section(manual, "CSV"),
                                           re.M | re.S)]
    return [shown, shown[:-2] + more + shown[-2:]]


def main():
    folder, manual = sys.argv[1:]
    folder = pathlib.Path(folder)
    manual = pathlib.Path(manual).read_text(encoding="utf-8")
    names = names_of_records("".join(file.read_text(encoding="utf-8")
                                     for file in sorted(folder.glob("record*.c"))))
    if not {"summary", "sent", "round_trip_p999_us", "backward_variation_p50_us"} <= names:
        sys.exit(f"the names of the records are not found: {sorted(names)}")
    missing = names - names_of_manual(manual)
    if missing:
        sys.exit(f"the manual page lacks {' '.join(sorted(missing))}")
    columns = columns_of_source((folder / "report_csv.c").read_text(encoding="utf-8"))
    if columns != columns_of_manual(manual):
        sys.exit(f"the columns are {columns}")


if __name__ == "__main__":
    main()
