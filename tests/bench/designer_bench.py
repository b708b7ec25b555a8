#!/usr/bin/python3
"""What sharing saves: one study with several specs beside a study a spec, a sweep beside a study a point.

    designer_bench.py FLARE      the built program; prints runs that were simulated and seconds, one worker
"""
import pathlib
import re
import subprocess
import sys
import tempfile
import time

import h5py

ROOT = pathlib.Path(__file__).resolve().parents[2]
FLARE = str(pathlib.Path(sys.argv[1]).resolve())
SPECS = {"30 mV": "300 mV", "20 mV": "320 mV", "10 mV": "340 mV"}


def timed(folder, text, name):
    """Seconds of a study, and the runs its result holds (those of a sweep's points that were shared count once a point)."""
    (folder / f"{name}.toml").write_text(text)
    begun = time.monotonic()
    made = subprocess.run([FLARE, "run", f"{name}.toml", "-o", f"{name}.h5", "-j", "1", "--fresh"], cwd=folder, capture_output=True,
                          text=True, check=False)
    if made.returncode != 0:
        raise RuntimeError(made.stdout + made.stderr)
    seconds, runs = time.monotonic() - begun, 0
    with h5py.File(folder / f"{name}.h5") as file:
        groups = []
        file.visititems(lambda path, node: groups.append(node) if path.endswith("/runs") else None)
        runs = sum(len(group) for group in groups)
    return seconds, runs


def main():
    base = (ROOT / "studies/gallery/inverter_trip.toml").read_text().replace("../../netlists", str(ROOT / "netlists"))
    before, after = re.split(r"\[\[spec\]\].*?(?=\[\[variation\]\])", base, maxsplit=1, flags=re.S)
    spec = '[[spec]]\nname = "least {0}"\nmeasure = "trip"\nmin = "{1}"\n\n'
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        together = timed(folder, before + "".join(spec.format(*s) for s in SPECS.items()) + after, "together")
        alone = [timed(folder, before + spec.format(*s) + after, f"alone{i}") for i, s in enumerate(SPECS.items())]
        print("three limits of one measure")
        print(f"  one study     {together[1]:6d} runs  {together[0]:6.1f} s")
        print(f"  three studies {sum(a[1] for a in alone):6d} runs  {sum(a[0] for a in alone):6.1f} s")
        # The measure's limit is no part of the circuit: the plain samples of all points are the same runs.
        first = spec.format("limit", "300 mV")
        swept = timed(folder, before + first + '[[sweep]]\nkey = "spec[0].min"\nvalues = ["300 mV", "320 mV", "340 mV"]\n\n' + after, "swept")
        repeated = [timed(folder, before + spec.format("limit", s) + after, f"repeated{i}") for i, s in enumerate(SPECS.values())]
        print("a limit swept over three values")
        print(f"  one sweep     {'':6s}       {swept[0]:6.1f} s")
        print(f"  three studies {sum(r[1] for r in repeated):6d} runs  {sum(r[0] for r in repeated):6.1f} s")


if __name__ == "__main__":
    main()
