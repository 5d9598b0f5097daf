"""What is written about the project agrees with it: versions, links and options."""

import datetime
import os
import pathlib
import re
import unittest

import harness

PACKAGING = pathlib.Path(os.environ["UDPECHO_PACKAGING"])
PROJECT = PACKAGING.parent
VERSION = os.environ["UDPECHO_VERSION"]


def date(text, form):
    return datetime.datetime.strptime(text, form).date().isoformat()


class Release(unittest.TestCase):
    """Files whose tools cannot take the version from CMakeLists.txt repeat it."""

    def setUp(self):
        text = (PROJECT / "CHANGELOG.md").read_text(encoding="utf-8")
        self.releases = re.findall(r"^## \[(\d+\.\d+\.\d+)\] - (\d{4}-\d\d-\d\d)$", text, re.M)
        self.headings = re.findall(r"^## \[(.+?)\]", text, re.M)
        self.links = re.findall(r"^\[(.+)\]: \S+$", text, re.M)

    def test_changelog_begins_with_this_version(self):
        self.assertEqual(self.headings, ["Unreleased", *(version for version, _ in self.releases)])
        self.assertEqual(self.headings, self.links)
        self.assertEqual(self.releases[0][0], VERSION)
        self.assertEqual(self.releases, sorted(self.releases, key=lambda each: each[1], reverse=True))

    def test_packages_have_the_same_versions_and_dates(self):
        debian = (PACKAGING / "debian" / "changelog").read_text(encoding="utf-8")
        signed = re.findall(r"^ -- .*>  \w+, (\d+ \w+ \d+) ", debian, re.M)
        self.assertEqual(list(zip(re.findall(r"^udpecho \((\S+)-1\) ", debian, re.M),
                                  [date(day, "%d %b %Y") for day in signed])), self.releases)
        rpm = (PACKAGING / "rpm" / "changelog").read_text(encoding="utf-8")
        entries = re.findall(r"^\* \w+ (\w+ \d+ \d+) .* - (\S+)-1$", rpm, re.M)
        self.assertEqual([(version, date(day, "%b %d %Y")) for day, version in entries], self.releases)

    def test_manuals_are_not_older_than_the_release(self):
        pages = sorted((PACKAGING / "man").iterdir())
        self.assertGreater(len(pages), 1)
        for page in pages:
            day = re.search(r"^\.Dd (.+)$", page.read_text(encoding="utf-8"), re.M)[1]
            self.assertGreaterEqual(date(day, "%B %d, %Y"), self.releases[0][1], page.name)

    def test_images_have_the_version_as_their_tag(self):
        for path in PACKAGING / "oci" / "Containerfile", *(PACKAGING / "kubernetes").glob("*.yaml"):
            tags = re.findall(r"\budpecho:(\S+)", path.read_text(encoding="utf-8"))
            self.assertEqual(set(tags), {VERSION}, path.name)


def anchors(text):
    """The names that a heading can be linked by, as hosts of repositories make them."""
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")
            for title in re.findall(r"^#+ (.+)$", text, re.M)}


class Links(unittest.TestCase):
    def test_files_and_headings_that_are_linked_are_there(self):
        pages = [*PROJECT.glob("*.md"), *PACKAGING.rglob("*.md"), *(PROJECT / "tests").rglob("*.md")]
        links = 0
        for page in pages:
            for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
                if re.match(r"[a-z]+:", link):
                    continue
                name, _, heading = link.partition("#")
                target = page.parent / name if name else page
                with self.subTest(page=page.name, link=link):
                    self.assertTrue(target.exists())
                    if heading:
                        self.assertIn(heading, anchors(target.read_text(encoding="utf-8")))
                links += 1
        self.assertGreater(links, 20)


class Readme(unittest.TestCase):
    def test_options_in_commands_are_there(self):
        text = (PROJECT / "README.md").read_text(encoding="utf-8")
        commands = re.findall(r"\b(udpechod?) ([^`\n]*)", "\n".join(re.findall(r"`[^`\n]+`|^[$#] .*", text, re.M)))
        self.assertGreater(len(commands), 10)
        for program, rest in commands:
            known = harness.options(os.environ[program.upper()])
            letters = {option.letter for option in known.values()}
            for name in re.findall(r"--([a-z][a-z-]*)", rest):
                self.assertTrue(name in known or name == "help", f"{program} --{name}")
            for letter in re.findall(r"(?:^| )-(\w)\b", rest):
                self.assertIn(letter, letters, f"{program} -{letter}")


if __name__ == "__main__":
    harness.main()
