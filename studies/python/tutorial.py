"""From a netlist to a network's error, cell by cell (open in an editor that knows `# %%`, or run as a script).

    PYTHONPATH=studies/python python3 studies/python/tutorial.py build/release/bin/flare
"""
# %% A circuit: an inverter of 28 nm, and the input at which it trips.
import pathlib
import subprocess
import sys

import numpy as np

import flare

program = sys.argv[1] if len(sys.argv) > 1 else "flare"
root = pathlib.Path(__file__).resolve().parents[2]
study = root / "studies/gallery/inverter_trip.toml"
subprocess.run([program, "run", study, "-o", "inverter.h5", "--set", "estimator.runs=60"], check=True,
               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

# %% Its verdict: a row a spec, with the 95 % interval of sigma.
inverter = flare.open("inverter.h5")
row = {name: list(inverter.verdict[name])[0] for name in ("spec", "corner", "sigma", "sigma_low", "sigma_high")}
print(f"{row['spec']} at {row['corner']}: {row['sigma']:.2f} sigma [{row['sigma_low']:.2f}, {row['sigma_high']:.2f}]")

# %% The plain samples: which device moves the trip point? The slope over each variable, in mV a sigma.
group = [g for g in inverter.sample_groups() if g.endswith("/samples")][0]
samples = inverter.samples(group)
names = list(samples.columns) if hasattr(samples, "columns") else list(samples.dtype.names)
variables = [n for n in names if n.endswith((".vth", ".beta"))]
points = np.column_stack([np.asarray(samples[v], dtype=float) for v in variables])
trip = np.asarray(samples["trip"], dtype=float)
slopes, *_ = np.linalg.lstsq(np.column_stack([points, np.ones(len(trip))]), trip, rcond=None)
for variable, slope in sorted(zip(variables, slopes), key=lambda s: -abs(s[1]))[:4]:
    print(f"  {variable:16s} {1e3 * slope:7.3f} mV")

# %% A column read by an error model: eight rows at once, one read of fifty wrong by a code.
rate = 0.02
confusion = np.eye(9) * (1 - rate)
for k in range(9):
    for neighbour in (k - 1, k + 1):
        confusion[k, 1 if neighbour < 0 else 7 if neighbour > 8 else neighbour] += rate / 2
model = flare.ErrorModel(confusion)
print(f"{model}: {model.error_rates().max():.3f} wrong codes per read")

# %% And a product through arrays that read so.
rng = np.random.default_rng(1)
x, w = rng.integers(-128, 128, (16, 64)), rng.integers(-128, 128, (64, 16))
noisy = flare.noisy_matmul(x, w, model, rng=2)
print(f"relative error of a product: {np.linalg.norm(noisy - x @ w) / np.linalg.norm(x @ w):.3f}")
