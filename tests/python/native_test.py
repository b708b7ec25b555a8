#!/usr/bin/python3
"""The native module against numpy and against the program: exact products, the same draws, the same answers.

    PYTHONPATH=build/release/python tests/python/native_test.py FLARE ROOT
"""
import pathlib
import subprocess
import sys
import tempfile
import threading
import unittest

import h5py
import numpy as np
from flare.arrays import Array, ErrorModel, repeat_seed

FLARE, ROOT = sys.argv[1], pathlib.Path(sys.argv[2])


def operands(seed=3):
    random = np.random.default_rng(seed)
    return (random.integers(-128, 128, (48, 20), dtype=np.int32), random.integers(-128, 128, (9, 48), dtype=np.int32))


class Products(unittest.TestCase):
    def test_without_errors_they_are_exact(self):
        w, x = operands()
        for encoding in ("twos_complement", "sign_magnitude"):
            w2, x2 = np.maximum(w, -127), np.maximum(x, -127)
            y, counters = Array(w2, encoding=encoding, sawl=4).matmul(x2, encoding=encoding)
            self.assertTrue((y == x2.astype(np.int64) @ w2).all())
            self.assertGreater(counters["conversions"], 0)
            self.assertEqual(counters["wrong_reads"], 0)

    def test_errors_are_counted_and_repeat(self):
        w, x = operands()
        array, errors = Array(w), ErrorModel.neighbour(8, 1e-2)
        y, counters = array.matmul(x, errors=errors, seed=5)
        again, _ = array.matmul(x, errors=errors, seed=5)
        other, _ = array.matmul(x, errors=errors, seed=6)
        self.assertTrue((y == again).all())
        self.assertFalse((y == other).all())
        rate = counters["wrong_reads"] / counters["conversions"]
        self.assertLess(abs(rate - 1e-2), 5 * (1e-2 / counters["conversions"]) ** 0.5)

    def test_a_batch_is_its_rows(self):
        w, x = operands()
        array, errors = Array(w), ErrorModel.neighbour(8, 1e-2)
        whole, _ = array.matmul(x, errors=errors)
        parts = [array.matmul(x[i:i + 1], errors=errors, first_token=i)[0] for i in range(len(x))]
        self.assertTrue((whole == np.concatenate(parts)).all())

    def test_a_die_errs_the_same_way_again(self):
        w, x = operands()
        array, errors = Array(w), ErrorModel.gaussian(8, cells=0.1, offsets=0.2)
        y, _ = array.matmul(np.repeat(x[:1], 3, 0), errors=errors, mode="die", seed=2)
        self.assertTrue((y == y[0]).all())
        self.assertFalse((y[0] == x[0].astype(np.int64) @ w).all())

    def test_wrong_input_is_refused(self):
        w, x = operands()
        array = Array(w)
        for call in (lambda: array.matmul(x[:, :40]), lambda: array.matmul(x * 2), lambda: array.matmul(x[0]),
                     lambda: array.matmul(x, mode="both"), lambda: Array(w * 2), lambda: Array(w, encoding="gray"),
                     lambda: ErrorModel.from_file("nowhere.csv")):
            with self.assertRaises((ValueError, RuntimeError)):
                call()

    def test_threads_share_an_array(self):
        w, x = operands()
        array, errors, results = Array(w), ErrorModel.neighbour(8, 1e-2), [None] * 4
        def work(i):
            results[i] = array.matmul(x, errors=errors, seed=i % 2)[0]
        threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        self.assertTrue((results[0] == results[2]).all())
        self.assertFalse((results[0] == results[1]).all())


class Models(unittest.TestCase):
    def test_a_confusion_matrix_is_a_view_of_the_models(self):
        m = ErrorModel.neighbour(4, 0.1)
        self.assertEqual(m.confusion.shape, (5, 5))
        self.assertTrue(np.allclose(m.confusion.sum(1), 1))
        self.assertAlmostEqual(m.largest_error_rate, 0.1)
        self.assertNotEqual(repeat_seed(1, 0), repeat_seed(1, 1))


class Torch(unittest.TestCase):
    """The example's answers are those of `flare accuracy`."""

    def answers(self, quantizer, folder):
        out = pathlib.Path(folder) / f"{quantizer}.h5"
        errors = "synthetic:sawl=8,rate=1e-3"
        subprocess.run([FLARE, "accuracy", "--model", ROOT / "data/models/digits_vit", "--dataset", ROOT / "data/digits/digits.csv",
                        "--weight-arrays", errors, "--dynamic-arrays", errors, "--examples", "60", "--repeats", "1",
                        "--quantizer", quantizer, "-o", out], check=True, capture_output=True)
        with h5py.File(out) as file:
            table = file["answers"][:]
        return table["answer"][table["mode"] == b"read"].tolist()

    def test_the_example_reproduces_the_program(self):
        try:
            import torch  # noqa: F401
        except ImportError:
            self.skipTest("torch is not installed")
        for quantizer in ("emsbq", "int8"):
            with tempfile.TemporaryDirectory() as folder:
                example = subprocess.run([sys.executable, ROOT / "python/examples/convert_digits.py", "--quantizer", quantizer],
                                         check=True, capture_output=True, text=True)
                import json
                self.assertEqual(json.loads(example.stdout)["answers"], self.answers(quantizer, folder))

    def test_what_cannot_be_converted_is_an_error(self):
        try:
            import torch
        except ImportError:
            self.skipTest("torch is not installed")
        import flare.torch as ft
        model = torch.nn.Sequential(torch.nn.Linear(8, 8), torch.nn.ReLU())
        with self.assertRaises(KeyError):
            ft.convert(model, {"2": ft.Setting("int8")})
        with self.assertRaises(TypeError):
            ft.convert(model, {"1": ft.Setting("int8")})
        with self.assertRaises(ValueError):
            ft.convert(model, {"0": ft.Setting("emsbq")})
        noisy = ft.convert(model, {"0": ft.Setting("int8")})
        x = torch.randn(2, 3, 8)
        with torch.no_grad():
            self.assertLess((noisy(x) - model(x)).abs().max().item(), 0.1)
        with self.assertRaises(RuntimeError):
            noisy(x.requires_grad_())


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
