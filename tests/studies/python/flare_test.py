#!/usr/bin/python3
"""The Python package: a result file as tables, error models as the C++ array has them, the tutorial as it stands.

    flare_test.py FLARE ARRAY_DRAWS      the built program, and the program that draws outputs of the array
"""
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "studies/python"))
import flare  # noqa: E402
import small_study  # noqa: E402

FLARE, DRAWS = (os.path.abspath(path) for path in sys.argv[1:3])

STUDY = (small_study.MEASURE + small_study.spec("low", min="0.7 V") + small_study.spec("high", max="1.25 V") + small_study.DIE
         + small_study.sweep("40 mV", "50 mV"))


class Results(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        path = pathlib.Path(cls.folder.name)
        small_study.write(path, STUDY)
        small_study.must_run(FLARE, path, "run", "s.toml", "-o", "s.h5", "-j", "1")
        cls.result = flare.open(path / "s.h5")

    @classmethod
    def tearDownClass(cls):
        cls.result.close()
        cls.folder.cleanup()

    def test_a_sweep_holds_the_exact_probabilities(self):
        # v is normal: 1 V, sigma as swept.
        sweep = self.result.sweep
        self.assertEqual(len(sweep), 4)
        for i in range(4):
            exact = {"low": 0.3, "high": 0.25}[list(sweep["series"])[i]] / (1e-3 * list(sweep["die[v1].sigma"])[i])
            low, high = list(sweep["sigma_low"])[i], list(sweep["sigma_high"])[i]
            slack = 0.6 * (high - low)
            self.assertLess(low - slack, exact)
            self.assertGreater(high + slack, exact)

    def test_points_are_results(self):
        point = self.result.point(1)
        self.assertEqual(sorted(point.verdict["spec"]), ["high", "low"])
        self.assertEqual(sum(point.verdict["limiting"]), 1)
        groups = point.sample_groups()
        self.assertIn("points/cell/netlist/samples", groups)
        samples = point.samples("points/cell/netlist/samples")
        names = list(samples.columns) if hasattr(samples, "columns") else list(samples.dtype.names)
        np.testing.assert_allclose(samples["v"], 1 + 0.05 * samples[names[-1]], rtol=1e-6)
        self.assertEqual(set(samples["outcome"]), {"ok"})

    def test_weights_of_tail_samples_give_the_probability(self):
        # The mean of weight * fails over the runs of the frozen proposal is an estimate of P of its own.
        tails = self.result.point(1).samples("points/cell/netlist/tail_samples")
        weight = np.asarray(tails["weight"], dtype=float)
        drawn = np.isfinite(weight)
        self.assertGreater(drawn.sum(), 20)
        fails = np.asarray(tails["v"])[drawn] < 0.7
        estimate = np.mean(weight[drawn] * fails)
        exact = 9.866e-10
        self.assertGreater(estimate, exact / 3)
        self.assertLess(estimate, exact * 3)

    def test_what_is_no_result_is_refused(self):
        path = pathlib.Path(self.folder.name) / "other.h5"
        import h5py

        with h5py.File(path, "w"):
            pass
        with self.assertRaisesRegex(ValueError, "flare/1"):
            flare.open(path)
        with self.assertRaises(KeyError):
            self.result.point(7)


class Products(unittest.TestCase):
    def test_without_errors_it_is_the_product(self):
        rng = np.random.default_rng(1)
        x, w = rng.integers(-128, 128, (5, 33)), rng.integers(-128, 128, (33, 4))
        np.testing.assert_array_equal(flare.noisy_matmul(x, w, flare.ErrorModel.ideal(8)), x @ w)

    def test_codes_have_the_matrix_probabilities(self):
        model = flare.ErrorModel([[0.9, 0.1, 0.0], [0.2, 0.7, 0.1], [0.0, 0.0, 1.0]])
        codes = model.draw(np.full(200_000, 1), rng=4)
        share = np.bincount(codes, minlength=3) / codes.size
        np.testing.assert_allclose(share, [0.2, 0.7, 0.1], atol=5 * 0.5 / np.sqrt(codes.size))
        self.assertEqual(set(model.draw(np.full(1000, 2), rng=4)), {2})
        np.testing.assert_allclose(model.error_rates(), [0.1, 0.3, 0.0])

    def test_the_distribution_is_that_of_the_array(self):
        # Two samples of 40,000; the statistic is chi-square with as many degrees of freedom as values less one.
        model = flare.ErrorModel([[0.9, 0.08, 0.02], [0.15, 0.8, 0.05], [0.01, 0.09, 0.9]])
        w, x = np.array([[3], [-4], [1], [2], [-1]]), np.array([[2, -3, 3, -4, 1]])
        theirs = np.array(subprocess.run([DRAWS], capture_output=True, text=True, check=True).stdout.split(), dtype=int)
        ours = flare.noisy_matmul(np.repeat(x, theirs.size, 0), w, model, 3, 3, rng=9)[:, 0].astype(int)
        values = np.union1d(theirs, ours)
        a = np.array([(theirs == v).sum() for v in values], dtype=float)
        b = np.array([(ours == v).sum() for v in values], dtype=float)
        keep = a + b >= 20
        statistic = np.sum((a - b)[keep] ** 2 / (a + b)[keep])
        freedom = keep.sum() - 1
        self.assertGreater(freedom, 10)
        self.assertLess((statistic - freedom) / np.sqrt(2 * freedom), 5)

    def test_what_does_not_fit_is_refused(self):
        with self.assertRaises(ValueError):
            flare.ErrorModel([[0.9, 0.2], [0.0, 1.0]])
        with self.assertRaises(TypeError):
            flare.noisy_matmul(np.ones((1, 2)), np.ones((2, 1), int), flare.ErrorModel.ideal(2))
        with self.assertRaises(ValueError):
            flare.noisy_matmul(np.full((1, 2), 200), np.ones((2, 1), int), flare.ErrorModel.ideal(2))
        with self.assertRaises(ValueError):
            flare.ErrorModel.ideal(2).draw([3])


class Tutorial(unittest.TestCase):
    def test_it_runs_as_it_stands(self):
        with tempfile.TemporaryDirectory() as folder:
            made = subprocess.run(
                [sys.executable, str(ROOT / "studies/python/tutorial.py"), FLARE], cwd=folder, capture_output=True, text=True,
                env={**os.environ, "PYTHONPATH": str(ROOT / "studies/python")}, check=False)
            self.assertEqual(made.returncode, 0, made.stderr)
            self.assertIn("wrong codes per read", made.stdout)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
