"""--show-platform: what this system offers, what is in force and why."""

import json
import os
import shutil
import unittest

import harness

WITHOUT = shutil.which("without", path=os.environ["UDPECHO_TOOLS"])


def show(*options, prefix=()):
    """The JSON object."""
    shown = harness.run("--show-platform", "--json", *options, prefix=prefix)
    assert (shown.returncode, shown.stderr) == (0, ""), shown
    return json.loads(shown.stdout)


def feature(shown, by):
    found, = [entry for entry in shown["features"] if entry["by"] == by]
    return found


class ShowPlatform(unittest.TestCase):
    def test_both_forms_say_the_same(self):
        text = harness.run("--show-platform").stdout
        for name, value in show().items():
            if name != "features":
                self.assertRegex(text, rf"(?m)^{name.replace('_', ' ')} +{value}$")
        for entry in show()["features"]:
            self.assertRegex(text, rf"(?m)^{entry['feature']} +{'yes' if entry['works'] else 'no'} ")

    def test_it_fits_on_a_screen(self):
        self.assertLessEqual(len(harness.run("--show-platform").stdout.splitlines()), 35)

    def test_what_is_in_force_follows_from_the_options(self):
        shown = show("--workers=3", "--reuse-port=off", "--receive-buffer=64KiB")
        self.assertEqual((shown["workers"], shown["receive_buffer_asked"]), (3, 64 << 10))
        if not harness.WINDOWS:
            self.assertEqual((shown["port_sharing"], shown["because"]),
                             ("shared socket", "--reuse-port=off"))

        self.assertEqual([show(*options)["offload"] for options in ((), ("--offload=off",))],
                         ["on", "off"])

    def test_it_agrees_with_the_log(self):
        with harness.Server() as server:
            listening, serving = server.find("listening")[0], server.find("serving")[0]
        shown = show(f"--workers={serving['workers']}")
        self.assertEqual((shown["port_sharing"], shown["because"], shown["receive_buffer"]),
                         tuple(listening[name] for name in ("sharing", "because", "receive_buffer")))
        self.assertEqual((shown["backend"], shown["batching"]),
                         (serving["backend"], serving["batching"]))

    @unittest.skipUnless(WITHOUT, "the tool that removes features was not built")
    def test_what_is_refused_has_its_reason(self):
        shown = show(prefix=[WITHOUT, "SO_REUSEPORT,recvmmsg,epoll", "--"])
        self.assertEqual((shown["port_sharing"], shown["because"]),
                         ("shared socket", "SO_REUSEPORT: Protocol not available"))
        self.assertEqual((shown["batching"], shown["backend"]), ("single/sendmmsg", "poll"))
        self.assertEqual(feature(shown, "recvmmsg"),
                         {"feature": "batched receive", "by": "recvmmsg", "works": False,
                          "error": "Function not implemented",
                          "instead": "each datagram is received by its own call"})
        self.assertTrue(feature(shown, "sendmmsg")["works"])

    def test_json_alone_is_an_error(self):
        wrong = harness.run("--json")
        self.assertEqual(wrong.returncode, 64)
        self.assertIn("--json goes with --show-platform", wrong.stderr)


if __name__ == "__main__":
    harness.main()
