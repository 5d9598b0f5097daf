"""The macOS program as a file, since nothing here can run it: what it asks of its system."""

import ctypes
import os
import re
import subprocess
import unittest

import harness

# What the program takes from macOS that other systems lack or name differently, and what for.
OF_MACOS = {
    "kqueue", "kevent",                               # APR: pollsets
    "__darwin_check_fd_set_overflow",                 # FD_SET, in pollsets of another method
    "_availability_version_check",                    # whether this macOS has the former
    "uuid_generate",                                  # APR: its UUIDs, beside random bytes
    "launch_activate_socket",                         # sockets from launchd
    "pthread_threadid_np",                            # the log: thread_id
    "pthread_cond_timedwait_relative_np",             # waiting by a clock that nobody sets
    "_tlv_bootstrap",                                 # variables of a thread: which one is the main one
    "_DefaultRuneLocale", "__maskrune", "__tolower",  # <ctype.h>
    "__stdinp", "__stdoutp", "__stderrp",             # <stdio.h>
    "__error", "h_errno",                             # <errno.h>, <netdb.h>
    "sys_siglist",                                    # APR: names of signals
    "atexit",
    "__bzero",                                        # what a compiler makes of some memset()
    "sys_icache_invalidate",                          # the compiler's own library
    "dyld_stub_binder",                               # how calls find their library
}

# What this machine's C library has and only Linux can do.
OF_LINUX = re.compile(r"epoll_|(recv|send)mmsg$|eventfd$|signalfd$|accept4$|dup3$|pipe2$")


def read(tool, *options):
    return subprocess.run([os.environ[tool], *options, harness.UDPECHOD], check=True,
                          capture_output=True, text=True, timeout=harness.PATIENCE).stdout


def undefined():
    """Returns C names: without the leading underscore, and without "$" and a variant."""
    return set(re.findall(r"^_?([^\s$]+)", read("NM", "-P", "-u"), re.MULTILINE))


class Image(unittest.TestCase):
    def test_it_waits_by_kqueue_and_by_nothing_of_linux(self):
        symbols = undefined()
        self.assertLessEqual({"kqueue", "kevent", "recvmsg", "sendmsg"}, symbols)
        self.assertEqual([name for name in symbols if OF_LINUX.match(name)], [])

    def test_all_else_is_in_every_c_library_or_known(self):
        here = ctypes.CDLL(None)
        others = {name for name in undefined() if not hasattr(here, name)}
        self.assertEqual(others - OF_MACOS, set())

    def test_only_the_system_library_is_needed(self):
        needed = re.findall(r"^\t(\S+) \(", read("OBJDUMP", "--macho", "--dylibs-used"),
                            re.MULTILINE)
        self.assertEqual(needed, ["/usr/lib/libSystem.B.dylib"])

    def test_it_asks_for_macos_11_or_later(self):
        self.assertRegex(read("OBJDUMP", "--macho", "--private-headers"), r"(?m)^ +minos 11\.0$")

    def test_it_is_signed_for_processors_that_run_nothing_else(self):
        headers = read("OBJDUMP", "--macho", "--private-headers")
        if "ARM64" not in headers:
            self.skipTest("only Apple's own processors ask for a signature")
        self.assertIn("LC_CODE_SIGNATURE", headers)


if __name__ == "__main__":
    harness.main()
