"""Object files of a build: which source each is of, and what it defines and needs."""

import pathlib
import subprocess


class Object:
    """One object file. `needs` is what it uses and does not define. Names are as nm has them."""

    def __init__(self, path):
        self.source = pathlib.Path(path).stem  # "echo.c" of "echo.c.o"
        self.defines, self.needs = set(), set()


def read(nm, paths):
    """The object files at these paths, in this order."""
    objects = {path: Object(path) for path in paths}
    output = subprocess.run([nm, "-A", "-P", *paths], check=True, capture_output=True,
                            text=True).stdout
    for line in output.splitlines():
        path, symbol = line.split(": ", 1)
        name, kind = symbol.split()[:2]
        if kind == "U":
            objects[path].needs.add(name)
        elif kind.isupper():
            objects[path].defines.add(name)
    return list(objects.values())


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
