"""What tests of ranks, shards and batch systems share: a small study, the built program, results compared bit for bit."""

import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import h5py
import numpy

ROOT = Path(__file__).resolve().parents[3]
# The build's bin folder, as ctest says it.
BIN = Path(os.environ.get("FLARE_BIN", ROOT / "build/release/bin"))
FLARE = str(BIN / "flare")

# One SAWL at two corners: screening, levels, tails; some 1,500 runs of 2.5 ms.
COLUMN = f"""
title = "a small column"
seed = 5
[technology]
cards = "{ROOT}/netlists/cards/cmos28.lib"
[column]
cell = "sram8t"
sawl = [2]
swing = "0.4 V"
timing = "tracking"
[[variation]]
parameter = "vth"
pelgrom = "2.4 mV um"
[corners]
process = ["tt", "ss"]
supply = ["0.9 V"]
temperature = ["27 degC"]
nominal = "tt 0.9 V 27 degC"
full = 1
[[converter]]
name = "flash"
kind = "ideal"
offset_sigma = "0.03 step"
[estimator]
method = "auto"
runs = 20
budget = 3000
accuracy = "0.3 sigma"
"""

# A divider whose output falls below a limit: three corners, each with its rare-event estimate.
CIRCUIT_NETLIST = """* divider
.param vdd=1
v1 in 0 {vdd}
r1 in out 1k
r2 out 0 1k
"""
CIRCUIT = """
title = "a divider"
seed = 3
[circuit]
netlist = "divider.cir"
supply = "vdd"
analysis = "op"
[[variation]]
devices = ["r1", "r2"]
parameter = "resistance"
sigma = "3 %"
[corners]
process = [""]
supply = ["0.9 V", "1 V", "1.1 V"]
temperature = ["27 degC"]
"""


def differences(a, b):
    """Paths at which two result files differ, times and versions of writing aside."""
    found = []
    with h5py.File(a) as left, h5py.File(b) as right:
        paths = [set(), set()]
        for names, file in zip(paths, (left, right)):
            file.visititems(lambda name, item, names=names: names.add(name))
        found += sorted(paths[0] ^ paths[1])
        for path in sorted(paths[0] & paths[1]):
            if isinstance(left[path], h5py.Dataset) and not same_bits(left[path][()], right[path][()]):
                found.append(path)
    return found


def same_bits(a, b):
    a, b = numpy.asarray(a), numpy.asarray(b)
    if a.dtype != b.dtype or a.shape != b.shape:
        return False
    if a.dtype.names:
        return all(same_bits(a[name], b[name]) for name in a.dtype.names)
    if a.dtype.kind == "O":
        return all(bytes(x) == bytes(y) for x, y in zip(a.ravel(), b.ravel()))
    return a.tobytes() == b.tobytes()


class ClusterTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="flare_cluster_")
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        (self.folder / "column.toml").write_text(COLUMN)

    def run_flare(self, *words, launcher=(), expect=0, env=None):
        done = subprocess.run([*launcher, FLARE, *map(str, words)], cwd=self.folder, capture_output=True, text=True,
                              timeout=300, env={**os.environ, **(env or {})})
        if expect is not None:
            self.assertEqual(done.returncode, expect, done.stdout + done.stderr)
        return done

    def alone(self, name="alone.h5"):
        """The study run by one worker, without anybody else."""
        self.run_flare("run", "column.toml", "-j1", "-o", name)
        return self.folder / name

    def assert_same(self, a, b):
        self.assertEqual(differences(self.folder / a, self.folder / b), [])


def main():
    unittest.main(argv=[sys.argv[0], "-v", *sys.argv[1:]])
