"""studies/renew_quotes on READMEs and sources of the test's own."""

import importlib.machinery
import importlib.util
import sys
import tempfile
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
STUDIES = Path(__file__).resolve().parents[2] / "studies"
sys.path.insert(0, str(STUDIES))
loader = importlib.machinery.SourceFileLoader("renew_quotes", str(STUDIES / "renew_quotes"))
quotes = importlib.util.module_from_spec(importlib.util.spec_from_loader("renew_quotes", loader))
loader.exec_module(quotes)

README = """It fails once in <!-- quote: bench.rate -->0<!-- /quote --> reads.

<!-- quote: bench.table -->
<!-- /quote -->
"""


class RenewQuotes(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)
        (self.root / "data/figures").mkdir(parents=True)
        self.readme = self.root / "README.md"
        self.readme.write_text(README)
        (self.root / "drawn.svg").write_text("<svg/>")
        # What the run says, what it reads and what it is made of; tests change them.
        self.said, self.read, self.code, self.keys = "1,000", "input", "code", "a key"
        for name, value in {
            "ROOT": self.root,
            "LEDGER": self.root / "data/quotes",
            "FIGURES": self.root / "data/figures",
            "KEYS": self.root / "KEYS.md",
            "key_reference": lambda: self.keys,
            "readmes": lambda: [self.readme],
        }.items():
            before = getattr(quotes, name)
            self.addCleanup(setattr, quotes, name, before)
            setattr(quotes, name, value)
        self.addCleanup(setattr, quotes, "SOURCES", quotes.SOURCES)

    def use(self, cheap):
        test = self

        class Bench(quotes.Source):
            def code_hash(self):
                return test.code

        def read(_):
            return quotes.Quoted({"rate": test.said, "table": "| a |\n|---|"}, {"f.svg": test.root / "drawn.svg"})

        quotes.SOURCES = [Bench("bench", "bench", cheap, read, lambda: test.read, ())]
        self.assertEqual(quotes.renew([], self.root), 0)
        self.assertEqual(self.check(), 0)

    def check(self, release=False):
        return quotes.check(self.root, release)

    def test_renew_fills_lines_and_blocks_and_copies_figures(self):
        self.use(cheap=True)
        self.assertEqual(
            self.readme.read_text(),
            README.replace("-->0<", "-->1,000<").replace("table -->\n", "table -->\n| a |\n|---|\n"),
        )
        self.assertEqual((self.root / "data/figures/f.svg").read_text(), "<svg/>")

    def test_a_number_edited_by_hand_is_stale(self):
        self.use(cheap=False)
        self.readme.write_text(self.readme.read_text().replace("1,000", "1,001"))
        self.assertEqual(self.check(), 1)
        quotes.fill()
        self.assertEqual(self.check(), 0)

    def test_a_cheap_run_that_says_otherwise_is_stale(self):
        self.use(cheap=True)
        self.said = "1,001"
        self.assertEqual(self.check(), 1)

    def test_an_expensive_run_is_stale_where_its_inputs_changed(self):
        self.use(cheap=False)
        self.read = "another input"
        self.assertEqual(self.check(), 1)

    def test_changed_sources_are_an_error_only_of_a_release(self):
        self.use(cheap=False)
        self.code = "other code"
        self.assertEqual(self.check(), 0)
        self.assertEqual(self.check(release=True), 1)

    def test_a_reference_of_keys_that_the_program_does_not_print_is_stale(self):
        self.use(cheap=False)
        self.keys = "another key"
        self.assertEqual(self.check(), 1)
        quotes.fill()
        self.assertEqual(self.check(), 0)

    def test_a_figure_that_no_run_drew_is_stale(self):
        self.use(cheap=False)
        (self.root / "data/figures/f.svg").write_text("<svg><g/></svg>")
        self.assertEqual(self.check(), 1)

    def test_a_mark_that_nothing_fills_or_that_stays_open_is_refused(self):
        self.use(cheap=False)
        for text in ("<!-- quote: bench.other -->1<!-- /quote -->", "<!-- quote: bench.rate -->1"):
            self.readme.write_text(text)
            with self.assertRaises(SystemExit):
                self.check()


class Readmes(unittest.TestCase):
    def test_no_mark_in_a_line_begins_it(self):
        """At the beginning of a line a comment turns the whole line into HTML, where Markdown is not read."""
        for readme in quotes.readmes():
            for line in readme.read_text().splitlines():
                if line.lstrip("> ").startswith("<!-- quote:"):
                    self.assertRegex(line, r"^<!-- quote: [\w.]+ -->$", readme)


if __name__ == "__main__":
    unittest.main()
