"""Other people's echo servers, and what anybody would write with their libraries (peers/). Each is
built when it is wanted, and left out where its tool is not installed."""

import functools
import os
import pathlib
import shutil
import subprocess
import tempfile

import servers
from servers import Skipped

SOURCES = pathlib.Path(__file__).resolve().parent / "peers"
PROGRAMS = servers.TOOLS / "peers"

# Debian's packages are for Debian's Python, which need not be the one that runs this.
PYTHON = "/usr/bin/python3" if os.path.exists("/usr/bin/python3") else "python3"


def output_of(*command):
    """Raises Skipped with the last that it says if it fails."""
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if done.returncode != 0:
        raise Skipped((done.stderr.strip().splitlines() or [f"{command[0]} fails"])[-1])
    return done.stdout.strip()


def require(tool, package):
    if shutil.which(tool) is None:
        raise Skipped(f"{tool} is not installed (Debian: {package})")


def compile_c(source, module, package):
    require("cc", "gcc")
    require("pkg-config", "pkg-config")
    if subprocess.run(["pkg-config", "--exists", module]).returncode != 0:
        raise Skipped(f"{module} is not installed (Debian: {package})")
    flags = output_of("pkg-config", "--cflags", "--libs", module).split()
    output_of("cc", "-O2", "-o", PROGRAMS / source, SOURCES / f"{source}.c", *flags)
    return [PROGRAMS / source]


def libuv():
    return compile_c("libuv_echo", "libuv", "libuv1-dev")


def apr():
    return compile_c("apr_echo", "apr-1", "libapr1-dev")


def go():
    require("go", "golang-go")
    output_of("go", "build", "-o", PROGRAMS / "go_echo", SOURCES / "echo.go")
    return [PROGRAMS / "go_echo"]


def rust():
    require("rustc", "rustc")
    output_of("rustc", "-O", "-o", PROGRAMS / "rust_echo", SOURCES / "echo.rs")
    return [PROGRAMS / "rust_echo"]


def node():
    require("node", "nodejs")
    return ["node", SOURCES / "echo.js"]


def start_program(build, host, prefix, last=()):
    PROGRAMS.mkdir(exist_ok=True)
    address = (host, servers.free_port(host))
    return servers.start([*prefix, *build(), *address, *last], address)


def start_asyncio(host, prefix, loop=()):
    require(PYTHON, "python3")
    if loop:
        output_of(PYTHON, "-c", "import uvloop")  # Debian: python3-uvloop
    return start_program(lambda: [PYTHON, SOURCES / "asyncio_echo.py"], host, prefix, loop)


def start_socat(host, prefix):
    """A process for each datagram, as its manual has it for who answers each by itself; with room
    for the largest."""
    require("socat", "socat")
    port = servers.free_port(host)
    family = 6 if ":" in host else 4
    bind = f"[{host}]" if family == 6 else host
    return servers.start([*prefix, "socat", "-b", "65536",
                          f"UDP{family}-RECVFROM:{port},bind={bind},fork", "PIPE"], (host, port))


def start_inetd(host, prefix):
    """Its own echo service, which is at port 7 and on every address."""
    require("inetutils-inetd", "inetutils-inetd")
    if not servers.alone():
        raise Skipped("its port is 7, for which a network namespace of its own is needed")
    protocol = "udp6" if ":" in host else "udp4"
    with tempfile.TemporaryDirectory() as directory:
        configuration, pid_file = (pathlib.Path(directory, name) for name in ("conf", "pid"))
        configuration.write_text(f"echo dgram {protocol} wait root internal\n")
        output_of(*prefix, "inetutils-inetd", f"--pidfile={pid_file}", configuration)
        return servers.adopt(pid_file, (host, 7))


STARTS = {
    "asyncio": start_asyncio,
    "uvloop": functools.partial(start_asyncio, loop=["uvloop"]),
    "libuv": functools.partial(start_program, libuv),
    "APR": functools.partial(start_program, apr),
    "Go": functools.partial(start_program, go),
    "Rust": functools.partial(start_program, rust),
    "Node.js": functools.partial(start_program, node),
    "inetutils-inetd": start_inetd,
    "socat": start_socat,
}

VERSIONS = {
    "asyncio": (PYTHON, "--version"),
    "uvloop": (PYTHON, "-c", "import uvloop; print('uvloop', uvloop.__version__)"),
    "libuv": ("pkg-config", "--modversion", "libuv"),
    "APR": ("pkg-config", "--modversion", "apr-1"),
    "Go": ("go", "version"),
    "Rust": ("rustc", "--version"),
    "Node.js": ("node", "--version"),
    "inetutils-inetd": ("inetutils-inetd", "--version"),
    "socat": ("socat", "-V"),
}
