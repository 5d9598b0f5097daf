"""A core makes no system call: its objects, and those of src/common that they reach, need few other
names, all of which are known to do no input or output.
Usage: core_symbols.py NM FOLDER OBJECT... -- OBJECT-OF-COMMON..."""

import re
import sys

from objects import forgotten, in_c, reached, read

# Symbols of the C library and of APR; none of this project belongs here.
ALLOWED = {
    "apr_array_copy",         # memory from a pool
    "apr_array_make",
    "apr_array_push",
    "apr_palloc",
    "apr_psprintf",
    "apr_siphash24",          # arithmetic on bytes
    "sqrt",
    "memcmp",
    "bcmp",                   # what clang makes of it
    "memcpy",
    "memmove",
    "strcmp",
    "htonl", "htons", "ntohl", "ntohs",  # byte order; on Windows by a DLL
    "__imp_htonl", "__imp_htons", "__imp_ntohl", "__imp_ntohs",
    "memset",
    "crypto_auth_hmacsha256_init",  # arithmetic on bytes, of libsodium
    "crypto_auth_hmacsha256_update",
    "crypto_auth_hmacsha256_final",
    "crypto_verify_16",
    "bzero", "__bzero",       # what a compiler for macOS makes of these two
    "__memcpy_chk",
}

# What assert() calls where it does not hold, which is the end of the program: with glibc and musl,
# on macOS, on the BSDs, on Windows.
ALLOWED |= {"__assert_fail", "__assert_rtn", "__assert", "__assert2", "__assert13", "_assert",
            "_wassert"}

# What compilers add by themselves.
COMPILER_PREFIXES = ("__asan_", "__ubsan_", "__tsan_", "__stack_chk_", "__chkstk", "___chkstk_",
                     "_GLOBAL_OFFSET_TABLE_", "__sanitizer_")

# Their arithmetic for what a processor has no instructions for: on ARM by the names of its ABI,
# elsewhere by those of libgcc, which end in the types ("Integer library routines" and "Soft float
# library routines" of GCC's internals); and its atomics.
ARITHMETIC = re.compile(r"__aeabi_\w+|__atomic_\w+_8|__sync_\w+_4|__sync_synchronize|"
                        r"__[a-z]+(?:[sdtx][fi]){1,2}[234]?")


def main():
    nm, folder, *rest = sys.argv[1:]
    split = rest.index("--")
    core, common = read(nm, rest[:split]), read(nm, rest[split + 1:])
    if forgotten(core, folder):
        sys.exit(f"not built into the core: {' '.join(sorted(forgotten(core, folder)))}")

    objects = reached(core, common)
    symbols = in_c(set().union(*(o.needs for o in objects)) -
                   set().union(*(o.defines for o in objects)))
    foreign = {name for name in symbols - ALLOWED
               if not name.startswith(COMPILER_PREFIXES) and not ARITHMETIC.fullmatch(name)}
    print("objects:", " ".join(sorted(o.source for o in objects)))
    print("what they need:", " ".join(sorted(symbols)))
    if not symbols & ALLOWED:
        sys.exit("no known symbol found: are these the core's objects?")
    if foreign:
        sys.exit(f"the core must not call: {' '.join(sorted(foreign))}")


if __name__ == "__main__":
    main()
