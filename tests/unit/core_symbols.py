"""The core makes no system call: the symbols that its object file leaves undefined are few, known,
and do no input or output. Usage: core_symbols.py NM OBJECT..."""

import re
import subprocess
import sys

ALLOWED = {
    "apr_palloc",             # memory from a pool, when a core is made
    "apr_siphash24",          # arithmetic on bytes
    "sqrt",
    "memcmp",
    "bcmp",                   # what clang makes of it
    "memcpy",
    "htonl", "ntohl", "ntohs",  # byte order; on Windows by a DLL
    "__imp_htonl", "__imp_ntohl", "__imp_ntohs",
    "memset",
    "bzero", "__bzero",       # what a compiler for macOS makes of these two
    "__memcpy_chk",
    "access_list_allows",
    "own_is_broadcast",       # searches in memory
    "own_is_listener",
    "source_ports_refuse",
    "source_ports_throttle",
}

# What assert() calls where it does not hold, which is the end of the program: with glibc and musl,
# on macOS, on the BSDs, on Windows.
ALLOWED |= {"__assert_fail", "__assert_rtn", "__assert", "__assert2", "__assert13", "_assert",
            "_wassert"}

# What compilers add by themselves.
COMPILER_PREFIXES = ("__asan_", "__ubsan_", "__tsan_", "__stack_chk_", "___chkstk_",
                     "_GLOBAL_OFFSET_TABLE_", "__sanitizer_")

# Their arithmetic for what a processor has no instructions for: on ARM by the names of its ABI,
# elsewhere by those of libgcc, which end in the types ("Integer library routines" and "Soft float
# library routines" of GCC's internals); and its atomics.
ARITHMETIC = re.compile(r"__aeabi_\w+|__atomic_\w+_8|__sync_synchronize|"
                        r"__[a-z]+(?:[sdtx][fi]){1,2}[234]?")


def undefined(nm, objects):
    """What no object of the core defines and another one needs. The names are as in C: Mach-O has
    an underscore before each."""
    output = subprocess.run([nm, "-P", *objects], check=True, capture_output=True,
                            text=True).stdout
    symbols = [line.split()[:2] for line in output.splitlines() if len(line.split()) > 1]
    defined = {name for name, kind in symbols if kind != "U"}
    names = {name for name, kind in symbols if kind == "U"} - defined
    if names and all(name.startswith("_") for name in names):
        names = {name[1:] for name in names}
    return names


def main():
    nm, *objects = sys.argv[1:]
    symbols = undefined(nm, objects)
    foreign = {name for name in symbols - ALLOWED
               if not name.startswith(COMPILER_PREFIXES) and not ARITHMETIC.fullmatch(name)}
    print("undefined in the core:", " ".join(sorted(symbols)))
    if not symbols & ALLOWED:
        sys.exit("no known symbol found: is this the core's object?")
    if foreign:
        sys.exit(f"the core must not call: {' '.join(sorted(foreign))}")


if __name__ == "__main__":
    main()
