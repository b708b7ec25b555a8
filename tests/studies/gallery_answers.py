#!/usr/bin/python3
"""Results of the gallery against answers that were obtained in another way.

    gallery_answers.py FOLDER      with NAME.h5 of the gallery's studies and pick_sawl_quick.h5; status 1 where one differs
"""
import math
import pathlib
import re
import subprocess
import sys
import tempfile
from statistics import NormalDist

import h5py

FOLDER = pathlib.Path(sys.argv[1])
ROOT = pathlib.Path(__file__).resolve().parents[2]
BOLTZMANN = 1.380649e-23


def rows(name, table):
    with h5py.File(FOLDER / f"{name}.h5") as file:
        return file[table][()]


def sigma_of(p):
    return -NormalDist().inv_cdf(p)


def close(what, found, low, high, expected, besides=0.0):
    """Whether `expected` lies in the 95 % interval, widened by half of it: of two dozen intervals one misses by chance."""
    slack = 0.5 * (high - low) + besides
    right = low - slack <= expected <= high + slack
    print(f"{'ok   ' if right else 'WRONG'} {what}: {found:.6g} [{low:.6g}, {high:.6g}], expected {expected:.6g}")
    return right


def spec(name, spec_name=None):
    for row in rows(name, "specs"):
        if spec_name is None or row["spec"].decode() == spec_name:
            return row
    raise KeyError(spec_name)


def lognormal_corner():
    # 1 / (2 pi R C) is lognormal with 5 %; the limits are 5.75 and 5.25 sigma away.
    tail = NormalDist().cdf
    exact = sigma_of(tail(-math.log(1 / 0.75) / 0.05) + tail(-math.log(1.3) / 0.05))
    row, limit = spec("rc_corner"), rows("rc_corner", "limits")[0]
    # What interpolation between 100 points a decade leaves is below both slacks.
    return [close("corner of an RC", row["sigma"], row["sigma_low"], row["sigma_high"], exact, 0.005),
            close("the lowest that holds 4 sigma, kHz", limit["limit"] / 1e3, limit["limit_low"] / 1e3, limit["limit_high"] / 1e3,
                  1e3 * math.exp(-0.2), 0.1)]


def noise_of_a_capacitor():
    # sqrt(k T / C) with a lognormal C of 3 %; the netlist's C is 159.155 pF.
    row = spec("ktc_noise")
    nominal = math.sqrt(BOLTZMANN * 300.15 / 159.155e-12)
    exact = 2 * math.log(row["max"] / nominal) / 0.03
    return [close("kT/C noise", row["sigma"], row["sigma_low"], row["sigma_high"], exact, 0.005)]


def read_stack_is_the_column():
    # One level as a plain netlist against the study of the whole column at the same corner.
    row = spec("read_stack")
    column = [r for r in rows("pick_sawl_quick", "verdict") if r["sawl"] == 8][0]
    return [close("read stack", row["sigma"], row["sigma_low"], row["sigma_high"], column["sigma"],
                  0.5 * (column["sigma_high"] - column["sigma_low"]) + 0.02)]


def a_sweeps_point_is_its_study():
    row = spec("inverter_trip")
    points, answers = rows("inverter_sweep", "sweep/points"), rows("inverter_sweep", "sweep/answers")
    found = []
    for point in points:
        if point["technology.parameters.wn"] != 120 or point["corners.supply"] != 0.9:
            continue
        answer = [a for a in answers if a["point"] == point["point"]][0]
        found.append(close("inverter in the sweep", answer["sigma"], answer["sigma_low"], answer["sigma_high"], row["sigma"], 0.02))
    return found


def spread(name, circuit, expected, what):
    """Of the samples' first measure, in the unit that `expected` has, with the limits of a standard deviation (chi-square)."""
    with h5py.File(FOLDER / f"{name}.h5") as file:
        values = [float(row[0]) for row in file[f"points/{circuit}/tt_0.90V_27C/samples/measures"][()]]
    freedom = len(values) - 1
    mean = sum(values) / len(values)
    sigma = math.sqrt(sum((x - mean) ** 2 for x in values) / freedom)
    # Wilson and Hilferty's cube root of chi-square.
    low, high = (math.sqrt(1 / (1 - 2 / (9 * freedom) + z * math.sqrt(2 / (9 * freedom))) ** 3) for z in (1.96, -1.96))
    return [close(what, sigma, sigma * low, sigma * high, expected)]


def comparator_is_the_converters():
    # Offsets searched by halving against those of converters.toml at the same input level of 0.525 V, 8.8 mV, by a secant
    # through the differential output.
    return spread("comparator", "strongarm_offset", 8.8e-3, "sigma of a comparator's offset, V")


def first_order(bench, output, areas, source=None):
    """Spread of an output from central differences over a small part of a sigma of each device's threshold and mobility, under
    plain ngspice; with a source that of the voltage which takes the output back. Areas in um2."""
    part = 0.05
    def both_ways(word, low, high, nominal):
        return [*(line for value in (high, low) for line in (f"alter {word}={value!r}", "op", f"print {output}")), f"alter {word}={nominal!r}"]

    commands = ["op"]
    for device, area in areas.items():
        for parameter, nominal, sigma in (("delvto", 0.0, 1.3e-3 / math.sqrt(area)), ("mulu0", 1.0, 0.7e-2 / math.sqrt(area))):
            commands += both_ways(f"@{device}[{parameter}]", nominal - part * sigma, nominal + part * sigma, nominal)
    if source:
        commands += both_ways(source, -1e-4, 1e-4, 0.0)
    netlist = (ROOT / f"netlists/benches/{bench}.cir").read_text().replace("../cards", str(ROOT / "netlists/cards"))
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "bench.cir"
        path.write_text(netlist.replace(".end\n", ".control\n" + "\n".join(commands) + "\nquit\n.endc\n.end\n"))
        printed = subprocess.run(["ngspice", "-b", str(path)], capture_output=True, text=True, check=False).stdout
    values = [float(x) for x in re.findall(re.escape(output) + r" = (\S+)", printed)]
    halves = [(high - low) / 2 for high, low in zip(values[::2], values[1::2])]
    slope = halves.pop() / 1e-4 if source else 1.0
    return math.sqrt(sum(h * h for h in halves)) / abs(part * slope)


def mirror_and_amplifier_are_the_sums_of_their_sensitivities():
    mirror = first_order("mirror", "i(vout)", {"m1": 0.2, "m2": 0.2})
    pair, load, tail = 8 * 0.12, 4 * 0.12, 4 * 0.12
    offset = first_order("ota", "v(out,x)", {"mip": pair, "min": pair, "mlp": load, "mln": load, "mb": tail, "mt": tail}, "vos")
    return (spread("mirror", "mirror", mirror, "sigma of a mirror's current, A")
            + spread("ota_offset", "ota", offset, "sigma of an OTA's offset, V"))


def main():
    right = (lognormal_corner() + noise_of_a_capacitor() + read_stack_is_the_column() + a_sweeps_point_is_its_study()
             + comparator_is_the_converters() + mirror_and_amplifier_are_the_sums_of_their_sensitivities())
    return 0 if len(right) == 8 and all(right) else 1


if __name__ == "__main__":
    sys.exit(main())
