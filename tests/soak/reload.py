"""The reloads of tests/system/test_reload_fuzz.py under the C library of another Debian.

    python3 reload.py BUILD [--release=trixie] [--root=DIRECTORY] [--reloads=5000] [--seed=1]

BUILD is a folder that udpechod was built in, on a Debian that is not newer. It wants root,
mmdebstrap and unshare, and makes a Debian of that release in DIRECTORY if there is none. A program
with a C library of its own needs no root: test_reload_fuzz.py runs the one that UDPECHOD names.
"""

import argparse
import os
import pathlib
import subprocess
import sys
import tempfile

TEST = pathlib.Path(__file__).resolve().parents[1] / "system/test_reload_fuzz.py"
PACKAGES = "libapr1t64,libaprutil1t64,libseccomp2,libmicrohttpd12t64,libsodium23"

# The programs and what the test writes have the same paths in there as here.
INSIDE = """\
mount --make-rprivate / && mount --bind "$2" "$1$2" && mount --bind /tmp "$1/tmp" && exec "$3" "$4"
"""


def make_debian(root, release):
    if not (root / "usr/bin/ldd").exists():
        packages = PACKAGES.replace("t64", "") if release == "bookworm" else PACKAGES
        subprocess.run(["mmdebstrap", "--variant=minbase", f"--include={packages}", release, root],
                       check=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build", type=lambda path: pathlib.Path(path).resolve())
    parser.add_argument("--release", default="trixie")
    parser.add_argument("--root", type=pathlib.Path)
    parser.add_argument("--reloads", default="5000")
    parser.add_argument("--seed", default="1")
    wanted = parser.parse_args()
    root = wanted.root or pathlib.Path(tempfile.gettempdir(), f"udpecho-{wanted.release}")
    make_debian(root, wanted.release)
    (root / str(wanted.build).lstrip("/")).mkdir(parents=True, exist_ok=True)
    environment = {
        **os.environ,
        "UDPECHOD": str(wanted.build / "src/udpechod"),
        "UDPECHOD_PREFIX": f"chroot {root}",
        "UDPECHO_TOOLS": str(wanted.build / "tests"),
        "UDPECHO_TEST_RELOADS": wanted.reloads,
        "UDPECHO_TEST_SEED": wanted.seed,
    }
    libc = subprocess.run(["chroot", root, "ldd", "--version"], capture_output=True, text=True, check=True)
    print(libc.stdout.splitlines()[0])
    done = subprocess.run(["unshare", "--mount", "sh", "-c", INSIDE, "sh", root, wanted.build,
                           sys.executable, TEST], env=environment, check=False)
    sys.exit(done.returncode)


if __name__ == "__main__":
    main()
