#!/usr/bin/python3
"""Time to the answer: the 16 tails of the shipped SAWL 8 column at its worst corner, three ways in one run.

    time_to_answer.py [--flare build/release/bin/flare] [--subset-tails N] [--form-tails N] [--reference-cov C]

(a) `flare run` of that corner, cold, two workers, +-0.1 sigma: timing, nominal levels, plain samples and tails.
(b) one ngspice process kept alive (alter, tran, meas), driven by OpenTURNS' FORM importance sampling, each tail by itself.
(c) the same process driven by its subset simulation, 1,000 points a level, each tail by itself.

(b) and (c) simulate the netlist that `flare check --netlists` writes, with the pulse of the corner, the integration options of
(a) and the same 34 mismatch variables; the comparator's offset is one more. That it is the same circuit is checked on plain
samples of (a)'s result file. In favour of (b), gradients are differences over 0.1 sigma (OpenTURNS' own step of 1e-5 drowns in
the simulator's noise) and the search for the design point ends at an accuracy of 0.01.

The reference of a tail is importance sampling at (b)'s design point to a small coefficient of variation: near one plane,
which these tails are, the truth. "outside": the two intervals exclude each other. What was not
measured but extrapolated is marked with ~. Times are wall clock / processor time, s.
"""
import argparse
import math
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
import tomllib
from pathlib import Path

import h5py
import numpy as np
import openturns as ot

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/analysis/rare_event"))
import openturns_peers as peers  # noqa: E402

CORNER = {"process": "ss", "supply": "0.81 V", "temperature": "-40 degC"}
OPTIONS = "temp=-40 reltol=1e-3 chgtol=1e-14 trtol=0.04 method=trap bypass=0 noinit"  # the engine's own
SIZES = {"xpre.mp": (1.0, 0.03), "ma": (0.45, 0.25), "md": (0.35, 0.25)}  # um, of the netlist
EDGE = 20e-12  # of the word-line pulse
HALF_WIDTH = 0.1  # sigma, of the 95 % intervals


def toml_value(value):
    if isinstance(value, list):
        return "[" + ", ".join(toml_value(v) for v in value) + "]"
    return f'"{value}"' if isinstance(value, str) else str(value)


def one_corner_study():
    """The shipped study, SAWL 8, the worst corner, one converter."""
    shipped = tomllib.loads((ROOT / "studies/pick_sawl.toml").read_text())
    shipped["technology"]["cards"] = str((ROOT / "studies" / shipped["technology"]["cards"]).resolve())
    shipped["column"]["sawl"] = [8]
    shipped["corners"] = {name: [value] for name, value in CORNER.items()}
    shipped["corners"]["nominal"] = " ".join(CORNER.values())
    shipped["estimator"]["accuracy"] = f"{HALF_WIDTH} sigma"
    shipped["converter"] = shipped["converter"][:1]
    lines = [f"seed = {shipped['seed']}"]
    for name in ("technology", "column", "variation", "corners", "converter", "estimator"):
        tables = shipped[name] if isinstance(shipped[name], list) else [shipped[name]]
        for table in tables:
            lines.append(f"[[{name}]]" if isinstance(shipped[name], list) else f"[{name}]")
            lines += [f"{key} = {toml_value(value)}" for key, value in table.items()]
    return "\n".join(lines) + "\n"


def children_seconds():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def run_flare(flare, folder):
    """Wall and processor seconds, what it printed about its stages, and the result file."""
    study, result = folder / "corner.toml", folder / "corner.h5"
    study.write_text(one_corner_study())
    wall, cpu = time.perf_counter(), children_seconds()
    run = subprocess.run([flare, "run", study, "-o", result, "-j", "2", "--fresh"], check=True, text=True,
                         capture_output=True)
    took = time.perf_counter() - wall, children_seconds() - cpu
    subprocess.run([flare, "check", study, "--netlists", folder], check=True, capture_output=True)
    stages = re.findall(r"^([a-z ]+): (\d+) runs\s+\((\S+)\)$", run.stderr, re.M)
    return took, stages, result


class Answer:
    """Tails, thresholds and plain samples of (a)."""

    def __init__(self, file):
        with h5py.File(file) as f:
            (point,) = f["points/sram8t/sawl8"].values()
            (model,) = f["error_models/sram8t/sawl8/flash"].values()
            self.tails = point["tails"][:]
            self.thresholds = model["confusion"].attrs["thresholds"]
            self.offset = model["confusion"].attrs["threshold_offset_sigma_step"]
            # Levels in steps of the converter are linear in volts.
            self.to_steps = np.polyfit(point["levels"]["mean"][:], model["confusion"].attrs["level_mean"], 1)
            self.names = list(point["samples/k3/parameters"].attrs["names"])
            self.samples = {k: (point[f"samples/k{k}/parameters"][:], point[f"samples/k{k}/measures"][:, 0])
                            for k in range(9)}
            self.wordline_off = float(f["screening"]["wordline_off"][0])


class Ngspice:
    """One ngspice process on the netlist of level k."""

    def __init__(self, folder, k, answer):
        off = answer.wordline_off
        self.stop = off + 100e-12
        text = (folder / f"sram8t_sawl8_k{k}.cir").read_text()
        text = re.sub(r"(vrwl urwl 0 pwl\(0 0 \S+ 0 \S+ 1) .*", rf"\1 {off!r} 1 {off + EDGE!r} 0)", text)
        text = re.sub(r"^\.options .*", f".options {OPTIONS}", text, flags=re.M)
        text = re.sub(r"^\.(tran|measure|save) .*\n", "", text, flags=re.M)
        netlist = folder / f"loop_k{k}.cir"
        netlist.write_text(text)
        self.settings = [self.knob(name) for name in answer.names]
        self.process = subprocess.Popen(["ngspice", "-p"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL, text=True)
        self.say(f"source {netlist}\nset num_threads=1\nset numdgt=12\nsave v(rbl)\n")
        self.simulations = 0

    @staticmethod
    def knob(name):
        """Device, instance parameter and the law of one standard normal: Pelgrom with the shipped coefficients."""
        device, parameter = name.rsplit(".", 1)
        width, length = SIZES.get(device) or SIZES[device.split(".")[1]]
        area = math.sqrt(width * length)
        if parameter == "vth":
            return f"@m.{device}[delvto]", lambda z: 1.3e-3 / area * z
        return f"@m.{device}[mulu0]", lambda z: math.exp(0.7e-2 / area * z)

    def say(self, text):
        self.process.stdin.write(text)
        self.process.stdin.flush()

    def levels(self, points):
        """Bitline levels, V, at rows of mismatch (sigma). A few at a time: neither pipe fills, and neither side waits long."""
        found = []
        for first in range(0, len(points), 20):
            batch = points[first:first + 20]
            self.say("".join(self.sample(x) for x in batch))
            found += [self.read_level() for _ in batch]
        self.simulations += len(points)
        return np.array(found)

    def sample(self, x):
        text = "".join(f"alter {name}={law(z)!r}\n" for (name, law), z in zip(self.settings, x))
        return (text + f"tran {self.stop / 20!r} {self.stop!r} 0 {self.stop / 20!r}\n"
                f"meas tran level find v(rbl) at={self.stop * (1 - 1e-6)!r}\necho LEVEL $&level\ndestroy all\n")

    def read_level(self):
        for line in self.process.stdout:
            if (found := re.match(r".*LEVEL (\S+)", line)):
                return float(found[1])
        raise RuntimeError("ngspice ended")

    def cpu(self):
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def close(self):
        self.say("quit\n")
        self.process.wait()


class TailMargin:
    """Steps between the level with the comparator's offset and the threshold of one tail."""

    def __init__(self, ngspice, tail, answer):
        self.dimension = len(answer.names) + 1
        self.ngspice, self.answer = ngspice, answer
        k, up = int(tail["k"]), tail["direction"] == b"up"
        self.threshold = answer.thresholds[k if up else k - 1]
        self.sign = 1.0 if up else -1.0

    def __call__(self, points):
        points = np.asarray(points)
        steps = np.polyval(self.answer.to_steps, self.ngspice.levels(points[:, :-1]))
        return (self.sign * (self.threshold - steps - self.answer.offset * points[:, -1])).reshape(-1, 1)


def check_same_circuit(ngspice, k, answer, count=5):
    """Largest difference of a level between (a) and the loop, V. A circuit that is not the same is an error."""
    x, levels = answer.samples[k]
    worst = np.max(np.abs(ngspice.levels(x[:count]) - levels[:count]))
    if worst > 1e-5:
        raise SystemExit(f"k={k}: the loop's level is {worst:.3g} V from the study's; not the same circuit")
    return worst


def event_of(margin):
    event = peers.event_of(margin)
    function = event.getFunction()
    steps = ot.Point([0.1] * margin.dimension)
    function.setGradient(ot.NonCenteredFiniteDifferenceGradient(steps, function.getEvaluation()))
    output = ot.CompositeRandomVector(function, event.getAntecedent())
    return ot.ThresholdEvent(output, ot.LessOrEqual(), 0.0)


def design_point(margin):
    """FORM's result."""
    search = ot.AbdoRackwitz()
    search.setMaximumAbsoluteError(1e-2)
    search.setMaximumRelativeError(1e-2)
    search.setMaximumResidualError(1e-2)
    search.setMaximumConstraintError(1e-2)
    form = ot.FORM(search, event_of(margin), [0.0] * margin.dimension)
    form.run()
    return form.getResult()


def sampled(sampling):
    sampling.run()
    result = sampling.getResult()
    return {"p": result.getProbabilityEstimate(), "half": 0.5 * result.getConfidenceLength(0.95)}


def around(point, cov):
    return sampled(peers.stopping_at(ot.PostAnalyticalImportanceSampling(point), cov))


def clocks(ngspice):
    return {"runs": ngspice.simulations, "wall": time.perf_counter(), "simulator": ngspice.cpu(),
            "cpu": ngspice.cpu() + time.process_time()}


def spent(ngspice, before):
    """Simulations, wall, simulator and processor seconds since then."""
    return {name: now - before[name] for name, now in clocks(ngspice).items()}


def form_answer(ngspice, margin, tail, arguments):
    """(b) and the reference."""
    before = clocks(ngspice)
    point = design_point(margin)
    row = {"form": around(point, cov_of(tail["sigma"]))}
    row["form"].update(spent(ngspice, before))
    if arguments.reference_cov > 0.0:
        row["reference"] = around(point, arguments.reference_cov)
    return row


def subset_answer(ngspice, margin, tail, arguments):
    """(c)."""
    before = clocks(ngspice)
    row = {"subset": sampled(peers.METHODS["subset"](event_of(margin), margin.dimension, 0.0))}
    row["subset"].update(spent(ngspice, before))
    return row


def cov_of(sigma, half_width=HALF_WIDTH):
    """Coefficient of variation of P that is this half-width in sigma: d(ln P) = -hazard d(sigma)."""
    hazard = math.exp(-0.5 * sigma**2 - 0.5 * math.log(2.0 * math.pi)) / ot.Normal().computeComplementaryCDF(sigma)
    return half_width / 1.96 * hazard


def sigma_of(p):
    """-Phi^-1(p) by bisection of ln Q, which holds beyond 8 sigma."""
    low, high = -5.0, 38.0
    for _ in range(80):
        mid = 0.5 * (low + high)
        low, high = (mid, high) if ot.Normal().computeComplementaryCDF(mid) > p else (low, mid)
    return low


def interval(result):
    """sigma of P and the ends of its 95 % interval."""
    p, half = result["p"], result["half"]
    return sigma_of(p), sigma_of(p + half), sigma_of(p - half) if p > half else math.inf


def told(result, reference=None):
    """In sigma; with how far from the reference, and whether the two intervals exclude each other."""
    if not result["p"] > 0.0:
        return "P = 0"
    sigma, low, high = interval(result)
    text = f"{sigma:7.3f} [{low:7.3f}, {high:7.3f}]"
    if reference is not None:
        at, from_, to = interval(reference)
        text += f" {sigma - at:+.3f}" + (" outside" if low > to or high < from_ else "")
    return text


def stage_report(took, stages, answer):
    runs = sum(int(count) for _, count, _ in stages)
    print(f"(a) flare, two workers: {took[0]:.1f} s wall, {took[1]:.1f} s processor, {runs} runs, "
          f"{1e3 * took[1] / runs:.2f} ms of processor a run, all {len(answer.tails)} tails")
    for name, count, ended in stages:  # where the time goes
        print(f"      {name:20} {count:>6} runs, {ended} min:s")


def subset_runs(p):
    """1,000 points a level, a tenth kept: what subset simulation needs for P."""
    return 1000.0 * math.ceil(-math.log10(p))


def measured(folder, answer, row, arguments, method):
    """Adds what a method says about one tail, and what it cost."""
    tail = row["tail"]
    ngspice = Ngspice(folder, int(tail["k"]), answer)
    row["level_error"] = check_same_circuit(ngspice, int(tail["k"]), answer)
    ot.RandomGenerator.SetSeed(1000 + int(tail["k"]))
    try:
        row.update(method(ngspice, TailMargin(ngspice, tail, answer), tail, arguments))
    except Exception as error:  # a method that fails on a tail is part of the answer
        row["failed"] = str(error).split("\n")[0][:90]
    ngspice.close()
    print_row(row)


def measure(folder, answer, arguments):
    rows = [{"tail": tail, "level_error": 0.0} for tail in sorted(answer.tails, key=lambda t: t["sigma"])]
    for row in rows[:arguments.form_tails]:
        measured(folder, answer, row, arguments, form_answer)
    for row in rows[:arguments.subset_tails]:
        measured(folder, answer, row, arguments, subset_answer)
    return rows


def print_row(row):
    tail = row["tail"]
    reference = row.get("reference")
    ours = {"p": tail["p"], "half": 0.5 * (tail["p_high"] - tail["p_low"])}
    print(f"k={tail['k']} {tail['direction'].decode():5} reference "
          + (told(reference) if reference else "-"))
    print(f"    (a) {told(ours, reference)}")
    for key, label in (("form", "(b)"), ("subset", "(c)")):
        if key in row:
            r = row[key]
            print(f"    {label} {told(r, reference)}  {r['runs']} runs, {r['wall']:.1f} s wall, "
                  f"{r['cpu']:.1f} s processor, {100 * r['simulator'] / r['cpu']:.0f} % of it ngspice")
    if "failed" in row:
        print(f"    failed: {row['failed']}")
    sys.stdout.flush()


def total(rows, key, expected_runs):
    """Seconds (wall, processor) of all tails: measured where they are, else runs expected x the time a run took."""
    done = [row[key] for row in rows if key in row]
    if not done:
        return None
    per_run = [sum(r[clock] for r in done) / sum(r["runs"] for r in done) for clock in ("wall", "cpu")]
    missing = sum(expected_runs(row) for row in rows if key not in row)
    sums = [sum(r[clock] for r in done) + missing * rate for clock, rate in zip(("wall", "cpu"), per_run)]
    return sums, per_run, len(done), missing


def summary(took, rows):
    print(f"\nall {len(rows)} tails (~: partly extrapolated)      wall s   processor s   x (a) wall   x (a) processor   ms a run")
    print(f"  (a) flare, 2 workers             {took[0]:12.1f} {took[1]:12.1f}")
    form_runs = np.mean([row["form"]["runs"] for row in rows if "form" in row])
    for key, label, expected in (("form", "(b) FORM importance sampling", lambda row: form_runs),
                                 ("subset", "(c) subset simulation", lambda row: subset_runs(row["tail"]["p"]))):
        found = total(rows, key, expected)
        if not found:
            continue
        (wall, cpu), per_run, done, missing = found
        mark = "~" if missing else " "
        print(f"  {label:32}{mark}{wall:12.1f} {cpu:12.1f} {wall / took[0]:12.1f} {cpu / took[1]:12.1f} {1e3 * per_run[1]:14.2f}"
              f"   {done} tails measured" + (f", {missing:.0f} runs of {len(rows) - done} tails at that rate" if missing else ""))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--flare", default=str(ROOT / "build/release/bin/flare"))
    parser.add_argument("--form-tails", type=int, default=16, help="tails of (b) that are measured, the likely ones first")
    parser.add_argument("--subset-tails", type=int, default=2, help="tails of (c) that are measured")
    parser.add_argument("--reference-cov", type=float, default=0.1, help="of the reference; 0: none")
    arguments = parser.parse_args()
    ot.Log.Show(ot.Log.NONE)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        took, stages, result = run_flare(arguments.flare, folder)
        answer = Answer(result)
        stage_report(took, stages, answer)
        rows = measure(folder, answer, arguments)
    print(f"largest difference of a level between (a) and the loop: {1e3 * max(r['level_error'] for r in rows):.5f} mV")
    summary(took, rows)


if __name__ == "__main__":
    main()
