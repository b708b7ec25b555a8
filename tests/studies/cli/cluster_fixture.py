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

# Four of its levels have too little for an answer at first, and are asked again.
AGAIN = COLUMN.replace("budget = 3000", "budget = 960")

# A source beyond a limit at three temperatures, each with its rare-event estimate.
CIRCUIT_NETLIST = """a source within its tolerance
v1 a 0 0
r1 a 0 1k
.end
"""
CIRCUIT = """
seed = 3
[circuit]
netlist = "source.cir"
analysis = "operating_point"
[[measure]]
name = "v"
vector = "v(a)"
[failing]
measure = "v"
above = "13 mV"
[[variation]]
parameter = "dc"
devices = "v1"
sigma = "0.003"
[corners]
process = ["tt"]
supply = ["0.9 V"]
temperature = ["-40 degC", "27 degC", "125 degC"]
[estimator]
budget = 2000
runs = 50
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
        (self.folder / "circuit.toml").write_text(CIRCUIT)
        (self.folder / "source.cir").write_text(CIRCUIT_NETLIST)

    def run_flare(self, *words, launcher=(), expect=0, env=None):
        done = subprocess.run([*launcher, FLARE, *map(str, words)], cwd=self.folder, capture_output=True, text=True,
                              timeout=300, env={**os.environ, **(env or {})})
        if expect is not None:
            self.assertEqual(done.returncode, expect, done.stdout + done.stderr)
        return done

    def alone(self, name="alone.h5", study="column.toml"):
        """The study run by one worker, without anybody else."""
        self.run_flare("run", self.folder / study, "-j1", "-o", name)
        return self.folder / name

    def assert_same(self, a, b):
        self.assertEqual(differences(self.folder / a, self.folder / b), [])


def main():
    unittest.main(argv=[sys.argv[0], "-v", *sys.argv[1:]])
