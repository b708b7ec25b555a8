#!/usr/bin/python3
"""What `flare check` says of studies that cannot be meant: one line with file, line, key and remedy, and status 2.

    bad_input_test.py FLARE      the built program
"""
import os
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "python"))
import small_study  # noqa: E402
from small_study import DIE, MEASURE  # noqa: E402

FLARE = os.path.abspath(sys.argv[1])
CELL = small_study.CELL.replace("v1 a 0 1\nr1 a 0 1k", ".param rr=1k\nv1 a 0 1\nr1 a 0 {rr}")
SPEC = small_study.spec(min="0.7 V")
RESISTOR = '[[variation]]\nparameter = "{}"\ndevices = "{}"\nsigma = "1 %"\n'


class BadInput(unittest.TestCase):
    @staticmethod
    def checked(study):
        with tempfile.TemporaryDirectory() as folder:
            small_study.write(folder, study, cell=CELL)
            return small_study.run(FLARE, folder, "check", "s.toml")

    def expect(self, study, *said):
        made = self.checked(study)
        lines = [line for line in made.stderr.splitlines() if line.startswith("flare:")]
        self.assertEqual(made.returncode, 2, made.stdout + made.stderr)
        self.assertEqual(len(lines), 1, made.stderr)
        for words in said:
            self.assertIn(words, lines[0])

    def test_the_study_they_differ_from_is_right(self):
        made = self.checked(MEASURE + SPEC + DIE)
        self.assertEqual(made.returncode, 0, made.stderr)

    def test_min_above_max(self):
        spec = '[[spec]]\nmeasure = "v"\nmin = "1.3 V"\nmax = "0.7 V"\n'
        self.expect(MEASURE + spec + DIE, "s.toml:10: spec[0].min: 1.3 V must be less than 'max', 0.7 V")

    def test_a_limit_of_another_unit(self):
        self.expect(MEASURE + SPEC.replace("0.7 V", "0.7 A") + DIE, "s.toml:10: spec[0].min:", "expected a quantity in V")

    def test_a_sweep_over_a_key_that_does_not_exist(self):
        sweep = '[[sweep]]\nkey = "die[v1].sigm"\nvalues = ["40 mV"]\n'
        self.expect(MEASURE + SPEC + DIE + sweep, "s.toml:14: sweep[0]", "die[0].sigm: unknown key; did you mean 'sigma'?")

    def test_a_sweep_of_ten_thousand_points(self):
        sweep = '[[sweep]]\nkey = "die[v1].sigma"\nfrom = "10 mV"\nto = "40 mV"\npoints = 10000\n'
        self.expect(MEASURE + SPEC + DIE + sweep, "s.toml:18: sweep[0].points: must be a whole number from 2 to 1000")

    def test_sweeps_of_ten_thousand_combinations(self):
        sweep = '[[sweep]]\nkey = "{}"\nfrom = "{}"\nto = "{}"\npoints = 100\n'
        both = sweep.format("die[v1].sigma", "10 mV", "40 mV") + sweep.format("spec[0].min", "0.5 V", "0.8 V")
        self.expect(MEASURE + SPEC + DIE + both, "s.toml:", "10000 points or more; at most 1000")

    def test_expressions_in_a_circle(self):
        circle = '[[measure]]\nname = "a"\nexpression = "b + v"\n[[measure]]\nname = "b"\nexpression = "a - v"\n'
        self.expect(MEASURE + circle + SPEC.replace('"v"', '"a"') + DIE, "s.toml:10: measure[1].expression:", "in a circle")

    def test_units_that_do_not_fit(self):
        sums = '[[measure]]\nname = "i"\nvector = "i(v1)"\n[[measure]]\nname = "b"\nexpression = "i + v"\n'
        self.expect(MEASURE + sums + SPEC.replace('"v"', '"b"') + DIE, "s.toml:13: measure[2].expression:", "i in A, v in V",
                    'unit = "..."')

    def test_a_search_that_never_flips(self):
        search = ('[[measure]]\nname = "trip"\nkind = "search"\nsource = "v1"\nfrom = "0.1 V"\nto = "0.2 V"\n'
                  'resolution = "1 mV"\nvector = "v(a)"\nlevel = "0.5 V"\n')
        self.expect(MEASURE + search + SPEC.replace('"v"', '"trip"') + RESISTOR.format("resistance", "r1"),
                    "s.toml:8: measure[1]: 'trip' never flips", "widen 'from' and 'to', or change 'level'")

    def test_a_target_of_no_known_unit(self):
        self.expect('target = "4 sigmas"\n' + MEASURE + SPEC + DIE, "s.toml:1: target:", "expected a quantity in sigma")

    def test_a_misspelt_vector(self):
        self.expect(MEASURE.replace("v(a)", "v(aa)") + SPEC + DIE, "s.toml:7: measure[0].vector:", "v(aa)", "did you mean v(a)?")
        minus = MEASURE + 'minus = "v(b)"\n'
        self.expect(minus + SPEC + DIE, "s.toml:8: measure[0].minus:", "v(b)", "did you mean v(a)?")

    def test_a_misspelt_device_in_a_vector(self):
        current = MEASURE.replace("v(a)", "@r2[i]")
        self.expect(current + small_study.spec(min="0.7 A") + DIE, "s.toml:7: measure[0].vector:", "@r2[i]", "did you mean r1?")
        current = MEASURE.replace("v(a)", "@r1[ii]").replace("name", 'vector_unit = "V"\nname')
        self.expect(current + SPEC + DIE, "s.toml:8: measure[0].vector:", "@r1[ii]", "r1 has no parameter 'ii'", "show r1")

    def test_a_misspelt_device(self):
        self.expect(MEASURE + SPEC + RESISTOR.format("resistance", "r2"), "s.toml:13: variation[0].devices:", "did you mean 'r1'?")

    def test_a_misspelt_parameter(self):
        self.expect(MEASURE + SPEC + RESISTOR.format("resistence", "r1"), "s.toml:12: variation[0].parameter:",
                    "r1 has no parameter 'resistence'", "did you mean 'resistance'?")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
