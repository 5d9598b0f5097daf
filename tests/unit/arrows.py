"""Which room knows which, by the includes of the sources and by the symbols of the objects: the
platform nothing of src, the cores no system, the server and the client nothing of each other.
Usage: arrows.py NM PROJECT (--room ROOM OBJECT...)..."""

import pathlib
import re
import sys

from objects import forgotten, in_c, reached, read

# The part of include/ that is plain data, which a core may know; the rest are contracts with the
# platform.
NOUNS = {"include/udpecho/datagram.h", "include/udpecho/endpoint.h"}

KNOWS = {
    "nouns": {"nouns"},
    "include": {"nouns", "include"},
    "platform": {"nouns", "include", "platform"},
    "src/common": {"nouns", "include", "src/common"},
    "src/core": {"nouns", "src/common", "src/core"},
    "src/server": {"nouns", "include", "src/common", "src/core", "src/server"},
    "src/client/core": {"nouns", "src/common", "src/client/core"},
    "src/client": {"nouns", "include", "src/common", "src/client/core", "src/client"},
}

# Where a quoted name begins, besides the folder of the file that includes it.
ROOTS = ("include", "src", "platform")

INCLUDE = re.compile(r'^\s*#\s*include\s*["<]([^">]+)[">]', re.MULTILINE)


def room_of(path):
    """The room of a file, named from the project's folder on. None: it is in none."""
    if path in NOUNS:
        return "nouns"
    rooms = [room for room in KNOWS if path.startswith(room + "/")]
    return max(rooms, key=len, default=None)


def included(project, source, name):
    """The file of the project that is meant, named as room_of() takes it. None: it is of a library,
    or made by the build, which then stays in the room that includes it."""
    folders = [source.parent, *(project / root for root in ROOTS)]
    for path in (folder / name for folder in folders):
        if path.exists() or path.with_name(path.name + ".in").exists():
            return path.resolve().relative_to(project).as_posix()
    return None


def wrong_includes(project):
    for root in ROOTS:
        for source in sorted((project / root).rglob("*.[ch]")):
            path = source.relative_to(project).as_posix()
            if room_of(path) is None:
                yield f"{path} is in no room"
                continue
            for name in INCLUDE.findall(source.read_text(encoding="utf-8")):
                target = included(project, source, name)
                if target is not None and room_of(target) not in KNOWS[room_of(path)]:
                    yield f"{path} includes {target}"


def words_of(header):
    text = re.sub(r"/\*.*?\*/", "", header.read_text(encoding="utf-8"), flags=re.DOTALL)
    return set(re.findall(r"\w+", text))


def defined_by(objects):
    return set().union(*(o.defines for o in objects))


def wrong_needs(project, rooms):
    contracts = set().union(*(words_of(path) for path in (project / "include").rglob("*.h")))
    for room, objects in rooms.items():
        known = set().union(*(defined_by(rooms[other]) for other in KNOWS[room] if other in rooms))
        for other in rooms.keys() - KNOWS[room]:
            found = defined_by(rooms[other])
            if other == "platform" and "include" in KNOWS[room]:
                found = {name for name in found if not in_c({name}) & contracts
                         and name not in contracts}
            for o in objects:
                for name in sorted((o.needs & found) - known):
                    yield f"{o.source} of {room} calls {name} of {other}"


def what_client_hands_over(project, rooms):
    """The functions of handover.h that the client's program has; they are the server's."""
    words = words_of(project / "include/udpecho/handover.h")
    names = {name for name in defined_by(rooms["platform"]) if (in_c({name}) | {name}) & words}
    if not names:
        yield "no function of handover.h is found: are these the platform's objects?"
    others = rooms["src/client/core"] + rooms["src/common"] + rooms["platform"]
    for name in sorted(names & defined_by(reached(rooms["src/client"], others))):
        yield f"the client links {name}"


def main():
    nm, folder, *rest = sys.argv[1:]
    project = pathlib.Path(folder).resolve()
    rooms, room = {}, None
    for argument in rest:
        if argument == "--room":
            room = None
        elif room is None:
            room = rooms.setdefault(argument, [])
        else:
            room.append(argument)
    rooms = {name: read(nm, paths) for name, paths in rooms.items()}

    mistakes = list(wrong_includes(project))
    for name, objects in rooms.items():
        inner = {other for other in rooms if other.startswith(name + "/")}
        folders = [project / name, *(path for path in (project / name).rglob("*") if path.is_dir()
                                     and path.relative_to(project).as_posix() not in inner)]
        if name != "platform":  # where each system builds a part
            mistakes += [f"{source} of {name} is not built"
                         for path in folders for source in sorted(forgotten(objects, path))]
    mistakes += wrong_needs(project, rooms)
    mistakes += what_client_hands_over(project, rooms)
    sys.exit("\n".join(mistakes) or None)


if __name__ == "__main__":
    main()
