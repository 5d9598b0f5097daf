"""What shells complete after an unfinished command line.

bash, zsh and fish run for real over the files that this build has written. bash and zsh complete on a
terminal only, so they get one, and a key that inserts all they have to offer and another that
writes the line into a file.
"""

import contextlib
import os
import pathlib
import pty
import re
import select
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

import harness

PROGRAMS = {"udpechod": harness.UDPECHOD, "udpecho": os.environ["UDPECHO"]}

TAB, INSERT_ALL, WRITE_LINE, LIST = b"\t", b"\x0f", b"\x14", b"\x04"  # Ctrl-O, T, D

BASH_RC = r"""
PS1='ready> '
source "$COMPLETIONS/udpechod.bash"
source "$COMPLETIONS/udpecho.bash"
write_line() { printf %s "$READLINE_LINE" > "$HOME/line.new"; mv "$HOME/line.new" "$HOME/line"; }
bind '"\C-o": insert-completions'
bind -x '"\C-t": write_line'
"""

ZSH_RC = r"""
PS1='ready> '
fpath=("$COMPLETIONS" $fpath)
autoload -U compinit
compinit -u -D
insert_all() { _main_complete; compstate[insert]=all; compstate[list]=; }
write_line() { print -rn -- "$BUFFER" > "$HOME/line.new"; mv "$HOME/line.new" "$HOME/line"; }
zle -C insert_all complete-word insert_all
zle -N write_line
bindkey '^I' complete-word '^O' insert_all '^T' write_line '^D' list-choices
"""


class Terminal:
    """A shell on a terminal of its own."""

    def __init__(self, command, environment):
        self.shown = b""
        self.process, self.terminal = pty.fork()
        if self.process == 0:
            os.execvpe(command[0], command, environment)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.kill(self.process, signal.SIGKILL)
        os.waitpid(self.process, 0)
        os.close(self.terminal)

    def type(self, keys):
        os.write(self.terminal, keys)

    def read_until(self, condition):
        deadline = time.monotonic() + harness.PATIENCE
        while not condition():
            if time.monotonic() > deadline:
                raise AssertionError(f"not on the terminal within {harness.PATIENCE} s: {self.shown.decode()}")
            if select.select([self.terminal], [], [], 0.05)[0]:
                self.shown += os.read(self.terminal, 65536)


class Shell:
    """What holds for every shell; a class below says how to ask it."""

    def setUp(self):
        if shutil.which(self.NAME) is None:
            self.skipTest(f"{self.NAME} is not installed")
        if not os.environ["UDPECHO_COMPLETIONS"]:
            self.skipTest("this build writes no completions")
        self.completions = pathlib.Path(os.environ["UDPECHO_COMPLETIONS"])
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.home = pathlib.Path(directory.name)
        (self.home / "folder").mkdir()
        (self.home / "file").touch()
        self.environment = {**os.environ, "HOME": str(self.home), "ZDOTDIR": str(self.home),
                            "TERM": "dumb", "HOSTFILE": str(self.home / "hosts"),
                            "COMPLETIONS": str(self.completions)}

    def offered(self, line):
        """The set of what can take the place of the line's last word; of --name=value the value."""
        words = [re.sub(r"^--[a-z-]+=(?=.)", "", word) for word in self.ask(line)]
        return {word.rstrip("=/") for word in words}

    def test_syntax(self):
        for program in PROGRAMS:
            subprocess.run([self.NAME, "-n", self.completions / self.FILE.format(program)],
                           check=True)

    def test_every_option_is_offered(self):
        for program in PROGRAMS:
            with self.subTest(program):
                names = {f"--{name}" for name in harness.options(PROGRAMS[program])}
                self.assertGreater(len(names), 5)
                self.assertEqual(self.offered(f"{program} --"), names)

    def test_letters_are_offered(self):
        options = harness.options(PROGRAMS["udpecho"]).values()
        letters = {f"-{option.letter}" for option in options if option.letter}
        self.assertGreater(len(letters), 5)
        self.assertLessEqual(letters, self.offered("udpecho -"))

    def test_an_option_is_completed(self):
        self.assertEqual(self.offered("udpecho --do"), {"--dont-fragment"})
        self.assertEqual(self.offered("udpecho --json -q --dur"), {"--duration"})

    def test_words_of_a_choice(self):
        for line in "udpechod --log-level=", "udpechod --log-level ":
            self.assertEqual(self.offered(line), {"error", "warning", "info", "debug"})
        self.assertEqual(self.offered("udpechod --log-level=e"), {"error"})

    def test_a_value_that_may_be_missing(self):
        self.assertEqual(self.offered("udpecho --timestamps="), {"epoch", "iso", "none"})
        self.assertEqual(self.offered("udpecho --timestamps=i"), {"iso"})
        self.assertEqual(self.offered("udpecho --timestamps --dura"), {"--duration"})
        self.assertEqual(self.offered("udpecho -D --dura"), {"--duration"})

    def test_word_instead_of_a_number(self):
        self.assertEqual(self.offered("udpechod --workers="), {"auto"})

    def test_files(self):
        for line in f"udpechod --config={self.home}/f", f"udpecho --json-file {self.home}/f":
            self.assertEqual(self.offered(line), {f"{self.home}/file", f"{self.home}/folder"})

    def test_directories(self):
        self.assertEqual(self.offered(f"udpechod --chroot={self.home}/f"), {f"{self.home}/folder"})

    def test_nothing_where_nobody_knows(self):
        self.assertEqual(self.offered("udpecho --count="), set())
        self.assertEqual(self.offered(f"udpechod --check-config {self.home}/f"), set())

    def test_hosts(self):
        # bash reads the first of these, zsh and fish the second.
        (self.home / "hosts").write_text("192.0.2.7 echo.example\n")
        (self.home / ".ssh").mkdir()
        (self.home / ".ssh" / "known_hosts").write_text("echo.example ssh-ed25519 AAAA\n")
        self.assertEqual(self.offered("udpecho --quiet echo.e"), {"echo.example"})


class Bash(Shell, unittest.TestCase):
    NAME, FILE, RC_FILE, RC = "bash", "{}.bash", ".bashrc", BASH_RC

    @contextlib.contextmanager
    def shell(self):
        (self.home / self.RC_FILE).write_text(self.RC)
        with Terminal([self.NAME, "-i"], self.environment) as terminal:
            terminal.read_until(lambda: b"ready> " in terminal.shown)
            yield terminal

    def line_after(self, keys):
        file = self.home / "line"
        file.unlink(missing_ok=True)
        with self.shell() as terminal:
            terminal.type(keys + WRITE_LINE)
            terminal.read_until(file.exists)
        return file.read_text()

    def ask(self, line):
        completed = self.line_after(line.encode() + INSERT_ALL)
        return [] if completed == line else completed.split()[line.count(" "):]

    def test_a_space_follows_where_no_value_does(self):
        self.assertEqual(self.line_after(b"udpecho --quie" + TAB), "udpecho --quiet ")
        self.assertEqual(self.line_after(b"udpecho --dura" + TAB), "udpecho --duration=")


class Zsh(Bash):
    NAME, FILE, RC_FILE, RC = "zsh", "_{}", ".zshrc", ZSH_RC

    def test_descriptions(self):
        self.environment["COLUMNS"] = "200"
        with self.shell() as terminal:
            terminal.type(b"udpechod --log-" + LIST)
            terminal.read_until(lambda: b"error, warning, info or debug" in terminal.shown)


class Fish(Shell, unittest.TestCase):
    NAME, FILE = "fish", "{}.fish"

    def fish(self, line):
        program = line.split()[0]
        return subprocess.run(
            [self.NAME, "--no-config", "-c", f"source $COMPLETIONS/{program}.fish; "
             "complete -C $argv[1]", line], check=True, capture_output=True, text=True,
            env=self.environment, timeout=harness.PATIENCE).stdout.splitlines()

    def ask(self, line):
        """What it offers; fish 4 offers options besides that have the letters elsewhere."""
        offers = [offer.split("\t")[0] for offer in self.fish(line)]
        word = line.split(" ")[-1]
        return [offer for offer in offers if offer.startswith(word)] or offers

    def test_descriptions(self):
        for program in PROGRAMS:
            described = dict(offer.split("\t") for offer in self.fish(f"{program} --"))
            for name, option in harness.options(PROGRAMS[program]).items():
                sentence = re.match(r"(.*?)\.(?= |$)", option.help)[1]
                self.assertEqual(described[f"--{name}"], sentence)


class PowerShell(unittest.TestCase):
    """Debian has no PowerShell, so these files have never been run: they are only read."""

    def test_every_option_is_there_once(self):
        if not os.environ["UDPECHO_COMPLETIONS"]:
            self.skipTest("this build writes no completions")
        for program in PROGRAMS:
            path = pathlib.Path(os.environ["UDPECHO_COMPLETIONS"]) / f"{program}.ps1"
            text = path.read_text(encoding="ascii")
            described = re.findall(r"(?m)^        '--([a-z0-9-]+)=?' = '((?:[^']|'')+)'$", text)
            options = harness.options(PROGRAMS[program])
            self.assertEqual([name for name, _ in described], list(options))
            for name, words in described:
                self.assertTrue(options[name].help.startswith(words.replace("''", "'")), name)
            if program == "udpechod":
                self.assertIn("'--log-level' = 'error warning info debug'.Split(' ')\n", text)


if __name__ == "__main__":
    harness.main()
