#!/usr/bin/python3
"""The native module against numpy and against the program: exact products, the same draws, the same answers.

    PYTHONPATH=build/release/python tests/studies/python/native_test.py FLARE ARRAY_DRAWS ROOT
"""
import importlib.util
import json
import pathlib
import subprocess
import sys
import tempfile
import threading
import unittest

import h5py
import numpy as np

import flare
from flare.arrays import Array, ErrorModel, repeat_seed

FLARE, DRAWS, ROOT = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])


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
                     lambda: array.matmul(x.astype(np.int64) + 2**40)):
            with self.assertRaises((ValueError, RuntimeError)):
                call()
        for call in (lambda: array.matmul(x + 0.5), lambda: array.matmul(x, errors="none"), lambda: Array(w > 0)):
            with self.assertRaises(TypeError):
                call()

    def test_inputs_are_read_where_they_lie(self):
        """Other types of whole numbers, columns of a larger array: the same product; nothing that is given is changed."""
        w, x = operands()
        expected = x.astype(np.int64) @ w
        wide = np.ascontiguousarray(np.repeat(x, 2, axis=1))[:, ::2]
        for given in (x.astype(np.int8), x.astype(np.int64), np.asfortranarray(x), wide):
            self.assertTrue((Array(w).matmul(given)[0] == expected).all())
        x.flags.writeable = False
        y, _ = Array(w).matmul(x)
        self.assertTrue(y.dtype == np.int64 and y.flags.c_contiguous and not y.flags.owndata)

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


class Bits(unittest.TestCase):
    def test_python_draws_what_the_program_draws(self):
        """40,000 outputs of the C++ array (array_draws.cpp), bit for bit."""
        expected = np.array(subprocess.run([DRAWS], check=True, capture_output=True, text=True).stdout.split(), dtype=np.int64)
        errors = ErrorModel.from_matrix([[0.9, 0.08, 0.02], [0.15, 0.8, 0.05], [0.01, 0.09, 0.9]])
        array = Array([[3], [-4], [1], [2], [-1]], bits=3, sawl=2, packing="fixed", slice_length=2)
        x = np.repeat([[2, -3, 3, -4, 1]], len(expected), axis=0)
        for threads in (1, 2):
            y, _ = array.matmul(x, bits=3, errors=errors, seed=5, threads=threads)
            self.assertTrue((y[:, 0] == expected).all())
        self.assertGreater(len(set(expected)), 20)


class Models(unittest.TestCase):
    def test_a_confusion_matrix_is_a_view_of_the_models(self):
        m = ErrorModel.neighbour(4, 0.1)
        self.assertEqual(m.confusion.shape, (5, 5))
        self.assertTrue(np.allclose(m.confusion.sum(1), 1))
        self.assertAlmostEqual(m.largest_error_rate, 0.1)
        self.assertFalse(m.confusion.flags.owndata or m.confusion.flags.writeable)
        kept = ErrorModel.gaussian(8, cells=0.1).confusion
        self.assertAlmostEqual(kept[0].sum(), 1)
        self.assertNotEqual(repeat_seed(1, 0), repeat_seed(1, 1))

    def test_wrong_models_are_refused(self):
        for call in (lambda: ErrorModel.neighbour(8, 1.5), lambda: ErrorModel.neighbour(0, 0.1),
                     lambda: ErrorModel.gaussian(8, cells=-1), lambda: ErrorModel.from_file("nowhere.csv"),
                     lambda: ErrorModel.from_matrix([[0.9, 0.2], [0.1, 0.9]]), lambda: ErrorModel.from_file("nowhere.h5")):
            with self.assertRaises((ValueError, RuntimeError)):
                call()

    def test_a_model_of_the_package_errs_alike(self):
        """The rate of wrong reads is the confusion matrix's, whichever class holds it."""
        matrix = np.array([[0.98, 0.02, 0], [0.01, 0.98, 0.01], [0, 0.02, 0.98]])
        w, x = operands()
        array = Array(w, sawl=2)
        plain = array.matmul(x, errors=flare.ErrorModel(matrix), seed=9)
        own = array.matmul(x, errors=ErrorModel.from_matrix(matrix), seed=9)
        self.assertTrue((plain[0] == own[0]).all())
        self.assertGreater(plain[1]["wrong_reads"], 0)


@unittest.skipUnless(importlib.util.find_spec("torch"), "torch is not installed")
class Torch(unittest.TestCase):
    def reproduces(self, *options):
        """The example's answers, and its accuracy, are those of the command that it prints."""
        example = subprocess.run([sys.executable, ROOT / "studies/python/examples/convert_digits.py", *options],
                                 check=True, capture_output=True, text=True).stdout.splitlines()
        said, command = json.loads(example[0]), example[1].split()[2:]
        with tempfile.TemporaryDirectory() as folder:
            out = pathlib.Path(folder) / "accuracy.h5"
            subprocess.run([FLARE, "accuracy", *command, "-o", out], check=True, capture_output=True, cwd=ROOT)
            with h5py.File(out) as file:
                answers, table = file["answers"][:], file["accuracy"][:]
        self.assertEqual(said["answers"], answers["answer"][answers["mode"] == command[command.index("--modes") + 1].encode()].tolist())
        self.assertEqual(said["accuracy"], table["accuracy_mean"][-1])

    def test_the_example_reproduces_the_program(self):
        self.reproduces()

    def test_and_in_int8_on_a_die_with_the_feed_forward_part_on_arrays(self):
        self.reproduces("--quantizer", "int8", "--mode", "die", "--feed-forward")

    def test_what_cannot_be_converted_is_an_error(self):
        import torch
        import flare.torch as ft
        model = torch.nn.Sequential(torch.nn.Linear(8, 8), torch.nn.ReLU())
        with self.assertRaisesRegex(KeyError, "no layer matches 2"):
            ft.convert(model, {"2": ft.Setting("int8")})
        with self.assertRaisesRegex(TypeError, "ReLU"):
            ft.convert(model, {"1": ft.Setting("int8")})
        with self.assertRaisesRegex(ValueError, "calibration"):
            ft.convert(model, {"0": ft.Setting("emsbq")})
        with self.assertRaisesRegex(ValueError, "unknown setting"):
            ft.convert(model, {"0": ft.Setting("int8", options={"bits": 4})})
        noisy = ft.convert(model, {"0": ft.Setting("int8")}, tokens=3)
        x = torch.randn(2, 3, 8)
        with torch.no_grad():
            self.assertLess((noisy(x) - model(x)).abs().max().item(), 0.1)
            with self.assertRaisesRegex(ValueError, "not finite"):
                noisy(x * float("nan"))
            with self.assertRaisesRegex(ValueError, "4 tokens"):
                noisy(torch.randn(2, 4, 8))
        with self.assertRaisesRegex(RuntimeError, "no_grad"):
            noisy(x.requires_grad_())

    def test_torchs_own_encoder_is_converted(self):
        """Float attention is torch's; errors change it, by example and not by batch."""
        import torch
        import flare.torch as ft
        torch.manual_seed(2)
        layer = torch.nn.TransformerEncoderLayer(16, 2, 32, batch_first=True)
        model, x = torch.nn.TransformerEncoder(layer, 2).eval(), torch.randn(4, 5, 16)
        with torch.no_grad():
            same = ft.convert(model, {"layers.*.self_attn": ft.Setting("float")}, tokens=5)
            self.assertLess((same(x) - model(x)).abs().max().item(), 1e-4)
            setting = ft.Setting("emsbq", ErrorModel.neighbour(8, 0.01))
            noisy = ft.convert(model, {"layers.*.self_attn": setting, "layers.*.linear?": setting}, calibration=x, tokens=5)
            whole = noisy(x)
            ft.reset(noisy)
            parts = torch.cat([noisy(x[:1]), noisy(x[1:])])
            self.assertTrue(torch.equal(whole, parts))
            self.assertFalse(torch.equal(whole, same(x)))
        self.assertGreater(noisy.layers[1].linear1.counters["weights"]["wrong_reads"], 0)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
