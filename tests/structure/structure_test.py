"""The tree keeps its rules, and the checker finds what breaks them: small made-up trees, each with one mistake."""

import sys
import tempfile
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).parent))
import structure  # noqa: E402

LAYERS = """
netlists      |                 | text
engine/base   |                 | below all
engine/run    | engine netlists | above base
analysis      | engine/base     | sees base only
studies       | engine analysis | sees all
tests/bench   | engine tests    | programs
"""

TREE = {
    "engine/base/number.hpp": "",
    "engine/run/run.hpp": '#include "engine/base/number.hpp"\n',
    "analysis/tail.hpp": '#include <vector>\n#include "engine/base/number.hpp"\n',
    "studies/study.cpp": '#include "analysis/tail.hpp"\n#include "engine/run/run.hpp"\n',
    "tests/engine/fixture.hpp": '#include "engine/base/number.hpp"\n',
    "tests/engine/base/number_test.cpp": '#include "engine/base/number.hpp"\n#include "tests/engine/fixture.hpp"\n',
    "tests/engine/run/run_test.cpp": '#include "engine/run/run.hpp"\n#include "tests/netlists/batch.hpp"\n',
    "tests/netlists/batch.hpp": "",
    "tests/bench/bench.cpp": '#include "engine/run/run.hpp"\n#include "tests/netlists/batch.hpp"\n',
    "README.md": "`engine/run`, `engine/run/run`, `studies/*.cpp` and `number`, `run`, `tail`, `study`\n",
    "engine/README.md": "`number` `run/run.hpp`\n",
    "analysis/README.md": "`tail`: see `engine/base/number.hpp`\n",
    "studies/README.md": "    ```\n    study --option=studies/study.cpp /usr/engine/none\n    ```\n",
}


def findings(changes=None, layers=LAYERS):
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        files = {**TREE, "tests/structure/layers.txt": layers, **(changes or {})}
        for part in structure.PARTS + ("tests",):
            (root / part).mkdir(exist_ok=True)
        for name, text in files.items():
            if text is None:
                continue
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text)
        return structure.check(root)


class MadeUpTrees(unittest.TestCase):
    def expect_one(self, words, changes=None, layers=LAYERS):
        found = findings(changes, layers)
        self.assertEqual(len(found), 1, found)
        for word in words:
            self.assertIn(word, found[0])

    def test_a_tree_that_keeps_the_rules(self):
        self.assertEqual(findings(), [])

    def test_an_include_that_points_up(self):
        self.expect_one(["engine/base/number.hpp:2: includes engine/run/run.hpp", "may not include engine/run"],
                        {"engine/base/number.hpp": '#pragma once\n#  include "engine/run/run.hpp"\n'})

    def test_a_part_that_is_not_seen(self):
        self.expect_one(["analysis/tail.hpp:1: includes engine/run/run.hpp"],
                        {"analysis/tail.hpp": '#include "engine/run/run.hpp"\n'})

    def test_a_folder_that_is_not_listed(self):
        self.expect_one(["studies/new: is not in layers.txt"],
                        {"studies/new/thing.hpp": "", "studies/README.md": "`study` `thing`"})

    def test_a_listed_folder_without_files(self):
        self.expect_one(["engine/gone has no source file"], layers=LAYERS + "engine/gone | engine | nothing\n")

    def test_a_line_without_a_reason(self):
        self.expect_one(["layers.txt:9: expected"], layers=LAYERS + "\nengine/extra | engine |\n")

    def test_a_folder_twice(self):
        self.expect_one(["studies stands there twice"], layers=LAYERS + "studies | engine | again\n")

    def test_an_include_from_elsewhere_than_the_root(self):
        self.expect_one(['"run.hpp" is no file of the tree'], {"engine/run/run.cpp": '#include "run.hpp"\n'})

    def test_a_long_file(self):
        self.assertEqual(findings({"studies/study.cpp": "\n" * 450}), [])
        self.expect_one(["studies/study.cpp: 451 lines"], {"studies/study.cpp": "\n" * 451})
        self.assertEqual(findings({"tests/engine/run/run_test.cpp": "\n" * 451}), [])

    def test_two_types_of_one_name(self):
        point = "namespace flare {\nnamespace a {\nstruct Point {\n};\n}  // namespace a\n}  // namespace flare\n"
        second = "namespace flare::a {\nclass Point final : public Base {\n};\n}  // namespace flare::a\n"
        hidden = point.replace("namespace a {", "namespace {").replace("Point {", "Point::Impl {\nstruct Point {")
        same = {"engine/base/number.hpp": point, "studies/study.cpp": second}
        self.expect_one(["studies/study.cpp:2: flare::a::Point is defined in engine/base/number.hpp:3"], same)
        self.assertEqual(findings({"engine/base/number.hpp": point, "studies/study.cpp": hidden}), [])

    def test_a_test_that_includes_what_its_folder_may_not(self):
        self.expect_one(["tests/engine/base/number_test.cpp:1: includes engine/run/run.hpp"],
                        {"tests/engine/base/number_test.cpp": '#include "engine/run/run.hpp"\n'})

    def test_a_test_that_does_so_through_a_shared_header(self):
        self.expect_one(["number_test.cpp:2: includes engine/run/run.hpp by way of tests/engine/fixture.hpp"],
                        {"tests/engine/fixture.hpp": '#include "engine/run/run.hpp"\n'})

    def test_a_test_that_includes_an_upper_test(self):
        self.expect_one(["includes tests/engine/run/helper.hpp; engine/base may not include engine/run"],
                        {"tests/engine/run/helper.hpp": "",
                         "tests/engine/base/number_test.cpp": '#include "tests/engine/run/helper.hpp"\n'})

    def test_a_test_folder_that_mirrors_nothing(self):
        self.expect_one(["tests/engine/elsewhere: mirrors no folder"], {"tests/engine/elsewhere/a_test.cpp": ""})

    def test_a_pending_exception_passes_while_it_holds_and_no_longer(self):
        up = {"engine/base/number.hpp": '#include "engine/run/run.hpp"\n'}
        pending = LAYERS + "pending engine/base/number.hpp > engine/run/run.hpp\n"
        self.assertEqual(findings(up, pending), [])
        self.expect_one(["engine/base/number.hpp > engine/run/run.hpp no longer holds"], layers=pending)
        long_file = LAYERS + "pending studies/study.cpp > 450 lines\n"
        self.assertEqual(findings({"studies/study.cpp": "\n" * 500}, long_file), [])
        self.expect_one(["studies/study.cpp > 450 lines no longer holds"], layers=long_file)

    def test_a_pending_exception_covers_nothing_else(self):
        pending = LAYERS + "pending engine/base/number.hpp > engine/run/run.hpp\n"
        self.expect_one(["engine/base/other.hpp:1: includes engine/run/run.hpp"],
                        {"engine/base/number.hpp": '#include "engine/run/run.hpp"\n',
                         "engine/base/other.hpp": '#include "engine/run/run.hpp"\n',
                         "engine/README.md": "`number` `run` `other`"}, pending)

    def test_a_path_in_a_readme_that_is_not_there(self):
        for path in ("engine/base/none.hpp", "base/none.hpp", "engine/*.py", "analysis/none"):
            self.expect_one([f"engine/README.md:2: `{path}` is not there"],
                            {"engine/README.md": f"`number` `run`\nsee `{path}`.\n"})

    def test_a_source_file_that_no_readme_names(self):
        self.expect_one(["studies: `hidden` stands in no README"], {"studies/hidden.cpp": ""})


class ThisTree(unittest.TestCase):
    def test_keeps_the_rules(self):
        found = structure.check(Path(__file__).parents[2])
        self.assertEqual(found, [], "\n" + "\n".join(found))


if __name__ == "__main__":
    unittest.main()
