"""The core makes no system call: the symbols that its object file leaves undefined are few, known,
and do no input or output. Usage: core_symbols.py NM OBJECT..."""

import subprocess
import sys

ALLOWED = {
    "apr_palloc",             # memory from a pool, when a core is made
    "memset",
    "endpoint_is_multicast",  # arithmetic on an address
}

# What compilers add by themselves.
COMPILER_PREFIXES = ("__asan_", "__ubsan_", "__tsan_", "__stack_chk_", "_GLOBAL_OFFSET_TABLE_",
                     "__sanitizer_")


def undefined(nm, objects):
    output = subprocess.run([nm, "-u", *objects], check=True, capture_output=True, text=True).stdout
    return {line.split()[-1] for line in output.splitlines() if " U " in f" {line} "}


def main():
    nm, *objects = sys.argv[1:]
    symbols = undefined(nm, objects)
    foreign = {name for name in symbols - ALLOWED if not name.startswith(COMPILER_PREFIXES)}
    print("undefined in the core:", " ".join(sorted(symbols)))
    if not symbols & ALLOWED:
        sys.exit("no known symbol found: is this the core's object?")
    if foreign:
        sys.exit(f"the core must not call: {' '.join(sorted(foreign))}")


if __name__ == "__main__":
    main()
