#!/usr/bin/python3
"""studies/RESULT.md against result files: every table with its columns and units, every attribute, both ways.

    schema_test.py FLARE [RESULT.h5 ...]      the built program; results that are held to the page besides
"""
import os
import pathlib
import re
import sys
import tempfile
import unittest

import h5py

import small_study

ROOT = pathlib.Path(__file__).resolve().parents[3]
FLARE, MORE = os.path.abspath(sys.argv[1]), [os.path.abspath(path) for path in sys.argv[2:]]
# Objects of studies that are not run here: only looked at in the results that are named.
ELSEWHERE = ("/map", "/accuracy", "/adc/", "/gain_cell/")

CIRCUIT = ('target = "4 sigma"\n' + small_study.MEASURE + small_study.spec(min="0.7 V")
           + small_study.spec("asked", limit="?", side="min") + small_study.DIE)


def text(value):
    return value.decode() if isinstance(value, bytes) else str(value)


def pattern(path):
    """/points/sram8t/sawl4/tt/levels -> /points/<cell>/sawl<N>/<corner>/levels; empty for what a sweep holds of its points."""
    rules = [(r"^/sweep/results/.*", ""),
             (r"^/points/[^/]+/sawl\d+/[^/]+", "/points/<cell>/sawl<N>/<corner>"),
             (r"^/points/(?!<)[^/]+/[^/]+", "/points/<circuit>/<corner>"),
             (r"^/error_models/[^/]+/sawl\d+/[^/]+/[^/]+", "/error_models/<cell>/sawl<N>/<converter>/<corner>"),
             (r"/carriers/[^/]+$", "/carriers/<converter>"),
             (r"^/adc/[^/]+", "/adc/<name>"),
             (r"^/gain_cell/[^/]+/[^/]+", "/gain_cell/<cell>/<corner>")]
    for rule, made in rules:
        path = re.sub(rule, made, path)
    return path


def described():
    """Object -> (columns as "name (unit)", attributes), as the page says."""
    rows = {}
    for line in (ROOT / "studies/RESULT.md").read_text().splitlines():
        cells = [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line.strip("| "))]
        if len(cells) != 4 or not cells[0].startswith("`/"):
            continue
        rows[cells[0].strip("`")] = ([c.strip() for c in cells[1].split(",") if c.strip()], set(re.findall(r"`([^`]+)`", cells[2])))
    return rows


def found(file):
    """The same of a file, and the paths of its groups of samples."""
    objects, samples = {}, []

    def visit(name, node):
        path = pattern("/" + name)
        if not path:
            return
        if isinstance(node, h5py.Group):
            if "parameters" in node and "measures" in node:
                samples.append(node)
            return
        if "/samples/" in path or "/tail_samples/" in path:
            return
        units = [text(u) for u in node.attrs["units"]] if node.dtype.names and "units" in node.attrs else []
        columns = [f"`{c}`" + (f" ({u})" if u else "") for c, u in zip(node.dtype.names or [], units)]
        columns_before, attributes = objects.get(path, (columns, set()))
        objects[path] = (columns_before, attributes | {a for a in node.attrs if a != "units"})
    file.visititems(visit)
    return objects, samples


class Schema(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.keep = tempfile.TemporaryDirectory()
        folder = pathlib.Path(cls.keep.name)
        cls.paths = []
        for study in (small_study.write(folder, CIRCUIT, "circuit.toml"),
                      small_study.write(folder, CIRCUIT + small_study.sweep("40 mV", "50 mV"), "sweep.toml"),
                      ROOT / "tests/goldens/column.toml"):
            out = folder / (study.stem + ".h5")
            small_study.must_run(FLARE, folder, "run", study, "-o", out, "-j", "1")
            cls.paths.append(out)
        cls.page = described()

    @classmethod
    def tearDownClass(cls):
        cls.keep.cleanup()

    def test_every_object_is_described(self):
        for path in [*self.paths, *MORE]:
            with h5py.File(path) as file:
                for name, (columns, attributes) in found(file)[0].items():
                    self.assertIn(name, self.page, path)
                    if name != "/sweep/points":
                        self.assertEqual(columns, self.page[name][0], name)
                    self.assertLessEqual(attributes, self.page[name][1], name)

    def test_what_is_described_is_there(self):
        seen, attributes = set(), {}
        for path in [*self.paths, *MORE]:
            with h5py.File(path) as file:
                for name, (_, said) in found(file)[0].items():
                    seen.add(name)
                    attributes.setdefault(name, set()).update(said)
        for name, (_, said) in self.page.items():
            if name not in seen and name.startswith(ELSEWHERE):
                continue
            self.assertIn(name, seen)
            self.assertEqual(attributes[name], said, name)

    def test_samples_and_the_file_itself(self):
        page = (ROOT / "studies/RESULT.md").read_text()
        for path in [*self.paths, *MORE]:
            with h5py.File(path) as file:
                for attribute in file.attrs:
                    self.assertIn(f"`{attribute}`", page)
                for group in found(file)[1]:
                    self.assertEqual(set(group), {"runs", "measures", "parameters"})
                    self.assertLessEqual(set(group["runs"].dtype.names), {"index", "outcome", "rung", "weight"})
                    self.assertLessEqual(set(group.attrs), {"outcomes", "stream"})
                    for matrix in ("measures", "parameters"):
                        self.assertLessEqual({"names", "units"}, set(group[matrix].attrs))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
