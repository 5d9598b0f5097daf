"""Tables, in Markdown, of what bench.py has measured."""

import re
import statistics

from traffic import Turn

FAULTS = {"lost": "lost", "changed": "changed", "misdelivered": "to another client",
          "again": "twice or too late"}
CONTROL = "bare again"
CONTROL_MAX = 0.01

BEGIN, END = "<!-- figures -->\n", "<!-- end of figures -->\n"


def layout(rows):
    """A table whose columns are as wide as they must be."""
    rows = [[str(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*rows)]
    lines = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |"
             for row in rows]
    return "\n".join([lines[0], "|-" + "-|-".join("-" * width for width in widths) + "-|",
                      *lines[1:]])


def read_turns(row):
    return {name: [Turn(*turn) for turn in turns] for name, turns in row["turns"].items()}


def cost(turn):
    return turn.cpu_ns / turn.echoed


def ratios(turns, name, value):
    """One for each round in which both echoed something."""
    return [value(turn) / value(bare) for turn, bare in zip(turns[name], turns["bare"])
            if turn.echoed and bare.echoed and value(bare)]


def spread(values):
    if not values:
        return "–"
    if len(values) < 2:
        return f"{values[0]:.2f}"
    low, middle, high = statistics.quantiles(values, n=4, method="inclusive")
    digits = 3 if middle < 0.2 else 2 if middle < 10 else 0
    return f"{middle:.{digits}f} ({low:.{digits}f}–{high:.{digits}f})"


def faults(turns):
    """Returns the counts and shares of lost and wrong replies, as text."""
    sent = sum(turn.echoed + turn.lost + turn.changed for turn in turns) or 1
    counts = {words: sum(getattr(turn, name) for turn in turns) for name, words in FAULTS.items()}
    return "".join(f"; {count} {words} ({count / sent:.1%})" for words, count in counts.items()
                   if count)


def cell(turns, name, value=cost):
    if name not in turns:
        return ""
    if name == "bare":
        done = [value(turn) for turn in turns[name] if turn.echoed]
        return f"{statistics.median(done):.0f} ns{faults(turns[name])}"
    return spread(ratios(turns, name, value)) + faults(turns[name])


def control_deviation(turns):
    return statistics.median(ratios(turns, CONTROL, cost)) - 1


def names_of(rows):
    return list(dict.fromkeys(name for row in rows for name in row["turns"]))


def title(rows):
    first = rows[0]
    return first["shape"] + (", IPv6" if ":" in first["host"] else "")


def heading(row):
    return f"{row['size']} B, {row['clients']} × {row['window']}"


def describe_costs(rows):
    """A table for each shape: servers down, sizes across."""
    tables = []
    for shape, host in dict.fromkeys((row["shape"], row["host"]) for row in rows):
        group = [row for row in rows if (row["shape"], row["host"]) == (shape, host)]
        turns = [read_turns(row) for row in group]
        lines = [[title(group), *map(heading, group)]]
        lines += [[name, *(cell(each, name) for each in turns)] for name in names_of(group)]
        tables.append(layout(lines))
    return "\n\n".join(tables)


def describe_round_trips(row):
    turns = read_turns(row)
    return layout([["one datagram at a time, one processor", "round trip, median"],
                   *([name, cell(turns, name, lambda turn: turn.pass_ns)] for name in turns)])


def describe_peers(rows):
    ping_pong = [row for row in rows if row["clients"] * row["window"] == 1]
    text = describe_costs(rows)
    return "\n\n".join([text, *map(describe_round_trips, ping_pong)])


def describe_counts(rows):
    tables = []
    for what in dict.fromkeys(row["what"] for row in rows):
        group = [row for row in rows if row["what"] == what]
        names = list(group[0]["counts"])
        digits = 0 if what == "instructions" else 3
        tables.append(layout([[what, "size", *names], *(
            [title([row]), row["size"], *(f"{row['counts'][name]:.{digits}f}" for name in names)]
            for row in group)]))
    return "\n\n".join(tables) or "Not counted."


def describe_memory(measured):
    counts = list(dict.fromkeys(count for resident in measured.values() for count in resident))
    return layout([["server", *(f"{int(count):,} source{'s' if int(count) > 1 else ''}" for count in counts)],
                   *([name, *(f"{resident[count] / 1024:.1f} MiB" for count in counts)]
                     for name, resident in measured.items())])


def describe_control(result):
    """Whether the run may be believed: by how much the two bare loops differ."""
    deviations = {f"{part}, {title([row])}, {row['size']} B": control_deviation(read_turns(row))
                  for part in ("peers", "queues", "workers", "protocols") for row in result["parts"].get(part, ())
                  if row["clients"] * row["window"] > 1}
    if not deviations:
        return ""
    off = {name: value for name, value in deviations.items() if abs(value) > CONTROL_MAX}
    worst = max(map(abs, deviations.values()))
    if not off:
        return f"Control: the two bare loops differ by at most {worst:.1%}."
    listed = "; ".join(f"{name}: {value:+.1%}" for name, value in off.items())
    return (f"**Control: in {len(off)} of {len(deviations)} rows the two bare loops differ by more "
            f"than {CONTROL_MAX:.0%}; these rows should be measured again on a quieter machine.** "
            + listed + ".")


def describe_run(result):
    machine = result["machine"]
    versions = ", ".join(f"{name} {version}" for name, version in result["versions"].items())
    server, client = result["processors"]
    where = "the same processor" if server == client else "another processor"
    lines = [f"Run on {result['when']} of {machine['commit']}: {machine['processor']}, {machine['processors']} processors, "
             f"{machine['system']}, Linux {machine['kernel']}; {result['rounds']} rounds of "
             f"{result['slice_ms']} ms, clients on {where} as the server; load average "
             f"{result['load_before']:.1f} before and {result['load_after']:.1f} after."]
    lines += [f"Versions: {versions}."] if versions else []
    lines += [f"Skipped: {name}: {reason}." for name, reason in result["skipped"].items()]
    return "\n\n".join([*lines, describe_control(result)])


SECTIONS = {
    "peers": ("Beside other servers", describe_peers),
    "queues": ("Every shape and size, full queues", describe_costs),
    "workers": ("Several workers", describe_costs),
    "protocols": ("STAMP, UDPEchoPlus, and the DSCP mirrored", describe_costs),
    "counts": ("Instructions in user space and system calls for a datagram", describe_counts),
    "memory": ("Resident memory", describe_memory),
}


def describe(result):
    sections = [f"### {heading}\n\n{write(result['parts'][part])}"
                for part, (heading, write) in SECTIONS.items() if part in result["parts"]]
    return "\n\n".join([describe_run(result), *sections])


def write_page(path, result):
    """Puts the tables between the page's marks; of a run of some parts, in the place of those, with
    what is to be said of the run."""
    page = path.read_text()
    if len(result["parts"]) == len(SECTIONS):
        figures = f"{BEGIN}\n{describe(result)}\n\n{END}"
        page = re.sub(f"{BEGIN}.*{END}", lambda _: figures, page, flags=re.DOTALL)
    else:
        for part in result["parts"]:
            heading, write = SECTIONS[part]
            section = f"### {heading}\n\n{describe_run(result)}\n\n{write(result['parts'][part])}\n\n"
            page = re.sub(f"(?ms)^### {heading}\n.*?(?=^### |{END})|(?={END})",
                          lambda _: section, page, count=1)
    path.write_text(page)
