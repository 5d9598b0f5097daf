"""Object files of a build: which source each is of, and what it defines and needs."""

import pathlib
import subprocess


class Object:
    """One object file. `needs` is what it uses and does not define. Names are as nm has them."""

    def __init__(self, nm, path):
        output = subprocess.run([nm, "-P", path], check=True, capture_output=True, text=True).stdout
        symbols = [line.split()[:2] for line in output.splitlines() if len(line.split()) > 1]
        self.source = pathlib.Path(path).stem  # "echo.c" of "echo.c.o"
        self.defines = {name for name, kind in symbols if kind.isupper() and kind != "U"}
        self.needs = {name for name, kind in symbols if kind == "U"}


def forgotten(objects, folder):
    """The sources in this folder that none of the objects is of."""
    return {path.name for path in pathlib.Path(folder).glob("*.c")} - {o.source for o in objects}


def reached(objects, others):
    """`objects`, and those of `others` that they need, and so on: what a linker takes."""
    taken, left = list(objects), list(others)
    while True:
        needs = set().union(*(o.needs for o in taken)) - set().union(*(o.defines for o in taken))
        more = [o for o in left if o.defines & needs]
        if not more:
            return taken
        taken += more
        left = [o for o in left if o not in more]


def in_c(names):
    """The names as C has them: Mach-O has an underscore before each."""
    if names and all(name.startswith("_") for name in names):
        return {name[1:] for name in names}
    return set(names)
